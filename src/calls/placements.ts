import type { Clock } from '../clock.ts'
import type { Calls } from './calls.ts'
import type { Call } from './fold/call.ts'
import type { Order } from './fold/order.ts'
import type { Observer } from './observer.ts'
import { PlacementRefusedError, type CallPlacer, type Placement } from './ports.ts'

export interface PlacementsOptions {
  calls: Calls
  placer: CallPlacer
  clock: Clock
  observer: Observer
}

/**
 * What became of an order. `call`: as it is now, under its call_sid where Jambonz named it; absent while the store
 * cannot say.
 */
export type Placed =
  | { outcome: 'placed', callSid: string, call: Call | undefined }
  | { outcome: 'refused' | 'not-sent' | 'unknown', status?: number, detail: string }

/**
 * Places ordered calls, each at most once: what will be asked of Jambonz is committed first, and from the moment before
 * createCall is sent nobody sends it again, on no replica, whatever dies.
 */
export class Placements {
  readonly #options: PlacementsOptions

  constructor (options: PlacementsOptions) {
    this.#options = options
  }

  /**
   * Places a call.
   * @param confirm is asked once the order is committed; when it resolves to false, nothing is sent
   * @throws {StoreUnavailableError} when the order could not be written down: it was not sent
   * @throws {CapacityError} when as many calls as are allowed are active
   * @throws {PlacementRefusedError} when it was not sent
   */
  async place (order: Order, confirm: () => Promise<boolean> = async () => true): Promise<Placed> {
    const { calls, placer, clock } = this.#options
    await calls.apply(order.id, { kind: 'ordered', order, at: clock.now() })
    let isSent = false
    let placement: Placement
    try {
      if (!await confirm()) throw new PlacementRefusedError('not-wanted')
      placement = await placer.place(order, async () => {
        if (isSent) return this.#isWanted(order)
        isSent = await this.#isOurs(order)
        return isSent
      })
    } catch (error) {
      const wasSent = isSent && !(error instanceof PlacementRefusedError)
      await this.#failed(order, wasSent ? 'unknown' : 'not-sent', error)
      throw error
    }
    return this.#settle(order, placement)
  }

  /** Marks an order as sent. @returns whether it is still to be sent, which only one may do */
  async #isOurs (order: Order): Promise<boolean> {
    const { calls, clock } = this.#options
    const at = clock.now()
    const call = await calls.apply(order.id, { kind: 'sending', at })
    return call?.phase === 'requested' && call.order?.sentAt === at
  }

  /** Jambonz turned the order away, and nobody but us sends it. @returns whether it has not been hung up meanwhile */
  #isWanted ({ id }: Order): Promise<boolean> {
    return this.#options.calls.find(id).then(call => call?.hangupAt === undefined, () => true)
  }

  /** The store may be gone by now. That does not change what became of the order, so it is no reason to fail. */
  async #settle (order: Order, placement: Placement): Promise<Placed> {
    const { calls, clock, observer } = this.#options
    const failed = (error: unknown) => observer.failed(order.id, 'order', error)
    if (placement.outcome === 'placed') {
      const { callSid } = placement
      // Every hook of the call names its order, too.
      const call = await calls.named(callSid, { id: order.id, order }).catch(failed)
      return { outcome: 'placed', callSid, call: call ?? undefined }
    }
    const { outcome, detail } = placement
    await calls.apply(order.id, { kind: 'placement', outcome, detail, at: clock.now() }).catch(failed)
    return placement
  }

  /** Nobody waits for the call any more. When it was sent, Jambonz may have placed it all the same. */
  async #failed (order: Order, outcome: 'not-sent' | 'unknown', error: unknown): Promise<void> {
    const { calls, clock, observer } = this.#options
    const detail = error instanceof PlacementRefusedError ? error.reason : undefined
    await calls.apply(order.id, { kind: 'placement', outcome, detail, at: clock.now() })
      .catch((failure: unknown) => observer.failed(order.id, 'order', failure))
  }
}
