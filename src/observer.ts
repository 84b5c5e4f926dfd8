import type { FastifyBaseLogger } from 'fastify'
import { diagnose, isFailure, logFields } from './diagnosis/diagnose.ts'
import type { Call } from './calls/fold/call.ts'
import type { CallEvent } from './calls/fold/events.ts'
import type { Observer } from './calls/observer.ts'
import { LiveKitError } from './calls/ports.ts'
import { JambonzRestError } from './jambonz/rest.ts'
import type { Metrics } from './metrics.ts'

/**
 * Makes logs and metrics of what happens to calls. Every line has the call's `callSid`, none a number, token or room.
 */
export function createObserver (log: FastifyBaseLogger, metrics: Metrics): Observer {
  let full = false

  return {
    changed (before, after, event) {
      if (!after) return
      metrics.progress(before, after)
      const line = { callSid: after.callSid }
      if (before?.phase !== after.phase && after.phase !== 'ended') {
        log.info({ ...line, phase: after.phase, attempt: after.attempts.at(-1)?.n }, 'call phase')
      }
      if (event.kind !== 'wake') log.debug({ ...line, event: event.kind, phase: after.phase }, 'call event')
      attemptsOf(before, after)
      if (event.kind === 'redispatched') metrics.redispatches.inc({ outcome: event.outcome })
      lostDuties(before, after, event)
      if (
        after.phase === 'ended' && (before?.phase !== 'ended' || before.at.received !== after.at.received) && after.end
      ) {
        const { cause, by, waitingOn, sipStatus } = after.end
        metrics.ended.inc({ cause, waiting_on: waitingOn })
        log.info(
          { ...line, cause, by, waitingOn, sipStatus, attempts: after.attempts.length, seconds: seconds(after) },
          'call ended'
        )
        if (isFailure(cause)) log.warn({ ...line, ...logFields(diagnose(after)) }, 'call failed')
      }
    },
    store (state, events) {
      if (state === 'full') {
        metrics.lostEvents.inc()
        if (!full) log.error('no more events can be kept until the store of calls is back: further ones are lost')
      }
      full = state === 'full'
      if (state === 'lost') {
        metrics.lostEvents.inc(events ?? 0)
        log.error({ events }, 'kept events are lost: the process ends and the store of calls is still gone')
      }
      if (state === 'gone') log.error('the store of calls is gone: events are kept until it is back')
      if (state === 'back') log.warn({ events }, 'the store of calls is back: kept events were handed over')
    },
    failed (callSid, what, error) {
      log.warn({ ...(callSid ? { callSid } : {}), operation: what, error: describe(error) }, 'operation failed')
    }
  }

  function attemptsOf (before: Call | undefined, after: Call) {
    for (const attempt of after.attempts) {
      const known = before?.attempts.find(({ n }) => n === attempt.n)
      if (attempt.end && !known?.end) metrics.attempts.inc({ strategy: attempt.strategy, cause: attempt.end.cause })
      if (attempt.degraded && !known?.degraded) {
        metrics.degraded.inc()
        log.warn(
          { callSid: after.callSid, attempt: attempt.n },
          "attempt degraded: LiveKit did not make the room, the dispatch rule's agent answers"
        )
      }
    }
  }

  function lostDuties (before: Call | undefined, after: Call, event: CallEvent) {
    if (event.kind !== 'duty' || event.outcome === 'done') return
    const duty = before?.duties.find(({ id }) => id === event.id)
    if (!duty || after.duties.some(({ id }) => id === event.id)) return
    metrics.givenUp.inc({ kind: duty.kind })
    log.error(
      { callSid: after.callSid, duty: duty.kind, tries: duty.tries, detail: event.detail },
      'duty given up: what it was to clean up may be left behind'
    )
  }
}

/** Only errors of our own making are known to hold nothing secret; of others the kind has to do. */
export function describe (error: unknown): { type: string, message: string, code?: string, stack?: string } {
  if (error instanceof LiveKitError || error instanceof JambonzRestError) {
    return { type: error.name, message: error.message }
  }
  const { name = 'Error', code, stack, message = '' } = error as Error & { code?: string }
  if (code?.startsWith('BRIDGE_')) return { type: name, code, message }
  const frames = stack?.split('\n').filter(text => /^\s+at /.test(text)).join('\n')
  return { type: name, message: 'unexpected error', ...(code ? { code } : {}), ...(frames ? { stack: frames } : {}) }
}

const seconds = (call: Call): number => Math.round((call.at.ended! - call.at.received) / 100) / 10
