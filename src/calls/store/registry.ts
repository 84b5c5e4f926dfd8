import type { Call } from '../fold/call.ts'
import type { Phase } from '../fold/vocabulary.ts'
import type { CallFilter } from './call-filter.ts'
import type { CapCounter } from './caps.ts'
import type { CallHistory, FailureCounts, TimeRange } from './history.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import type { EventQueue } from './event-queue.ts'
import type { Feed } from './feed.ts'
import type { WarmRoomStore } from './warm-rooms.ts'

export { matches, type CallFilter } from './call-filter.ts'

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
 * @returns undefined: the call is forgotten, and goes into the history when its time is over (fold/wake.ts); the same
 *   object: nothing is written
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
  /** Rooms that were made before their calls. */
  readonly warmRooms: WarmRoomStore
  /** Calls whose records were forgotten. */
  readonly history: CallHistory
  /**
   * Replaces a call by what `fn` makes of it. The update is atomic: no other update of the same call comes between.
   * @param limit how many calls may be active (all but ended ones). Counting them and writing this call are one atomic
   *   step, over all processes, so that two calls cannot take the last place.
   */
  update(callSid: string, fn: Update, limit?: number): Promise<Call | undefined>
  /** Returns a call that was not forgotten. */
  get(callSid: string): Promise<Call | undefined>
  /** The call that has this name (fold/names.ts): a room, the id of its order, or a SIP Call-ID. */
  findByName(room: string): Promise<string | undefined>
  /**
   * Lists calls, also those of the history. A call that goes into the history meanwhile is on one of the pages, once.
   * @throws {InvalidCursorError} when `cursor` was not returned by this method
   */
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
  /** Counts the calls that were received in a time and failed, also those of the history. */
  failures(received: TimeRange): Promise<FailureCounts>
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

export const positionOf = (call: Call): Position => ({ received: call.at.received, callSid: call.callSid })

/** Whether `one` comes after `other` in the list, which is ordered newest first, then by call_sid. */
export const isAfter = (one: Position, other: Position): boolean =>
  one.received < other.received || (one.received === other.received && one.callSid > other.callSid)

/** Puts calls into the order of the list. Of two records of a call the one that came first is taken. */
export function newestFirst (calls: readonly Call[]): Call[] {
  const bySid = new Map<string, Call>()
  for (const call of calls) if (!bySid.has(call.callSid)) bySid.set(call.callSid, call)
  return [...bySid.values()].sort((a, b) => isAfter(positionOf(a), positionOf(b)) ? 1 : -1)
}

/** @param calls in order; one more than `limit` when there is a next page */
export const pageOf = (calls: readonly Call[], limit: number): CallPage =>
  calls.length > limit
    ? { calls: calls.slice(0, limit), next: encodeCursor(positionOf(calls[limit - 1]!)) }
    : { calls: [...calls] }
