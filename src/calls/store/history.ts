import { deflateRawSync, inflateRawSync } from 'node:zlib'
import type { Call } from '../fold/call.ts'
import { migrate } from '../fold/migrate.ts'
import type { Cause } from '../fold/vocabulary.ts'

/**
 * Calls whose records were forgotten, whole as they were then. A registry moves a call into it in one atomic step, and
 * its `list` and `failures` look there as well.
 */
export interface CallHistory {
  /**
   * Returns a call by its call_sid, or by the id of its order.
   * @returns undefined also for a call that is not forgotten yet
   */
  get(callSid: string): Promise<Call | undefined>
}

/** How long the history is, and for whom. */
export interface HistoryLimits {
  /** Milliseconds for which a call is kept after its record was forgotten; 0: there is no history. */
  keptMs: number
  /** The most calls. When there are more, those that ended first are dropped. */
  most: number
}

export const NO_HISTORY: HistoryLimits = { keptMs: 0, most: 0 }

/** What a store asks of what is built on it. */
export interface StoreRules {
  history: HistoryLimits
  /** Whether a call that has ended counts as failed. */
  isFailure(call: Call): boolean
}

export const DEFAULT_RULES: StoreRules = { history: NO_HISTORY, isFailure: () => false }

/** From `since` on, before `until`, milliseconds since the epoch. */
export interface TimeRange {
  since: number
  until: number
}

export interface FailureCounts {
  /** All calls that were received. */
  received: number
  /** How many of them failed, by cause. */
  failed: Map<Cause, number>
}

/** Until when the history keeps a call, milliseconds since the epoch. */
export const keptUntil = ({ expiresAt = 0 }: Call, { keptMs }: HistoryLimits): number => expiresAt + keptMs

/** A call for the history: less than a third of its JSON. */
export const packCall = (call: Call): Buffer => deflateRawSync(JSON.stringify(call))

export const unpackCall = (packed: Uint8Array): Call => migrate(JSON.parse(inflateRawSync(packed).toString()) as Call)
