import fp from 'fastify-plugin'
import type { Clock } from '../src/clock.ts'
import type { Registry } from '../src/calls/store/registry.ts'
import type { WarmPools } from '../src/calls/warm/pools.ts'
import { createWarmPools } from '../src/calls/warm/service.ts'
import type { WarmPool } from '../src/calls/warm/warm-room.ts'
import { randomToken } from '../src/livekit/token.ts'
import { roomFormatOf } from '../src/room-format.ts'
import type { RoutesTable } from '../src/routing/routes.ts'
import { departureSOf } from '../src/rules.ts'
import { poolsOf } from '../src/warm-pools.ts'
import { WarmReport } from '../src/warm-report.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Rooms with agents that wait for calls. */
    warmPools: WarmPools
  }
}

/** Part of the time after draining in which the last replica may empty the pools. */
const EMPTY_SHARE = 0.6

/**
 * Decorates `warmPools`. Needs `settings`, `metrics`, `rooms` and `routesFile`, and `draining` once the service is
 * ready: the pools are filled from then on. The call registry closes them, because calls claim rooms until then.
 */
export default fp<{ registry: Registry, clock: Clock }>(async (fastify, { registry, clock }) => {
  const { settings, rooms, metrics, routesFile, log } = fastify
  const left = (settings.SHUTDOWN_TIMEOUT_S - settings.DRAIN_DELAY_S) * 1000
  const warmPools = createWarmPools({
    pools: followPools(table => poolsOf(settings, table), () => routesFile.table),
    store: registry.warmRooms,
    registry,
    rooms,
    roomFormat: roomFormatOf(settings),
    clock,
    observer: new WarmReport(log, metrics),
    roomPrefix: settings.LIVEKIT_ROOM_PREFIX,
    newToken: randomToken,
    departureS: () => departureSOf(routesFile.table),
    lifeMs: settings.WARM_AGENT_LIFE_S * 1000,
    perS: settings.WARM_AGENTS_PER_S,
    createTimeoutMs: settings.LIVEKIT_TIMEOUT_MS,
    closeMs: left * EMPTY_SHARE
  })
  fastify.decorate('warmPools', warmPools)
  fastify.addHook('onReady', async () => {
    fastify.draining.onDrain(() => warmPools.drain())
    warmPools.start()
  })
}, { name: 'warm-agents', dependencies: ['env', 'metrics', 'livekit-client', 'routes-file'] })

/** The pools of the routes in force. A change of the routes brings another table. */
function followPools (poolsOf: (table: RoutesTable) => WarmPool[], tableInForce: () => RoutesTable) {
  let known: { table: RoutesTable, pools: readonly WarmPool[] } | undefined
  return (): readonly WarmPool[] => {
    const table = tableInForce()
    if (known?.table !== table) known = { table, pools: poolsOf(table) }
    return known.pools
  }
}
