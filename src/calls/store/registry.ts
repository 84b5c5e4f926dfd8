import type { Call } from '../fold/call.ts'
import type { Cause, Phase } from '../fold/vocabulary.ts'
import type { CapCounter } from './caps.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import type { EventQueue } from './event-queue.ts'
import type { Feed } from './feed.ts'
import { numberKey } from './number-key.ts'

export interface CallFilter {
  /** `active` = all but `ended`. */
  phase?: Phase | 'active'
  /** A number in any spelling. */
  from?: string
  /** A number in any spelling. */
  to?: string
  cause?: Cause
  /** Name of the key that ordered the call. */
  placedBy?: string
  /** The user's own id of an ordered call. */
  reference?: string
}

export interface CallPage {
  /** Newest first. */
  calls: Call[]
  /** Where the next page begins; absent on the last one. */
  next?: string
}

/** Who listened, and when. */
export interface Listener {
  /** Milliseconds since the epoch. */
  at: number
  /** It was this process itself. */
  self: boolean
}

export interface RegistryStats {
  phases: Record<Phase, number>
  duties: number
}

/**
 * Makes of a call what an event makes of it. May run several times, also on a call that turns out to be out of date, so
 * it must be pure.
 * @param call undefined: not known
 * @param full as many other calls as the update's limit allows are active
 * @returns undefined: the call is forgotten; the same object: nothing is written
 */
export type Update = (call: Call | undefined, full: boolean) => Call | undefined

/**
 * Where the calls are kept. Only this interface is known outside the store; every store passes the same contract tests.
 * Calls handed out are never changed afterwards, and must not be changed. A store outside this process rejects with
 * {@link StoreUnavailableError} within 500 milliseconds while it cannot be used. What was asked for may have been done
 * all the same.
 */
export interface Registry {
  /** Other processes use the same store, and the store outlives this process. */
  readonly shared: boolean
  /** Counts what is dialled through the doors of the number policy. */
  readonly caps: CapCounter
  /** Remembers which orders were made under an Idempotency-Key. */
  readonly idempotency: IdempotencyKeys
  /** Events that wait for delivery to the user's systems. */
  readonly events: EventQueue
  /** Tells news to the other processes. */
  readonly feed: Feed
  /**
   * Replaces a call by what `fn` makes of it. The update is atomic: no other update of the same call comes between.
   * @param limit how many calls may be active (all but ended ones). Counting them and writing this call are one atomic
   *   step, over all processes, so that two calls cannot take the last place.
   */
  update(callSid: string, fn: Update, limit?: number): Promise<Call | undefined>
  get(callSid: string): Promise<Call | undefined>
  /** The call that has this name (fold/names.ts): a room, the id of its order, or a SIP Call-ID. */
  findByName(room: string): Promise<string | undefined>
  /** @throws {InvalidCursorError} when `cursor` was not returned by this method */
  list(filter: CallFilter, page: { limit: number, cursor?: string }): Promise<CallPage>
  /**
   * Returns the calls that need attention at `now` (milliseconds since the epoch), most urgent first, at most `limit`.
   * Each is given to one asker, and to no other one for the next second.
   */
  due(now: number, limit: number): Promise<string[]>
  /**
   * Tells the store that somebody listens at `now` (milliseconds since the epoch).
   * @returns who last said so before; undefined when nobody did, or when nothing outlives this process
   */
  listening(now: number): Promise<Listener | undefined>
  stats(): Promise<RegistryStats>
  /** Says what is wrong with the store at the moment, for people. Undefined: nothing that is known. */
  trouble(): string | undefined
  close(): Promise<void>
}

/** A place in the list of calls: calls may come and go before it without moving it. */
export interface Position {
  received: number
  callSid: string
}

export const encodeCursor = ({ received, callSid }: Position): string =>
  Buffer.from(`${received}:${callSid}`).toString('base64url')

/** @returns undefined when the text is not a cursor */
export function decodeCursor (cursor: string): Position | undefined {
  const match = /^(\d{1,15}):([\w.:-]+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  return match && encodeCursor({ received: Number(match[1]), callSid: match[2]! }) === cursor
    ? { received: Number(match[1]), callSid: match[2]! }
    : undefined
}

export function matches (call: Call, { phase, from, to, cause, placedBy, reference }: CallFilter): boolean {
  if (phase !== undefined && (phase === 'active' ? call.phase === 'ended' : call.phase !== phase)) return false
  if (from !== undefined && numberKey(call.facts.from) !== numberKey(from)) return false
  if (to !== undefined && numberKey(call.facts.to) !== numberKey(to)) return false
  if (placedBy !== undefined && call.order?.placedBy !== placedBy) return false
  if (reference !== undefined && call.order?.reference !== reference) return false
  return cause === undefined || call.end?.cause === cause
}
