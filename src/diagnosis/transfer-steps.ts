import type { Call } from '../calls/fold/call.ts'
import { NOT_REDIRECTED, REDIRECT_NOT_TAKEN } from '../calls/fold/on-transfer.ts'
import { outcomeOf, transfersOf, type Transfer, type TransferOutcome } from '../calls/fold/transfers.ts'
import { CAUSES, type Cause } from '../calls/fold/vocabulary.ts'
import { ALERTS, type NextStep } from './catalogue-entry.ts'
import { REASONS_OF_TRANSFERS, stepsOfReason } from './reasons-of-transfers.ts'
import { isToldByEnd, keyOf, modeOf } from './transfer-summary.ts'

/*
 * What to do about transfers that came to nothing, and what cannot be told apart in them.
 */

/** What to do about the transfers of a call. @param stepsOf what to do about a cause of the person's call */
export function stepsOfTransfers (call: Call, stepsOf: (cause: Cause, callSid?: string) => NextStep[]): NextStep[] {
  return transfersOf(call).flatMap(transfer => {
    const outcome = outcomeOf(transfer)
    return outcome && outcome.result !== 'bridged' ? stepsOfTransfer(call, transfer, outcome, stepsOf) : []
  })
}

function stepsOfTransfer (
  call: Call,
  transfer: Transfer,
  outcome: TransferOutcome,
  stepsOf: (cause: Cause, callSid?: string) => NextStep[]
): NextStep[] {
  const { reason, detail } = outcome
  const steps = stepsOfReason(reason, modeOf(transfer))
  if (detail === NOT_REDIRECTED || detail === REDIRECT_NOT_TAKEN) {
    return [...REASONS_OF_TRANSFERS.error.fix, { ...ALERTS, command: `bridge calls ${call.callSid} --fetch` }]
  }
  if (reason !== 'refused' && reason !== 'error') return steps

  const cause = causeOfPerson(transfer)
  return [
    ...cause === undefined ? steps : stepsOf(cause, personOf(transfer)),
    ...lookAtPerson(transfer)
  ]
}

/** How the call of the person ended, where that explains the transfer. */
const causeOfPerson = ({ person, outcome }: Transfer): Cause | undefined =>
  person?.end?.cause ?? CAUSES.find(cause => cause === outcome?.detail)

/** A call that Jambonz never named has no page that says more. */
const personOf = ({ person }: Transfer): string | undefined => person?.callSid

const lookAtPerson = (transfer: Transfer): NextStep[] => {
  const callSid = personOf(transfer)
  return callSid === undefined
    ? []
    : [{ todo: 'Look at the call of the person', command: `bridge calls ${callSid}` }]
}

/** What would look the same in the transfers of a call. */
export function doubtsOfTransfers (call: Call): string[] {
  const doubts = transfersOf(call).flatMap(transfer => {
    const outcome = outcomeOf(transfer)
    return outcome ? doubtsOf(call, transfer, outcome) : []
  })
  return [...new Set(doubts)]
}

function doubtsOf (call: Call, transfer: Transfer, { result, reason, sipStatus, detail }: TransferOutcome): string[] {
  const mode = modeOf(transfer)
  if (mode === 'refer') return isToldByEnd(call, transfer) ? [] : doubtsOfRefer(transfer, reason)
  if (result === 'bridged') return mode === 'blind' || mode === 'add' ? [MACHINE] : []
  if (detail === NOT_REDIRECTED) return [NO_HOOK]
  if (keyOf(call, transfer) === 'none') return reason === 'declined' ? [] : [NO_KEY]
  if (reason === 'declined' && sipStatus === undefined && transfer.person) return [MACHINE_HUNG_UP]
  if (sipStatus === 603) return [WITHOUT_GATEWAY]
  return sipStatus !== undefined && reason !== 'refused' ? [WHO_ANSWERED] : []
}

function doubtsOfRefer ({ referStatus, finalStatus, result }: Transfer, reason: string): string[] {
  if (result === undefined && (reason === 'completed' || reason === 'caller-gone')) return [MOVED_OR_LEFT]
  return referStatus === 202 && finalStatus === undefined ? [MAY_BE_MOVED] : []
}

const MACHINE = 'A machine that answered looks like a person: only a key, or an agent that asks, tells them apart'
const MACHINE_HUNG_UP = 'A person who hung up and a machine that did look alike'
const NO_KEY = 'A person who pressed no key and a machine that answered look alike'
const NO_HOOK = 'A redirect that Jambonz did not carry out, and a /redirect that did not reach the bridge, look ' +
  "alike: Jambonz's alerts show which"
const WHO_ANSWERED = 'Whether the person or the carrier answered so'
const WITHOUT_GATEWAY = 'A person who declines and a carrier without an outbound gateway look alike: for the latter ' +
  "Jambonz's SBC answers 603 itself"
const MOVED_OR_LEFT = 'A caller whom the carrier moved without a report looks like one who hung up during the transfer'
const MAY_BE_MOVED = 'The carrier accepted the REFER and reported nothing: it may still have connected the caller'
