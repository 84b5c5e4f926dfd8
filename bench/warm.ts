import { settled, startBridge, type Bridge, type Store } from './bridge.ts'
import { LIMIT, RATE, startBaseline } from './hook.ts'
import { createLoad, type Load } from './load.ts'
import type { Noise } from './machine.ts'
import type { Options } from './options.ts'
import { freePort, startNode, type MeasuredService, type Service } from './processes.ts'
import { hookOf, hungUp, newCall, type BenchCall } from './recorded.ts'
import { startRedis, type Redis } from './redis.ts'
import { createRandom, median, type Round } from './stats.ts'

/** What the pool is like when the calls come. */
export const POOLS = ['no pool', 'empty pool', 'full pool'] as const
export type Pool = typeof POOLS[number]

/** To LiveKit, of every request, milliseconds. */
export const WARM_ROUND_TRIP_MS = 40

/** Medians of the rounds. */
export interface WarmResult {
  target: string
  /** Absent for the limit, which has no pools. */
  store?: Store | undefined
  pool?: Pool | undefined
  p50: number
  p99: number
  cpuMsPerCall: number
  /** Share of the calls that got a room with a waiting agent. */
  warm: number
  rounds: Round[]
  /** Calls that were answered while LiveKit answered nothing. Not looked at without a full pool. */
  answeredAlone?: { calls: number, of: number }
}

/** Calls whose hooks are sent while LiveKit answers nothing. */
const ALONE = 20
/** Rooms above the calls of a round: some are claimed before others are ready again. */
const SPARE = 50
/** Rooms made a second: the most that the settings allow. A pool makes one after another, so LiveKit sets the pace. */
const REFILL_PER_S = 100
/** A pool takes some seconds to fill. */
const FILL_MS = 120_000
const FILLING_MS = 200
const WARM_UP_AT_ONCE = 20
const ENDING_AT_ONCE = 4

interface Target {
  name: string
  service: MeasuredService
  livekit: Service
  load: Load
  redis?: Redis | undefined
  /** What answers, if it is a bridge. */
  bridge?: Bridge
  store?: Store
  pool?: Pool
}

interface Measured {
  round: Round
  cpuMs: number
  warm: number
}

/**
 * The call hook of bridges without waiting agents, with some that never come, and with one for every call, in turn.
 * Each bridge has a LiveKit and a Redis of its own: pools fill themselves at any time, and replicas share them.
 */
export async function measureWarm (
  options: Options,
  stores: readonly Store[],
  noise: Noise,
  progress: (text: string) => void
): Promise<WarmResult[]> {
  const { sizes } = options
  const calls = Math.round(RATE * sizes.warmSeconds)
  const size = calls + SPARE
  const targets = [await startLimit(options)]
  for (const store of stores) {
    for (const pool of POOLS) targets.push(await start(store, pool, size, options))
  }
  for (const target of targets) {
    await filled(target, size)
    await warmUp(target, sizes.warmUpCalls)
  }

  const measured = targets.map(target => ({ target, rounds: [] as Measured[] }))
  for (let n = 0; n < sizes.rounds; n++) {
    for (const { target, rounds } of measured) {
      progress(`waiting agents: ${target.name}, round ${n + 1} of ${sizes.rounds}`)
      await filled(target, size)
      await noise.sample()
      rounds.push(await measure(target, calls, createRandom(n + 1)))
      // A pool that is filled again must not disturb the next bridge.
      await filled(target, size)
    }
  }

  const results: WarmResult[] = []
  for (const { target, rounds } of measured) {
    const alone = target.pool === 'full pool' ? await answeredAlone(target) : undefined
    results.push({ ...figures(target, rounds), ...(alone && { answeredAlone: alone }) })
    for (const { stop } of [target.service, target.livekit, ...target.redis ? [target.redis] : []]) await stop()
    await target.load.close()
  }
  return results
}

async function startLiveKit (): Promise<Service> {
  const port = await freePort()
  const livekit = await startNode('livekit', [new URL('fake-livekit.js', import.meta.url).pathname], {
    port,
    env: { PORT: String(port) }
  })
  await fetch(`${livekit.url}/round-trip?ms=${WARM_ROUND_TRIP_MS}&of=all`, { method: 'POST' })
  return livekit
}

async function startLimit ({ connections }: Options): Promise<Target> {
  const livekit = await startLiveKit()
  const service = await startBaseline('limit', livekit)
  return { name: LIMIT, service, livekit, load: createLoad(service.url, connections) }
}

async function start (store: Store, pool: Pool, size: number, { connections }: Options): Promise<Target> {
  const livekit = await startLiveKit()
  const redis = store === 'Redis' ? await startRedis() : undefined
  const bridge = await startBridge(store, livekit, redis, undefined, SETTINGS[pool](size))
  if (pool === 'full pool') await fetch(`${livekit.url}/agents?url=${bridge.url}`, { method: 'POST' })
  const load = createLoad(bridge.url, connections)
  return { name: `${bridge.name}, ${pool}`, service: bridge, livekit, load, redis, bridge, store, pool }
}

const SETTINGS: Record<Pool, (size: number) => Record<string, string>> = {
  'no pool': () => ({ WARM_AGENTS: '' }),
  // Its agents never come.
  'empty pool': () => ({ WARM_AGENTS: '20' }),
  'full pool': size => ({ WARM_AGENTS: String(size), WARM_AGENTS_PER_S: String(REFILL_PER_S) })
}

async function warmUp ({ bridge, load }: Target, count: number): Promise<void> {
  const calls = Array.from({ length: count }, newCall)
  await load.closed(calls.map(hookOf), WARM_UP_AT_ONCE)
  await end(bridge, load, calls)
}

/** New calls, and their end: calls that wait for what never comes would be work in a later round. */
async function measure ({ service, bridge, load }: Target, count: number, random: () => number): Promise<Measured> {
  const calls = Array.from({ length: count }, newCall)
  const shots = calls.map(hookOf)
  const [before, warmBefore] = [await service.usage(), await warmStarts(bridge)]
  const round = await load.open(shots, RATE, random)
  const [after, warmAfter] = [await service.usage(), await warmStarts(bridge)]
  await end(bridge, load, calls)
  return { round, cpuMs: after.cpuMs - before.cpuMs, warm: warmAfter - warmBefore }
}

async function end (bridge: Bridge | undefined, load: Load, calls: BenchCall[]): Promise<void> {
  if (!bridge) return
  await load.closed(calls.map(hungUp), ENDING_AT_ONCE)
  await settled(bridge, 0)
}

/** Waits until the pool is full, where it is to be. */
async function filled ({ bridge, pool }: Target, size: number): Promise<void> {
  if (!bridge || pool !== 'full pool') return
  for (const until = Date.now() + FILL_MS; Date.now() < until; await sleep(FILLING_MS)) {
    if (await metricOf(bridge, /^bridge_warm_rooms\{agent="[^"]*",state="ready"\} (\d+)/m) >= size) return
  }
  throw new Error(`${bridge.name} did not fill its pool`)
}

const warmStarts = async (bridge: Bridge | undefined): Promise<number> =>
  bridge === undefined
    ? 0
    : metricOf(bridge, /^bridge_call_starts_total\{start="warm",why="none"\} (\d+)/m)

async function metricOf ({ url }: Bridge, line: RegExp): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(line.exec(text)?.[1] ?? 0)
}

/** From now on LiveKit answers nothing: only calls whose hooks wait for no request of theirs are answered. */
async function answeredAlone ({ bridge, livekit, load }: Target): Promise<WarmResult['answeredAlone']> {
  await fetch(`${livekit.url}/hold`, { method: 'POST' })
  const before = await warmStarts(bridge)
  const { wrong } = await load.closed(Array.from({ length: ALONE }, newCall).map(hookOf), 1)
  const warm = await warmStarts(bridge) - before
  return { calls: Math.min(warm, ALONE - wrong), of: ALONE }
}

function figures ({ name, store, pool }: Target, measured: Measured[]): Omit<WarmResult, 'answeredAlone'> {
  const rounds = measured.map(({ round }) => round)
  return {
    target: name,
    store,
    pool,
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    cpuMsPerCall: median(measured.map(({ round, cpuMs }) => cpuMs / round.requests)),
    warm: median(measured.map(({ round, warm }) => warm / round.requests)),
    rounds
  }
}

const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
