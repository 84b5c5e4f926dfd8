import { UNAVAILABLE } from './fold/call.ts'
import type { CallHookEvent } from './fold/events.ts'

export interface AdmissionOptions {
  /** The most calls that may be active at the same time; 0: no limit. */
  maxCalls: number
  /** SIP status of a call that is one too many. */
  capacityStatus: number
}

type Refusal = NonNullable<CallHookEvent['refuse']>

/**
 * Decides whether new calls are let in. It counts nothing itself: the store counts the calls in the same step in which
 * it writes the new one. While the store is gone nobody can count, and a call too many is better than none.
 */
export class Admission {
  /** Passed to the store with every call hook; undefined: no limit. */
  readonly limit: number | undefined
  readonly #full: Refusal
  #draining = false

  constructor ({ maxCalls, capacityStatus }: AdmissionOptions) {
    this.limit = maxCalls > 0 ? maxCalls : undefined
    this.#full = { cause: 'capacity', status: capacityStatus, reason: 'Busy Here' }
  }

  /** From now on no new call is let in. */
  drain (): void {
    this.#draining = true
  }

  /**
   * Why a new call is refused, if it is.
   * @param full as many calls as the limit allows are active
   */
  refusal (full: boolean): Refusal | undefined {
    if (this.#draining) return { cause: 'draining', ...UNAVAILABLE }
    return full ? this.#full : undefined
  }
}
