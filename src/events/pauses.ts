/*
 * When a delivery that failed is tried again.
 */

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]

/** After the first failure, the second one, and so on, milliseconds. The last one repeats. */
const PAUSES = [5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR]
/** An event is given up after this, milliseconds. */
export const GIVE_UP_MS = 72 * HOUR
/** A receiver may ask for no longer pause than this, milliseconds. */
export const LONGEST_RETRY_AFTER_MS = HOUR
/** Part of the pause that is added at random, so that what failed together does not come back together. */
const JITTER = 0.2

/**
 * The pause before the next try, milliseconds.
 * @param tries how many failed, from 1
 * @param retryAfterMs what the receiver asked for
 * @param random from 0 to 1
 */
export function pauseAfter (tries: number, retryAfterMs: number | undefined, random: number): number {
  if (retryAfterMs !== undefined) return Math.min(Math.max(retryAfterMs, SECOND), LONGEST_RETRY_AFTER_MS)
  const pause = PAUSES[Math.min(tries, PAUSES.length) - 1]!
  return Math.round(pause * (1 + JITTER * random))
}

/**
 * Reads a Retry-After header: seconds, or a date (RFC 9110 section 10.2.3).
 * @returns milliseconds from now; undefined when it says nothing
 */
export function readRetryAfter (header: string | string[] | undefined, now: number): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND
  const at = /^[A-Z][a-z]{2}, /.test(header) ? Date.parse(header) : NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
