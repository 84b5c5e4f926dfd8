import { finalSipStatus, timedOut } from './attempt-facts.ts'
import type { Attempt, Call, End } from './call.ts'
import { causeOfStatus } from './callee-cause.ts'
import { note } from './duties.ts'
import { isAlone } from './lone-caller.ts'
import {
  hasOwnCall,
  openRequest,
  whyReferFailed,
  type NewsOfPerson,
  type Transfer,
  type TransferOutcome
} from './transfers.ts'
import type { Cause, TransferReason } from './vocabulary.ts'
import type { Strategy } from './way.ts'
import { withoutAbsent } from './without-absent.ts'

/*
 * What becomes of a transfer of the API: decided once.
 */

/** Why nothing came of a redirect that Jambonz asked about. */
export const REPLY_NOT_TAKEN = 'Jambonz did not take the reply to the redirect hook'

type Why = Pick<TransferOutcome, 'reason' | 'sipStatus' | 'detail'>

/** The transfer is decided. */
export function finishTransfer (
  draft: Call,
  transfer: Transfer,
  at: number,
  outcome: Why & Pick<TransferOutcome, 'result'>
): void {
  if (transfer.outcome) return
  transfer.outcome = withoutAbsent({ ...outcome, at })
  transfer.state = 'finished'
  transfer.finishedAt = at
  transfer.redirect = undefined
  transfer.completing = undefined
  const { result, reason, sipStatus } = outcome
  note(draft, at, { from: 'bridge', what: `transfer ${result}`, status: reason, sipStatus, detail: outcome.detail })
}

/** The person cannot be had. What becomes of the caller is not known yet. */
export function failTransfer (transfer: Transfer, why: Why): void {
  transfer.failedFor ??= withoutAbsent(why)
  transfer.state = 'returning'
}

/** Nothing came of it, and the caller is with the agent, unless the agent has left for a person who is gone. */
export function returnTransfer (draft: Call, transfer: Transfer, at: number, why: Why): void {
  const { reason, ...more } = transfer.failedFor ?? why
  // LiveKit has shown that the caller is gone, and Jambonz is about to say so.
  const isWithAgent = reason !== 'caller-gone' && !isAlone(draft)
  finishTransfer(draft, transfer, at, { result: isWithAgent ? 'returned' : 'failed', reason, ...more })
}

/** The strategies that lead to an agent. */
const TO_AGENT: ReadonlySet<Strategy> = new Set(['room', 'carrier', 'retell'])

/** The caller, whom the person did not get, is connected with somebody. */
export function callerReturned (draft: Call, { strategy }: Attempt, at: number): void {
  const transfer = openRequest(draft)
  if (transfer?.state !== 'returning' || !TO_AGENT.has(strategy)) return
  returnTransfer(draft, transfer, at, { reason: 'error' })
}

/** The caller, whom the person did not get, goes on to somebody who is no agent. */
export function callerGoesOn (draft: Call, { strategy }: Attempt, at: number): void {
  const transfer = openRequest(draft)
  if (transfer?.state !== 'returning' || TO_AGENT.has(strategy)) return
  finishTransfer(draft, transfer, at, { result: 'failed', ...transfer.failedFor ?? { reason: 'error' } })
}

/** The carrier decided a REFER that somebody asked for by the API. */
export function referDecided (draft: Call, transfer: Transfer, at: number): void {
  if (!transfer.request) return
  if (transfer.result === 'transferred') {
    finishTransfer(draft, transfer, at, { result: 'bridged', reason: 'completed' })
    return
  }
  failTransfer(transfer, whyReferFailed(transfer))
}

/** The call is over: nothing more comes of its transfer. */
export function endTransfer (draft: Call, at: number): void {
  const transfer = openRequest(draft)
  if (!transfer) return
  const isCallersDoing = draft.caller.final?.by === 'caller'
  // The carrier takes the caller away once it has moved the call, and may not say so before.
  if (draft.end?.cause === 'transferred') {
    finishTransfer(draft, transfer, at, { result: 'bridged', reason: 'completed' })
    return
  }
  if (hasOwnCall(transfer) && !transfer.failedFor && isPersonUnheard(draft, transfer)) {
    finishTransfer(draft, transfer, at, { result: 'failed', reason: 'error', detail: PERSON_UNHEARD })
    return
  }
  // The caller was with the agent until the call was ended: the person has nobody to talk to.
  const otherwise = hasOwnCall(transfer) ? 'caller-gone' as const : 'error' as const
  const why = isCallersDoing ? { reason: 'caller-gone' as const } : transfer.failedFor ?? { reason: otherwise }
  finishTransfer(draft, transfer, at, { result: 'failed', ...why })
}

/** Detail of a result that nobody was there to hear. */
const PERSON_UNHEARD = 'no bridge listened for a while, and what became of the person in that time is not known'

/** No bridge listened after the person was last heard of. They may have left, or met the caller, before the end. */
const isPersonUnheard = ({ away = [] }: Call, { at, adopted, person }: Transfer): boolean =>
  (adopted === true && (person?.found === true || person?.state === 'ended')) ||
  away.some(({ to }) => to > Math.max(at, person?.n ?? 0))

/** Why a dial of the caller's own leg did not reach the person. */
export function reasonOfDial (attempt: Attempt): Why {
  const sipStatus = finalSipStatus(attempt)
  const { final, action } = attempt
  if (awaited(attempt)) return { reason: 'declined' }
  if (attempt.accepted) return { reason: 'error', detail: 'Jambonz hung up on the person who had taken the call' }
  if (timedOut(attempt)) return { reason: 'no-answer', sipStatus }
  const status = final?.callStatus ?? action?.dialCallStatus
  const cause = causeOfStatus(sipStatus ?? (status === 'busy' ? 486 : undefined), attempt.at.ringing !== undefined)
  return withoutAbsent({ reason: REASONS[cause] ?? 'error', sipStatus })
}

/** The person answered, and did not take the call. */
const awaited = ({ at, way, accepted }: Attempt): boolean =>
  'screen' in way && way.screen !== undefined && accepted !== true && at.answered !== undefined

const REASONS: Partial<Record<Cause, TransferReason>> = {
  busy: 'busy',
  declined: 'declined',
  'no-answer': 'no-answer',
  'dial-timeout': 'no-answer',
  'agent-hung-up': 'declined',
  'machine-answered': 'declined',
  'operator-hung-up': 'cancelled',
  'transfer-cancelled': 'cancelled',
  'caller-gone': 'caller-gone',
  'number-unobtainable': 'refused',
  'carrier-failed': 'refused',
  'not-allowed': 'refused'
}

/**
 * Why the call of a person ended who did not get to the caller. Somebody who hangs up before anybody wanted to bring
 * them together has declined.
 */
export function reasonOfPerson (end: End, { purpose, found }: NewsOfPerson, wasCompleting: boolean): Why {
  const { cause, by, sipStatus, detail } = end
  // They may have talked with the caller before.
  const isAnswered = cause === 'callee-hung-up' || cause === 'agent-hung-up'
  if (found && isAnswered) return { reason: 'error', detail: PERSON_UNHEARD }
  if (cause === 'callee-hung-up') {
    return { reason: purpose.mode === 'consult' && !wasCompleting ? 'declined' : 'person-hung-up' }
  }
  if (cause === 'agent-hung-up') return { reason: 'declined', detail: 'by the agent' }
  if (cause === 'not-placed' && by === 'jambonz') return withoutAbsent({ reason: 'refused', detail })

  return withoutAbsent({ reason: REASONS[cause] ?? 'error', sipStatus, detail: REASONS[cause] ? undefined : cause })
}
