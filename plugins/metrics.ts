import fp from 'fastify-plugin'
import { createMetrics, type Metrics } from '../src/metrics.ts'
import type { Registry } from '../src/calls/store/registry.ts'

declare module 'fastify' {
  interface FastifyInstance {
    metrics: Metrics
  }
}

/** Decorates `metrics`. */
export default fp<{ registry: Registry }>(async (fastify, { registry }) => {
  fastify.decorate('metrics', createMetrics(() => registry.stats(), () => fastify.calls.waiting))
}, { name: 'metrics' })
