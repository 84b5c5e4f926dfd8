import fp from 'fastify-plugin'
import type { Clock } from '../src/clock.ts'
import type { Registrar } from '../src/calls/ports.ts'
import { createRetellClient } from '../src/retell/client.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Registers calls with Retell. */
    registrar: Registrar
  }
}

/** Decorates `registrar` (Retell's API). Needs `settings`, `metrics` and `secretOf`. */
export default fp<{ clock: Clock }>(async (fastify, { clock }) => {
  const { settings, metrics, secretOf } = fastify
  const registrar = createRetellClient({
    baseUrl: settings.RETELL_API_BASE_URL,
    timeoutMs: settings.LIVEKIT_TIMEOUT_MS,
    secretOf,
    clock,
    observe: (outcome, seconds) => metrics.retell.observe({ outcome }, seconds)
  })
  fastify.decorate('registrar', registrar)
}, { name: 'retell-client', dependencies: ['env', 'metrics', 'routes-file'] })
