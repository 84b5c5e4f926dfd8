import { isFinal, type CallStatus } from '../calls/fold/call.ts'
import type { Order } from '../calls/fold/order.ts'
import type { OrderTags } from './order-tag.ts'

/** A call in Jambonz' list. Fields are missing of calls that are about to be forgotten. */
export type ListedCall = Partial<Record<string, unknown>>

export interface ListSearch {
  order: Order
  tags: OrderTags
  applicationSid?: string
  /** Whether the bridge follows a call already. */
  isKnown: (callSid: string) => Promise<boolean>
  /** Another order for the same numbers may be without a call too. */
  isRivalled: boolean
}

/**
 * Finds the call of an order in Jambonz' list of calls. Jambonz keeps no objects in that list (realtimedb-helpers
 * lib/utils.js `filterNullsAndObjects`), so `customer_data` is missing. A call without it is that of the order only if
 * there is no other explanation: our application, the same numbers, not ended, and nobody knows of it.
 */
export async function findInList (list: readonly ListedCall[], search: ListSearch): Promise<string | undefined> {
  const { order, tags, isKnown } = search
  const outbound = list.filter(call => call['direction'] === 'outbound' && call['parent_call_sid'] === undefined)
  const tagged = outbound.find(call => {
    const mark = tags.read(objectOf(call['customer_data'] ?? call['customerData']))
    return mark?.id === order.id && mark.order !== undefined
  })
  if (tagged) return sidOf(tagged)
  if (search.isRivalled) return undefined

  const possible = outbound.filter(call => mayBe(call, search)).map(sidOf).filter(callSid => callSid !== undefined)
  const known = await Promise.all(possible.map(isKnown))
  const unknown = possible.filter((_callSid, n) => !known[n])
  return unknown.length === 1 ? unknown[0] : undefined
}

function mayBe (call: ListedCall, { order, applicationSid }: ListSearch): boolean {
  const isTagged = call['customer_data'] !== undefined || call['customerData'] !== undefined
  return !isTagged && call['from'] === order.from && call['to'] === order.to &&
    applicationSid !== undefined && call['application_sid'] === applicationSid &&
    !isFinal(call['call_status'] as CallStatus)
}

const CALL_SID = /^[A-Za-z0-9_-]{1,64}$/

function sidOf ({ call_sid: callSid }: ListedCall): string | undefined {
  return typeof callSid === 'string' && CALL_SID.test(callSid) ? callSid : undefined
}

function objectOf (value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return undefined
  }
}
