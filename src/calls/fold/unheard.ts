import { beginClosing, endAttempt } from './attempts.ts'
import { currentAttempt, type Attempt, type Call } from './call.ts'
import { note, oweLook } from './duties.ts'
import { endOf } from './end.ts'
import type { EventOf } from './events.ts'
import { legsOf } from './legs.ts'
import { agentAnswered } from './on-status.ts'
import { parkedAttempt } from './return-to-agent.ts'
import { longestLife, TIMES, type Rules } from './rules.ts'
import { REPLY_NOT_TAKEN, returnTransfer } from './transfer-result.ts'
import { openRequest } from './transfers.ts'

/*
 * The reply to a redirect hook dials a leg elsewhere. It may get lost: with the bridge that gave it, or on its way.
 * Then the leg is where it was, and only LiveKit can say so.
 */

/** Nothing was heard of the latest dial, and the leg may be in the room still that it was to leave. */
export function isUnheard (call: Call): boolean {
  const attempt = currentAttempt(call)
  const parked = parkedAttempt(call)
  return attempt !== undefined && parked !== undefined && attempt !== parked && parked.final === undefined &&
    !attempt.end && !attempt.closing && legsOf(call, attempt).length === 0
}

/** Nothing is heard for too long: LiveKit is asked where the leg is. */
export function seekLeg (draft: Call, at: number): void {
  draft.deadline = at + TIMES.lookAgain
  oweLook(draft, parkedAttempt(draft)!, at, at)
}

/** What a look into the room showed that an unheard leg was to leave. */
export function onSought (draft: Call, parked: Attempt, event: EventOf<'look'>, rules: Rules): void {
  const { at, outcome, sip } = event
  if (outcome === 'unreachable') return
  const attempt = currentAttempt(draft)!
  if (sip) stayed(draft, attempt, parked, at)
  else if (attempt.visits !== undefined) oweLook(draft, attempt, at, at)
  // Nobody can look at a phone.
  else draft.deadline = longestLife(attempt, rules)
}

/** Jambonz did not take the reply: everything is as it was before. */
function stayed (draft: Call, attempt: Attempt, parked: Attempt, at: number): void {
  const detail = REPLY_NOT_TAKEN
  endAttempt(draft, attempt, at, endOf('lost', { detail }))
  draft.attempts = [...draft.attempts.filter(other => other !== parked), parked]
  parked.parked = undefined
  draft.phase = 'connected'
  draft.deadline = undefined
  draft.settleAt = undefined
  note(draft, at, { from: 'bridge', what: 'still with the agent', attempt: parked.n })
  oweLook(draft, parked, at, at + TIMES.look)
  const transfer = openRequest(draft)
  if (transfer?.dials === attempt.n) returnTransfer(draft, transfer, at, { reason: 'error', detail })
}

/** A person's leg is looked for in the caller's room. Its own events may not have been heard. */
export function onVisitSeen (draft: Call, attempt: Attempt, event: EventOf<'look'>, rules: Rules): void {
  const { at, outcome, sip } = event
  attempt.view.lookedAt = at
  if (attempt !== currentAttempt(draft) || attempt.end || draft.phase === 'ended' || draft.closing) return
  if (outcome === 'seen' && !sip) {
    notThere(draft, attempt, at)
    return
  }
  attempt.view.goneAt = undefined
  if (sip?.callStatus === 'active' && !attempt.answered) agentAnswered(draft, attempt, at, rules)
  else oweLook(draft, attempt, at, at + TIMES.look)
}

/** One look may be mistaken about a leg that was heard of. */
function notThere (draft: Call, attempt: Attempt, at: number): void {
  const { view } = attempt
  if (view.goneAt !== undefined || isUnheard(draft)) {
    beginClosing(draft, at)
    return
  }
  // Nobody need be there before the dial is answered: its own statuses tell.
  if (!attempt.answered) return
  view.goneAt = at
  oweLook(draft, attempt, at, at + TIMES.settle)
}
