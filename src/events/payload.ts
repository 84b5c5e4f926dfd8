import type { Attempt, Call, EarlierCall, End } from '../calls/fold/call.ts'
import { outcomeOf, transfersOf, type Transfer, type TransferOutcome } from '../calls/fold/transfers.ts'
import { readName, type PublicationName } from '../calls/fold/publications.ts'
import { agentOf } from '../calls/view.ts'
import { CATALOGUE } from '../diagnosis/causes-catalogue.ts'
import { diagnose } from '../diagnosis/diagnose.ts'
import { EVENT_VERSION, type CallEventPayload, type EventData, type EventTransfer } from './event-schemas.ts'

/**
 * The event of a call.
 * @param name as its duty names it (fold/publications.ts)
 * @throws {TypeError} when the call has had no such event
 */
export function eventOf (call: Call, name: string): CallEventPayload {
  const named = readName(name)
  if (!named) throw new TypeError('no name of an event')
  const { type, n } = named
  const data = type === 'call.transfer_finished' ? transferData(call, n) : dataOf(call, recordOf(call, n))

  return { v: EVENT_VERSION, id: eventId(call, name), type, timestamp: timestampOf(named, data), data }
}

/** The id of an event: of an order that Jambonz never named, it begins with the order's id. */
export const eventId = ({ callSid }: Call, name: string): string => `${callSid}:${name}`

/**
 * Reads the id of an event.
 * @returns the call_sid or the id of the order, and the name; undefined when the text is no such id
 */
export function readEventId (id: string): { callSid: string, name: string } | undefined {
  const match = /^(.+):(call\.[^:]+(?::\d+)?)$/.exec(id)
  if (!match || !readName(match[2]!)) return undefined
  return { callSid: match[1]!, name: match[2]! }
}

/** What a record of a call says of itself. Of an earlier one less is known. */
interface CallRecord extends Pick<Call, 'at'> {
  n: number
  end: End | undefined
  summary: string | undefined
  attempts: EventData['attempts']
}

function recordOf (call: Call, n: number): CallRecord {
  const earlier = call.earlier[n - 1]
  if (earlier) return earlierRecord(earlier, n)
  if (n !== call.earlier.length + 1) throw new TypeError('no such record')
  const { at, end, attempts } = call
  return { n, at, end, summary: end && diagnose(call).summary, attempts: attempts.map(attemptOf) }
}

const earlierRecord = ({ at, end, attempts }: EarlierCall, n: number): CallRecord => ({
  n,
  at,
  end,
  summary: CATALOGUE[end.cause].meaning,
  attempts: attempts.map(attempt => attemptOf({ ...attempt, degraded: false, at: {} }))
})

function dataOf (call: Call, record: CallRecord): EventData {
  const { callSid, order, facts, route, joins, voicemail } = call
  return {
    callSid: callSid === order?.id ? null : callSid,
    orderId: order?.id ?? null,
    record: record.n,
    reference: order?.reference ?? null,
    placedBy: order?.placedBy ?? null,
    direction: facts.direction,
    from: facts.from,
    to: facts.to,
    carrier: order?.carrier ?? facts.trunk ?? null,
    route: route?.name ?? null,
    agent: agentOf(call) || null,
    metadata: order?.metadata ?? null,
    joins: joins ?? null,
    times: timesOf(record.at),
    talkSeconds: talkSeconds(record),
    end: endOf(record),
    attempts: record.attempts,
    transfers: transfersOf(call).map(transferOf),
    transfer: null,
    voicemail: voicemail
      ? { verdict: voicemail.verdict, by: voicemail.by, at: iso(voicemail.at), reason: voicemail.reason ?? null }
      : null
  }
}

function transferData (call: Call, n: number): EventData {
  const transfers = transfersOf(call)
  const transfer = transfers.at(n - (call.transfers ?? transfers.length) - 1)
  if (n > (call.transfers ?? transfers.length) || !transfer) throw new TypeError('no such transfer')
  return { ...dataOf(call, recordOf(call, call.earlier.length + 1)), transfer: transferOf(transfer) }
}

function timestampOf ({ type }: PublicationName, { times, transfer }: EventData): string {
  switch (type) {
    case 'call.started':
      return times.received!
    case 'call.answered':
      return times.answered ?? times.received!
    case 'call.transfer_finished':
      return transfer?.finished ?? transfer?.requested ?? times.received!
    case 'call.ended':
    case 'call.dial_finished':
      return times.ended ?? times.received!
  }
}

const timesOf = ({ received, ringing, agentJoined, answered, connected, ended }: Call['at']): EventData['times'] => ({
  received: iso(received),
  ringing: iso(ringing),
  agentJoined: iso(agentJoined),
  answered: iso(answered),
  connected: iso(connected),
  ended: iso(ended)
})

/** When the end was not heard, nobody knows how long the talk was. */
function talkSeconds ({ at: { answered, ended }, end }: CallRecord): number | null {
  if (answered === undefined || ended === undefined || end?.cause === 'lost') return null
  return Math.max(0, ended - answered) / 1000
}

function endOf ({ end, summary }: CallRecord): EventData['end'] {
  if (!end) return null
  const { cause, by, waitingOn, sipStatus } = end
  return { cause, by, waitingOn, sipStatus: sipStatus ?? null, summary: summary ?? '' }
}

type AttemptLike = Pick<Attempt, 'n' | 'strategy' | 'room' | 'end' | 'degraded'> &
  Partial<Pick<Attempt, 'agent' | 'number'>> & { at: Partial<Attempt['at']> }

const attemptOf = ({ n, strategy, room, agent, number, degraded, end, at }: AttemptLike) => ({
  attempt: n,
  strategy,
  room: room ?? null,
  agent: agent ?? null,
  number: number ?? null,
  degraded,
  cause: end?.cause ?? null,
  sipStatus: end?.sipStatus ?? null,
  opened: iso(at.opened),
  answered: iso(at.answered),
  ended: iso(at.ended)
})

function transferOf (transfer: Transfer): EventTransfer {
  const { request, person, at, finishedAt, returned } = transfer
  const outcome = outcomeOf(transfer)
  return {
    id: request?.id ?? null,
    mode: request?.mode ?? 'refer',
    to: request?.to ?? null,
    requestedBy: request?.requestedBy ?? null,
    person: person?.callSid ?? null,
    requested: iso(at),
    finished: iso(finishedAt),
    outcome: outcome?.result ?? null,
    reason: outcome?.reason ?? null,
    result: resultOf(transfer, outcome),
    sipStatus: transfer.finalStatus ?? transfer.referStatus ?? outcome?.sipStatus ?? null,
    returned: returned || (outcome?.result === 'returned' && transfer.dials !== undefined)
  }
}

/** The word of version 1, which knows two results. */
function resultOf ({ result }: Transfer, outcome: TransferOutcome | undefined): EventTransfer['result'] {
  if (!outcome) return result ?? null
  return outcome.result === 'bridged' ? 'transferred' : 'failed'
}

function iso (ms: number): string
function iso (ms: number | undefined): string | null
function iso (ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString()
}
