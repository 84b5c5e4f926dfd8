import type { Call } from './call.ts'
import type { CallEvent, EventOf } from './events.ts'
import { newCall } from './new-call.ts'
import { TIMES, type Rules } from './rules.ts'

/*
 * After the store was gone every replica hands over what it kept of a call. Only together, in the order of their times, do
 * these events tell what happened: they are collected in the record until nobody can have more of them.
 */

/** Collects events in the record. A call that is not known has one that holds nothing else. */
export function collect (call: Call | undefined, { at, callSid, events }: EventOf<'handed-over'>, rules: Rules): Call {
  const base = call ?? newCall(callSid, at, NOBODY, rules.app)
  return { ...base, late: { known: base.late?.known ?? call !== undefined, events: [...base.late?.events ?? [], ...events], until: at + TIMES.handOver } }
}

/** Whether an event can wait with the others. One that wants an answer cannot: for it they are taken now. */
export const waitsWith = ({ until }: NonNullable<Call['late']>, event: CallEvent): boolean => event.at < until && PATIENT.has(event.kind)

const PATIENT: ReadonlySet<CallEvent['kind']> = new Set(['status', 'livekit', 'hook-abandoned', 'duty', 'look', 'redispatched', 'room-settled'])

/** Folds what was collected, in its order. */
export function takeLate (call: Call, fold: (call: Call | undefined, event: CallEvent) => Call | undefined): Call | undefined {
  const { late, ...base } = call
  const events = [...late?.events ?? []].sort((a, b) => a.at - b.at)
  return events.reduce(fold, late?.known ? base : undefined)
}

const NOBODY: Call['facts'] = { direction: 'inbound', from: '', to: '', callerName: '', withheld: false, headers: {} }
