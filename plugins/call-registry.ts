import fp from 'fastify-plugin'
import { allSettled } from '../src/all-settled.ts'
import type { Clock } from '../src/clock.ts'
import { CallLog } from '../src/call-log.ts'
import { CallMetrics } from '../src/call-metrics.ts'
import { createCalls, type Calls } from '../src/calls/calls.ts'
import { CallChanges } from '../src/calls/call-changes.ts'
import { CapReleases } from '../src/calls/cap-releases.ts'
import { combineObservers } from '../src/calls/observer.ts'
import type { Registry } from '../src/calls/store/registry.ts'
import { createRunner, type Runner } from '../src/calls/runner.ts'
import { Placements } from '../src/calls/placements.ts'
import { roomFormatOf } from '../src/room-format.ts'
import { rulesOf } from '../src/rules.ts'
import { loggedError } from '../src/log-error.ts'
import { verbConfigOf, type VerbConfig } from '../src/jambonz/verb-config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    clock: Clock
    registry: Registry
    calls: Calls
    runner: Runner
    /** Wakes whoever waits for news of a call. */
    callChanges: CallChanges
    /** Places ordered calls. Undefined without the Jambonz REST settings. */
    placements: Placements | undefined
    verbConfig: VerbConfig
  }
  interface FastifyRequest {
    /** The call that a hook is about. What this call owes is done after the reply. */
    callSid: string
  }
}

const DEPENDENCIES =
  ['env', 'metrics', 'livekit-client', 'retell-client', 'jambonz-rest', 'routes-file', 'events', 'live', 'warm-agents']
/** Part of the time after draining in which buffered events may still be handed over. */
const HAND_OVER_SHARE = 0.6
/** Part of it in which events on their way may still arrive. */
const DELIVER_SHARE = 0.25

/**
 * Decorates `registry`, `calls` (the use cases), `runner` (their duties), `callChanges`, `placements`, `verbConfig` and
 * `clock`. Needs `settings`, `metrics`, `rooms`, `registrar`, `jambonzRest`, `events`, `live`, `routesFile` and
 * `warmPools`. Closes the runner, the calls and the pools, the deliveries of events, and the registry, in this order.
 */
export default fp<{ registry: Registry, clock: Clock }>(async (fastify, { registry, clock }) => {
  const { settings, rooms, registrar, metrics, events, routesFile, secretOf, jambonzRest, warmPools, log } = fastify
  const { control: rest, placer } = jambonzRest
  const callChanges = new CallChanges()
  const observer = combineObservers(
    [
      new CallMetrics(metrics, () => routesFile.table.names),
      new CallLog(log),
      callChanges,
      fastify.live.calls,
      new CapReleases(registry.caps, error => {
        log.warn({ operation: 'number policy', error: loggedError(error) }, 'operation failed')
      })
    ],
    (observer, method, error) => {
      log.error({ observer, method, error: loggedError(error) }, 'an observer of calls failed')
    }
  )
  const left = (settings.SHUTDOWN_TIMEOUT_S - settings.DRAIN_DELAY_S) * 1000
  const roomFormat = roomFormatOf(settings)
  const calls = createCalls({
    registry,
    rooms,
    roomFormat,
    clock,
    observer,
    rules: rulesOf(settings, routesFile),
    registrar,
    warmPools,
    prepareTimeoutMs: settings.LIVEKIT_TIMEOUT_MS,
    callHookDeadlineMs: settings.CALL_HOOK_DEADLINE_MS,
    handOverMs: left * HAND_OVER_SHARE,
    maxCalls: settings.MAX_CALLS,
    capacityStatus: settings.CAPACITY_STATUS
  })
  const placements = placer && new Placements({ calls, placer, clock, observer })
  const runner = createRunner({
    registry,
    calls,
    rooms,
    roomFormat,
    rest,
    placer,
    placements,
    outbox: events?.outbox,
    clock,
    observer
  })
  calls.onDue(callSid => {
    runner.run(callSid).catch(error => observer.failed(callSid, 'duties', error))
  })
  warmPools.onMissed(event => {
    calls.hear(event, undefined).catch(error => observer.failed('', 'missed event', error))
  })
  fastify.decorate('clock', clock)
  fastify.decorate('registry', registry)
  fastify.decorate('calls', calls)
  fastify.decorate('runner', runner)
  fastify.decorate('callChanges', callChanges)
  fastify.decorate('placements', placements)
  fastify.decorate('verbConfig', verbConfigOf(settings, secretOf))
  // Commit, reply, then do what the call owes now.
  fastify.decorateRequest('callSid', '')
  fastify.addHook('onResponse', async ({ callSid }) => {
    if (callSid) runner.run(callSid).catch(error => observer.failed(callSid, 'duties', error))
  })
  fastify.addHook('onReady', async () => {
    await runner.start()
    // Calls in a shared store outlive this process. Of calls in memory only LiveKit still knows.
    if (!registry.shared) calls.recover().catch(error => observer.failed('', 'recovery', error))
  })
  fastify.addHook('onClose', async () => {
    await runner.stop()
    await allSettled([calls.close(), warmPools.close()])
    await events?.deliveries.close(left * DELIVER_SHARE)
    await registry.close()
  })
}, { name: 'call-registry', dependencies: DEPENDENCIES })
