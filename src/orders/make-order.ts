import type { Order } from '../calls/fold/order.ts'
import { FromNotOursError, OutboundNotConfiguredError } from '../errors.ts'
import type { RoutesTable } from '../routing/routes.ts'
import { readNumber } from '../routing/match/numbers.ts'
import { metadataText } from './check-request.ts'
import { DEFAULT_RING_S, type OrderRequest } from './order-request.ts'

/** What an order does not say itself. */
export interface OrderDefaults {
  /** LIVEKIT_AGENT_NAME. */
  agent: string
  /** MAX_CALL_DURATION_S. */
  longestS: number
}

/** What only the one knows who takes the order. */
export interface OrderFacts extends Pick<Order, 'id' | 'placedBy' | 'orderedAt'> {
  table: RoutesTable
  defaults: OrderDefaults
}

/**
 * Makes an order of a request. Its `to` is still as it was written: the number policy says what is dialled.
 * @throws {FromNotOursError}
 * @throws {OutboundNotConfiguredError} when no number is ours
 */
export function makeOrder (request: OrderRequest, { id, placedBy, orderedAt, table, defaults }: OrderFacts): Order {
  const { reference, carrier, headers, callerName, notAfter } = request
  const metadata = metadataText(request.metadata)
  return {
    id,
    placedBy,
    orderedAt,
    to: request.to,
    from: ownNumber(request.from, table),
    agent: request.agent ?? table.agent ?? defaults.agent,
    ringS: request.ring ?? DEFAULT_RING_S,
    longestS: Math.min(request.longest ?? Infinity, table.policy?.caps.longestS ?? Infinity, defaults.longestS),
    agentAt: request.agentAt ?? 'ringing',
    voicemail: request.voicemail ?? 'off',
    onMachine: request.onMachine ?? 'continue',
    ...(metadata === undefined ? {} : { metadata }),
    ...(reference === undefined ? {} : { reference }),
    ...(carrier === undefined ? {} : { carrier }),
    ...(headers === undefined ? {} : { headers }),
    ...(callerName === undefined ? {} : { callerName }),
    ...(notAfter === undefined ? {} : { notAfter: Date.parse(notAfter) })
  }
}

/** The number that the callee sees, as the routes file has it: `+` and country code. */
export function ownNumber (wish: string | undefined, { numbers, country }: RoutesTable): string {
  const [first] = numbers
  if (first === undefined) {
    throw new OutboundNotConfiguredError('the routes file has no `numbers`. List there the numbers that callees see.')
  }
  if (wish === undefined) return first

  const { digits } = readNumber(wish, country)
  const own = numbers.find(number => digits.includes(readNumber(number).digits[0]!))
  if (own === undefined) throw new FromNotOursError()
  return own
}
