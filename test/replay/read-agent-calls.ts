import { isJson, jsons, text, type Json } from './json.ts'
import { assembled, hookOf, roomEventOf } from './read-parts.ts'
import { roomNameOf, type Recording, type Unplayable } from './recording.ts'
import { causesOfAgentCall, isRefused } from './right-causes.ts'

/** Recordings of calls that LiveKit makes through Jambonz, whose room the bridge does not know. */
export function recordingsOfAgents (name: string, kind: string, recorded: Json): Array<Recording | Unplayable> {
  const hooks = jsons(recorded['jambonz']).map(request => hookOf(request, () => true))
  if (hooks.length === 0) {
    return [{ name, kind, why: 'nothing', detail: 'Jambonz refused the call before it asked for verbs' }]
  }
  const tokens = isJson(recorded['tokens']) ? Object.values(recorded['tokens']).map(text) : []
  const roomEvents = jsons(recorded['livekit']).flatMap(roomEventOf)
    .filter(({ body }) => tokens.some(token => token && roomNameOf(body)?.endsWith(token)))
  const base = assembled(name, kind, recorded, hooks, roomEvents)
  const causes = base.causes.length > 0 ? base.causes : causesOfAgentCall({ hooks })
  return [{
    ...base,
    causes,
    dialled: [],
    callsRefused: isRefused(hooks),
    unfinished: false,
    missing: base.missing.filter(what => what !== 'causes' && what !== 'the end of the call')
  }]
}
