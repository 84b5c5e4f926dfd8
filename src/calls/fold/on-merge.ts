import { answerWaiting, begun, endAttempt, goOn, noWayLeft } from './attempts.ts'
import { finalSipStatus } from './attempt-facts.ts'
import { currentAttempt, type Attempt, type Call, type HookName } from './call.ts'
import { note, owe, unowe } from './duties.ts'
import { endOf } from './end.ts'
import type { EventOf } from './events.ts'
import { hangUpCallee } from './on-order.ts'
import { goBack, isUsable, park, parkedAttempt } from './return-to-agent.ts'
import { TIMES, type Rules } from './rules.ts'
import { joinWayOf, openPurpose, type NewsOfPerson, type PersonState } from './transfers.ts'
import type { JoinWay } from './way.ts'
import { withoutAbsent } from './without-absent.ts'

/*
 * The call of a person who is called into the call of somebody else. It is an ordinary outbound call, until it is
 * brought into the caller's room: by a redirect of the person's leg, which is then dialled with the caller's token.
 */

/** The person is to join the caller: Jambonz is asked to redirect their leg. */
export function onMerge (draft: Call, { at }: EventOf<'merge'>): void {
  if (draft.merge || !canMerge(draft)) return
  const n = (draft.merges ?? 0) + 1
  draft.merges = n
  draft.merge = { at, n, until: at + TIMES.redirect }
  draft.mergeFailed = undefined
  note(draft, at, { from: 'bridge', what: 'merge' })
  owe(draft, at, { id: 'redirect', kind: 'redirect', target: `${draft.order!.transfer!.id} ${n}`, due: at })
}

/** The person talks with the agent that consults them. */
function canMerge (call: Call): boolean {
  const attempt = currentAttempt(call)
  return call.order?.transfer?.mode === 'consult' && call.phase === 'connected' && !call.closing &&
    call.hangupAt === undefined && attempt?.strategy === 'room' && attempt.answered && !attempt.end
}

/** Jambonz asks what to do with the person's leg. */
export function followMerge (draft: Call, at: number, rules: Rules, hook: HookName, hash: string): void {
  const attempt = currentAttempt(draft)
  draft.merge = undefined
  if (attempt && !attempt.end) park(attempt, at)
  draft.plan = [joinWayOf(draft.order!.transfer!), ...draft.plan]
  goOn(draft, at, rules, hook, hash)
  // The old leg ends and the new one begins within milliseconds of the reply.
  draft.deadline = at + TIMES.joining
}

/** Jambonz did not ask what to do with the person's leg. They talk with the consulting agent still. */
export function mergeFailed (draft: Call, at: number, detail = 'Jambonz did not redirect the person'): void {
  unowe(draft, ({ kind }) => kind === 'redirect')
  draft.merge = undefined
  draft.mergeFailed = detail
  note(draft, at, { from: 'bridge', what: 'merge failed', detail })
}

/** It is known whether the caller is still there, or that nobody can say. The reply that waits for it is given. */
export function onPresence (draft: Call, event: EventOf<'presence'>, rules: Rules): void {
  const { at, outcome } = event
  const attempt = draft.attempts.find(({ n }) => n === event.attempt)
  if (!attempt || attempt.strategy !== 'join' || attempt.at.replied !== undefined) return
  attempt.pendingSince = undefined
  attempt.made = 'created'
  if (event.moved) follow(draft, attempt, event.moved, rules)
  note(draft, at, { from: 'bridge', what: 'caller', attempt: attempt.n, status: outcome })
  if (attempt.end || draft.phase === 'ended' || draft.closing || draft.hangupAt !== undefined) {
    answerWaiting(draft, attempt, noWayLeft(draft))
    return
  }
  if (outcome !== 'gone') {
    answerWaiting(draft, attempt, begun(draft, attempt, at, rules))
    return
  }
  // LiveKit would make the room again, with another agent in it.
  endAttempt(draft, attempt, at, endOf('caller-gone'))
  draft.hangupFor = 'caller-gone'
  answerWaiting(draft, attempt, noWayLeft(draft))
  hangUpCallee(draft, at, rules)
}

/** The caller is in another room than was known. */
function follow ({ callSid }: Call, attempt: Attempt, room: Pick<JoinWay, 'attempt' | 'token'>, rules: Rules): void {
  if (attempt.way.strategy !== 'join') return
  const { token: _token, ...way } = attempt.way
  attempt.way = { ...way, ...room }
  Object.assign(attempt, rules.openWay(attempt.way, { callSid, n: attempt.n }))
}

/**
 * The dial into the caller's room failed: the person goes back to the agent that consulted them.
 * @returns false when that agent is gone
 */
export function backFromJoin (draft: Call, attempt: Attempt, at: number, rules: Rules, hash: string): boolean {
  if (attempt.strategy !== 'join' || attempt.answered) return false
  const consult = parkedAttempt(draft)
  // Another agent in another room knows nothing of what was said.
  if (consult === undefined || !isUsable(consult, at) || !goBack(draft, at, rules, 'action', hash)) return false
  const sipStatus = finalSipStatus(attempt)
  draft.mergeFailed = `the dial into the room of the caller failed${sipStatus === undefined ? '' : ` (${sipStatus})`}`
  return true
}

/** How a person's call stands, in the words of the transfer. */
export function personStateOf (call: Call): PersonState {
  const attempt = currentAttempt(call)
  if (call.phase === 'ended') return 'ended'
  if (attempt?.strategy === 'join' && !attempt.end) return attempt.answered ? 'joined' : 'joining'
  if (call.merge) return 'joining'
  if (attempt?.answered) return 'consulting'
  if (call.at.answered !== undefined) return 'answered'
  return call.at.ringing === undefined ? 'calling' : 'ringing'
}

/** What a person's call says of itself. Undefined: it is none. */
export function newsOf (call: Call, n: number): NewsOfPerson | undefined {
  const { order, callSid, at, end } = call
  if (!order?.transfer) return undefined
  const purpose = openPurpose(order.transfer)
  const way = call.attempts.findLast(({ strategy }) => strategy === 'join')?.way
  const joined = call.attempts.findLast(({ strategy, answered }) => strategy === 'join' && answered)
  return withoutAbsent({
    n,
    state: personStateOf(call),
    callSid,
    // The caller may be in another room by now than when the person was asked for.
    purpose: way?.strategy === 'join' ? { ...purpose, attempt: way.attempt } : purpose,
    to: order.to,
    answeredAt: at.answered,
    mergeFailed: call.mergeFailed,
    // Whatever becomes of a second dial, they have talked.
    joinedAt: call.news?.joinedAt ?? (joined && (joined.at.answered ?? joined.final?.at ?? joined.at.opened)),
    endedAt: at.ended,
    end,
    found: call.attempts.some(({ found }) => found) || undefined
  })
}

/** The caller's call is owed the news of the person, in the commit that brings them about. */
export function oweNews (draft: Call, at: number): void {
  if (!draft.order?.transfer) return
  const news = newsOf(draft, Math.max(at, (draft.news?.n ?? 0) + 1))!
  if (draft.news?.state === news.state && draft.news.callSid === news.callSid) return
  draft.news = news
  owe(draft, at, { kind: 'tell-call', target: news.purpose.callSid, due: at })
}
