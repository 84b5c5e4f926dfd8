import type { Call } from './fold/call.ts'
import type { Order } from './fold/order.ts'
import { hasJustEnded, type Observer } from './observer.ts'
import type { CapCounter } from './store/caps.ts'

/** Under which id a call is counted that a door of the number policy let through. */
export const countedIdOf = ({ order, callSid }: Pick<Call, 'order' | 'callSid'>): string => order?.id ?? callSid

/** What an order is counted as. Each key has its own day. */
export const countedOrder = ({ id, placedBy }: Pick<Order, 'id' | 'placedBy'>): { id: string, caller: string } =>
  ({ id, caller: `key:${placedBy}` })

/** Whether Jambonz surely dialled nobody for the order of a call that has ended. */
const isUndialled = ({ callSid, order, end }: Call): boolean =>
  callSid === order?.id && (order.sentAt === undefined || end?.cause === 'not-placed')

/**
 * Counts calls no longer as under way once they have ended, whichever replica hears of it, and orders that dialled
 * nobody not at all.
 */
export class CapReleases implements Observer {
  readonly #caps: Pick<CapCounter, 'release' | 'withdraw'>
  readonly #onFailed: (error: unknown) => void

  constructor (caps: Pick<CapCounter, 'release' | 'withdraw'>, onFailed: (error: unknown) => void) {
    this.#caps = caps
    this.#onFailed = onFailed
  }

  changed (before: Call | undefined, after: Call | undefined): void {
    if (!after || after.facts.direction === 'inbound' || !hasJustEnded(before, after)) return
    const over = isUndialled(after)
      ? this.#caps.withdraw(countedOrder(after.order!))
      : this.#caps.release(countedIdOf(after))
    over.catch(this.#onFailed)
  }

  failed (): void {}

  store (): void {}
}
