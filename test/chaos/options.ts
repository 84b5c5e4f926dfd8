import { WEATHERS, type Weather } from './faults.ts'

export interface RunOptions {
  /** Calls in each run. */
  calls: number
  seeds: number[]
  weather?: Weather
  /** Only these calls. */
  only?: number[]
  /** With outages in which rooms cannot be deleted. */
  rooms?: boolean
}

/**
 * What to run, from the environment: CHAOS_CALLS (how many), CHAOS_SEED (one seed, or several with commas),
 * CHAOS_WEATHER (calm, mild, rough, wild; default by seed), CHAOS_ONLY (these calls alone), CHAOS_ROOMS (1: outages
 * in which rooms cannot be deleted).
 * @throws {Error} when a value makes no sense
 */
export function runOptions (
  env: Record<string, string | undefined>,
  defaults: Pick<RunOptions, 'calls' | 'seeds'>
): RunOptions {
  const numbers = (name: string) =>
    env[name]?.split(',').map(text => {
      if (!/^\d+$/.test(text.trim())) throw new Error(`${name}=${env[name]}: not a number`)
      return Number(text)
    })
  const weather = WEATHERS.find(name => name === env.CHAOS_WEATHER)
  if (env.CHAOS_WEATHER && !weather) throw new Error(`CHAOS_WEATHER is one of ${WEATHERS.join(', ')}`)
  const only = numbers('CHAOS_ONLY')
  return {
    calls: numbers('CHAOS_CALLS')?.[0] ?? defaults.calls,
    seeds: numbers('CHAOS_SEED') ?? defaults.seeds,
    ...weather && { weather },
    ...only && { only },
    ...env.CHAOS_ROOMS === '1' && { rooms: true }
  }
}
