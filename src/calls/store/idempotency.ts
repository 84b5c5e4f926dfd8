/*
 * Which orders of calls were made under an Idempotency-Key, over all replicas that share the store. A key goes through
 * three states. `claimed`: a request with it is being checked, and nothing was asked of Jambonz. `confirmed`: the
 * record of its order is in the store and Jambonz may have been asked, so that record says what became of it.
 * `placed`: Jambonz named the call.
 */

/** A key is remembered for this long, milliseconds. */
export const KEY_LIVES_MS = 86_400_000

/** Names a key. Two callers may use the same text. */
export interface KeyName {
  /** Name of the caller's own key in `CALLERS`. */
  caller: string
  /** The text of `Idempotency-Key`. */
  key: string
}

export interface Claim extends KeyName {
  /** Hash of the request's body. */
  hash: string
  /** Id of the order that the request makes, if it may. */
  orderId: string
  /** Milliseconds since the epoch. */
  now: number
  /** The claim holds for this time, milliseconds, unless it is confirmed: the process that has it may die. */
  leaseMs: number
  /** Takes the key over from this order, whatever its state: surely nothing came of that order. */
  instead?: string
}

export type Claimed =
  /** The request goes on, and no other one with this key does. */
  | { outcome: 'claimed' }
  /** Another request has claimed the key and is being checked. `retryInMs`: its claim is over then at the latest. */
  | { outcome: 'under-way', retryInMs: number }
  /** The key belongs to another body. */
  | { outcome: 'other-body' }
  /** An order was made with the key. `callSid`: what Jambonz named it, as far as that was written down. */
  | { outcome: 'known', orderId: string, callSid?: string }

/**
 * Every store passes the same contract tests. Each method is one atomic step over all processes. A store outside this
 * process rejects with {@link StoreUnavailableError} while it cannot be used; the request may have been carried out
 * nevertheless.
 */
export interface IdempotencyKeys {
  /** Claims a key, unless it is claimed or used already. A claim that was never confirmed is worth nothing after it. */
  claim(claim: Claim): Promise<Claimed>
  /**
   * The order's record is written, and Jambonz is asked next.
   * @returns false when the claim was lost meanwhile: then Jambonz must not be asked
   */
  confirm(name: KeyName, orderId: string): Promise<boolean>
  /** Writes down how Jambonz named the call of an order. Nothing happens when the key belongs to another order. */
  placed(name: KeyName, orderId: string, callSid: string): Promise<void>
  /** Surely nothing was placed: the key may be used again. Nothing happens when it belongs to another order. */
  free(name: KeyName, orderId: string): Promise<void>
}
