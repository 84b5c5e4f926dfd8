import { startBridge, type Store } from './bridge.ts'
import { OPERATOR_TOKEN } from './environment.ts'
import { createLoad, type Shot } from './load.ts'
import type { Options } from './options.ts'
import { freePort, startNode, type Service } from './processes.ts'
import { hookOf, hungUp, newCall } from './recorded.ts'
import type { Redis } from './redis.ts'
import { writeFile } from './routes.ts'
import { createRandom, type Round } from './stats.ts'

/** Orders that are on their way at once when they come flat out. */
export const ORDERS_AT_ONCE = 50
/** Orders a second beside the call hooks. */
export const ORDERS_RATE = 200
/** Call hooks a second beside them. */
export const HOOKS_RATE = 50

export interface OrdersResult {
  store: Store
  /** Orders flat out. */
  closed: Round
  cpuMsPerOrder: number
  /** Call hooks without orders, and beside them. */
  hooksAlone: Round
  hooksBeside: Round
  /** The orders beside them. */
  beside: Round
}

const ROUTES = `version: 1
numbers: ["+15551230000"]
policy:
  allow: ["+1555"]
routes:
- name: rest
`

/** POST /calls with a Jambonz that has no limit, alone and beside call hooks. */
export async function measureOrders (
  { sizes, connections }: Options,
  livekit: Service,
  redis: Redis | undefined,
  progress: (text: string) => void
): Promise<OrdersResult[]> {
  const port = await freePort()
  const jambonz = await startNode('jambonz', [new URL('fake-jambonz.js', import.meta.url).pathname], {
    port,
    env: { PORT: String(port) }
  })
  const routesFile = writeFile(ROUTES)
  const results: OrdersResult[] = []
  for (const store of ['memory', 'Redis'] as const) {
    if (store === 'Redis' && !redis) continue
    progress(`orders: ${store}`)
    const bridge = await startBridge(store, livekit, store === 'Redis' ? redis : undefined, routesFile, {
      JAMBONZ_REST_API_BASE_URL: jambonz.url,
      JAMBONZ_ACCOUNT_SID: 'bench',
      JAMBONZ_API_KEY: 'bench',
      JAMBONZ_APPLICATION_SID: 'bench',
      JAMBONZ_REST_PER_MINUTE: '60000'
    })
    const load = createLoad(bridge.url, connections)
    const hooks = async (beside?: Promise<Round>): Promise<Round> => {
      const calls = Array.from({ length: HOOKS_RATE * sizes.openSeconds[40]! }, newCall)
      const round = await load.open(calls.map(hookOf), HOOKS_RATE, createRandom(1))
      await beside
      await load.closed(calls.map(hungUp), 4)
      return round
    }
    await load.closed(Array.from({ length: sizes.warmUpCalls }, orderShot), ORDERS_AT_ONCE)
    const before = await bridge.usage()
    const closed = await load.closed(Array.from({ length: sizes.closedCalls }, orderShot), ORDERS_AT_ONCE)
    const cpuMsPerOrder = ((await bridge.usage()).cpuMs - before.cpuMs) / closed.requests

    const hooksAlone = await hooks()
    const orders = Array.from({ length: ORDERS_RATE * sizes.openSeconds[40]! }, orderShot)
    const placing = load.open(orders, ORDERS_RATE, createRandom(2))
    const hooksBeside = await hooks(placing)
    results.push({ store, closed, cpuMsPerOrder, hooksAlone, hooksBeside, beside: await placing })
    await load.close()
    await bridge.stop()
  }
  await jambonz.stop()
  return results
}

let ordered = 0

/** An order for a number of its own. */
function orderShot (): Shot {
  ordered++
  return {
    path: '/calls',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${OPERATOR_TOKEN}` },
    body: JSON.stringify({ to: `+1555${String(ordered).padStart(7, '0')}`, reference: `order-${ordered}` }),
    isRight: status => status === 201
  }
}
