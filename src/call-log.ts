import type { FastifyBaseLogger } from 'fastify'
import type { Call, DutyKind } from './calls/fold/call.ts'
import type { CallEvent } from './calls/fold/events.ts'
import { dutyGivenUp, hasJustEnded, type Observer, type StoreState } from './calls/observer.ts'
import { isFailure, logFields } from './diagnosis/diagnose.ts'
import { loggedError } from './log-error.ts'
import { transferChanges } from './transfer-changes.ts'

/**
 * Duties that end what would otherwise go on. A call that Jambonz has never listed is none: its hooks would have told
 * of it, and its order has ended as lost.
 */
const CLEANS_UP: ReadonlySet<DutyKind> = new Set(['delete-room', 'hang-up', 'remove-agent', 'tell-person'])

/**
 * Logs what happens to calls. Every line about a call has its `callSid`; no line has a phone number, a token or a room.
 */
export class CallLog implements Observer {
  readonly #log: FastifyBaseLogger
  #full = false

  constructor (log: FastifyBaseLogger) {
    this.#log = log
  }

  changed (before: Call | undefined, after: Call | undefined, event: CallEvent): void {
    if (!after) return

    const { callSid, phase, route } = after
    if (event.kind !== 'wake') this.#log.debug({ callSid, event: event.kind, phase }, 'call event')
    if (before?.phase !== phase && phase !== 'ended') {
      this.#log.info({ callSid, phase, route: route?.name, attempt: after.attempts.at(-1)?.n }, 'call phase')
    }
    this.#transfers(before, after)
    this.#degradedAttempts(before, after)
    this.#dutyGivenUp(before, after, event)
    if (hasJustEnded(before, after)) this.#ended(after)
  }

  failed (callSid: string, operation: string, error: unknown): void {
    this.#log.warn({ ...(callSid ? { callSid } : {}), operation, error: loggedError(error) }, 'operation failed')
  }

  store (state: StoreState, events?: number): void {
    const wasFull = this.#full
    this.#full = state === 'full'

    switch (state) {
      case 'gone':
        this.#log.error('the store of calls is gone: events are buffered until it is back')
        break
      case 'full':
        if (!wasFull) this.#log.error('the event buffer is full: events are lost until the store of calls is back')
        break
      case 'back':
        this.#log.warn({ events }, 'the store of calls is back: the buffered events were handed over')
        break
      case 'refused':
        this.#log.error({ events }, 'buffered events are lost: they could not be committed')
        break
      case 'lost':
        this.#log.error({ events }, 'buffered events are lost: the process ends and the store of calls is still gone')
        break
    }
  }

  /** Who is transferred to whom is not logged. */
  #transfers (before: Call | undefined, after: Call): void {
    for (const { transfer, before: earlier, mode, decided } of transferChanges(before, after)) {
      const { request, person, at } = transfer
      const line = { callSid: after.callSid, transfer: request?.id, mode }
      if (!earlier) this.#log.info({ ...line, requestedBy: request?.requestedBy }, 'transfer requested')
      if (!decided) continue

      const { result, reason, sipStatus } = decided
      const seconds = Math.round((decided.at - at) / 100) / 10
      this.#log.info({ ...line, result, reason, sipStatus, seconds, person: person?.callSid }, 'transfer decided')
    }
  }

  #degradedAttempts (before: Call | undefined, { callSid, attempts }: Call): void {
    for (const { n, degraded } of attempts) {
      if (!degraded || before?.attempts.some(known => known.n === n && known.degraded)) continue
      this.#log.warn(
        { callSid, attempt: n },
        "attempt degraded: LiveKit did not make the room, the dispatch rule's agent answers"
      )
    }
  }

  #dutyGivenUp (before: Call | undefined, after: Call, event: CallEvent): void {
    const duty = dutyGivenUp(before, after, event)
    if (!duty || event.kind !== 'duty') return

    const fields = { callSid: after.callSid, duty: duty.kind, tries: duty.tries, detail: event.detail }
    if (CLEANS_UP.has(duty.kind)) {
      this.#log.error(fields, 'duty given up: what it should have cleaned up may be left behind')
    } else {
      this.#log.warn(fields, 'duty given up')
    }
  }

  #ended (call: Call): void {
    const { callSid, at, attempts, end, route } = call
    const { cause, by, waitingOn, sipStatus } = end!
    const seconds = Math.round((at.ended! - at.received) / 100) / 10
    this.#log.info(
      { callSid, route: route?.name, cause, by, waitingOn, sipStatus, attempts: attempts.length, seconds },
      'call ended'
    )
    if (isFailure(call)) this.#log.warn({ callSid, ...logFields(call) }, 'call failed')
  }
}
