import fp from 'fastify-plugin'
import type { Clock } from '../src/clock.ts'
import type { Registry } from '../src/calls/store/registry.ts'
import { LiveStream } from '../src/live/live-stream.ts'
import { loggedError } from '../src/log-error.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The calls under way, as streams for those who watch. */
    live: LiveStream
  }
}

/** Decorates `live`, whose list observes every call. Needs `calls` once somebody watches one. */
export default fp<{ registry: Registry, clock: Clock }>(async (fastify, { registry, clock }) => {
  const live = new LiveStream({
    registry,
    clock,
    find: callSid => fastify.calls.find(callSid),
    onFailed: error => {
      fastify.log.warn({ operation: 'live stream', error: loggedError(error) }, 'operation failed')
    }
  })
  fastify.decorate('live', live)
  fastify.addHook('preClose', async () => {
    live.end()
  })
}, { name: 'live' })
