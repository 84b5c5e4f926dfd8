import { causeOfStatus } from '../calls/fold/callee-cause.ts'
import type { Call } from '../calls/fold/call.ts'
import { NOT_REDIRECTED, REDIRECT_NOT_TAKEN } from '../calls/fold/on-transfer.ts'
import { outcomeOf, transfersOf, type Transfer, type TransferOutcome } from '../calls/fold/transfers.ts'
import type { Cause, TransferMode, TransferState } from '../calls/fold/vocabulary.ts'
import { duration } from './facts.ts'

/*
 * What became of the transfers of a call, in words. The texts are logged: they hold no number, name or text that
 * somebody else wrote. In the call of a person, "the caller of the transfer" is the other one.
 */

/** How the caller is handed to the person. */
export const modeOf = ({ request }: Transfer): TransferMode => request?.mode ?? 'refer'

/** How many transfers of a call are told of, the last ones. */
const MOST_TOLD = 3

/** One sentence for each transfer; undefined where there was none, or where the end of the call says it. */
export function transfersInWords (call: Call): string | undefined {
  const transfers = transfersOf(call)
  const told = transfers.filter(transfer => !isToldByEnd(call, transfer))
  if (told.length === 0) return undefined
  const last = told.slice(-MOST_TOLD)
  const before = transfers.length > last.length && last.length === MOST_TOLD
    ? [`There were ${transfers.length} transfers; of the last ${MOST_TOLD}:`]
    : []
  return [...before, ...last.map(transfer => sentenceOf(call, transfer))].join(' ')
}

/** Whether the end of the call, or its phase, speaks of a transfer by REFER itself. */
export const isToldByEnd = ({ end, transfer }: Call, told: Transfer): boolean => {
  if (told !== transfer || modeOf(told) !== 'refer') return false
  return end === undefined ? told.request === undefined && !outcomeOf(told) : OF_REFER.has(end.cause)
}

const OF_REFER: ReadonlySet<Cause> = new Set(['transferred', 'transfer-failed'])

/** How a transfer is called, at the beginning of a sentence. */
const NAMES: Record<TransferMode, string> = {
  blind: 'A blind transfer',
  refer: 'A transfer by REFER',
  screen: 'A screened transfer',
  consult: 'A consulted transfer',
  add: 'The addition of a person'
}

/** What became of one transfer. */
export function sentenceOf (call: Call, transfer: Transfer): string {
  const outcome = outcomeOf(transfer)
  const name = NAMES[modeOf(transfer)]
  if (!outcome) return `${name} is under way: ${PROGRESS[transfer.state ?? 'calling']}.`
  if (outcome.result === 'bridged') return bridged(call, transfer, outcome)

  return `${name} came to nothing: ${whyInWords(call, transfer, outcome)}${whereIsCaller(transfer, outcome)}.`
}

const PROGRESS: Record<TransferState, string> = {
  requested: 'it was asked for',
  calling: 'the person is being called',
  ringing: "the person's phone rings",
  answered: 'the person has answered',
  consulting: 'the person talks with an agent',
  completing: 'the person is being connected with the caller',
  returning: 'the caller is on the way back to the agent',
  finished: 'it is decided'
}

function bridged (call: Call, transfer: Transfer, outcome: TransferOutcome): string {
  const after = duration(outcome.at - transfer.at)
  switch (modeOf(transfer)) {
    case 'consult':
      return `The person was consulted, and joined the caller${afterCompletion(call, transfer)}.`
    case 'add':
      return `A person was added to the call after ${after}.`
    case 'blind':
      return `A blind transfer connected the caller with the person after ${after}.`
    case 'screen':
      return `A screened transfer connected the caller with the person after ${after}, by the key 1.`
    case 'refer':
      return transfer.result === undefined
        ? 'The caller left during a transfer by REFER, as a caller does whom the carrier has moved.'
        : 'The carrier moved the caller to the person.'
  }
}

function afterCompletion ({ events }: Call, { person }: Transfer): string {
  const joinedAt = person?.joinedAt
  if (joinedAt === undefined) return ''
  const asked = events.findLast(({ what, first }) => what === 'complete transfer' && first <= joinedAt)
  return asked ? ` ${duration(joinedAt - asked.first)} after the transfer was completed` : ''
}

/** Where the caller is, whom the person did not get. */
function whereIsCaller (transfer: Transfer, { result, reason }: TransferOutcome): string {
  if (result === 'failed') return reason === 'caller-gone' ? '' : ', and the caller was not with an agent any more'
  return hasLeftAgent(transfer) ? ', and the caller went back to an agent' : ', and the caller stayed with the agent'
}

/** Whether the caller's own leg was taken from the agent for the transfer. */
const hasLeftAgent = ({ dials, refers }: Transfer): boolean => dials !== undefined || refers !== undefined

/** Why a transfer came to nothing, as part of a sentence. */
export function whyInWords (call: Call, transfer: Transfer, outcome: TransferOutcome): string {
  const { reason, sipStatus } = outcome
  const status = sipStatus === undefined ? '' : ` (${sipStatus})`
  switch (reason) {
    case 'busy':
      return `the person was busy${status}`
    case 'declined':
      return declined(call, transfer, outcome, status)
    case 'no-answer':
      if (keyOf(call, transfer) === 'none') return 'the person answered, and pressed no key in time'
      return sipStatus === 480 ? `the person was not available${status}` : `the person did not answer in time${status}`
    case 'person-hung-up':
      return 'the person hung up before being connected with the caller'
    case 'caller-gone':
      return 'the caller hung up before the person was reached'
    case 'cancelled':
      return 'it was cancelled'
    case 'refused':
      return modeOf(transfer) === 'refer' ? refusedByCarrier(transfer, status) : refused(transfer, status)
    case 'error':
      return sipStatus === 202 ? refusedByCarrier(transfer, status) : failed(outcome)
    case 'completed':
      return 'it was completed'
  }
}

function declined (call: Call, transfer: Transfer, { detail }: TransferOutcome, status: string): string {
  const key = keyOf(call, transfer)
  if (key === 'declined') return 'the person pressed another key than 1'
  if (key === 'none') return 'the person hung up while hearing who called'
  if (transfer.person?.end?.cause === 'machine-answered') return 'a machine answered'
  if (transfer.person?.end?.cause === 'callee-hung-up') return 'the person hung up before the transfer was completed'
  if (detail === 'by the agent') return 'the agent that talked with the person ended that call'
  return `the person declined${status}`
}

/** What is known of the key with which the person was to take the call. */
export function keyOf ({ events }: Call, { dials, at }: Transfer): string | undefined {
  if (dials === undefined) return undefined
  return events.findLast(({ what, attempt, first }) => what === 'key' && attempt === dials && first >= at)?.status
}

function refusedByCarrier ({ referStatus, finalStatus }: Transfer, status: string): string {
  if (referStatus !== 202) return `the carrier refused it${status}`
  return finalStatus === undefined
    ? 'the carrier accepted it, and did not report what became of it'
    : `the carrier accepted it, and the person was not reached${status}`
}

function refused ({ person, outcome }: Transfer, status: string): string {
  const cause = person?.end?.cause ?? causeOfStatus(outcome?.sipStatus, true)
  return `${REFUSALS[cause] ?? 'the carrier did not place the call'}${status}`
}

const REFUSALS: Partial<Record<Cause, string>> = {
  'not-placed': 'Jambonz refused to place the call',
  'number-unobtainable': 'the number does not exist, or the carrier has no way to it',
  'not-allowed': 'the number policy did not allow the call'
}

/** Only texts of this bridge itself are repeated. */
function failed ({ detail }: TransferOutcome): string {
  switch (detail) {
    case NOT_REDIRECTED:
      return 'Jambonz did not ask what to do with the caller: no /redirect came'
    case REDIRECT_NOT_TAKEN:
      return "Jambonz's API did not take the request to redirect the caller"
    case 'nobody knew of the transfer any more':
      return 'the person was found when nobody waited for the transfer any more'
    case undefined:
      return 'why is not known'
    default:
      return `the call of the person failed${CAUSE.test(detail) ? ` (${detail})` : ''}`
  }
}

/** A detail that is the cause of the person's call. */
const CAUSE = /^[a-z]+(-[a-z]+)*$/

/** What the call of a person was for, and how far it came. Undefined: it is no such call. */
export function purposeInWords (call: Call): string | undefined {
  const { order, attempts, at } = call
  if (!order?.transfer) return undefined
  const what = order.transfer.mode === 'consult' ? 'for a consulted transfer' : 'to be added to another call'
  const joined = attempts.findLast(({ strategy, answered }) => strategy === 'join' && answered)
  const consulted = attempts.find(({ strategy, at }) => strategy === 'room' && at.answered !== undefined)
  const over = joined?.at.opened ?? consulted?.at.ended ?? at.ended
  const talk = consulted && over !== undefined
    ? [`talked with the agent for ${duration(over - consulted.at.answered!)}`]
    : []
  const parts = [`was called ${what}`, ...talk, ...joined ? ['joined the caller of the transfer'] : []]
  return `The person ${[parts.slice(0, -1).join(', '), parts.at(-1)].filter(Boolean).join(' and ')}.`
}
