/*
 * What may be dialled. Types only until the module is written; see RoutesTable.policy.
 */

/** Places where a number comes in that somebody else may have chosen. */
export const DOORS = ['outbound', 'transfer', 'trunk', 'routes'] as const
export type Door = typeof DOORS[number]

/** How much may be dialled, over all replicas. */
export interface Caps {
  concurrent?: number
  perMinute?: number
  perDay?: number
  perCallerPerDay?: number
  /** Longest call, seconds. */
  longestS?: number
}

export interface Policy {
  /** ISO 3166 countries, prefixes and full numbers. */
  allow: readonly string[]
  deny: readonly string[]
  /** Hosts that a SIP URI may name as a transfer target. */
  sip: readonly string[]
  caps: Caps
}
