import { answer, begun, endAttempt, findHook, goOn, noWayLeft } from './attempts.ts'
import { currentAttempt, isBeforeHook, type Attempt, type Call } from './call.ts'
import { note, unowe } from './duties.ts'
import { endOf } from './end.ts'
import type { EventOf } from './events.ts'
import { legsOf } from './legs.ts'
import { hangUpCallee } from './on-order.ts'
import { TIMES, type Rules } from './rules.ts'

/*
 * The call hook of an order: the callee has answered and hears nothing yet.
 */

/**
 * Whether a hook is the one that an order's call begins with. When the call was dialled already, that hook was answered
 * by a replica that could not write so down until now.
 */
export function isFirst (call: Call, { redirected }: EventOf<'call-hook'>): boolean {
  if (!isBeforeHook(call) || call.attemptsBefore > 0 || call.earlier.length > 0) return false
  // What brings an ended call back says that Jambonz has it still.
  if (call.phase === 'ended') return !redirected
  return !call.attempts.some(attempt => wasDialled(call, attempt))
}

const wasDialled = (call: Call, attempt: Attempt): boolean =>
  legsOf(call, attempt).length > 0 || attempt.action !== undefined || attempt.view.sip !== undefined

/**
 * Connects the callee. The agent may wait in its room already. Where nothing is left of what was made for it, another
 * room is.
 */
export function onCalleeHook (draft: Call, event: EventOf<'call-hook'>, rules: Rules): Call {
  const { at, hash } = event
  draft.facts = { ...draft.facts, applicationSid: event.facts.applicationSid ?? draft.facts.applicationSid }
  draft.caller.answeredBefore ||= event.answered
  draft.caller.answered ||= event.answered
  note(draft, at, { from: 'jambonz', what: 'call hook', status: 'in-progress' })
  if (draft.phase === 'ended') {
    answer(draft, 'call-hook', hash, noWayLeft(draft))
    return draft
  }
  if (event.answered) draft.at.answered ??= at
  if (draft.hangupAt !== undefined || draft.closing) {
    answer(draft, 'call-hook', hash, noWayLeft(draft))
    if (draft.hangupAt !== undefined && !draft.closing) hangUpCallee(draft, at, rules)
    return draft
  }
  const attempt = waitingAttempt(draft)
  if (attempt && !isSpoilt(attempt)) {
    takeOver(draft, attempt, event, rules)
    return draft
  }
  if (attempt) {
    endAttempt(draft, attempt, at, endOf(attempt.made === 'failed' ? 'livekit-failed' : 'room-closed'))
    draft.plan = [attempt.way, ...draft.plan]
  }
  goOn(draft, at, rules, 'call-hook', hash)
  return draft
}

/** The attempt whose room waits for the callee: it was made ahead, by this process or by one before it. */
function waitingAttempt (call: Call): Attempt | undefined {
  const attempt = currentAttempt(call)
  return attempt && !attempt.end ? attempt : undefined
}

/** Whether that room is as good as none: it was not made, it is gone, or its agent has left it. */
const isSpoilt = ({ made, view }: Attempt): boolean =>
  made === 'failed' || view.goneAt !== undefined || view.agent?.left !== undefined

/** The hook takes over what was prepared, and what is still being prepared. */
function takeOver (draft: Call, attempt: Attempt, { at, hash }: EventOf<'call-hook'>, rules: Rules): void {
  unowe(draft, ({ kind }) => kind === 'make-room' || kind === 'look')
  draft.phase = 'received'
  draft.deadline = at + TIMES.received
  draft.overdue = false
  draft.settleAt = undefined
  // The attempt of a room that was only found has begun for all that is known.
  if (attempt.found) attempt.at.replied = at
  answer(draft, 'call-hook', hash, attempt.made === 'created' ? begun(draft, attempt, at, rules) : undefined)
  findHook(draft, 'call-hook', hash)!.attempt = attempt.n
}
