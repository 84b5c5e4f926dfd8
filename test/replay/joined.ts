import { isJson, text, texts, type Json } from './json.ts'
import { callSidsOf, field, roomNameOf, type Hook, type Recording, type RoomEvent } from './recording.ts'

/** Between the host's talk and the adding of somebody, milliseconds. */
const PAUSE_MS = 200

/**
 * The call of an agent that adds somebody, in the room of a call that is connected: the recorded call happens in the
 * middle of the host's, and its participant joins the host's room instead of the recorder's own.
 *
 * @param host a recording of a whole call, which is connected and ends by itself
 */
export function joinedTo (recording: Recording, host: Recording): Recording {
  const middle = endOfTalk(host)
  const first = Math.min(...recording.hooks.map(({ at }) => at))
  const offset = middle + PAUSE_MS - first
  const length = Math.max(...recording.hooks.map(({ at }) => at)) - first + 2 * PAUSE_MS
  const added = recording.roomEvents.filter(isOfCallee)
  const later = <T extends { at: number }>(items: T[]): T[] =>
    items.map(item => item.at < middle ? item : { ...item, at: item.at + length })
  const room = nameOfRoom(host)
  const [agentCall] = callSidsOf(recording)
  const [hostCall] = callSidsOf(host)
  return {
    ...host,
    name: `${recording.name}, in the room of ${host.name}`,
    says: recording.says,
    causesOf: { [agentCall!]: recording.causes },
    joins: isKnowable(recording) ? { [agentCall!]: hostCall! } : {},
    hosts: [hostCall!],
    ...(recording.callsRefused === undefined ? {} : { callsRefused: recording.callsRefused }),
    hooks: sorted([
      ...later(host.hooks).map(unsigned),
      ...recording.hooks.map(hook => unsigned({ ...hook, at: hook.at + offset }))
    ]),
    roomEvents: sorted([
      ...later(host.roomEvents),
      ...added.map(event => movedTo(room, host.start, { ...event, at: event.at + offset }))
    ]),
    attributes: later(host.attributes),
    looks: later(host.looks),
    failures: host.failures
  }
}

/**
 * Whether LiveKit's events say which of Jambonz' calls its leg is: sbc-inbound gives the call other ids, and LiveKit
 * knows those only of a leg that was answered.
 */
function isKnowable ({ hooks, roomEvents }: Recording): boolean {
  const hook = hooks.find(({ path }) => path === '/livekit-api')?.body ?? ''
  return roomEvents.some(event => {
    const attributes = texts(participantOf(event)['attributes'])
    const ids = ['sip.callID', 'sip.callIDFull', 'sip.h.x-call-sid'].map(name => attributes[name])
    return ids.some(id => id !== undefined && hook.includes(id))
  })
}

const sorted = <T extends { at: number }>(items: T[]): T[] => items.sort((a, b) => a.at - b.at)

/** When the first sign of the end comes. */
function endOfTalk ({ hooks, roomEvents }: Recording): number {
  const ends = hooks.filter(({ path, body }) =>
    path === '/action' || ['completed', 'failed'].includes(field(body, 'call_status') ?? ''))
  const leaving = roomEvents.filter(({ body }) => ['participant_left', 'track_unpublished'].includes(eventOf(body)))
  return Math.min(...ends.map(({ at }) => at), ...leaving.map(({ at }) => at))
}

const eventOf = (body: Json): string => text(body['event']) ?? ''

const participantOf = ({ body }: RoomEvent): Json => isJson(body['participant']) ? body['participant'] : {}

/** The one who is called: the recorder's agent and its room stay away. */
const isOfCallee = (event: RoomEvent): boolean => text(participantOf(event)['kind']) === 'SIP' ||
  (eventOf(event.body).startsWith('track_') && !text(participantOf(event)['identity'])?.startsWith('agent-'))

const nameOfRoom = ({ dialled, roomPrefix }: Recording): string => `${roomPrefix}${dialled[0] ?? ''}`

/** At its new time, in another room. */
function movedTo (room: string, start: number, event: RoomEvent): RoomEvent {
  const { body } = event
  const shown = isJson(body['room']) ? body['room'] : {}
  const createdAt = String(Math.floor((start + event.at) / 1000))
  const moved = { ...body, createdAt, room: { ...shown, name: room } }
  return roomNameOf(body) === undefined ? event : { ...event, body: moved, raw: JSON.stringify(moved) }
}

/** The signature was made at another time. */
function unsigned (hook: Hook): Hook {
  const { 'jambonz-signature': _signature, ...headers } = hook.headers
  return { ...hook, headers }
}
