import { isAnnouncement, preparationOf } from './attempt-facts.ts'
import {
  unavailableOf,
  type AnsweredHook,
  type Attempt,
  type Call,
  type End,
  type HookName,
  type Reply
} from './call.ts'
import { endOf } from './end.ts'
import type { DeclineWay } from './way.ts'
import { awaitAgent } from './agent-watch.ts'
import { note, unowe } from './duties.ts'
import { isDeleted, oweDeleteRoom } from './room-cleanup.ts'
import { longestLife, TIMES, type Rules } from './rules.ts'
import { callerGoesOn } from './transfer-result.ts'

/**
 * Opens the next attempt of the plan as the reply to a hook: at once or, where a room is to be made or the call to be
 * registered first, with the event that says what became of it.
 * @returns false when no way is left
 */
export function goOn (draft: Call, at: number, rules: Rules, hook: HookName, hash: string): boolean {
  const attempt = openNext(draft, at, rules)
  if (!attempt) return false
  answer(draft, hook, hash, preparationOf(attempt) === undefined ? begun(draft, attempt, at, rules) : undefined)
  findHook(draft, hook, hash)!.attempt ??= attempt.n
  return true
}

/** Opens the next attempt of the plan. */
export function openNext (draft: Call, at: number, rules: Rules): Attempt | undefined {
  const [way, ...rest] = draft.plan
  if (!way) return undefined
  draft.plan = rest
  const n = draft.attemptsBefore + draft.attempts.length + 1
  const attempt: Attempt = {
    n,
    strategy: way.strategy,
    way,
    ...rules.openWay(way, { callSid: draft.callSid, n }),
    ...(way.strategy === 'room' ? { departureS: rules.departureS } : {}),
    made: 'unknown',
    degraded: false,
    at: { opened: at },
    answered: false,
    view: { events: false, past: [] },
    redispatches: []
  }
  const preparation = preparationOf(attempt)
  if (preparation === 'room' || preparation === 'registration') attempt.pendingSince = at
  draft.attempts.push(attempt)
  draft.phase = 'received'
  draft.deadline = at + TIMES.received
  draft.overdue = false
  draft.settleAt = undefined
  note(draft, at, { from: 'bridge', what: `attempt ${way.strategy}`, attempt: n })
  return attempt
}

/** The attempt begins: its verbs are on their way to Jambonz. */
export function begun (draft: Call, attempt: Attempt, at: number, rules: Rules): Reply {
  attempt.at.replied ??= at
  draft.at.replied ??= at
  callerGoesOn(draft, attempt, at)
  if (attempt.way.strategy === 'decline') return declined(draft, attempt.way, at)
  awaitAgent(draft, attempt, at, rules)
  // Without a status hook nothing is heard of a phone before /action, and nobody can look at it.
  if (attempt.room === undefined && !draft.caller.seen) draft.deadline = longestLife(attempt, rules)
  // A caller who was answered before hears an announcement at once, and no status says so.
  if (isAnnouncement(attempt) && draft.caller.answered) announcing(draft, attempt, rules)
  return replyOf(attempt)
}

/** What has Jambonz try the way of an attempt. */
export const replyOf = (attempt: Attempt): Reply =>
  ({ kind: isAnnouncement(attempt) ? 'announce' : 'dial', attempt: attempt.n })

/** The caller is answered and hears the announcement. */
export function announcing (draft: Call, attempt: Attempt, rules: Rules): void {
  draft.phase = 'connected'
  draft.overdue = false
  draft.deadline = longestLife(attempt, rules)
}

/** The route refuses the caller. */
function declined (draft: Call, { status, reason }: DeclineWay, at: number): Reply {
  beginClosing(draft, at)
  return draft.caller.answered ? { kind: 'hangup' } : { kind: 'decline', status, reason }
}

/**
 * The call is over. It ends now, or when its cause is known, at the latest after `patienceMs`.
 * @param patienceMs how long to wait for what could still tell the cause, milliseconds
 */
export function beginClosing (draft: Call, at: number, patienceMs: number = TIMES.evidence): void {
  if (draft.phase === 'ended' || draft.closing) return
  draft.closing = { until: at + patienceMs }
  draft.settleAt = undefined
  draft.deadline = undefined
}

/** An attempt is over for the given reason; its room goes with it. */
export function endAttempt (draft: Call, attempt: Attempt, at: number, end: End): void {
  if (attempt.end) return
  attempt.end = end
  attempt.closing = undefined
  attempt.at.ended ??= at
  unowe(draft, duty => (duty.kind === 'look' || duty.kind === 'redispatch') && duty.target === String(attempt.n))
  attempt.agentless = undefined
  if (!isDeleted(draft, attempt)) oweDeleteRoom(draft, attempt, at)
  note(draft, at, { from: 'bridge', what: 'attempt ended', attempt: attempt.n, status: end.cause })
}

/** An attempt is over, but what could tell its cause may still come. */
export function closeAttempt (attempt: Attempt, at: number): void {
  if (attempt.end || attempt.closing) return
  attempt.at.ended ??= at
  attempt.closing = { until: at + TIMES.evidence }
}

/** A new call hook takes the call over: the open attempt is none any more. */
export function redirectAttempt (draft: Call, at: number): void {
  for (const attempt of draft.attempts) if (!attempt.closing) endAttempt(draft, attempt, at, endOf('redirected'))
}

/** What a caller gets whom no way is left for. */
export function noWayLeft (call: Call): Reply {
  if (call.facts.direction === 'outbound') return { kind: 'hangup', afterS: 1 }
  return call.caller.answered ? { kind: 'hangup' } : { kind: 'decline', ...unavailableOf(call) }
}

const KEEP_HOOKS = 16

export const findHook = (call: Call, hook: HookName, hash: string): AnsweredHook | undefined =>
  call.hooks.find(known => known.hook === hook && known.hash === hash)

/** Remembers a hook and what it is answered with, so that a repeat is answered the same. */
export function answer (draft: Call, hook: HookName, hash: string, reply?: Reply): void {
  const known = findHook(draft, hook, hash)
  if (known) known.reply ??= reply
  else draft.hooks = [...draft.hooks, { hook, hash, reply }].slice(-KEEP_HOOKS)
}

/** The hook that waits for this attempt gets its reply. */
export function answerWaiting (draft: Call, attempt: Attempt, reply: Reply): void {
  for (const hook of draft.hooks) if (hook.attempt === attempt.n) hook.reply ??= reply
}
