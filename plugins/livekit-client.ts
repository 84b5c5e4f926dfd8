import fp from 'fastify-plugin'
import { LIVEKIT_FAILURES } from '../src/calls/ports.ts'
import { TIMES } from '../src/calls/fold/rules.ts'
import { createLiveKitEventReceiver, type ReceiveLiveKitEvent } from '../src/livekit/events.ts'
import { createLiveKitRooms, type Rooms } from '../src/livekit/rooms.ts'

declare module 'fastify' {
  interface FastifyInstance {
    rooms: Rooms
    receiveLiveKitEvent: ReceiveLiveKitEvent
  }
}

/** Decorates `rooms` (LiveKit's API) and `receiveLiveKitEvent` (its webhooks). Needs `settings` and `metrics`. */
export default fp<{ rooms?: Rooms }>(async (fastify, options) => {
  const { LIVEKIT_URL: url, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = fastify.settings
  const observe = (operation: string, outcome: string, seconds: number) =>
    fastify.metrics.livekit.observe({ operation, outcome }, seconds)
  // Callers wait for createRoom. Of a series that begins with a failure Prometheus would not count that failure.
  for (const outcome of LIVEKIT_FAILURES) {
    if (outcome !== 'not-found') fastify.metrics.livekit.zero({ operation: 'createRoom', outcome })
  }
  fastify.decorate(
    'rooms',
    options.rooms ?? createLiveKitRooms({ url, apiKey, apiSecret, createTimeoutS: TIMES.roomSettles / 1000, observe })
  )
  fastify.decorate('receiveLiveKitEvent', createLiveKitEventReceiver(apiKey, apiSecret))
}, { name: 'livekit-client', dependencies: ['env', 'metrics'] })
