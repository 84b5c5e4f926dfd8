import { createRequire } from 'node:module'
import { evidenceOf } from './evidence.ts'
import { faultsOfEvents } from './check-events.ts'
import { faultsOfOrders } from './check-orders.ts'
import { faultsOfTransfers } from './check-transfers.ts'
import { faultsOfWarmRooms } from './check-warm.ts'
import { isJson, jsons, text, type Json } from './json.ts'
import type { Answered } from './player.ts'
import { field, FINAL_STATUSES, type Hook, type Recording, type Verb } from './recording.ts'
import type { Played, PlayedCall } from './session.ts'
import { objection } from './verdicts.ts'

/** Something that was not as it should be. */
export interface Fault {
  what: string
  expected: string
  got: string
}

const { validate } = createRequire(import.meta.url)('@jambonz/verb-specifications') as {
  validate(logger: unknown, verbs: unknown): void
}

/** Throws unless feature-server would take these verbs; an empty list it takes everywhere but in the call hook. */
export function assertRunnable (path: string, verbs: unknown): void {
  if (path === '/livekit-api' && Array.isArray(verbs) && verbs.length === 0) {
    throw new Error('no verbs for the call hook')
  }
  validate(console, verbs)
}

/** Everything that was wrong when this recording was played; empty: all was right. */
export function faultsOf (played: Played): Fault[] {
  return [
    ...played.problems.map(problem => ({ what: 'delivery', expected: 'taken', got: problem })),
    ...played.answered.flatMap(answered => faultsOfReply(answered, played)),
    ...faultsOfOrders(played),
    ...faultsOfTransfers(played),
    ...faultsOfWarmRooms(played),
    ...(played.recording.unfinished ? [] : faultsOfEnd(played))
  ]
}

function faultsOfEnd (played: Played): Fault[] {
  return [
    ...played.calls.flatMap(call => faultsOfCall(call, played)),
    ...leftovers('rooms of LiveKit', played.roomsLeft),
    ...leftovers('active calls', played.stillActive),
    ...leftovers('calls after their retention', played.stillKept)
  ]
}

const leftovers = (what: string, left: string[]): Fault[] =>
  left.length === 0 ? [] : [{ what, expected: 'none', got: left.join(', ') }]

const TAKEN = new Set([200, 202, 204])

function faultsOfReply ({ path, hook, status, verbs }: Answered, played: Played): Fault[] {
  const { recording, variant } = played
  const what = `reply to ${path} at ${hook.at} ms`
  if (status === 0) return variant.away ? [] : [{ what, expected: 'an answer', got: 'none' }]
  if (path === '/refer' && recording.refused) {
    return status === 403 ? [] : [{ what, expected: '403', got: String(status) }]
  }
  // A transfer that cannot be carried out is refused, and Jambonz never repeats this hook by itself.
  if (path === '/refer' && status === 403 && (variant.away || variant.hooksAgain)) return []
  if (!TAKEN.has(status)) return [{ what, expected: '200, 202 or 204', got: String(status) }]
  if (path === '/livekit-api') {
    const refused = recording.callsRefused === true && !isHost(hook, recording)
    return faultsOfCallHook(what, verbs, { isWanted: isWanted(hook, played), refused })
  }
  return verbs === undefined ? [] : faultsOfVerbs(what, path, verbs)
}

function faultsOfVerbs (what: string, path: string, verbs: Verb[]): Fault[] {
  try {
    assertRunnable(path, verbs)
    return []
  } catch (error) {
    return [{ what, expected: 'verbs that feature-server takes', got: (error as Error).message }]
  }
}

function faultsOfCallHook (
  what: string,
  verbs: Verb[] = [],
  { isWanted, refused }: { isWanted: boolean, refused: boolean }
): Fault[] {
  const names = verbs.map(({ verb }) => verb)
  if (refused || !isWanted) {
    const right = refused ? 'sip:decline' : 'pause, hangup'
    const isRight = names.join(', ') === right || (!refused && names[0] === 'dial')
    return isRight ? faultsOfVerbs(what, '/livekit-api', verbs) : [{ what, expected: right, got: names.join(', ') }]
  }
  const connects = names[0] === 'dial' && names.length > 1 && ['sip:decline', 'hangup'].includes(names.at(-1) ?? '')
  return [
    ...(connects ? [] : [{ what, expected: 'dial and a fail-safe', got: names.join(', ') || 'no verbs' }]),
    ...faultsOfVerbs(what, '/livekit-api', verbs)
  ]
}

/** The call in whose room the agent adds somebody: nobody refuses that one. */
const isHost = ({ body }: Hook, { hosts = [] }: Recording): boolean => hosts.includes(field(body, 'call_sid') ?? '')

/** A callee who is about to be hung up, or who has hung up already, need not be connected. */
function isWanted ({ at }: Hook, { recording, answered, variant, asked }: Played): boolean {
  if (recording.orders.length === 0) return true
  const isOver = answered.some(({ path, hook }) =>
    path === '/status' && hook.at <= at && field(hook.body, 'parent_call_sid') === undefined &&
    FINAL_STATUSES.has(field(hook.body, 'call_status') ?? ''))
  return !isOver && !variant.away && !asked.some(({ what }) => what === 'hang-up')
}

function faultsOfCall ({ callSid, recordedSid, call, endedBefore }: PlayedCall, played: Played): Fault[] {
  const causes = played.recording.causesOf?.[recordedSid] ?? played.recording.causes
  const evidence = evidenceOf(played, call, recordedSid)
  if (!call) {
    // Without a store, what had ended before is forgotten, and what nothing names cannot be known.
    if (endedBefore && played.variant.away?.store === 'lost') return []
    const objected = objection(undefined, causes, evidence)
    return objected ? [{ what: `call ${callSid}`, expected: 'a record', got: objected }] : []
  }
  if (call['phase'] !== 'ended') {
    return [{ what: `phase of ${callSid}`, expected: 'ended', got: text(call['phase']) ?? 'none' }]
  }
  const cause = text((call['end'] as Json | undefined)?.['cause'])
  const objected = objection(cause, causes, evidence)
  const ends = jsons(call['events']).filter(({ what }) => what === 'call ended').length
  const duties = jsons(call['duties'])
  return [
    ...(objected ? [{ what: 'cause', expected: causes.join(' or '), got: `${cause ?? 'none'} (${objected})` }] : []),
    ...(ends === 1 ? [] : [{ what: 'ends of the call', expected: '1', got: String(ends) }]),
    ...(duties.length === 0 || played.stillKept.length === 0
      ? []
      : [{ what: 'duties', expected: 'none', got: duties.map(({ kind }) => text(kind)).join(', ') }]),
    ...faultsOfJoining(recordedSid, call, played),
    ...faultsOfEvents({ callSid, recordedSid }, played),
    ...faultsOfTimes(callSid, call, played)
  ]
}

/** A call that an agent makes belongs to the call whose room it is in. */
function faultsOfJoining (recordedSid: string, call: Json, { recording, calls }: Played): Fault[] {
  const host = recording.joins?.[recordedSid]
  const expected = calls.find(other => other.recordedSid === host)?.callSid
  const got = text(call['joins'])
  return host === undefined || got === expected
    ? []
    : [{ what: 'joins', expected: expected ?? 'a call', got: got ?? 'none' }]
}

/** Between something that happens and its hook at the bridge, and the other way round; milliseconds. */
const SLACK_MS = 1500
/** An end may wait for what could still tell its cause; milliseconds. */
const END_SLACK_MS = 3000

/** Compares the times of the record with when things happened, as far as the bridge heard of them in time. */
function faultsOfTimes (callSid: string, call: Json, played: Played): Fault[] {
  const { variant, started } = played
  if (Object.entries(variant).some(([name, value]) => name !== 'name' && value !== undefined)) return []
  const at = isJson(call['at']) ? call['at'] : {}
  const recorded = timesOf(callSid, played)
  return Object.entries(recorded).flatMap(([name, ms]) => {
    const got = text(at[name])
    if (ms === undefined || (got === undefined && name !== 'received')) return []
    const off = got === undefined ? NaN : Date.parse(got) - started - ms
    // The bridge may end a call before its caller leg does.
    if (name === 'ended' ? off <= END_SLACK_MS : Math.abs(off) <= SLACK_MS) return []
    return [{ what: `time of ${name}`, expected: `${ms} ms`, got: got === undefined ? 'none' : `${ms + off} ms` }]
  })
}

/** When things happened to a call that is connected once, milliseconds from the start; others are not compared. */
function timesOf (callSid: string, { answered, recording }: Played): Record<string, number | undefined> {
  const ours = answered.filter(({ hook }) => [field(hook.body, 'call_sid'), field(hook.body, 'parent_call_sid')]
    .includes(callSid))
  const called = ours.filter(({ path }) => path === '/livekit-api')
  const legs = new Set(ours.map(({ hook }) => field(hook.body, 'parent_call_sid') && field(hook.body, 'call_sid')))
  if (called.length !== 1 || legs.size > 2) return {}
  const { orders } = recording
  const of = (leg: 'caller' | 'agent', status: string) => ours.find(({ path, hook }) =>
    path === '/status' && field(hook.body, 'call_status') === status &&
    (field(hook.body, 'parent_call_sid') !== undefined) === (leg === 'agent'))?.at
  const [order] = orders
  return {
    received: order ? undefined : ours[0]!.at,
    ringing: order ? of('caller', 'ringing') ?? of('agent', 'ringing') : of('agent', 'ringing'),
    answered: of(order ? 'caller' : 'agent', 'in-progress'),
    connected: of('agent', 'in-progress'),
    ended: [...FINAL_STATUSES].map(status => of('caller', status)).find(at => at !== undefined)
  }
}
