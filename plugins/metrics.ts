import fp from 'fastify-plugin'
import type { Clock } from '../src/clock.ts'
import { createMetrics, type Metrics } from '../src/metrics.ts'
import type { Registry } from '../src/calls/store/registry.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** Decorates `metrics`. Needs `settings`, and `calls` and `warmPools` once somebody reads them. */
export default fp<{ registry: Registry, clock: Clock }>(async (fastify, { registry, clock }) => {
  const { EVENTS_URL } = fastify.settings
  const events = EVENTS_URL === undefined ? undefined : { queue: registry.events, now: () => clock.now() }
  fastify.decorate('metrics', createMetrics({
    stats: () => registry.stats(),
    buffered: () => fastify.calls.waiting,
    events,
    pools: () => fastify.warmPools.views()
  }))
}, { name: 'metrics', dependencies: ['env'] })
