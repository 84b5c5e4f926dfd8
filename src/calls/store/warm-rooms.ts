import type { WarmPool, WarmRoom } from '../warm/warm-room.ts'

/** Why no room may be added to a pool now. `retryInMs`: before that no other one may be made, milliseconds. */
export type Added = { added: true } | { added: false, retryInMs?: number }

export interface AddLimits {
  /** Most rooms of the pool that are `making` or `ready` and end after `freshUntil`. */
  most: number
  /** Rooms that end earlier are about to be renewed: they do not count. Milliseconds since the epoch. */
  freshUntil: number
  /** Shortest time between two rooms of the same pool, over all processes, milliseconds. */
  everyMs: number
  now: number
}

/**
 * Where the rooms of the pools are kept: beside the calls, for all replicas. Every store passes the same contract
 * tests. A store outside this process rejects with {@link StoreUnavailableError} while it cannot be used; what was
 * asked for may have been done all the same.
 */
export interface WarmRoomStore {
  /** Adds a room that is about to be made, unless that is one too many, or too soon. One atomic step. */
  add(room: WarmRoom, limits: AddLimits): Promise<Added>
  /**
   * Takes a `ready` room out of its pool, for one asker alone: it is `claimed` afterwards, with that claim. One atomic
   * step. Of several the one that ends first is taken.
   * @param endsAfter rooms that end before are not taken, milliseconds since the epoch
   * @returns undefined when no room is ready
   */
  claim(pool: string, claim: { callSid: string, at: number }, endsAfter: number): Promise<WarmRoom | undefined>
  /**
   * Replaces a room by what `fn` makes of it. Atomic, and `fn` may run several times.
   * @param fn gets undefined for a room that is not known. Its undefined: the room is forgotten; the same object:
   *   nothing is written
   */
  update(room: string, fn: (room: WarmRoom | undefined) => WarmRoom | undefined): Promise<WarmRoom | undefined>
  get(room: string): Promise<WarmRoom | undefined>
  list(pool: string): Promise<WarmRoom[]>
  /** Ids of all pools that have rooms, also of those that no replica keeps any more. */
  pools(): Promise<string[]>
  /** Counts a call that wanted a room of the pool. */
  wanted(pool: string, at: number): Promise<void>
  /** How many calls wanted a room, by five seconds, from `since` on: what the size of the pool follows. */
  demand(pool: string, since: number): Promise<Array<{ at: number, calls: number }>>
  /**
   * A replica says that it looks after the pools, or (`until` in the past) that it does not any more.
   * @returns how many others do
   */
  keeping(replica: string, now: number, until: number): Promise<number>
}

/** Length of the times that demand is counted in, milliseconds. */
export const DEMAND_STEP_MS = 5000

export type { WarmPool, WarmRoom }
