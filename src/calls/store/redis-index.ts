import type { Call } from '../fold/call.ts'
import { CAUSES, PHASES } from '../fold/vocabulary.ts'
import { namesOf } from '../fold/names.ts'
import { wakeAt } from '../fold/wake.ts'
import { agentsOf, type CallFilter } from './call-filter.ts'
import { numberKey } from './number-key.ts'
import { numberQuery, partsOf, partsOfQuery } from './number-parts.ts'
import type { Position } from './registry.ts'

/*
 * How Redis finds calls: by the entries of one sorted set in which every entry has the same score, so that the set is
 * ordered by text. An entry is `<kind>\0<place>`. The place orders the calls as the list does, and ends in the
 * call_sid. All entries of one kind are a range, also from a cursor on, and counting them is cheap.
 * Whoever changes which entries a call has must change the key prefix: older versions would leave entries behind that
 * are no longer true. Entries that stay true for the whole life of a record may be added. While versions are mixed, a
 * call that an older one wrote may lack them. Those of numbers and agents may become untrue when an older version
 * learns the caller late: what is found is compared with the filter in any case.
 */

export const LATEST = 999_999_999_999_999
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
// These never change for a call.
const placedByKind = (name: string) => `k:${name}`
const referenceKind = (reference: string) => `i:${reference}`
export const nameKind = (name: string): string => `r:${name}`
const routeKind = (name: string) => `o:${name}`
/** Agents come to a call and stay. */
const agentKind = (name: string) => `g:${name}`
const partKind = (part: string) => `n:${part}`
/** Of a call that ended for this cause and failed. */
export const failedKind = (cause: string): string => `x:${cause}`

/** The kinds whose entries are counted for the statistics: phases in their order, then duties. */
export const COUNTED = [...PHASES.map(phaseKind), DUTY]

/** The kinds by which failures are counted: all calls, then the failed ones of each cause. */
export const COUNTED_BY_CAUSE = [ALL, ...CAUSES.map(failedKind)]

/** Kinds that a call must all have to fit the filter. What has them is still to be compared with it. */
export function kindsOf (filter: CallFilter): string[] {
  const { phase, from, to, number, cause, room, agent, route, placedBy, reference } = filter
  const kinds: string[] = []
  if (phase === 'active') kinds.push(ACTIVE)
  else if (phase !== undefined) kinds.push(phaseKind(phase))
  if (from !== undefined) kinds.push(fromKind(numberKey(from)))
  if (to !== undefined) kinds.push(toKind(numberKey(to)))
  if (number !== undefined) kinds.push(...partsOfQuery(numberQuery(number)).map(partKind))
  if (cause !== undefined) kinds.push(causeKind(cause))
  if (room !== undefined) kinds.push(nameKind(room))
  if (agent !== undefined) kinds.push(agentKind(agent))
  if (route !== undefined) kinds.push(routeKind(route))
  if (placedBy !== undefined) kinds.push(placedByKind(placedBy))
  if (reference !== undefined) kinds.push(referenceKind(reference))

  return kinds.length > 0 ? kinds : [ALL]
}

/** Whether a call counts among the active ones: all but the ended. */
export const isActive = (call: Call | undefined): boolean => call !== undefined && call.phase !== 'ended'

/** What entries are made with. */
export interface EntryRules {
  /** What a number is indexed by; {@link numberKey} unless said otherwise. */
  keyOf?: (number: string) => string
  /** Whether a call that has ended counts as failed. */
  isFailure?: (call: Call) => boolean
}

/** Every entry of a call but those of {@link partEntriesOf}. */
export function entriesOf (callSid: string, call: Call, rules: EntryRules = {}): Set<string> {
  const { phase, at, duties } = call
  const place = placeOf(callSid, at.received)
  const entries = new Set([ALL + place, phaseKind(phase) + place])
  if (isActive(call)) entries.add(ACTIVE + place)
  for (const kind of ownKinds(call, rules)) entries.add(kind + place)
  for (let i = 0; i < duties.length; i++) entries.add(`${DUTY}\0${i}${place}`)
  return entries
}

/** The kinds of a call in the history, where all have ended. */
export function historyKindsOf (call: Call, rules: EntryRules): string[] {
  const parts = [...partsOf([call.facts.from, call.facts.to])].map(partKind)
  return [...new Set([ALL, ...ownKinds(call, rules), ...parts])]
}

/** By what a call is found, however far it has come. */
function ownKinds (call: Call, { keyOf = numberKey, isFailure }: EntryRules): string[] {
  const { facts, end, order, route } = call
  const kinds = [fromKind(keyOf(facts.from)), toKind(keyOf(facts.to))]
  if (end) kinds.push(causeKind(end.cause))
  if (end && isFailure?.(call)) kinds.push(failedKind(end.cause))
  if (order) kinds.push(placedByKind(order.placedBy))
  if (order?.reference !== undefined) kinds.push(referenceKind(order.reference))
  if (route?.name !== undefined) kinds.push(routeKind(route.name))
  for (const agent of agentsOf(call)) kinds.push(agentKind(agent))
  for (const name of namesOf(call)) kinds.push(nameKind(name))
  return kinds
}

const placeOf = (callSid: string, received: number): string => `\0${listPlace({ received, callSid })}`

/** The entries of the parts of a call's numbers, and what they were made of. */
export interface PartEntries {
  from: string
  to: string
  received: number
  entries: ReadonlySet<string>
}

/**
 * Makes the entries of the parts of a call's numbers. They are many and hardly ever change.
 * @param known those of the call before
 * @returns `known` where nothing changed
 */
export function partEntriesOf (callSid: string, { facts, at }: Call, known?: PartEntries): PartEntries {
  const { from, to } = facts
  const { received } = at
  if (known?.from === from && known.to === to && known.received === received) return known

  const place = placeOf(callSid, received)
  const entries = new Set<string>()
  for (const part of partsOf([from, to])) entries.add(partKind(part) + place)
  return { from, to, received, entries }
}

/** Those of `entries` that are not among `others`. */
export function without (entries: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  const rest: string[] = []
  for (const entry of entries) if (!others.has(entry)) rest.push(entry)
  return rest
}

const DAY = 86_400_000
/** Milliseconds for which a replica may still forget an ended call itself after its time. */
export const SLACK = 600_000

/**
 * Milliseconds for which Redis keeps a record that no replica touches any more. Replicas forget calls in time
 * themselves, so this matters only when none runs.
 * @param now milliseconds since the epoch
 * @param historyMs milliseconds for which the history would keep the call: a replica that starts again puts it there
 */
export function timeToLive (call: Call, now: number, historyMs = 0): number {
  const over = call.phase === 'ended' && call.duties.length === 0
  const until = over ? call.expiresAt ?? now : Math.max(call.expiresAt ?? now, wakeAt(call) ?? now)
  return Math.ceil(Math.max(0, until - now)) + (over ? Math.max(SLACK, historyMs) : DAY)
}
