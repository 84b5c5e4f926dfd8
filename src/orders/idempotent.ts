import type { Calls } from '../calls/calls.ts'
import type { Claimed, IdempotencyKeys, KeyName } from '../calls/store/idempotency.ts'
import type { Clock } from '../clock.ts'
import {
  IdempotencyBodyError,
  IdempotencyKeyError,
  OrderCancelledError,
  provesNothingPlaced
} from '../errors.ts'
import { bodyHash } from './body-hash.ts'
import type { PlacedCall } from './order-request.ts'
import { underWay, type OrderOf, type Orders } from './orders.ts'

export interface IdempotentOptions {
  orders: Orders
  keys: IdempotencyKeys
  calls: Pick<Calls, 'find'>
  clock: Clock
  /** Receives what went wrong behind an answer that stands all the same. */
  onFailed: (error: unknown) => void
}

/** `replayed`: the call of an earlier request with the same key, as it is now. */
export interface Answer extends PlacedCall {
  replayed: boolean
}

/**
 * From the claim of a key to the record of its order, milliseconds. It takes some of them, and much longer when Jambonz
 * is slow to name our application and the carriers.
 */
const LEASE_MS = 30_000
/** While Jambonz is asked, or looked for an answer. */
const ASK_AGAIN_MS = 2000

/**
 * Orders that may be sent again. With the same key and body the same call is answered, whichever replica is asked and
 * whatever died in between.
 */
export class IdempotentOrders {
  readonly #options: IdempotentOptions

  constructor (options: IdempotentOptions) {
    this.#options = options
  }

  /**
   * Places a call, or answers with the one that was placed under the same key.
   * @param key text of the header; undefined without one
   * @throws as {@link Orders.place}, and IdempotencyUnderWayError, IdempotencyBodyError, IdempotencyKeyError,
   *   StoreUnavailableError
   */
  async place (order: OrderOf, key: string | undefined): Promise<Answer> {
    const { orders } = this.#options
    const id = orders.newId()
    if (key === undefined) return { ...await orders.place(id, order), replayed: false }
    if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new IdempotencyKeyError()

    const name = { caller: order.placedBy, key }
    const claimed = await this.#claim(name, order, id)
    if (claimed.outcome === 'known') return this.#knownCall(claimed, order)
    return { ...await this.#placeOnce(name, order, id), replayed: false }
  }

  /** Claims the key. An order of it that surely dialled nobody counts for nothing. */
  async #claim (name: KeyName, { request }: OrderOf, id: string): Promise<Claimed & { outcome: 'claimed' | 'known' }> {
    const { keys, calls, clock } = this.#options
    const claim = { ...name, hash: bodyHash(request), orderId: id, leaseMs: LEASE_MS }
    let claimed = await keys.claim({ ...claim, now: clock.now() })
    if (claimed.outcome === 'known' && claimed.callSid === undefined) {
      const call = await calls.find(claimed.orderId)
      const instead = claimed.orderId
      if (call?.end?.cause === 'not-placed') claimed = await keys.claim({ ...claim, now: clock.now(), instead })
    }
    if (claimed.outcome === 'other-body') throw new IdempotencyBodyError()
    if (claimed.outcome === 'under-way') throw underWay(Math.min(claimed.retryInMs, ASK_AGAIN_MS))
    return claimed
  }

  /** The call of an earlier request. What nobody knows any more has ended. */
  async #knownCall ({ orderId, callSid }: Claimed & { outcome: 'known' }, { request }: OrderOf): Promise<Answer> {
    const call = await this.#options.calls.find(callSid ?? orderId)
    if (call?.phase === 'requested') throw underWay(ASK_AGAIN_MS)
    const { reference } = request
    return {
      callSid: call?.callSid ?? callSid ?? orderId,
      ...(reference === undefined ? {} : { reference }),
      phase: call?.phase ?? 'ended',
      replayed: true
    }
  }

  async #placeOnce (name: KeyName, order: OrderOf, id: string): Promise<PlacedCall> {
    const { orders, keys, onFailed } = this.#options
    let isOurs = true
    const confirm = async () => {
      isOurs = await keys.confirm(name, id)
      return isOurs
    }
    try {
      const placed = await orders.place(id, order, confirm)
      // The record of the order says the same.
      await keys.placed(name, id, placed.callSid).catch(onFailed)
      return placed
    } catch (error) {
      if (!isOurs) throw underWay(ASK_AGAIN_MS)
      if (mayRepeat(error)) await keys.free(name, id).catch(onFailed)
      throw error
    }
  }
}

/** Whether the same request may place a call after all. A call that was hung up stays so. */
const mayRepeat = (error: unknown): boolean =>
  provesNothingPlaced(error) && !(error instanceof OrderCancelledError)
