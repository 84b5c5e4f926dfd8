import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { isJson, jsons, text, type Json } from './json.ts'
import { hooksOfRequests } from './made-of-requests.ts'
import { hooksOfSip } from './made-of-sip.ts'
import { recordingsOfAgents } from './read-agent-calls.ts'
import { recordingsOfOrders } from './read-orders.ts'
import { assembled, hookOf, isOurs, roomEventOf } from './read-parts.ts'
import { recordingsOfTransfers } from './read-transfers.ts'
import { recordingsOfWarmRooms } from './read-warm.ts'
import { callSidsOf, type Recording, type Unplayable } from './recording.ts'

/** Every recording of a folder, or those of a file, in the order of their names. */
export function readRecordings (path: string): Array<Recording | Unplayable> {
  if (!statSync(path).isDirectory()) return readFile(path)
  return readdirSync(path).filter(file => extname(file) === '.json').sort().flatMap(file => readFile(join(path, file)))
}

/** Reads a file with one call, or the first call of one. */
export function readRecording (file: string): Recording | Unplayable {
  return readFile(file)[0]!
}

/** Reads a file. Never throws for what is in it: whatever cannot be played says why. */
function readFile (file: string): Array<Recording | Unplayable> {
  const name = `${basename(dirname(file))}/${basename(file, '.json')}`
  let recorded: unknown
  try {
    recorded = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return [{ name, kind: 'unknown', why: 'unreadable', detail: (error as Error).message }]
  }
  if (!isJson(recorded)) return [{ name, kind: 'unknown', why: 'unreadable', detail: 'no JSON object' }]
  return recordingsOf(name, recorded)
}

/** Groups of recordings that are calls as this program plays them; the others come with the stages that need them. */
const KNOWN_GROUPS = new Set([
  'jambonz',
  'chain',
  'long',
  'livekit',
  'outbound',
  'livekit-out',
  'auth-trunk',
  'transfer',
  'warm'
])

/** Every call of a file that placed several; otherwise the file is one recording. */
export function recordingsOf (name: string, recorded: Json): Array<Recording | Unplayable> {
  const kind = kindOf(recorded)
  if (kind === 'outbound') return recordingsOfOrders(name, recorded)
  if (kind === 'livekit-out' || kind === 'auth-trunk') return recordingsOfAgents(name, kind, recorded)
  if (kind === 'transfer') return recordingsOfTransfers(name, recorded)
  if (kind === 'warm') return recordingsOfWarmRooms(name, recorded)
  return [recordingOf(name, recorded)]
}

export function recordingOf (name: string, recorded: Json): Recording | Unplayable {
  const unsupported = kindNotSupported(recorded)
  if (unsupported) {
    const detail = `recordings of kind ${unsupported} are not supported yet`
    return { name, kind: unsupported, why: 'unsupported', detail }
  }
  const roomEvents = jsons(recorded['livekit'] ?? recorded['webhooks']).flatMap(roomEventOf)
  const ofJambonz = jsons(recorded['jambonz'] ?? recorded['requests']).map(request => hookOf(request, isOurs))
  if (callSidsOf({ hooks: ofJambonz, orders: [] }).length > 0) {
    const kind = recorded['requests'] ? 'jambonz' : 'chain'
    return assembled(name, kind, recorded, ofJambonz, roomEvents)
  }
  if (ofJambonz.length > 0) {
    return { name, kind: 'chain', why: 'nothing', detail: 'Jambonz asked for no verbs: there is no call hook' }
  }
  const ofSip = hooksOfSip(recorded)
  if (ofSip) return { ...assembled(name, 'livekit', recorded, ofSip, roomEvents), derived: true }
  const ofRequests = hooksOfRequests(recorded, roomEvents)
  if (ofRequests) {
    return {
      ...assembled(name, 'livekit', recorded, ofRequests.hooks, ofRequests.roomEvents),
      derived: true,
      roomMade: true,
      dialled: ofRequests.tokens
    }
  }
  return { name, kind: 'livekit', why: 'nothing', detail: 'no call in it: neither call hook, INVITE nor createRoom' }
}

/** Which of the kinds that are read apart a file is of. */
function kindOf (recorded: Json): string | undefined {
  const group = text(recorded['group'])
  if (group !== undefined) return group
  if (jsons(recorded['ws']).length > 0) return 'ws'
  const [invite] = jsons(recorded['sip']).filter(({ start }) => text(start)?.startsWith('INVITE'))
  if (invite?.['dir'] === '<') return 'livekit-out'
  return jsons(recorded['rest']).length > 0 ? 'outbound' : undefined
}

function kindNotSupported (recorded: Json): string | undefined {
  const kind = kindOf(recorded)
  return kind === undefined || KNOWN_GROUPS.has(kind) ? undefined : kind
}
