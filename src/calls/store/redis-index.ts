import { PHASES, roomsOf, wakeAt, type Call } from '../fold/call.ts'
import type { CallFilter, Position } from './registry.ts'

/*
 * What Redis is told of a call beside its record, as data: entries of one sorted set in which every entry has the same
 * score, so that it is ordered by its text. An entry is `<what>\0<place>`; the place orders the calls as the list does
 * and ends in the call_sid. All entries of one kind are a range, also beginning at a cursor, and counting them is
 * cheap. Changing what entries a call has is a new version of the key prefix: the versions before would leave theirs
 * behind.
 */

const LATEST = 999_999_999_999_999
const PLACE_DIGITS = String(LATEST).length

/** Newest first, then by call_sid: the text of a later call is smaller. */
export const placeOf = ({ received, callSid }: Position): string => `${timeOf(received)}\0${callSid}`

export const timeOf = (received: number): string => String(LATEST - received).padStart(PLACE_DIGITS, '0')

/** Kinds of entries. */
const ALL = 'l'
const ACTIVE = 'a'
const DUTY = 'd'
const phaseKind = (phase: string) => `p:${phase}`
const fromKind = (from: string) => `f:${from}`
const toKind = (to: string) => `t:${to}`
const causeKind = (cause: string) => `c:${cause}`
export const roomKind = (room: string): string => `r:${room}`

/** The kinds whose entries are counted for the statistics: phases in their order, then duties. */
export const COUNTED = [...PHASES.map(phaseKind), DUTY]

/** Kinds of which a call must have all to pass the filter. */
export function kindsOf ({ phase, from, to, cause }: CallFilter): string[] {
  const kinds = [
    phase === undefined ? [] : phase === 'active' ? ACTIVE : phaseKind(phase),
    from === undefined ? [] : fromKind(from),
    to === undefined ? [] : toKind(to),
    cause === undefined ? [] : causeKind(cause)
  ].flat()
  return kinds.length > 0 ? kinds : [ALL]
}

/** Every entry of a call. */
export function entriesOf (callSid: string, call: Call): Set<string> {
  const { phase, facts, at, end, duties } = call
  const place = `\0${placeOf({ received: at.received, callSid })}`
  const entries = new Set([
    ALL + place,
    phaseKind(phase) + place,
    fromKind(facts.from) + place,
    toKind(facts.to) + place
  ])
  if (phase !== 'ended') entries.add(ACTIVE + place)
  if (end) entries.add(causeKind(end.cause) + place)
  for (let i = 0; i < duties.length; i++) entries.add(`${DUTY}\0${i}${place}`)
  for (const room of roomsOf(call)) entries.add(roomKind(room) + place)
  return entries
}

/** What of `entries` is not among `others`. */
export function without (entries: ReadonlySet<string>, others: ReadonlySet<string>): string[] {
  const rest: string[] = []
  for (const entry of entries) if (!others.has(entry)) rest.push(entry)
  return rest
}

const DAY = 86_400_000
/** How long after its time an ended call may still be forgotten in good order, milliseconds. */
const SLACK = 600_000

/**
 * How long Redis keeps a record, milliseconds, if nobody touches it any more. Replicas forget calls in time themselves:
 * this is for when none runs.
 * @param now milliseconds since the epoch
 */
export function timeToLive (call: Call, now: number): number {
  const over = call.phase === 'ended' && call.duties.length === 0
  const until = over ? call.expiresAt ?? now : Math.max(call.expiresAt ?? now, wakeAt(call) ?? now)
  return Math.ceil(Math.max(0, until - now)) + (over ? SLACK : DAY)
}
