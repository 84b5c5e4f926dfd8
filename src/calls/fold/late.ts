import type { Call } from './call.ts'
import { roomsOf } from './names.ts'
import type { CallEvent, EventOf } from './events.ts'
import { newCall } from './new-call.ts'
import { TIMES, type Rules } from './rules.ts'

/*
 * After the store was gone every replica hands over what it kept of a call. Only together, in the order of their times,
 * do these events tell what happened: they are collected in the record until nobody can have more of them.
 */

type Fold = (call: Call | undefined, event: CallEvent) => Call | undefined

/**
 * Collects events in the record. A call that is not known has one that holds nothing else but the rooms that it will
 * have: what LiveKit tells of them meanwhile belongs here too.
 */
export function collect (
  call: Call | undefined,
  { at, callSid, events }: EventOf<'handed-over'>,
  rules: Rules,
  fold: Fold
): Call {
  const base = call ?? newCall(callSid, at, NOBODY, rules.app)
  const fresh = unlike(events, base.late?.events ?? [])
  // Who did not hear that it was taken hands it over again and again.
  if (base.late && fresh.length === 0) return base
  const late = {
    known: base.late?.known ?? call !== undefined,
    events: [...base.late?.events ?? [], ...fresh],
    until: at + TIMES.handOver
  }
  const taken = takeLate({ ...base, late }, fold)
  return { ...base, late: { ...late, rooms: taken ? [...roomsOf(taken)] : [] } }
}

/** Those that are not among `others`. The same at the same millisecond is the same. */
function unlike (events: readonly CallEvent[], others: readonly CallEvent[]): CallEvent[] {
  const known = new Set(others.map(event => JSON.stringify(event)))
  return events.filter(event => !known.has(JSON.stringify(event)))
}

/** Whether an event can wait with the others. One that wants an answer cannot: for it they are taken now. */
export const waitsWith = ({ until }: NonNullable<Call['late']>, event: CallEvent): boolean =>
  event.at < until && PATIENT.has(event.kind)

const PATIENT: ReadonlySet<CallEvent['kind']> = new Set([
  'status',
  'digits',
  'livekit',
  'hook-abandoned',
  'duty',
  'look',
  'stray-room',
  'room-settled'
])

/** Folds what was collected, in its order. */
export function takeLate (call: Call, fold: Fold): Call | undefined {
  const { late, ...base } = call
  const events = [...late?.events ?? []].sort((a, b) => a.at - b.at)
  return events.reduce(fold, late?.known ? base : undefined)
}

const NOBODY: Call['facts'] = { direction: 'inbound', from: '', to: '', callerName: '', withheld: false, headers: {} }
