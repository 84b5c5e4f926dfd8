import fp from 'fastify-plugin'
import type { Clock } from '../src/clock.ts'
import type { Registry } from '../src/calls/store/registry.ts'
import { Deliveries, MOST_AT_ONCE, SEND_TIMEOUT_MS } from '../src/events/deliveries.ts'
import { DeliveryLog } from '../src/events/delivery-log.ts'
import { CallOutbox } from '../src/events/outbox.ts'
import { receiversOf, type Receiver } from '../src/events/receivers.ts'
import { createSender, type Sender } from '../src/events/sender.ts'
import { loggedError } from '../src/log-error.ts'
import { packageVersion } from '../src/version.ts'

export interface Events {
  receivers: readonly Receiver[]
  outbox: CallOutbox
  deliveries: Deliveries
}

export interface EventsOptions {
  registry: Registry
  clock: Clock
  /** Instead of requests over the network. */
  sender?: Sender | undefined
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Absent without EVENTS_URL: then nobody receives events. */
    events: Events | undefined
  }
}

/**
 * Decorates `events`: what writes the events of calls, and what delivers them. Needs `settings` and `metrics`. The
 * deliveries begin when the service is ready. The call registry ends them, because calls write events until then.
 */
export default fp<EventsOptions>(async (fastify, { registry, clock, sender }) => {
  const { settings, metrics, log } = fastify
  const receivers = receiversOf(settings)
  if (receivers.length === 0 || !metrics.webhooks) {
    fastify.decorate('events', undefined)
    return
  }
  const observer = new DeliveryLog(log, metrics.webhooks, receivers)
  const deliveries = new Deliveries({
    queue: registry.events,
    shared: registry.shared,
    receivers,
    sender: sender ?? createSender({
      timeoutMs: SEND_TIMEOUT_MS,
      connections: MOST_AT_ONCE,
      allowPrivate: settings.EVENTS_ALLOW_PRIVATE,
      version: packageVersion(),
      clock
    }),
    clock,
    observer
  })
  const outbox = new CallOutbox({
    queue: registry.events,
    receivers,
    clock,
    most: settings.EVENTS_MAX_PENDING,
    onDropped: events => observer.dropped('too-many', events),
    onUnwritable ({ callSid }, name, error) {
      metrics.webhooks?.dropped.inc({ reason: 'unwritable' })
      log.error({ callSid, event: name, error: loggedError(error) }, 'an event of this call cannot be written')
    },
    onAdded: () => deliveries.kick()
  })
  fastify.decorate('events', { receivers, outbox, deliveries })
  fastify.addHook('onReady', async () => deliveries.start())
}, { name: 'events', dependencies: ['env', 'metrics'] })
