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

/** How many calls wanted a room of a pool in the step that begins at `at`, milliseconds since the epoch. */
export interface Demand {
  at: number
  calls: number
}

/**
 * Where the rooms of the pools are kept: beside the calls, for all replicas. Every store passes the same contract
 * tests. A store outside this process rejects with {@link StoreUnavailableError} while it cannot be used; what was
 * asked for may have been done all the same. Name and pool of a room never change.
 */
export interface WarmRoomStore {
  /**
   * Adds a room that is about to be made, unless there are enough, or it is too soon. One atomic step. A room that is
   * known stays as it is, and counts as added: the answer to an earlier request may have been lost.
   */
  add(room: WarmRoom, limits: AddLimits): Promise<Added>
  /**
   * Counts a call that wants a room of the pool, and takes a `ready` room out of it, for one asker alone: the room is
   * `claimed` afterwards, with that claim. One atomic step. Of several rooms the one that ends first is taken.
   * @param endsAfter rooms that end then or before are not taken, milliseconds since the epoch
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
  /**
   * How many calls wanted a room: what the size of the pool follows. Steps in which none did are left out.
   * @param since milliseconds since the epoch. Its step is the first one; nothing is older than ten minutes
   */
  demand(pool: string, since: number): Promise<Demand[]>
  /**
   * A replica says that it looks after the pools, or (`until` not after `now`) that it does not any more. A store for
   * several replicas takes only the time between the two from it, because their clocks may differ.
   * @returns how many others do
   */
  keeping(replica: string, now: number, until: number): Promise<number>
}

/** Length of the steps in which demand is counted, milliseconds. */
export const DEMAND_STEP_MS = 5000
/** Demand is remembered for this long, milliseconds. */
export const DEMAND_KEPT_MS = 600_000

/** Counters are reused in turn, so there are never more than these. */
export const DEMAND_SLOTS = DEMAND_KEPT_MS / DEMAND_STEP_MS

/** The step in which a time lies, and which of the counters counts it. */
export function demandStep (at: number): { step: number, slot: number } {
  const step = Math.floor(at / DEMAND_STEP_MS)
  return { step, slot: step % DEMAND_SLOTS }
}

/** What {@link WarmRoomStore.demand} returns for these counters, in the order of time. */
export function demandSince (counted: readonly Demand[], since: number): Demand[] {
  const newest = Math.max(...counted.map(({ at }) => at))
  const first = Math.max(demandStep(since).step * DEMAND_STEP_MS, newest - DEMAND_KEPT_MS + DEMAND_STEP_MS)
  return counted.filter(({ at }) => at >= first).sort((a, b) => a.at - b.at)
}

export type { WarmPool, WarmRoom }
