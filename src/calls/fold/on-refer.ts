import { mayRefer } from './attempt-facts.ts'
import { currentAttempt, isFinal, type Attempt, type Call, type HookName } from './call.ts'
import { forgetTransfer } from './transfers.ts'
import { answer, beginClosing, closeAttempt, findHook, goOn } from './attempts.ts'
import { note, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { addLeg, findLeg, replaceLegs } from './legs.ts'
import { adoptAttempt } from './new-call.ts'
import { TIMES, type Rules } from './rules.ts'

/**
 * Somebody asked for a transfer. The agent's request goes on to the caller leg as sip:refer.
 * The caller leg's is refused: the verbs of our reply would run on the agent's leg.
 */
export function onRefer (draft: Call, event: EventOf<'refer'>, rules: Rules): void {
  const { at, hash } = event
  if (findHook(draft, 'refer', hash)) return
  if (draft.attempts.length === 0 && draft.phase !== 'ended' && event.leg === 'agent') {
    adoptAttempt(draft, at, {}, rules)
  }
  const attempt = currentAttempt(draft)
  const leg = findLeg(draft, event.legSid)
  const stale = leg?.role === 'agent' && (leg.replaced === true || leg.attempt !== attempt?.n)
  const allowed = event.leg === 'agent' && !stale && event.referTo !== undefined && event.refused === undefined &&
    attempt !== undefined && mayRefer(attempt) && !attempt.end && draft.phase !== 'ended' && !draft.closing
  note(draft, at, {
    from: 'jambonz',
    what: allowed ? 'refer' : 'refer refused',
    leg: event.leg,
    attempt: attempt?.n,
    detail: event.refused
  })
  if (!allowed) {
    answer(draft, 'refer', hash, { kind: 'forbid' })
    return
  }
  const { direction, from, to } = draft.facts
  const referredBy = (direction === 'outbound' ? from : to) || undefined
  answer(draft, 'refer', hash, { kind: 'refer', to: event.referTo!, referredBy })
  if (draft.transfer?.early) {
    draft.transfer.early = false
    draft.transfer.refers = [hash]
    return
  }
  forget(draft, 'refer-complete')
  if (draft.phase !== 'transferring') countTransfer(draft)
  const earlier = draft.phase === 'transferring' ? draft.transfer?.refers ?? [] : []
  draft.phase = 'transferring'
  // Only who talks can be transferred (RFC 3515). The status that says so may have been lost.
  draft.at.answered ??= at
  draft.at.connected ??= at
  addLeg(draft, event.legSid, 'agent', attempt.n)
  draft.transfer = { at, attempt: attempt.n, returned: false, refers: [...earlier, hash].slice(-KEEP_REFERS) }
  draft.deadline = at + TIMES.transferring
  draft.overdue = false
  draft.settleAt = undefined
  unowe(draft, duty => duty.kind === 'look')
}

/**
 * The carrier's word on the transfer, the only one that counts (LiveKit's API answers before it is known).
 * Failed: back to the agent while its room still stands, else the next way, else the call ends.
 */
export function onReferComplete (draft: Call, event: EventOf<'refer-complete'>, rules: Rules): void {
  const { at, hash, referStatus, finalStatus } = event
  if (findHook(draft, 'refer-complete', hash)) return
  note(draft, at, {
    from: 'jambonz',
    what: 'refer complete',
    attempt: draft.transfer?.attempt,
    sipStatus: finalStatus ?? referStatus,
    detail: referStatus === undefined ? undefined : `refer_status ${referStatus}`
  })
  const attempt = currentAttempt(draft)
  if (draft.phase === 'connected' && attempt?.answered) {
    countTransfer(draft)
    draft.transfer = { at, attempt: attempt.n, returned: false, early: true }
  }
  const transfer = draft.transfer
  if ((draft.phase !== 'transferring' && !transfer?.early) || !transfer || !attempt) {
    answer(draft, 'refer-complete', hash, { kind: 'nothing' })
    return
  }
  transfer.referStatus = referStatus
  transfer.finalStatus = finalStatus
  const result = resultOf(referStatus, finalStatus)
  if (result === undefined) {
    answer(draft, 'refer-complete', hash, { kind: 'nothing' })
    return
  }
  transfer.result = result
  transfer.finishedAt = at
  if (result === 'transferred' || isFinal(event.callerStatus) || draft.closing) {
    beginClosing(draft, at)
    answer(draft, 'refer-complete', hash, { kind: 'nothing' })
  } else if (draft.hangupAt !== undefined) {
    beginClosing(draft, at)
    answer(draft, 'refer-complete', hash, { kind: 'hangup' })
  } else if (
    attempt.room !== undefined && !attempt.foreign && attempt.view.goneAt === undefined && !attempt.view.agent?.left &&
    at - transfer.at < TIMES.returnToAgent
  ) {
    backToAgent(draft, attempt, at)
    answer(draft, 'refer-complete', hash, { kind: 'dial', attempt: attempt.n })
  } else if (draft.plan.length > 0) {
    closeAttempt(attempt, at)
    goOn(draft, at, rules, 'refer-complete', hash)
  } else {
    attempt.at.ended ??= at
    beginClosing(draft, at)
    answer(draft, 'refer-complete', hash, { kind: 'hangup' })
  }
}

/**
 * Undefined: not decided yet (200 alone, on which the caller leg's end follows). 202 without a final status is what
 * feature-server reports after having waited 15 s for a NOTIFY in vain.
 */
function resultOf (
  referStatus: number | undefined,
  finalStatus: number | undefined
): 'transferred' | 'failed' | undefined {
  if (referStatus === undefined || referStatus >= 300) return 'failed'
  if (finalStatus !== undefined) return finalStatus < 300 ? 'transferred' : 'failed'
  return referStatus === 202 ? 'failed' : undefined
}

/** An agent may ask again and again before the first request is decided. */
const KEEP_REFERS = 16

/** Another transfer begins. */
function countTransfer (draft: Call): void {
  forgetTransfer(draft)
  draft.transfers = (draft.transfers ?? 0) + 1
}

/** The next hook of this kind is another one, even if it reads the same. */
function forget (draft: Call, hook: HookName): void {
  draft.hooks = draft.hooks.filter(known => known.hook !== hook)
}

/** The same attempt is dialled again, with a new leg; what was known of the old one no longer says anything. */
function backToAgent (draft: Call, attempt: Attempt, at: number): void {
  draft.transfer!.returned = true
  draft.phase = 'received'
  draft.deadline = at + TIMES.received
  draft.overdue = false
  forget(draft, 'refer')
  replaceLegs(draft, attempt)
  attempt.answered = false
  attempt.at.answered = undefined
  attempt.final = undefined
  attempt.action = undefined
  if (attempt.view.sip?.sid) attempt.view.past.push(attempt.view.sip.sid)
  attempt.view.sip = undefined
  attempt.at.ringing = attempt.at.lastRinging = undefined
  note(draft, at, { from: 'bridge', what: 'back to the agent', attempt: attempt.n })
}
