import { beginClosing } from './attempts.ts'
import { hangUpCallee, onAwayUnnamed, releaseCallee } from './on-order.ts'
import { currentAttempt, type Call, type TransferHangup } from './call.ts'
import { onAgentOverdue } from './agent-watch.ts'
import { claimDuties, note, owe, oweLook } from './duties.ts'
import { lapseDuties } from './on-duty.ts'
import { oweDeleteForeign } from './foreign-room.ts'
import { hungUpCause } from './hung-up-cause.ts'
import { endCall } from './ending.ts'
import { mergeFailed } from './on-merge.ts'
import { acceptanceSettled } from './on-redirect.ts'
import { saidBy } from './on-request.ts'
import { redirectFailed } from './on-transfer.ts'
import { openRequest } from './transfers.ts'
import { oweDeleteRoom } from './room-cleanup.ts'
import type { EventOf } from './events.ts'
import { longestLife, TIMES, type Rules } from './rules.ts'
import { isUnheard, seekLeg } from './unheard.ts'
import { isOver } from './wake.ts'

/** Time passed: what is overdue happens, and the waker takes the duties that are due. */
export function onWake (draft: Call, event: EventOf<'wake'>, rules: Rules): Call | undefined {
  const { at, claim } = event
  if (isOver(draft, at)) return undefined
  draft.statusesExpected ||= event.statusesExpected
  if (draft.phase !== 'ended') {
    if (draft.settleAt !== undefined && at >= draft.settleAt) onSettled(draft, at, rules)
    redirectsLapse(draft, at)
    acceptanceSettled(draft, at, rules)
    const attempt = currentAttempt(draft)
    if (attempt?.agentless && at >= attempt.agentless.due) onAgentOverdue(draft, attempt, at)
    if (draft.deadline !== undefined && at >= draft.deadline) {
      note(draft, at, { from: 'bridge', what: 'deadline', attempt: currentAttempt(draft)?.n, status: draft.phase })
      onDeadline(draft, at, rules)
    }
  }
  lapseDuties(draft, at, rules)
  if (claim !== undefined) claimDuties(draft, at, claim)
  return draft
}

/** Jambonz was asked to redirect a leg, and did not. */
function redirectsLapse (draft: Call, at: number): void {
  if (draft.merge && at >= draft.merge.until) mergeFailed(draft, at)
  const transfer = openRequest(draft)
  if (transfer?.redirect && at >= transfer.redirect.until) redirectFailed(draft, transfer, at)
}

/**
 * The attempt seemed over and Jambonz said nothing of it. What only LiveKit said may have been a hiccup: it is asked
 * once more.
 */
function onSettled (draft: Call, at: number, rules: Rules): void {
  const attempt = currentAttempt(draft)
  draft.settleAt = undefined
  note(draft, at, { from: 'bridge', what: 'settled without word from jambonz', attempt: attempt?.n })
  const isOver = draft.hangupAt !== undefined || draft.legLeftAt !== undefined || attempt?.final !== undefined
  if (isOver) beginClosing(draft, at)
  else onDeadline(draft, at, rules)
}

/** The phase took too long. Where LiveKit can say whether the call lives, it is asked first. */
function onDeadline (draft: Call, at: number, rules: Rules): void {
  if (isUnheard(draft)) {
    seekLeg(draft, at)
    return
  }
  const attempt = currentAttempt(draft)
  if (draft.order && (attempt === undefined || attempt.at.replied === undefined)) {
    releaseCallee(draft, at, rules)
    beginClosing(draft, at)
    return
  }
  const mayTalk = attempt !== undefined && attempt.room === undefined && !attempt.end &&
    attempt.at.replied !== undefined
  if (mayTalk && at < longestLife(attempt, rules)) {
    // Nobody can look at a phone: that its answer was lost must not end a talk.
    draft.deadline = longestLife(attempt, rules)
    return
  }
  if (attempt?.room === undefined || attempt.end) {
    beginClosing(draft, at)
    return
  }
  draft.overdue = true
  draft.deadline = at + TIMES.lookAgain
  oweLook(draft, attempt, at, at)
}

/**
 * No bridge listened for a while. LiveKit repeats the events of that time, so a verdict waits for them; a look tells at
 * once how an open call stands.
 */
export function onAway (draft: Call, { at, from, to }: EventOf<'away'>, rules: Rules): void {
  if (draft.phase === 'ended' || to <= draft.at.received || draft.away?.at(-1)?.to === to) return
  const since = Math.min(to, Math.max(from, lastHeard(draft)))
  draft.away = [...draft.away ?? [], { from: since, to }]
  note(draft, to, { from: 'bridge', what: 'nobody listened', detail: `for ${Math.round((to - since) / 1000)} s` })
  for (const attempt of draft.attempts) if (attempt.closing) attempt.closing.until = at + TIMES.redelivery
  if (draft.closing) {
    draft.closing.until = at + TIMES.redelivery
    return
  }
  if (draft.phase === 'requested') {
    onAwayUnnamed(draft, at)
    return
  }
  const attempt = currentAttempt(draft)
  if (!attempt || attempt.end || attempt.at.replied === undefined) return
  // A leg that rings need not be in the room, nor one that is being transferred.
  if (draft.phase === 'connected') onDeadline(draft, at, rules)
  else if (draft.phase !== 'transferring') oweLook(draft, attempt, at, at)
}

/** When the call was last heard of. Somebody listened then. */
const lastHeard = (call: Call): number =>
  Math.max(call.at.received, ...call.events.filter(({ from }) => from !== 'operator').map(({ last }) => last))

/**
 * Somebody ends the call. The intent is recorded first: what follows is then known to be our doing. Asked again once
 * nothing came of it, it is tried again.
 */
export function onHangup (draft: Call, event: EventOf<'hangup'>, rules: Rules): void {
  if (draft.phase === 'ended' || draft.closing || (draft.hangupAt !== undefined && draft.settleAt !== undefined)) return
  const { at } = event
  const { for: why, by } = event
  const from = why === undefined ? saidBy(by) : 'bridge'
  note(draft, at, { from, what: 'hang-up', by: from === 'operator' ? by : undefined, detail: why })
  draft.hangupFor = why ?? draft.hangupFor ?? (from === 'agent' ? 'agent' : undefined)
  hangUp(draft, at, rules)
}

/** The bridge itself ends the call. */
export function endByBridge (draft: Call, at: number, why: TransferHangup, rules: Rules): void {
  note(draft, at, { from: 'bridge', what: 'hang-up', detail: why })
  draft.hangupFor = why
  hangUp(draft, at, rules)
}

function hangUp (draft: Call, at: number, rules: Rules): void {
  draft.hangupAt = at
  if (draft.phase === 'requested') {
    // What was sent and is not named yet is ended when it is.
    if (draft.order?.sentAt === undefined) endCall(draft, at, hungUpCause(draft), rules)
    return
  }
  if (draft.order) hangUpCallee(draft, at, rules)
  else if (rules.callControl) {
    const answered = draft.caller.answered || draft.at.answered !== undefined
    // Jambonz ends an answered leg by the one status and an unanswered one by the other, and ignores the one that does
    // not fit (feature-server lib/session/call-session.js). Without a status hook we do not know which it is.
    if (answered || !draft.caller.seen) owe(draft, at, { kind: 'hang-up', target: 'completed', due: at })
    if (!answered) owe(draft, at, { kind: 'hang-up', target: 'no-answer', due: at })
  }
  const attempt = currentAttempt(draft)
  if (attempt?.foreign && !rules.callControl) oweDeleteForeign(draft, attempt, at)
  else if (attempt) oweDeleteRoom(draft, attempt, at)
  draft.settleAt ??= at + TIMES.hangup
}
