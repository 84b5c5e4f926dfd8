import type { ActiveCallsResult } from './active-calls.ts'
import { AT_ONCE, LIMIT, RATE, ROUND_TRIPS, type HookResult } from './hook.ts'
import { ACTIVE, VIEWERS, type LiveResult } from './live.ts'
import { NOISY, type Machine } from './machine.ts'
import type { Options } from './options.ts'
import { HOOKS_RATE, ORDERS_AT_ONCE, ORDERS_RATE, type OrdersResult } from './orders.ts'
import type { RoutesResult } from './routes.ts'
import { WITH_ROUTES } from './bridge.ts'
import { WARM_ROUND_TRIP_MS, type WarmResult } from './warm.ts'

export interface Results {
  machine: Machine
  /** Share of the machine that others used. */
  noise: number
  seconds: number
  hook: HookResult[]
  warm: WarmResult[]
  calls: ActiveCallsResult
  routes: RoutesResult[]
  orders: OrdersResult[]
  live?: LiveResult | undefined
  skipped: string[]
}

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

export function goalsOf ({ hook, warm, calls, routes, orders, live }: Results): Goal[] {
  const at = (name: string) => hook.find(({ roundTripMs, target }) => roundTripMs === GOALS_AT_MS && target === name)
  const limit = at(LIMIT)
  const goals: Goal[] = []
  const add = (
    goal: string,
    value: number | undefined,
    show: (value: number) => string,
    met: (value: number) => boolean
  ) => goals.push(value === undefined ? { goal, measured: '–' } : { goal, measured: show(value), met: met(value) })
  const times = (value: number) => `${value.toFixed(2)} ×`
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
  for (const store of ['memory', 'Redis'] as const) {
    const [none, empty, full] = (['no pool', 'empty pool', 'full pool'] as const).map(pool =>
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

/** Replies that were wrong: with any of them the figures mean nothing. */
export const wrongReplies = ({ hook, warm, calls, routes, orders, live }: Results): number =>
  calls.wrong +
  warm.flatMap(({ rounds }) => rounds).reduce((sum, { wrong }) => sum + wrong, 0) +
  (live ? live.seen.wrong + live.hooks.flatMap(({ rounds }) => rounds).reduce((sum, { wrong }) => sum + wrong, 0) : 0) +
  routes.reduce((sum, { wrong }) => sum + wrong, 0) +
  orders.flatMap(({ closed, beside, hooksAlone, hooksBeside }) => [closed, beside, hooksAlone, hooksBeside]).reduce(
    (sum, { wrong }) => sum + wrong,
    0
  ) +
  hook.flatMap(({ open, closed }) => [...open.rounds, ...closed.rounds]).reduce((sum, { wrong }) => sum + wrong, 0)

/** The results as Markdown. */
export function report (results: Results, options: Options): string {
  const { machine, hook, warm, calls, routes, orders, live, noise, seconds, skipped } = results
  const wrong = wrongReplies(results)
  const connections = options.connections === 'kept' ? 'connections kept' : 'a connection for each call'
  return [
    [
      `${machine.date.slice(0, 16).replace('T', ' ')} UTC`,
      `${machine.cores} × ${machine.cpu}`,
      `${machine.memoryGiB} GiB`,
      machine.system,
      `Node.js ${machine.node}`,
      `load before ${machine.load}`,
      `others used ${(noise * 100).toFixed(0)} % of the machine; ${options.quick ? 'quick' : 'full'} run of ` +
      `${seconds.toFixed(0)} s`,
      `${connections}.`
    ].join(', '),
    ...(noise > NOISY ? ['**The machine was not quiet: these figures are no measurement.**'] : []),
    ...(options.quick ? ['**A quick run shows that the bench works. Its figures are no measurement.**'] : []),
    ...(wrong > 0 ? [`**${wrong} replies were wrong.**`] : []),
    ...skipped.map(text => `Skipped: ${text}.`),
    ...ROUND_TRIPS.filter(() => hook.length > 0).flatMap(roundTripMs =>
      hookTables(hook.filter(result => result.roundTripMs === roundTripMs), roundTripMs)
    ),
    ...warmTables(warm),
    ...(calls.events.length > 0 && options.parts.includes('events')
      ? [
          '### Events',
          table(
            ['', 'per second', 'p99 ms', 'CPU ms each'],
            calls.events.map((
              { store, what, perSecond, p99, cpuMsPerEvent }
            ) => [`${store}: ${what}`, perSecond.toFixed(0), ms(p99), cpuMsPerEvent.toFixed(3)])
          )
        ]
      : []),
    ...(calls.memory.length > 0 && options.parts.includes('memory')
      ? [
          '### Memory',
          table(
            ['', 'active calls', 'events each', 'heap KiB each', 'Redis KiB each', 'RSS MiB'],
            calls.memory.map((
              { store, calls, eventsPerCall, heapBytesPerCall, redisBytesPerCall, rssMiB }
            ) => [
              store,
              String(calls),
              String(eventsPerCall),
              kib(heapBytesPerCall),
              redisBytesPerCall === undefined ? '–' : kib(redisBytesPerCall),
              rssMiB.toFixed(0)
            ])
          )
        ]
      : []),
    ...(calls.list.length > 0
      ? [
          '### Lists of 50',
          table(
            ['', 'calls', 'p50 ms', 'p99 ms'],
            calls.list.map(({ store, calls, what, p50, p99 }) => [`${store}: ${what}`, String(calls), ms(p50), ms(p99)])
          )
        ]
      : []),
    ...routesTables(routes),
    ...ordersTables(orders),
    ...(live ? liveTables(live) : []),
    '### Goals',
    table(
      ['', 'measured', ''],
      goalsOf(results).filter(({ met }) => met !== undefined).map((
        { goal, measured, met }
      ) => [goal, measured, met ? 'met' : '**missed**'])
    )
  ].join('\n\n')
}

function hookTables (results: HookResult[], roundTripMs: number): string[] {
  const limit = results.find(({ target }) => target === LIMIT)!
  return [
    `### Call hook, ${roundTripMs} ms to LiveKit, ${RATE} calls a second at random`,
    table(
      ['', 'p50 ms', 'p99 ms', 'CPU ms per call', 'p50 to limit', 'p99 to limit'],
      results.map((
        { target, open }
      ) => [
        target,
        ms(open.p50),
        ms(open.p99),
        open.cpuMsPerCall.toFixed(2),
        (open.p50 / limit.open.p50).toFixed(2),
        (open.p99 / limit.open.p99).toFixed(2)
      ])
    ),
    `### Call hook, ${roundTripMs} ms to LiveKit, flat out, ${AT_ONCE} at once`,
    table(
      ['', 'calls/s', 'p50 ms', 'p99 ms', 'CPU ms per call', 'calls/s to limit'],
      results.map((
        { target, closed }
      ) => [
        target,
        closed.perSecond.toFixed(0),
        ms(closed.p50),
        ms(closed.p99),
        closed.cpuMsPerCall.toFixed(2),
        (closed.perSecond / limit.closed.perSecond).toFixed(2)
      ])
    )
  ]
}

const warmTables = (warm: WarmResult[]): string[] => warm.length === 0
  ? []
  : [
      `### Call hook with waiting agents, ${WARM_ROUND_TRIP_MS} ms to LiveKit, ${RATE} calls a second at random`,
      table(
        ['', 'p50 ms', 'p99 ms', 'CPU ms per call', 'with a waiting agent'],
        warm.map((
          { target, store, p50, p99, cpuMsPerCall, warm }
        ) => [
          target,
          ms(p50),
          ms(p99),
          cpuMsPerCall.toFixed(2),
          store === undefined ? '–' : `${(warm * 100).toFixed(0)} %`
        ])
      )
    ]

const routesTables = (routes: RoutesResult[]): string[] => routes.length === 0
  ? []
  : [
      '### Choosing a route',
      table(
        ['routes by', 'routes', 'p50 ms', 'p99 ms', 'CPU ms each'],
        routes.map((
          { what, routes, p50, p99, cpuMs }
        ) => [what, String(routes), p50.toFixed(3), p99.toFixed(3), cpuMs.toFixed(3)])
      )
    ]

const liveTables = ({ seen, hooks }: LiveResult): string[] => [
  `### From the call hook to the page: ${ACTIVE} calls, ${VIEWERS} viewers, two replicas`,
  table(
    ['rows read', 'p50 ms', 'p95 ms', 'p99 ms'],
    [[String(seen.requests), ms(seen.p50), ms(seen.p95), ms(seen.p99)]]
  ),
  `### Call hook beside viewers, Redis, 40 ms to LiveKit, ${RATE} calls a second at random`,
  table(
    ['viewers', 'p50 ms', 'p99 ms', 'CPU ms per call'],
    hooks.map(({ viewers, p50, p99, cpuMsPerCall }) => [String(viewers), ms(p50), ms(p99), cpuMsPerCall.toFixed(2)])
  )
]

const ordersTables = (orders: OrdersResult[]): string[] => orders.length === 0
  ? []
  : [
      `### POST /calls, flat out, ${ORDERS_AT_ONCE} at once`,
      table(
        ['', 'orders/s', 'p50 ms', 'p99 ms', 'CPU ms each'],
        orders.map((
          { store, closed, cpuMsPerOrder }
        ) => [store, closed.perSecond.toFixed(0), ms(closed.p50), ms(closed.p99), cpuMsPerOrder.toFixed(2)])
      ),
      `### Call hook, ${HOOKS_RATE} calls a second at random, beside ${ORDERS_RATE} orders a second`,
      table(
        ['', 'p50 ms', 'p99 ms', 'p50 ms without orders', 'p99 ms without orders', 'p99 ms of the orders'],
        orders.map((
          { store, hooksBeside, hooksAlone, beside }
        ) => [
          store,
          ...[hooksBeside.p50, hooksBeside.p99, hooksAlone.p50, hooksAlone.p99, beside.p99].map(ms)
        ])
      )
    ]

const ms = (value: number): string => value.toFixed(1)
const kib = (bytes: number): string => (bytes / 1024).toFixed(1)

/** A Markdown table that reads well as it is: texts to the left, figures to the right. */
function table (head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(3, title.length, ...rows.map(row => row[column]!.length)))
  const line = (cells: string[]) =>
    `| ${
      cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join(
        ' | '
      )
    } |`
  return [
    line(head),
    `| ${widths.map((width, column) => column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`).join(' | ')} |`,
    ...rows.map(line)
  ].join('\n')
}
