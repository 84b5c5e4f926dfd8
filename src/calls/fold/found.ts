import { answerWaiting, begun, endAttempt, openNext } from './attempts.ts'
import { currentAttempt, isBeforeHook, type Attempt, type Call } from './call.ts'
import { note, oweLook } from './duties.ts'
import { endOf } from './end.ts'
import type { EventOf } from './events.ts'
import { newCall, takeWay } from './new-call.ts'
import { factsOfOrder } from './order.ts'
import { oweDeleteRoom, oweDeleteStray } from './room-cleanup.ts'
import { roomNameOf } from './room-name.ts'
import { TIMES, type Rules } from './rules.ts'
import { enterWarmRoom, oweTellAgent, type FoundWarmRoom } from './warm.ts'

/*
 * LiveKit has a room of ours, and says whose it is. The call may be unknown here, or its record may know less.
 */

/** A call that was not known here is followed from now on. A look tells how it stands. */
export function foundCall (event: EventOf<'found'>, rules: Rules): Call {
  const { at, callSid, attempt = 1, facts, app, receivedAt, openedAt } = event
  const draft = newCall(callSid, receivedAt, facts, app)
  draft.attemptsBefore = attempt - 1
  draft.route = rules.completeRoute(event.route)
  if (event.order) {
    draft.order = event.order
    draft.facts = { ...factsOfOrder(event.order), applicationSid: facts.applicationSid }
  }
  draft.at.replied = openedAt
  draft.away = [{ from: openedAt, to: at }]
  follow(draft, event, rules)
  return draft
}

/** The attempt that a room was made for is dialled, or was. */
function follow (draft: Call, { at, route, openedAt, warm }: EventOf<'found'>, rules: Rules): void {
  draft.plan = rules.completeRoute(route).ways
  const attempt = openNext(draft, openedAt, rules)!
  if (warm) enterWarmRoom(attempt, warm)
  attempt.made = 'created'
  attempt.pendingSince = undefined
  attempt.at.replied = openedAt
  draft.overdue = true
  draft.deadline = at + TIMES.lookAgain
  isThere(draft, attempt, at)
}

function isThere (draft: Call, attempt: Attempt, at: number): void {
  attempt.found = true
  note(draft, at, { from: 'livekit', what: 'found', attempt: attempt.n })
  oweLook(draft, attempt, at, at)
}

/**
 * The room of a call that is known. Of one that has ended it is news that it is still there, and of an attempt whose
 * room is not known for sure, which one it is.
 */
export function onFound (draft: Call, event: EventOf<'found'>, rules: Rules): void {
  const room = roomOf(event, rules)
  const attempt = attemptOf(draft, event, room)
  if (attempt === undefined) {
    onAnotherRoom(draft, event, rules)
  } else if (event.warm && isGuess(attempt, room)) {
    takeRoom(draft, attempt, event, event.warm, rules)
  } else if (attempt.room !== undefined && !draft.duties.some(({ target }) => target === room)) {
    leftOver(draft, attempt, room, event)
  }
}

function roomOf ({ callSid, attempt, warm }: EventOf<'found'>, { roomPrefix, tokenOf }: Rules): string {
  return warm?.room ?? roomNameOf(roomPrefix, tokenOf(callSid, attempt ?? 1))
}

/** The attempt that a room belongs to, or should. */
function attemptOf (call: Call, { attempt: n }: EventOf<'found'>, room: string): Attempt | undefined {
  const own = call.attempts.find(attempt => attempt.room === room || attempt.visits === room)
  if (own) return own
  return n === undefined ? currentAttempt(call) : call.attempts.find(attempt => attempt.n === n)
}

/**
 * Nobody was seen in the room that the attempt should have, and it was not this record that the reply was given by: the
 * attempt was rebuilt from a hook, or the store has lost what was written last.
 */
function isGuess ({ adopted, strategy, room, at, view, end }: Attempt, found: string): boolean {
  if (strategy !== 'room' || end || room === found) return false
  return (adopted === true || at.replied === undefined) && isUnseen(view)
}

const isUnseen = ({ events, sip, agent }: Attempt['view']): boolean => !events && !sip && !agent

/** The attempt's room is known now. A look tells how it stands. */
function takeRoom (
  draft: Call,
  attempt: Attempt,
  { at, route, attempt: n }: EventOf<'found'>,
  warm: FoundWarmRoom,
  rules: Rules
): void {
  enterWarmRoom(attempt, warm)
  takeWay(attempt, rules.completeRoute(route).ways[0])
  attempt.view.goneAt = undefined
  attempt.made = 'created'
  attempt.pendingSince = undefined
  if (attempt.at.replied === undefined) answerWaiting(draft, attempt, begun(draft, attempt, at, rules))
  // Only metadata that were written for the call tell its attempt.
  if (n === undefined && !isBeforeHook(draft)) oweTellAgent(draft, attempt, at)
  isThere(draft, attempt, at)
}

/** The call needs this room no more, or never had it. */
function leftOver (draft: Call, attempt: Attempt, room: string, { at, attempt: n }: EventOf<'found'>): void {
  const isOver = draft.phase === 'ended'
  if (attempt.room === room) {
    if (isOver) oweDeleteRoom(draft, attempt, at)
    return
  }
  const hasAnother = n !== undefined && !isUnseen(attempt.view)
  if (isOver || hasAnother) oweDeleteStray(draft, room, at)
}

/**
 * Another room of a call that only LiveKit's rooms tell of, or the first one. They come in any order, and the latest
 * attempt goes on.
 */
function onAnotherRoom (draft: Call, event: EventOf<'found'>, rules: Rules): void {
  if (event.order) draft.order ??= event.order
  if (draft.phase === 'ended' || draft.closing) return
  const n = event.attempt ?? draft.attemptsBefore + 1
  const latest = currentAttempt(draft)
  if (!latest) {
    if (event.warm && n > draft.attemptsBefore) begin(draft, event, n, rules)
    return
  }
  if (!latest.found) return
  if (n < latest.n) {
    // It knows more of the route than a later room does.
    draft.route = rules.completeRoute(event.route)
    oweDeleteStray(draft, roomOf(event, rules), event.at)
    return
  }
  endAttempt(draft, latest, event.at, endOf('lost', { detail: 'a later attempt had begun' }))
  begin(draft, event, n, rules)
}

/** The nth attempt of a call goes on in the room that was found. */
function begin (draft: Call, event: EventOf<'found'>, n: number, rules: Rules): void {
  draft.attemptsBefore = n - draft.attempts.length - 1
  follow(draft, event, rules)
}
