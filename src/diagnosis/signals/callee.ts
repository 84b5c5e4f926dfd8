import { explainRefusal, isRefusal } from '../../routing/policy/refusals.ts'
import type { EventLine } from '../../calls/fold/event-list.ts'
import { duration, since, type AttemptFacts } from '../facts.ts'
import type { Signal } from './evidence.ts'

/*
 * Evidence about somebody who is called: the order, what Jambonz said to it, and the callee's leg of an outbound call.
 */

export const ordered: Signal = ({ call: { order } }) =>
  order && {
    signal: 'ordered',
    at: order.orderedAt,
    seen: `call ordered by ${order.placedBy}`,
    shows: 'the bridge was to place this call'
  }

const lineOfCall = ({ call }: AttemptFacts, test: (line: EventLine) => boolean): EventLine | undefined =>
  call.events.findLast(test)

export const createCall: Signal = facts => {
  if (!facts.call.order) return undefined
  const placed = lineOfCall(facts, ({ what }) => what === 'call placed')
  const answer = placed ?? lineOfCall(facts, ({ from, what }) => from === 'jambonz' && what === 'createCall')
  const line = answer ?? lineOfCall(facts, ({ what }) => what === 'createCall')
  if (!line) return undefined
  return { signal: 'create-call', at: line.first, seen: saidOf(line), shows: meaningOfPlacement(line) }
}

function saidOf ({ from, what, status, detail }: EventLine): string {
  if (what === 'call placed') return 'createCall: placed'
  if (from === 'bridge') return 'createCall sent, no answer'
  return `createCall: ${status}${detail === undefined ? '' : ` (${detail})`}`
}

function meaningOfPlacement ({ from, what, status }: EventLine): string {
  if (what === 'call placed') return 'Jambonz has the call under its call_sid'
  if (from === 'bridge' || status === 'unknown') return 'Jambonz may have dialled all the same'
  return status === 'refused' ? 'Jambonz dialled nobody' : 'Jambonz was not asked'
}

const calleeLines = ({ call }: AttemptFacts, statuses: readonly string[]): EventLine[] =>
  call.facts.direction === 'outbound'
    ? call.events.filter(({ what, leg, status = '' }) =>
      what === 'status' && leg === 'caller' && statuses.includes(status))
    : []

export const calleeRinging: Signal = facts => {
  const lines = calleeLines(facts, ['ringing', 'early-media'])
  const [first] = lines
  if (!first) return undefined
  const count = lines.reduce((sum, line) => sum + line.count, 0)
  const { last } = lines.at(-1)!
  return {
    signal: 'callee-ringing',
    at: first.first,
    ...(last > first.first ? { last } : {}),
    ...(count > 1 ? { count } : {}),
    seen: `callee leg ${first.status}${first.sipStatus === undefined ? '' : ` ${first.sipStatus}`}`,
    shows: first.status === 'ringing'
      ? "the callee's phone rang, or the carrier said so"
      : "the carrier played something: the callee's ringing, or an announcement"
  }
}

export const calleeAnswered: Signal = facts => {
  const { call } = facts
  const { answered } = call.at
  if (call.facts.direction !== 'outbound' || answered === undefined) return undefined
  return {
    signal: 'callee-answered',
    at: answered,
    seen: `callee leg in-progress ${since(call, answered)} after the call hook`,
    shows: 'a person or a machine answered'
  }
}

/** Who answered, as Jambonz or the agent found out. */
export const voicemail: Signal = facts => {
  const { call } = facts
  if (call.voicemail) {
    const { verdict, by, at, reason } = call.voicemail
    const after = call.at.answered === undefined ? '' : `, ${duration(at - call.at.answered)} after the answer`
    return {
      signal: 'voicemail',
      at,
      seen: `voicemail detection by ${WHO[by]}: ${verdict}${reason === undefined ? '' : ` (${reason})`}`,
      shows: `${verdict === 'machine' ? 'a machine' : 'a person'} answered${after}`
    }
  }
  const line = lineOfCall(facts, ({ what }) => what === 'voicemail')
  return line && {
    signal: 'voicemail',
    at: line.first,
    seen: `voicemail detection by Jambonz: unknown${line.detail === undefined ? '' : ` (${line.detail})`}`,
    shows: 'it could not tell a person from a machine'
  }
}

const WHO = { jambonz: 'Jambonz', agent: 'the agent' } as const

/** The number policy did not allow what an agent wanted to dial. */
export const policyRefused: Signal = ({ call: { end, at } }) => {
  if (end?.cause !== 'not-allowed' || at.ended === undefined) return undefined
  const [reason = '', ...rule] = (end.detail ?? '').split(' ')
  const detail = end.detail === undefined ? '' : ` (${end.detail})`
  return {
    signal: 'policy-refused',
    at: at.ended,
    seen: `call hook answered with a decline: ${end.sipStatus ?? 403}${detail}`,
    shows: isRefusal(reason) ? explainRefusal(reason, rule.join(' ')) : NOT_SET_UP[reason] ?? 'the call was refused'
  }
}

/** Why no call of an agent can be made (jambonz/agent-door.ts). */
const NOT_SET_UP: Record<string, string> = {
  'no-caller-id': 'the routes file names no number of ours to call with',
  'no-carrier': 'there is no carrier to call over, or Jambonz did not say in time which ones it has'
}
