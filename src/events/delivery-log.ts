import type { FastifyBaseLogger } from 'fastify'
import { loggedError } from '../log-error.ts'
import type { Metrics } from '../metrics.ts'
import type { DeliveryObserver } from './deliveries.ts'
import type { Receiver } from './receivers.ts'
import { FAILURES } from './sender.ts'

/** Why events are given up. `unwritable`: the store did not take them. */
const DROPPED_FOR = ['too-many', 'too-old', 'unwritable']

/** Logs and counts what becomes of events. A receiver is named by its origin: a path may be a secret. */
export class DeliveryLog implements DeliveryObserver {
  readonly #log: FastifyBaseLogger
  readonly #metrics: NonNullable<Metrics['webhooks']>
  /** Receivers whose latest delivery failed. */
  readonly #failing = new Set<string>()

  constructor (log: FastifyBaseLogger, metrics: NonNullable<Metrics['webhooks']>, receivers: readonly Receiver[]) {
    this.#log = log
    this.#metrics = metrics
    for (const { origin: receiver } of receivers) {
      metrics.delivered.inc({ receiver }, 0)
      for (const reason of FAILURES) metrics.failed.inc({ receiver, reason }, 0)
    }
    for (const reason of DROPPED_FOR) metrics.dropped.inc({ reason }, 0)
    metrics.gone.set(0)
  }

  delivered: DeliveryObserver['delivered'] = ({ id, origin: receiver }, { callSid, type, tries }, seconds) => {
    this.#metrics.delivered.inc({ receiver })
    this.#metrics.seconds.observe({ receiver }, seconds)
    this.#log.debug({ callSid, receiver, event: type, tries }, 'event delivered')
    if (this.#failing.delete(id)) this.#log.info({ receiver }, 'the receiver takes events again')
  }

  failed: DeliveryObserver['failed'] = ({ id, origin: receiver }, { callSid, type, tries }, sent, againMs) => {
    const { failure: reason, detail } = sent
    const fields = { callSid, receiver, event: type, tries, reason, detail, againInS: Math.round(againMs / 1000) }
    this.#metrics.failed.inc({ receiver, reason })
    // One line for each receiver that begins to fail: there may be thousands of events.
    if (this.#failing.has(id)) this.#log.debug(fields, 'event not delivered')
    else this.#log.warn(fields, 'event not delivered: it is tried again')
    this.#failing.add(id)
  }

  dropped: DeliveryObserver['dropped'] = (reason, events) => {
    this.#metrics.dropped.inc({ reason }, events.length)
    this.#log.error({ reason, ids: events.map(({ id }) => id).slice(0, 20), events: events.length }, 'events dropped')
  }

  gone: DeliveryObserver['gone'] = ({ origin: receiver }) => {
    this.#metrics.gone.inc()
    this.#log.error({ receiver }, 'the receiver answered 410 (gone): it gets no more events until the next start')
  }

  lost: DeliveryObserver['lost'] = events => {
    this.#log.error({ events }, 'events are lost: they were not delivered, and end with the memory of this process')
  }

  broken: DeliveryObserver['broken'] = (operation, error) => {
    this.#log.warn({ operation, error: loggedError(error) }, 'operation failed')
  }
}
