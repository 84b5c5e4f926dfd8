import type { Call } from '../fold/call.ts'
import { PHASES } from '../fold/vocabulary.ts'
import { namesOf } from '../fold/names.ts'
import { wakeAt } from '../fold/wake.ts'
import { numberKey } from './number-key.ts'
import type { CallFilter, Position } from './registry.ts'

/*
 * How Redis finds calls: by the entries of one sorted set in which every entry has the same score, so that the set is
 * ordered by text. An entry is `<kind>\0<place>`. The place orders the calls as the list does, and ends in the
 * call_sid. All entries of one kind are a range, also from a cursor on, and counting them is cheap.
 * Whoever changes which entries a call has must change the key prefix: older versions would leave entries behind that
 * are no longer true. Entries that stay true for the whole life of a record may be added.
 */

const LATEST = 999_999_999_999_999
const PLACE_DIGITS = String(LATEST).length

/** A call's place in the list: newest first, then by call_sid. The text of a later call is smaller. */
export const listPlace = ({ received, callSid }: Position): string => `${timeOf(received)}\0${callSid}`

export const timeOf = (received: number): string => String(LATEST - received).padStart(PLACE_DIGITS, '0')

/** Kinds of entries. */
const ALL = 'l'
export const ACTIVE = 'a'
const DUTY = 'd'
const phaseKind = (phase: string) => `p:${phase}`
const fromKind = (from: string) => `f:${from}`
const toKind = (to: string) => `t:${to}`
const causeKind = (cause: string) => `c:${cause}`
// These two never change for a call.
const placedByKind = (name: string) => `k:${name}`
const referenceKind = (reference: string) => `i:${reference}`
export const nameKind = (name: string): string => `r:${name}`

/** The kinds whose entries are counted for the statistics: phases in their order, then duties. */
export const COUNTED = [...PHASES.map(phaseKind), DUTY]

/** The kinds that a call must have to pass the filter. */
export function kindsOf ({ phase, from, to, cause, placedBy, reference }: CallFilter): string[] {
  const kinds: string[] = []
  if (phase === 'active') kinds.push(ACTIVE)
  else if (phase !== undefined) kinds.push(phaseKind(phase))
  if (from !== undefined) kinds.push(fromKind(numberKey(from)))
  if (to !== undefined) kinds.push(toKind(numberKey(to)))
  if (cause !== undefined) kinds.push(causeKind(cause))
  if (placedBy !== undefined) kinds.push(placedByKind(placedBy))
  if (reference !== undefined) kinds.push(referenceKind(reference))

  return kinds.length > 0 ? kinds : [ALL]
}

/** Whether a call counts among the active ones: all but the ended. */
export const isActive = (call: Call | undefined): boolean => call !== undefined && call.phase !== 'ended'

/**
 * Every entry of a call.
 * @param keyOf what a number is indexed by
 */
export function entriesOf (callSid: string, call: Call, keyOf = numberKey): Set<string> {
  const { phase, facts, at, end, duties, order } = call
  const place = `\0${listPlace({ received: at.received, callSid })}`
  const entries = new Set([
    ALL + place,
    phaseKind(phase) + place,
    fromKind(keyOf(facts.from)) + place,
    toKind(keyOf(facts.to)) + place
  ])
  if (isActive(call)) entries.add(ACTIVE + place)
  if (end) entries.add(causeKind(end.cause) + place)
  if (order) entries.add(placedByKind(order.placedBy) + place)
  if (order?.reference !== undefined) entries.add(referenceKind(order.reference) + place)
  for (let i = 0; i < duties.length; i++) entries.add(`${DUTY}\0${i}${place}`)
  for (const name of namesOf(call)) entries.add(nameKind(name) + place)
  return entries
}

/** Those of `entries` that are not among `others`. */
export function without (entries: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  const rest: string[] = []
  for (const entry of entries) if (!others.has(entry)) rest.push(entry)
  return rest
}

const DAY = 86_400_000
/** Milliseconds for which a replica may still forget an ended call itself after its time. */
const SLACK = 600_000

/**
 * Milliseconds for which Redis keeps a record that no replica touches any more. Replicas forget calls in time
 * themselves, so this matters only when none runs.
 * @param now milliseconds since the epoch
 */
export function timeToLive (call: Call, now: number): number {
  const over = call.phase === 'ended' && call.duties.length === 0
  const until = over ? call.expiresAt ?? now : Math.max(call.expiresAt ?? now, wakeAt(call) ?? now)
  return Math.ceil(Math.max(0, until - now)) + (over ? SLACK : DAY)
}
