import fp from 'fastify-plugin'
import { loggedError } from '../src/log-error.ts'
import { createNumberGate, type NumberGate } from '../src/routing/policy/number-gate.ts'
import { DOORS } from '../src/routing/policy/policy.ts'
import { REFUSALS } from '../src/routing/policy/refusals.ts'
import { numberLibrary } from '../src/routing/policy/phone-numbers.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The way of every number that somebody else chose. */
    numberGate: NumberGate
  }
}

/** Decorates `numberGate`. Needs `routesFile`, `registry`, `metrics` and `clock`. */
export default fp(async fastify => {
  const { routesFile, registry, metrics, clock, log } = fastify

  // Prometheus does not count the first value of a counter as an increase, so the first refusals would not alarm.
  for (const door of DOORS) {
    for (const reason of REFUSALS) metrics.refusedNumbers.inc({ door, reason }, 0)
  }

  fastify.decorate('numberGate', createNumberGate({
    routes: routesFile,
    caps: registry.caps,
    clock,
    onRefused ({ door, reason, masked, callSid }) {
      metrics.refusedNumbers.inc({ door, reason })
      log.warn({ callSid, door, reason, number: masked }, 'number refused')
    },
    onFailed (error) {
      log.warn({ operation: 'number policy', error: loggedError(error) }, 'operation failed')
    }
  }))
  // Not while somebody waits for the first transfer.
  fastify.addHook('onReady', async () => {
    if (routesFile.table.policy) numberLibrary()
  })
}, { name: 'number-policy', dependencies: ['metrics', 'routes-file', 'call-registry'] })
