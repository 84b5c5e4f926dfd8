/*
 * How much is dialled through the doors of the number policy, counted over all replicas that share the store.
 */

/** Absent: no limit. */
export interface CapLimits {
  /** Dials under way at the same time. */
  concurrent?: number
  perMinute?: number
  /** In the last 24 hours. */
  perDay?: number
  /** In the last 24 hours. */
  perCallerPerDay?: number
}

export const CAPS = ['concurrent', 'per-minute', 'per-day', 'per-caller-per-day'] as const
export type Cap = typeof CAPS[number]

export interface Reservation {
  /** Unique to what is dialled: a second reservation with the same id is the same one, and counts once. */
  id: string
  /** Who makes us dial: a number or the name of a key. Absent: `perCallerPerDay` does not apply. */
  caller?: string
  limits: CapLimits
  /** Milliseconds since the epoch. */
  now: number
  /** Without {@link CapCounter.release} it counts as under way for this time, milliseconds. */
  livesMs: number
}

export type Reserved =
  /** `isNew`: it was counted now, and not with an earlier reservation of the same id. */
  | { granted: true, isNew: boolean }
  /** `retryInMs`: there will be no room before that; absent: nobody knows when. */
  | { granted: false, cap: Cap, retryInMs?: number }

/**
 * Every store passes the same contract tests. A store outside this process rejects with {@link StoreUnavailableError}
 * while it cannot be used; the request may have been carried out nevertheless.
 */
export interface CapCounter {
  /**
   * Counts something that is about to be dialled, unless it is one too many. Counting and comparing are one atomic
   * step over all processes. What no limit asks for is not counted: a limit that is new begins with nothing.
   */
  reserve(reservation: Reservation): Promise<Reserved>
  /** What was dialled is over: it counts for the day and the minute, and no longer as under way. */
  release(id: string): Promise<void>
  /** Nothing was dialled: the reservation counts for nothing. */
  withdraw(reservation: Pick<Reservation, 'id' | 'caller'>): Promise<void>
}

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000
