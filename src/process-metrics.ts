import { collectDefaultMetrics, Registry } from '@platformatic/prom-client'

/**
 * What the library exports besides: the same numbers once more, as gauges whose names end like those of counters, and
 * what it reads from Node.js' private functions. `nodejs_active_resources` counts handles and requests by type.
 */
const LEFT_OUT = [
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total'
]

/** How often the delay of the event loop is sampled, milliseconds. */
const SAMPLED_EVERY_MS = 20

let ofThisProcess: Registry | undefined

/**
 * Returns the metrics of this process and of its Node.js: `process_*` and `nodejs_*`.
 *
 * The library observes garbage collections and the event loop, and offers no way to end that. So there is one registry
 * for the process, however many applications it runs. Neither observation keeps the process alive.
 */
export function processMetrics (): Registry {
  ofThisProcess ??= createProcessMetrics()
  return ofThisProcess
}

function createProcessMetrics (): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: SAMPLED_EVERY_MS })
  for (const name of LEFT_OUT) register.removeSingleMetric(name)

  return register
}
