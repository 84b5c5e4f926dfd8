import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { isOrderId, openOrder, type Order, type OrderMark } from '../calls/fold/order.ts'

/*
 * What Jambonz sends back in `customerData` of every hook of the callee's leg. It holds the order, so that a hook tells
 * all that is needed when nobody knows the call any more. What only the agent or the carrier may know is not in it.
 */

/** The `tag` of createCall. Jambonz' list of calls changes keys with capitals, so there are none. */
export interface OrderTag {
  order: string
  /** The order as JSON. */
  terms: string
  seal: string
}

export interface OrderTags {
  tagOf(order: Order): OrderTag
  /** @returns undefined when the data are not those of an order of ours */
  read(customerData: unknown): OrderMark | undefined
}

/** Longest terms that are read, characters. Ours are some hundred. */
const LONGEST_TERMS = 4096

/** Makes the tags of everybody who has the API secret: all replicas, also after a restart. */
export function createOrderTags (apiSecret: string): OrderTags {
  const key = Buffer.from(hkdfSync('sha256', apiSecret, '', 'jambonz-livekit-bridge order v1', 32))
  const digestOf = (id: string, terms: string) =>
    createHmac('sha256', key).update(JSON.stringify([id, terms])).digest()

  function isOurs (id: string, terms: string, seal: string): boolean {
    const given = Buffer.from(seal, 'base64url')
    const right = digestOf(id, terms)
    return given.length === right.length && timingSafeEqual(given, right)
  }

  return {
    tagOf (order) {
      const terms = JSON.stringify(openOrder(order))
      return { order: order.id, terms, seal: digestOf(order.id, terms).toString('base64url') }
    },
    read (customerData) {
      const { order: id, terms, seal } = (customerData ?? {}) as Partial<Record<keyof OrderTag, unknown>>
      if (typeof id !== 'string' || !isOrderId(id) || id.length > LONGEST_ID) return undefined
      if (typeof terms !== 'string' || typeof seal !== 'string' || terms.length > LONGEST_TERMS) return { id }
      return isOurs(id, terms, seal) ? { id, order: JSON.parse(terms) as Order } : { id }
    }
  }
}

const LONGEST_ID = 64
