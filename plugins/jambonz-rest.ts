import fp from 'fastify-plugin'
import type { CallControl, CallPlacer, DigitSender } from '../src/calls/ports.ts'
import type { Registry } from '../src/calls/store/registry.ts'
import type { Clock } from '../src/clock.ts'
import { jambonzAccess, type JambonzAccess } from '../src/jambonz/api.ts'
import { createDigitSender } from '../src/jambonz/digit-sender.ts'
import { createOrderTags } from '../src/jambonz/order-tag.ts'
import { createOutboundSetup, type Outbound, withoutRestSettings } from '../src/jambonz/outbound.ts'
import { createPlacer } from '../src/jambonz/placer.ts'
import { createRestSender, type RestSender } from '../src/jambonz/rest-request.ts'
import { MOST_CONNECTIONS, RestQueue } from '../src/jambonz/rest-queue.ts'
import { createCallControl } from '../src/jambonz/rest.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Jambonz' REST API, for the calls. All are undefined without its settings. */
    jambonzRest: { control?: CallControl, placer?: CallPlacer, digits?: DigitSender }
    /** Whether calls can be placed, and over which carrier. */
    outbound: Outbound
  }
}

export interface JambonzRestOptions {
  registry: Registry
  clock: Clock
  /** Instead of requests over the network. */
  sender?: RestSender | undefined
}

/**
 * Decorates `jambonzRest` and `outbound`. Needs `settings` and `metrics`. Closes the queue of requests.
 */
export default fp<JambonzRestOptions>(async (fastify, { registry, clock, sender }) => {
  const { settings, metrics, log } = fastify
  const access = jambonzAccess(settings)
  if (!access) {
    fastify.decorate('jambonzRest', {})
    fastify.decorate('outbound', withoutRestSettings)
    return
  }
  const queue = createQueue(access)
  const setup = createOutboundSetup({
    access,
    queue,
    clock,
    publicUrl: settings.PUBLIC_URL,
    applicationSid: settings.JAMBONZ_APPLICATION_SID,
    carrier: settings.OUTBOUND_CARRIER,
    warn: text => log.warn(text)
  })
  const placer = createPlacer({
    access,
    queue,
    setup,
    clock,
    publicUrl: settings.PUBLIC_URL,
    basic: basicOf(settings.HTTP_USERNAME, settings.HTTP_PASSWORD),
    tags: createOrderTags(settings.LIVEKIT_API_SECRET),
    isKnown: async callSid => await registry.get(callSid) !== undefined
  })
  const control = createCallControl(access, queue, {
    publicUrl: settings.PUBLIC_URL,
    basic: basicOf(settings.HTTP_USERNAME, settings.HTTP_PASSWORD)
  })
  fastify.decorate('jambonzRest', { control, placer, digits: createDigitSender(access, queue) })
  fastify.decorate('outbound', setup)
  fastify.addHook('preClose', async () => queue.drain())
  // The calls need it until they are closed: hooks run in reverse order.
  fastify.addHook('onClose', () => queue.close())

  function createQueue (access: JambonzAccess): RestQueue {
    return new RestQueue({
      sender: sender ?? createRestSender(access, clock, MOST_CONNECTIONS),
      perMinute: settings.JAMBONZ_REST_PER_MINUTE,
      clock,
      observer: {
        asked (operation, outcome, waitedS, tookS) {
          metrics.jambonz.observe({ operation, outcome }, tookS)
          metrics.jambonzWait.observe({ operation }, waitedS)
        },
        waiting: (operation, requests) => metrics.jambonzWaiting.set({ operation }, requests)
      }
    })
  }
}, { name: 'jambonz-rest', dependencies: ['env', 'metrics'] })

const basicOf = (username: string | undefined, password: string | undefined) =>
  username !== undefined && password !== undefined ? { username, password } : undefined
