import { jsons, number, text, texts, isJson, type Json } from './json.ts'
import { assembled, hookOf, roomArgument, roomEventOf } from './read-parts.ts'
import { isCleanUp } from './read-orders.ts'
import {
  callOf,
  dialledBy,
  roomNameOf,
  type Hook,
  type Recording,
  type RoomEvent,
  type Unplayable,
  type WaitingRoom
} from './recording.ts'
import { causesOfCaller } from './right-causes.ts'

/*
 * Recordings of rooms that their recorder made before their calls, each with an agent that waits in it, and of rooms
 * that it made in the call hook. A file may hold many calls, one after another, or none.
 */

interface RecordedRoom {
  name: string
  madeAt: number
  /** The call hook whose reply dialled the room; undefined: no call came. */
  hook: Hook | undefined
  events: RoomEvent[]
}

export function recordingsOfWarmRooms (name: string, recorded: Json): Array<Recording | Unplayable> {
  const hooks = jsons(recorded['jambonz']).map(request => hookOf(request, () => true))
  const rooms = roomsOf(recorded, hooks)
  if (rooms.length === 0) return [{ name, kind: 'warm', why: 'nothing', detail: 'the recorder made no room' }]

  const parts = rooms.map(partsOf)
  const roomEvents = parts.flatMap(({ rest }) => rest).sort((a, b) => a.at - b.at)
  const base = assembled(name, 'warm', recorded, hooks, roomEvents)
  return [{
    ...base,
    // The recorder made every room itself.
    roomMade: true,
    causesOf: Object.fromEntries(rooms.flatMap(({ hook }, i) => {
      const [callSid, own] = [hook && callOf(hook), hooks.filter(other => hook && callOf(other) === callOf(hook))]
      return callSid === undefined ? [] : [[callSid, causesOfCaller(own, parts[i]!.rest)]]
    })),
    waiting: parts.flatMap(({ waiting }) => waiting ? [waiting] : []),
    missing: base.missing.filter(what => what !== 'causes' && (hooks.length > 0 || what === "LiveKit's webhooks"))
  }]
}

function roomsOf (recorded: Json, hooks: Hook[]): RecordedRoom[] {
  const events = jsons(recorded['livekit']).flatMap(roomEventOf)
  const made = jsons(recorded['api']).filter(({ op }) => op === 'CreateRoom')
  return Object.values(texts(recorded['tokens'])).flatMap(token => {
    const own = events.filter(({ body }) => roomNameOf(body)?.endsWith(token))
    const name = own.map(({ body }) => roomNameOf(body)).find(found => found !== undefined)
    const madeAt = number(made.find(({ args }) => roomArgument(args) === name)?.['at_ms'])
    const hook = hooks.find(({ path, verbs }) =>
      path === '/livekit-api' && verbs.some(verb => dialledBy(verb) === token))
    return name === undefined || madeAt === undefined ? [] : [{ name, madeAt, hook, events: own }]
  })
}

/** What happened in a room while no call had come to it yet, and what happened afterwards. */
function partsOf ({ madeAt, hook, events }: RecordedRoom): { waiting: WaitingRoom | undefined, rest: RoomEvent[] } {
  const calledAt = hook?.at ?? Infinity
  // What came of the recorder's deleting of a room whose call was over does not come of it here.
  const rest = events.filter(event => !isCleanUp(event))
  if (calledAt <= madeAt) return { waiting: undefined, rest }
  return {
    waiting: {
      callSid: hook && callOf(hook),
      events: events.filter(({ at, body }) => at < calledAt && body['event'] !== 'room_started')
        .map(event => ({ ...event, at: event.at - madeAt })),
      agents: events.flatMap(({ body: { event, participant } }) =>
        event === 'participant_joined' && isJson(participant) && participant['kind'] === 'AGENT'
          ? [text(participant['sid']) ?? '']
          : [])
    },
    rest: rest.filter(({ at }) => at >= calledAt)
  }
}
