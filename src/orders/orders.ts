import { randomUUID } from 'node:crypto'
import { countedOrder } from '../calls/cap-releases.ts'
import { orderId, type Order } from '../calls/fold/order.ts'
import type { Placed, Placements } from '../calls/placements.ts'
import { PlacementRefusedError } from '../calls/ports.ts'
import type { Clock } from '../clock.ts'
import {
  DrainingError,
  IdempotencyUnderWayError,
  JambonzRefusedError,
  JambonzUnreachableError,
  OrderCancelledError,
  OrderTooLateError,
  OutboundNotConfiguredError,
  PlacementUnknownError,
  provesNothingPlaced,
  QueueFullError,
  withExtras
} from '../errors.ts'
import type { Outbound } from '../jambonz/outbound.ts'
import type { NumberGate } from '../routing/policy/number-gate.ts'
import { explainRefusal } from '../routing/policy/refusals.ts'
import type { RoutesSource, RoutesTable } from '../routing/routes.ts'
import { asked, refusalError } from './dialling-errors.ts'
import { makeOrder, type OrderDefaults } from './make-order.ts'
import type { OrderRequest, PlacedCall } from './order-request.ts'

export interface OrdersOptions {
  /** Absent without the Jambonz REST settings. */
  placements: Pick<Placements, 'place'> | undefined
  outbound: Outbound
  gate: Pick<NumberGate, 'enter' | 'withdraw'>
  routes: RoutesSource
  defaults: OrderDefaults
  clock: Clock
  /** Whether this process is about to end. */
  isDraining: () => boolean
}

/** Who orders what. */
export interface OrderOf {
  request: OrderRequest
  /** Name of the key. */
  placedBy: string
}

/** Takes orders of calls. */
export interface Orders {
  newId(): string
  /**
   * Places a call, at most once.
   * @param id of the order, from {@link Orders.newId}
   * @param confirm is asked once the order is committed; when it resolves to false, another request does the same
   * @throws an error of src/errors.ts with its status. But for {@link PlacementUnknownError} nothing was placed
   */
  place(id: string, order: OrderOf, confirm?: () => Promise<boolean>): Promise<PlacedCall>
}

/** See {@link Orders}. */
export function createOrders (options: OrdersOptions): Orders {
  const { placements, outbound, gate, routes, defaults, clock, isDraining } = options

  async function place (id: string, { request, placedBy }: OrderOf, confirm?: () => Promise<boolean>) {
    const { table } = routes
    assertOpen(table)
    const order = makeOrder(request, { id, placedBy, orderedAt: clock.now(), table, defaults })
    if (order.notAfter !== undefined && order.notAfter <= order.orderedAt) throw tooLate()

    const counted = countedOrder(order)
    const entered = await gate.enter({ ...counted, door: 'outbound', number: order.to, livesMs: livesMsOf(order) })
    if (!entered.allowed) throw refusalError(entered)
    try {
      return await placeAllowed({ ...order, to: entered.target }, confirm)
    } catch (error) {
      const refused = error instanceof PlacementRefusedError ? errorOfRefusal(error) : error
      if (provesNothingPlaced(refused)) await gate.withdraw(counted)
      throw refused
    }
  }

  /** Throws what is known without a request. Clients that are refused try again, so a refusal must cost nothing. */
  function assertOpen ({ policy }: RoutesTable): void {
    if (isDraining()) throw withExtras(new DrainingError(), { retryInMs: 1000 })
    if (!policy) throw new OutboundNotConfiguredError(explainRefusal('no-policy'))
    const fullForMs = outbound.fullForMs()
    if (fullForMs !== undefined) throw withExtras(new QueueFullError(), { retryInMs: fullForMs })
  }

  async function placeAllowed (order: Order, confirm?: () => Promise<boolean>): Promise<PlacedCall> {
    const readiness = await asked(outbound.readiness())
    if (!readiness.ready) throw new OutboundNotConfiguredError(`${readiness.missing}.`)
    const carrier = await asked(outbound.carrierOf(order.carrier))
    const placed = await placements!.place({ ...order, ...(carrier === undefined ? {} : { carrier }) }, confirm)
    return answerTo(order, placed)
  }

  return { newId: () => orderId(randomUUID()), place }
}

/** Beyond ring time and longest talk an order may wait, and its last status may be late, milliseconds. */
const SLACK_MS = 300_000

/** For this long an order counts as under way when nothing says that its call is over, milliseconds. */
export const livesMsOf = ({ ringS, longestS }: Pick<Order, 'ringS' | 'longestS'>): number =>
  (ringS + longestS) * 1000 + SLACK_MS

/** What kept createCall from being sent: a text, or the code of a network error. */
const unreachable = (detail: string): Error =>
  new JambonzUnreachableError(/^\w+$/.test(detail) ? `The Jambonz REST API cannot be reached (${detail})` : detail)

const tooLate = () => new OrderTooLateError('`notAfter` has passed. The call was not placed.')

const QUEUE_MOVES_MS = 5000

function errorOfRefusal ({ reason, retryInMs = QUEUE_MOVES_MS }: PlacementRefusedError): Error {
  switch (reason) {
    case 'queue-full':
      return withExtras(new QueueFullError(), { retryInMs })
    case 'too-late':
      return tooLate()
    case 'not-wanted':
      return new OrderCancelledError()
  }
}

function answerTo ({ id, reference }: Order, placed: Placed): PlacedCall {
  switch (placed.outcome) {
    case 'placed':
      return {
        callSid: placed.callSid,
        ...(reference === undefined ? {} : { reference }),
        phase: placed.call?.phase ?? 'dialing'
      }
    case 'refused':
      throw new JambonzRefusedError(`${placed.status ?? ''} ${placed.detail}`.trim())
    case 'not-sent':
      throw withExtras(unreachable(placed.detail), { body: { callSid: id, reference } })
    case 'unknown':
      throw withExtras(new PlacementUnknownError(placed.detail), { body: { callSid: id, reference } })
  }
}

/** The first request with a key is still being carried out. */
export const underWay = (retryInMs: number): Error => withExtras(new IdempotencyUnderWayError(), { retryInMs })
