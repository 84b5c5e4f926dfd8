import type { Call, Cause, Phase } from '../fold/call.ts'

export interface CallFilter {
  /** `active` = all but `ended`. */
  phase?: Phase | 'active'
  from?: string
  to?: string
  cause?: Cause
}

export interface CallPage {
  /** Newest first. */
  calls: Call[]
  /** Where the next page begins; absent on the last one. */
  next?: string
}

export interface RegistryStats {
  phases: Record<Phase, number>
  duties: number
}

/**
 * Where the calls are kept. The one thing that knows which store it is; every store passes the same contract tests.
 * Calls handed out are never changed afterwards, and must not be changed. A store outside this process rejects with
 * {@link StoreUnavailableError} while it cannot be used, within 500 milliseconds; what it was asked for may have been
 * done all the same.
 */
export interface Registry {
  /** Other processes use the same store, and it outlives this one. */
  readonly shared: boolean
  /**
   * Replaces a call by what `fn` makes of it, undivided: no other update of the same call comes between.
   * @param fn may run several times, also on what turns out to be out of date, so it must be pure; `undefined` in: not
   *   known;
   *   `undefined` out: forget it; the same object out: nothing is written
   */
  update(callSid: string, fn: (call: Call | undefined) => Call | undefined): Promise<Call | undefined>
  get(callSid: string): Promise<Call | undefined>
  /** The call one of whose attempts has this room. */
  findByRoom(room: string): Promise<string | undefined>
  /** @throws {InvalidCursorError} when `cursor` is none of ours */
  list(filter: CallFilter, page: { limit: number, cursor?: string }): Promise<CallPage>
  /**
   * Calls that need somebody's attention at `now` (milliseconds since the epoch), most urgent first, at most `limit`.
   * Each is handed to one asker, and to nobody else for the next second.
   */
  due(now: number, limit: number): Promise<string[]>
  stats(): Promise<RegistryStats>
  /** Why the store is not well at the moment, for people; undefined: it is, as far as is known. */
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

/** Undefined when the text is no cursor. */
export function decodeCursor (cursor: string): Position | undefined {
  const match = /^(\d{1,15}):([\w.:-]+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  return match && encodeCursor({ received: Number(match[1]), callSid: match[2]! }) === cursor
    ? { received: Number(match[1]), callSid: match[2]! }
    : undefined
}

export function matches (call: Call, { phase, from, to, cause }: CallFilter): boolean {
  if (phase !== undefined && (phase === 'active' ? call.phase === 'ended' : call.phase !== phase)) return false
  if (from !== undefined && call.facts.from !== from) return false
  if (to !== undefined && call.facts.to !== to) return false
  return cause === undefined || call.end?.cause === cause
}
