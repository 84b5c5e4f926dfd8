import { WITH_ROUTES } from './bridge.ts'
import { LIMIT, type HookResult } from './hook.ts'
import { kib, ms } from './markdown.ts'
import type { Results } from './report.ts'
import { POOLS, type WarmResult } from './warm.ts'

/** What a run should show. `met` is undefined where it was not measured. */
export interface Goal {
  goal: string
  measured: string
  met?: boolean
}

const GOALS_AT_MS = 40
const GOALS = {
  p50: 1.10,
  p99: 1.25,
  memory: 0.75,
  Redis: 0.5,
  bytesPerCall: 10_240,
  listMs: 50,
  withRoutes: 1.02,
  routeMs: 1,
  ordersPerSecond: 200,
  seenMs: 250,
  withViewers: 1.05,
  warmP50: 5,
  warmP99: 15,
  emptyPool: 1.10
}

/** Adds a goal, if it was measured. */
type Add = (
  goal: string,
  value: number | undefined,
  show: (value: number) => string,
  met: (value: number) => boolean
) => void

const times = (value: number): string => `${value.toFixed(2)} ×`

export function goalsOf ({ hook, warm, calls, routes, orders, live }: Results): Goal[] {
  const at = (name: string) => hook.find(({ roundTripMs, target }) => roundTripMs === GOALS_AT_MS && target === name)
  const limit = at(LIMIT)
  const goals: Goal[] = []
  const add: Add = (goal, value, show, met) => {
    goals.push(value === undefined ? { goal, measured: '–' } : { goal, measured: show(value), met: met(value) })
  }
  for (const store of ['memory', 'Redis'] as const) {
    const bridge = at(`bridge, ${store}`)
    const ratio = (of: (result: HookResult) => number) => bridge && limit && of(bridge) / of(limit)
    add(
      `${store}: p50 at most ${GOALS.p50.toFixed(2)} × the limit's`,
      ratio(({ open }) => open.p50),
      times,
      value => value <= GOALS.p50
    )
    add(
      `${store}: p99 at most ${GOALS.p99.toFixed(2)} × the limit's`,
      ratio(({ open }) => open.p99),
      times,
      value => value <= GOALS.p99
    )
    add(
      `${store}: flat out at least ${GOALS[store].toFixed(2)} × the limit`,
      ratio(({ closed }) => closed.perSecond),
      times,
      value => value >= GOALS[store]
    )
    const memory = calls.memory.find(figures => figures.store === store)
    add(
      `${store}: an active call takes at most 10 KiB`,
      memory && (memory.redisBytesPerCall ?? memory.heapBytesPerCall),
      value => `${kib(value)} KiB`,
      value => value <= GOALS.bytesPerCall
    )
    const lists = calls.list.filter(figures => figures.store === store)
    add(
      `${store}: p99 of every list at most ${GOALS.listMs} ms`,
      lists.length > 0 ? Math.max(...lists.map(({ p99 }) => p99)) : undefined,
      value => `${ms(value)} ms`,
      value => value <= GOALS.listMs
    )
  }
  const [without, routed] = [at('bridge, memory'), at(`bridge, memory${WITH_ROUTES}`)]
  for (const figure of ['p50', 'p99'] as const) {
    add(
      `1000 routes: ${figure} at most ${GOALS.withRoutes.toFixed(2)} × that without a file`,
      without && routed && routed.open[figure] / without.open[figure],
      times,
      value => value <= GOALS.withRoutes
    )
  }
  add(
    `p99 of every choice of a route at most ${GOALS.routeMs} ms`,
    routes.length > 0 ? Math.max(...routes.map(({ p99 }) => p99)) : undefined,
    value => `${value.toFixed(2)} ms`,
    value => value <= GOALS.routeMs
  )
  for (const { store, closed } of orders) {
    add(
      `${store}: at least ${GOALS.ordersPerSecond} orders a second`,
      closed.perSecond,
      value => value.toFixed(0),
      value => value >= GOALS.ordersPerSecond
    )
  }
  add(
    `a new call is on every page within ${GOALS.seenMs} ms (p95)`,
    live?.seen.p95,
    value => `${ms(value)} ms`,
    value => value <= GOALS.seenMs
  )
  addWarm(warm, add)
  const [alone, beside] = live?.hooks ?? []
  for (const figure of ['p50', 'p99'] as const) {
    add(
      `${beside?.viewers ?? 100} viewers: ${figure} of the call hook at most ${GOALS.withViewers.toFixed(2)} × without`,
      alone && beside && beside[figure] / alone[figure],
      times,
      value => value <= GOALS.withViewers
    )
  }
  return goals
}

/** With waiting agents. */
function addWarm (warm: readonly WarmResult[], add: Add): void {
  for (const store of ['memory', 'Redis'] as const) {
    const [none, empty, full] = POOLS.map(pool =>
      warm.find(result => result.store === store && result.pool === pool))
    const shown = (value: number) => `${ms(value)} ms`
    add(`${store}, full pool: p50 at most ${GOALS.warmP50} ms`, full?.p50, shown, value => value <= GOALS.warmP50)
    add(`${store}, full pool: p99 at most ${GOALS.warmP99} ms`, full?.p99, shown, value => value <= GOALS.warmP99)
    for (const figure of ['p50', 'p99'] as const) {
      add(
        `${store}, empty pool: ${figure} at most ${GOALS.emptyPool.toFixed(2)} × that without a pool`,
        none && empty && empty[figure] / none[figure],
        times,
        value => value <= GOALS.emptyPool
      )
    }
    add(
      `${store}, full pool: no call waits for LiveKit`,
      full?.answeredAlone?.calls,
      value => `${value} of ${full?.answeredAlone?.of}`,
      value => value === full?.answeredAlone?.of
    )
  }
}
