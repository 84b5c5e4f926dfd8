import { currentAttempt, type Attempt, type Call, type CallerFacts } from './call.ts'
import { forgetTransfer, openRequest } from './transfers.ts'
import { endOf } from './end.ts'
import { hungUpCause } from './hung-up-cause.ts'
import type { ApplicationConfig } from './way.ts'
import { awaitAgent } from './agent-watch.ts'
import { preparationOf } from './attempt-facts.ts'
import {
  answer,
  answerWaiting,
  begun,
  endAttempt,
  findHook,
  goOn,
  noWayLeft,
  openNext,
  redirectAttempt,
  replyOf
} from './attempts.ts'
import { note } from './duties.ts'
import { oweDeleteRoom, oweDeleteStray } from './room-cleanup.ts'
import { endCall, endNow } from './ending.ts'
import type { EventOf } from './events.ts'
import { legsOf } from './legs.ts'
import { MOST_ATTEMPTS, newCall, nextRecord, takeWay } from './new-call.ts'
import { isFirst, onCalleeHook } from './on-callee-hook.ts'
import { preparedAttempt } from './on-order.ts'
import { refusalFor } from './refusal.ts'
import { roomNameOf } from './room-name.ts'
import { TIMES, type Rules } from './rules.ts'
import { releasePerson } from './on-transfer.ts'
import { finishTransfer } from './transfer-result.ts'
import { takeWarmRoom } from './warm.ts'

/**
 * A call hook opens an attempt: the first one of a new call, or another one where Jambonz brings a known call back
 * (`redirect` verb, REST `call_hook`). A repeat of a hook changes nothing.
 */
export function onCallHook (known: Call | undefined, event: EventOf<'call-hook'>, rules: Rules): Call {
  const { at, hash } = event
  if (known && isRepeat(known, event)) {
    note(known, at, { from: 'jambonz', what: 'call hook repeated' })
    return known
  }
  if (known?.order && isFirst(known, event)) return onCalleeHook(known, event, rules)
  if (known && isLate(known, event)) return onLateHook(known, event, rules)
  // What reads like it, if anything does, is history now.
  if (known) known.hooks = known.hooks.filter(other => other.hook !== 'call-hook' || other.hash !== hash)
  if (known?.closing && known.caller.final) endNow(known, at, rules)
  const app: ApplicationConfig = { ...(known?.app ?? rules.app), ...event.app }
  // A hook that brings a call back lacks the SIP headers: what the first one said of the caller stands.
  const facts = known && known.hooks.length > 0 ? known.facts : event.facts
  const draft = known ? recordFor(known, at, facts, app) : newCall(event.callSid, at, facts, app)
  draft.facts = facts
  draft.app = app
  draft.closing = undefined
  draft.longestS = event.longestS ?? draft.longestS
  draft.joins ??= event.joins
  if (event.sipCallIds) draft.sipCallIds = [...new Set([...draft.sipCallIds ?? [], ...event.sipCallIds])]
  draft.caller.answeredBefore = event.answered
  draft.caller.answered ||= event.answered
  if (event.answered && facts.direction === 'outbound') draft.at.answered ??= at
  note(draft, at, { from: 'jambonz', what: 'call hook', status: event.answered ? 'in-progress' : 'trying' })
  // A call that is let in already may come back, whatever room is left by now.
  if (event.refuse && (event.refuse.cause !== 'capacity' || draft.attempts.length === 0)) {
    const { cause, status, reason, detail } = refusalFor(facts.direction, event.refuse)
    answer(draft, 'call-hook', hash, { kind: 'decline', status, reason })
    endCall(draft, at, endOf(cause, { sipStatus: status, detail }), rules)
    return draft
  }
  if (draft.attemptsBefore + draft.attempts.length >= MOST_ATTEMPTS) {
    answer(draft, 'call-hook', hash, { kind: 'decline', status: 482, reason: 'Loop Detected' })
    endCall(draft, at, endOf('bridge-error', { sipStatus: 482, detail: 'brought back too often' }), rules)
    return draft
  }
  redirectAttempt(draft, at)
  abandonTransfer(draft, at)
  forgetTransfer(draft)
  draft.hangupAt = undefined
  draft.hangupFor = undefined
  // A call that comes back keeps its route, whatever the routes file says by now.
  draft.route = known?.route ?? event.route ?? rules.guessRoute(facts, app, draft.callSid, at)
  draft.plan = draft.route.ways
  if (draft.route.refused) note(draft, at, { from: 'bridge', what: 'way refused', detail: draft.route.refused })
  goOn(draft, at, rules, 'call-hook', hash)
  return draft
}

/** Somebody else has redirected the caller: the open transfer comes to nothing. */
function abandonTransfer (draft: Call, at: number): void {
  const transfer = openRequest(draft)
  if (!transfer) return
  releasePerson(draft, transfer, at)
  finishTransfer(draft, transfer, at, { result: 'failed', reason: 'error', detail: 'the caller was redirected' })
}

/** A call that had ended and is brought back begins a new record. */
function recordFor (known: Call, at: number, facts: CallerFacts, app: ApplicationConfig): Call {
  return known.phase === 'ended' ? nextRecord(known, at, facts, app) : known
}

/**
 * A call has one first hook. When the call was dialled already, or has ended, and that hook is not known, it was
 * answered by a replica that could not write so down until now.
 */
function isLate (known: Call, { at, redirected }: EventOf<'call-hook'>): boolean {
  if (
    redirected || known.attemptsBefore > 0 || known.earlier.length > 0 ||
    known.hooks.some(({ hook }) => hook === 'call-hook')
  ) return false
  return known.attempts.length > 0 || (known.caller.final !== undefined && at <= known.caller.final.at)
}

/** Completes what is known of a call by the hook that it began with. */
function onLateHook (draft: Call, { at, hash, facts, app, route }: EventOf<'call-hook'>, rules: Rules): Call {
  draft.facts = facts
  draft.app = { ...draft.app, ...app }
  draft.route ??= route ?? rules.guessRoute(facts, draft.app, draft.callSid, at)
  note(draft, at, { from: 'jambonz', what: 'call hook', status: 'late' })
  const [first] = draft.attempts
  answer(draft, 'call-hook', hash, first ? replyOf(first) : noWayLeft(draft))
  if (first) {
    findHook(draft, 'call-hook', hash)!.attempt = first.n
    takeWay(first, draft.route.ways[0])
    if (draft.phase !== 'ended' && draft.attempts.length === 1) draft.plan = draft.route.ways.slice(1)
  } else {
    const room = roomNameOf(rules.roomPrefix, rules.tokenOf(draft.callSid, 1))
    oweDeleteStray(draft, room, at, at + TIMES.roomSettles)
  }
  if (draft.phase !== 'ended') draft.at.received = Math.min(at, draft.at.received)
  return draft
}

/** Jambonz tries a hook again within this time of our lost reply, milliseconds. */
const RETRY_MS = 2000

/**
 * Jambonz repeats a hook when it did not get our reply. What brings a call back says so little that the second time may
 * read like the first: it is a repeat only while nothing came of the first.
 */
function isRepeat (known: Call, { at, hash, redirected }: EventOf<'call-hook'>): boolean {
  const before = findHook(known, 'call-hook', hash)
  if (!before || !redirected) return before !== undefined
  const attempt = known.attempts.find(attempt => attempt.n === before.attempt)
  return attempt !== undefined && !attempt.end && legsOf(known, attempt).length === 0 && !attempt.action &&
    !attempt.view.sip &&
    at - (attempt.at.replied ?? at) < RETRY_MS
}

/** The room is there, or not, or not known in time: the hook that waits for it is answered accordingly. */
export function onRoom (draft: Call, event: EventOf<'room'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  if (!attempt || preparationOf(attempt) !== 'room' || attempt.made === 'created') return
  if (event.cold !== undefined && attempt.cold === undefined) {
    note(draft, event.at, { from: 'bridge', what: 'no warm room', attempt: attempt.n, detail: event.cold })
  }
  attempt.cold = event.cold
  const isMade = event.warm === undefined || takeWarmRoom(draft, attempt, event.warm, event.at)
  onPrepared(draft, isMade ? event : { ...event, outcome: 'failed', detail: 'not wanted' }, rules, 'createRoom')
}

/** Retell knows the call by an id now, or does not. */
export function onRegistration (draft: Call, event: EventOf<'registration'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  if (attempt && attempt.at.replied === undefined && event.sipUser !== undefined) attempt.token = event.sipUser
  onPrepared(draft, event, rules, 'registration')
}

/** What had to be done before the dial was done, or was not, or that is not known in time. */
function onPrepared (
  draft: Call,
  event: EventOf<'room'> | EventOf<'registration'>,
  rules: Rules,
  what: 'createRoom' | 'registration'
): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  // Replicas may have opened different ways under the same number.
  const waitsFor = what === 'createRoom' ? 'room' : 'registration'
  if (!attempt || preparationOf(attempt) !== waitsFor || attempt.made === 'created') return
  if (event.outcome !== 'timeout') {
    attempt.pendingSince = undefined
    attempt.made = event.outcome
  }
  if (attempt.at.replied !== undefined) return
  // A room with a waiting agent was there before: nothing was asked of LiveKit.
  if (event.kind !== 'room' || event.warm === undefined) {
    note(draft, event.at, {
      from: what === 'createRoom' ? 'livekit' : 'retell',
      what,
      attempt: attempt.n,
      status: event.outcome,
      detail: event.detail
    })
  }
  const isUnwanted = attempt.end !== undefined || draft.hangupAt !== undefined
  if (isUnwanted && event.outcome !== 'timeout') oweDeleteRoom(draft, attempt, event.at)
  if (attempt === preparedAttempt(draft)) {
    // The room was made ahead: nobody waits for a reply, but the agent is to be there when somebody does.
    if (attempt.made === 'created') awaitAgent(draft, attempt, event.at, rules)
    return
  }
  if (attempt.end || draft.phase === 'ended') {
    answerWaiting(draft, attempt, noWayLeft(draft))
    return
  }
  if (draft.hangupAt !== undefined) {
    answerWaiting(draft, attempt, noWayLeft(draft))
    endCall(draft, event.at, hungUpCause(draft), rules)
    return
  }
  if (event.outcome === 'created') {
    answerWaiting(draft, attempt, begun(draft, attempt, event.at, rules))
    return
  }
  if (attempt.strategy === 'room' && attempt.agent === rules.ruleAgent) {
    // The dispatch rule's own agent answers when the SIP leg makes the room.
    attempt.degraded = true
    answerWaiting(draft, attempt, begun(draft, attempt, event.at, rules))
    return
  }
  const cause = what === 'createRoom' ? 'livekit-failed' : 'retell-failed'
  endAttempt(draft, attempt, event.at, endOf(cause, { waitingOn: 'hook', detail: event.detail }))
  goOnInstead(draft, attempt, event.at, rules)
}

/** The attempt cannot be dialled. The hook that waits for it gets the next way, or waits for that one instead. */
function goOnInstead (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  const next = openNext(draft, at, rules)
  if (!next) {
    draft.at.replied ??= at
    endCall(draft, at, attempt.end!, rules)
    return
  }
  for (const hook of draft.hooks) if (hook.attempt === attempt.n) hook.attempt = next.n
  if (preparationOf(next) === undefined) answerWaiting(draft, next, begun(draft, next, at, rules))
}

/** createRoom of an attempt that may be over has settled late: only now can its room be deleted for good. */
export function onRoomSettled (draft: Call, event: EventOf<'room-settled'>): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  if (!attempt) return
  attempt.pendingSince = undefined
  if (attempt.end) oweDeleteRoom(draft, attempt, event.at)
}

/** We failed to connect the call; what was answered already stands. */
export function onDeclined (draft: Call, event: EventOf<'declined'>, rules: Rules): void {
  const known = findHook(draft, 'call-hook', event.hash)
  if (known?.reply) return
  answer(draft, 'call-hook', event.hash, { kind: 'decline', status: event.status, reason: event.reason })
  if (known?.attempt !== undefined && known.attempt !== currentAttempt(draft)?.n) return
  draft.at.replied ??= event.at
  endCall(draft, event.at, endOf(event.cause, { waitingOn: 'hook', sipStatus: event.status }), rules)
}

/** Jambonz stopped waiting for our verbs; without a status event nothing more will come. */
export function onHookAbandoned (draft: Call, event: EventOf<'hook-abandoned'>): void {
  note(draft, event.at, { from: 'jambonz', what: 'call hook abandoned', attempt: currentAttempt(draft)?.n })
}
