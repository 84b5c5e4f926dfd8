import type { Call, CallerFacts } from './call.ts'
import { planFor, type ApplicationConfig } from '../connect/plan.ts'
import { TIMES, type Rules } from './rules.ts'
import { openNext } from './attempts.ts'

/** A call at its first event. A REST-originated one may ring for a while before its call hook comes. */
export function newCall (callSid: string, at: number, facts: CallerFacts, app: ApplicationConfig): Call {
  return {
    v: 1,
    callSid,
    phase: 'received',
    facts,
    app,
    plan: [],
    attempts: [],
    attemptsBefore: 0,
    hooks: [],
    caller: { seen: false, trying: false, answered: false, answeredBefore: false },
    at: { received: at },
    deadline: at + (facts.direction === 'outbound' ? TIMES.outboundReceived : TIMES.received),
    overdue: false,
    statusesExpected: false,
    duties: [],
    events: [],
    eventsDropped: 0,
    earlier: []
  }
}

/** The call was away and is back: a new record begins, the ended one stays under `earlier`. */
export function nextRecord (ended: Call, at: number, facts: CallerFacts, app: ApplicationConfig): Call {
  const { at: times, end, attempts } = ended
  return {
    ...newCall(ended.callSid, at, facts, app),
    attemptsBefore: ended.attemptsBefore + attempts.length,
    hooks: ended.hooks,
    duties: ended.duties,
    earlier: [...ended.earlier, ...(end ? [{ at: times, end, attempts: attempts.map(({ n, strategy, room, legs, end }) => ({ n, strategy, room, legs, end })) }] : [])]
  }
}

/**
 * A call that was dialled before this process knew it: its attempt is rebuilt from what is derived, not stored.
 * @param n the attempt's number where the event names it
 */
export function adoptAttempt (draft: Call, at: number, n: number, rules: Rules): void {
  draft.attemptsBefore = n - 1
  draft.plan = planFor(draft.app, draft.facts.to).ways
  const attempt = openNext(draft, at, rules)
  if (!attempt) return
  if (n > 1) draft.plan = []
  attempt.made = 'created'
  attempt.pendingSince = undefined
  attempt.at.replied = at
}
