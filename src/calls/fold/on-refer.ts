import { mayRefer } from './attempt-facts.ts'
import { currentAttempt, isFinal, type Call, type HookName } from './call.ts'
import { beginTransfer, openRequest } from './transfers.ts'
import { referDecided } from './transfer-result.ts'
import { answer, beginClosing, closeAttempt, findHook, goOn } from './attempts.ts'
import { note, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { addLeg, findLeg } from './legs.ts'
import { isUsable, redial, returnMs } from './return-to-agent.ts'
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
    adoptAttempt(draft, at, { dialled: event.dialled }, rules)
  }
  const attempt = currentAttempt(draft)
  const leg = findLeg(draft, event.legSid)
  const stale = leg?.role === 'agent' && (leg.replaced === true || leg.attempt !== attempt?.n)
  const allowed = event.leg === 'agent' && !stale && event.referTo !== undefined && event.refused === undefined &&
    attempt !== undefined && mayRefer(attempt) && !attempt.end && draft.phase !== 'ended' && !draft.closing &&
    openRequest(draft) === undefined
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
  const isAgain = draft.phase === 'transferring'
  const earlier = isAgain ? draft.transfer?.refers ?? [] : []
  const transfer = { at, attempt: attempt.n, returned: false, refers: [...earlier, hash].slice(-KEEP_REFERS) }
  if (isAgain) draft.transfer = transfer
  else beginTransfer(draft, transfer)
  addLeg(draft, event.legSid, 'agent', attempt.n)
  referring(draft, at)
}

/** The caller's carrier is asked to move the call. */
export function referring (draft: Call, at: number): void {
  forget(draft, 'refer-complete')
  draft.phase = 'transferring'
  // Only who talks can be transferred (RFC 3515). The status that says so may have been lost.
  draft.at.answered ??= at
  draft.at.connected ??= at
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
  if (draft.phase === 'connected' && attempt?.answered && !openRequest(draft)) {
    beginTransfer(draft, { at, attempt: attempt.n, returned: false, early: true })
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
  referDecided(draft, transfer, at)
  if (result === 'transferred' || isFinal(event.callerStatus) || draft.closing) {
    beginClosing(draft, at)
    answer(draft, 'refer-complete', hash, { kind: 'nothing' })
  } else if (draft.hangupAt !== undefined) {
    beginClosing(draft, at)
    answer(draft, 'refer-complete', hash, { kind: 'hangup' })
  } else if (isUsable(attempt, at) && at - transfer.at < returnMs(attempt)) {
    transfer.returned = true
    forget(draft, 'refer')
    redial(draft, attempt, at)
    answer(draft, 'refer-complete', hash, { kind: 'dial', attempt: attempt.n })
  } else if (draft.plan.length > 0 || transfer.request) {
    closeAttempt(attempt, at)
    // Who asked over the API does not lose the caller: another agent comes.
    if (transfer.request) draft.plan = [attempt.way, ...draft.plan]
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

/** The next hook of this kind is another one, even if it reads the same. */
function forget (draft: Call, hook: HookName): void {
  draft.hooks = draft.hooks.filter(known => known.hook !== hook)
}
