import { isJson, jsons, number, text, type Json } from './json.ts'
import { assembled, hookOf, roomArgument, roomEventOf } from './read-parts.ts'
import {
  field,
  FINAL_STATUSES,
  roomNameOf,
  type Hook,
  type RecordedHangUp,
  type RecordedOrder,
  type Recording,
  type RoomEvent,
  type Unplayable
} from './recording.ts'
import { causesOfOrder } from './right-causes.ts'

/*
 * Recordings of calls that their recorder placed by createCall: one recording for each call of a file. What the
 * recorder decided by itself (its verbs, when it made the room, its hang-ups by updateCall) is in the file, and the
 * causes that are right follow from it.
 */

export function recordingsOfOrders (name: string, recorded: Json): Array<Recording | Unplayable> {
  const orders = jsons(recorded['rest']).flatMap(orderOf)
  const hooks = jsons(recorded['jambonz']).map(request => hookOf(request, () => true))
  const events = jsons(recorded['livekit']).flatMap(roomEventOf)
  if (orders.length === 0 || refusals(recorded) > 1) {
    const detail = orders.length === 0
      ? 'no call in it: Jambonz placed none'
      : 'answers of the REST API, which whoever stands in for that API has to give'
    return [{ name, kind: 'outbound', why: 'nothing', detail }]
  }
  const hangUps = jsons(recorded['rest']).flatMap(hangUpOf)
  return orders.map((order, i) => {
    const single = orders.length === 1
    const own = { ...recorded, tokens: single ? recorded['tokens'] : {} }
    return recordingOfOrder(single ? name : `${name}#${i + 1}`, own, order, {
      hooks: hooks.filter(({ body }) => isOf(order, body)),
      hangUps: hangUps.filter(({ callSid }) => callSid === order.callSid),
      events
    })
  })
}

/** The call of a hook, whichever leg it is about. */
const isOf = ({ callSid }: RecordedOrder, body: string): boolean =>
  (field(body, 'parent_call_sid') ?? field(body, 'call_sid')) === callSid

function recordingOfOrder (
  name: string,
  recorded: Json,
  order: RecordedOrder,
  { hooks, hangUps, events }: { hooks: Hook[], hangUps: RecordedHangUp[], events: RoomEvent[] }
): Recording {
  const from = Math.min(order.at, ...hooks.map(({ at }) => at))
  const shift = <T extends { at: number }>(item: T): T => ({ ...item, at: item.at - from })
  const tokens = isJson(recorded['tokens']) ? Object.values(recorded['tokens']).map(text) : []
  const mine = hooks.map(hook => ({ ...shift(hook), repliedAt: hook.repliedAt && hook.repliedAt - from }))
  const ended = lastOf(mine)
  const roomEvents = events.filter(({ body }) => tokens.some(token => token && roomNameOf(body)?.endsWith(token)))
    .map(shift).filter(event => event.at <= (ended ?? Infinity) || !isCleanUp(event))
  const base = assembled(name, 'outbound', { ...recorded, room: tokens[0] }, mine, roomEvents)
  const placed = { ...shift(order), answeredAt: order.answeredAt - from, agentAt: agentAtOf(recorded, hooks, order) }
  const recording: Recording = {
    ...base,
    // Jambonz' hooks have no time of LiveKit's to go by where no room was made.
    roomMade: true,
    orders: [placed],
    hangUps: hangUps.map(shift),
    unfinished: false,
    missing: base.missing.filter(what => what !== 'causes' && what !== 'the end of the call')
  }
  return base.causes.length > 0 ? recording : { ...recording, causes: causesOfOrder(recording) }
}

/** When the callee's leg was over. */
function lastOf (hooks: Hook[]): number | undefined {
  return hooks.find(({ path, body }) =>
    path === '/status' && field(body, 'parent_call_sid') === undefined &&
    FINAL_STATUSES.has(field(body, 'call_status') ?? ''))?.at
}

/** What comes of the recorder's own deleting of a room whose call is over: here the bridge deletes it. */
export function isCleanUp ({ body }: RoomEvent): boolean {
  const participant = isJson(body['participant']) ? body['participant'] : {}
  return body['event'] === 'room_finished' || participant['disconnectReason'] === 'ROOM_DELETED' ||
    (body['event'] === 'track_unpublished' && text(participant['identity'])?.startsWith('agent-') === true)
}

/** Undefined: not a createCall that Jambonz took, or one without a number. */
export function orderOf (request: Json): RecordedOrder[] {
  const body = isJson(request['body']) ? request['body'] : {}
  const replied = isJson(request['replied']) ? request['replied'] : {}
  const named = isJson(replied['body']) ? replied['body'] : {}
  const callSid = text(named['sid'])
  const to = isJson(body['to']) ? body['to'] : {}
  const number_ = text(to['number'])
  if (request['what'] !== 'createCall' || callSid === undefined || number_ === undefined) return []
  const at = number(request['at_ms']) ?? 0
  return [{
    at,
    answeredAt: number(replied['at_ms']) ?? at,
    callSid,
    from: text(body['from']) ?? '',
    to: number_,
    carrier: text(to['trunk']),
    ringS: number(body['timeout']),
    longestS: number(body['timeLimit']),
    agentAt: 'ringing'
  }]
}

function hangUpOf (request: Json): RecordedHangUp[] {
  const body = isJson(request['body']) ? request['body'] : {}
  const replied = isJson(request['replied']) ? request['replied'] : {}
  const callSid = (text(request['path']) ?? '').split('/').at(-1) ?? ''
  const isHangUp = request['what'] === 'updateCall' && text(body['call_status']) !== undefined
  return isHangUp && replied['status'] === 202 ? [{ at: number(request['at_ms']) ?? 0, callSid }] : []
}

/** How many createCalls Jambonz refused. */
const refusals = (recorded: Json): number =>
  jsons(recorded['rest']).filter(({ what, replied }) =>
    what === 'createCall' && isJson(replied) && (number(replied['status']) ?? 0) >= 400).length

/** At which step of the call the recorder made the room. */
function agentAtOf (recorded: Json, hooks: Hook[], { at }: RecordedOrder): RecordedOrder['agentAt'] {
  const made = jsons(recorded['api']).find(({ op, args }) => op === 'CreateRoom' && roomArgument(args))?.['at_ms']
  const of = (status: string) => hooks.find(({ path, body }) =>
    path === '/status' && field(body, 'call_status') === status && field(body, 'parent_call_sid') === undefined)?.at
  const madeAt = number(made)
  if (madeAt === undefined) return 'ringing'
  const [ringing, answered] = [of('ringing') ?? of('early-media'), of('in-progress')]
  if (answered !== undefined && madeAt >= answered) return 'answer'
  return ringing !== undefined && madeAt >= ringing && madeAt > at + 5 ? 'ringing' : 'dial'
}
