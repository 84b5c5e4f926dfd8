import type { ActiveCallsResult } from './active-calls.ts'
import { goalsOf } from './goals.ts'
import { AT_ONCE, LIMIT, RATE, ROUND_TRIPS, type HookResult } from './hook.ts'
import { ACTIVE, VIEWERS, type LiveResult } from './live.ts'
import { NOISY, type Machine } from './machine.ts'
import { kib, ms, table } from './markdown.ts'
import type { Options } from './options.ts'
import { HOOKS_RATE, ORDERS_AT_ONCE, ORDERS_RATE, type OrdersResult } from './orders.ts'
import type { RoutesResult } from './routes.ts'
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
