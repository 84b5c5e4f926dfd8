import type { Call } from './fold/call.ts'
import type { Order } from './fold/order.ts'
import { transfersOf, type Transfer, type TransferRequest } from './fold/transfers.ts'
import { hasJustEnded, type Observer } from './observer.ts'
import type { CapCounter } from './store/caps.ts'

/** Under which id a call is counted that a door of the number policy let through. */
export const countedIdOf = ({ order, callSid }: Pick<Call, 'order' | 'callSid'>): string => order?.id ?? callSid

/** What an order is counted as. Each key has its own day. Where a caller is transferred, it is the caller's day. */
export const countedOrder = (
  { id, placedBy, countedFor = `key:${placedBy}` }: Pick<Order, 'id' | 'placedBy' | 'countedFor'>
): { id: string, caller: string } => ({ id, caller: countedFor })

/** Under which id a transfer is counted: that of the person's call, or its own. */
export const countedIdOfTransfer = ({ id, order }: Pick<TransferRequest, 'id' | 'order'>): string => order?.id ?? id

/** Whether nobody is dialled any more for a transfer. Where a carrier moves a call, nobody hears of its end. */
const isOver = ({ phase }: Call, { request, outcome }: Transfer): boolean =>
  outcome !== undefined && (phase === 'ended' || outcome.result !== 'bridged' || request?.mode === 'refer')

/** The transfers of the API that are over with the latest event. */
function transfersOver (before: Call | undefined, after: Call): TransferRequest[] {
  const wereOver = new Set(before && transfersOf(before).filter(known => isOver(before, known)).map(idOf))
  return transfersOf(after).flatMap(transfer =>
    transfer.request && isOver(after, transfer) && !wereOver.has(idOf(transfer)) ? [transfer.request] : [])
}

const idOf = ({ request }: Transfer): string | undefined => request?.id

/** Whether Jambonz surely dialled nobody for the order of a call that has ended. */
const isUndialled = ({ callSid, order, end }: Call): boolean =>
  callSid === order?.id && (order.sentAt === undefined || end?.cause === 'not-placed')

/**
 * Counts calls and transfers no longer as under way once they are over, whichever replica hears of it, and orders that
 * dialled nobody not at all.
 */
export class CapReleases implements Observer {
  readonly #caps: Pick<CapCounter, 'release' | 'withdraw'>
  readonly #onFailed: (error: unknown) => void

  constructor (caps: Pick<CapCounter, 'release' | 'withdraw'>, onFailed: (error: unknown) => void) {
    this.#caps = caps
    this.#onFailed = onFailed
  }

  changed (before: Call | undefined, after: Call | undefined): void {
    if (!after) return
    for (const request of transfersOver(before, after)) this.#release(countedIdOfTransfer(request))
    if (after.facts.direction === 'inbound' || !hasJustEnded(before, after)) return
    const over = isUndialled(after)
      ? this.#caps.withdraw(countedOrder(after.order!))
      : this.#caps.release(countedIdOf(after))
    over.catch(this.#onFailed)
  }

  #release (id: string): void {
    this.#caps.release(id).catch(this.#onFailed)
  }

  failed (): void {}

  store (): void {}
}
