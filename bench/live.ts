import { request } from 'node:http'
import { startBridge, type Bridge } from './bridge.ts'
import { OPERATOR_TOKEN } from './environment.ts'
import { RATE } from './hook.ts'
import { createLoad, type Load } from './load.ts'
import type { Options } from './options.ts'
import type { Service } from './processes.ts'
import { hookOf, hungUp, newCall, type BenchCall } from './recorded.ts'
import type { Redis } from './redis.ts'
import { createRandom, median, roundOf, type Round } from './stats.ts'

/** Calls under way while it is measured how soon a new one is seen. */
export const ACTIVE = 200
/** Viewers of that, half of them at each of two replicas. */
export const VIEWERS = 20
/** Viewers beside call hooks. */
export const MANY_VIEWERS = [100, 1000] as const

export interface LiveResult {
  /** From the call hook being sent to its row being read, by each viewer. */
  seen: Round & { p95: number }
  /** Call hooks, medians of the rounds, by how many viewers were connected. */
  hooks: Array<{ viewers: number, p50: number, p99: number, cpuMsPerCall: number, rounds: Round[] }>
}

/** How soon pages see a call, and what pages cost the calls. Needs Redis. */
export async function measureLive (
  options: Options,
  livekit: Service,
  redis: Redis | undefined,
  progress: (text: string) => void
): Promise<LiveResult | undefined> {
  if (!redis) return undefined
  await fetch(`${livekit.url}/round-trip?ms=40`, { method: 'POST' })
  const seen = await measureSeen(options, livekit, redis, progress)
  const hooks = await measureHooks(options, livekit, redis, progress)
  return { seen, hooks }
}

/** Two replicas on one Redis. */
async function startReplicas (livekit: Service, redis: Redis): Promise<Bridge[]> {
  const one = await startBridge('Redis', livekit, redis)
  // The second one must not clear what they share.
  const other = await startBridge('Redis', livekit, { ...redis, clear: async () => {} })
  return [one, other]
}

async function measureSeen (
  { sizes, connections, quick }: Options,
  livekit: Service,
  redis: Redis,
  progress: (text: string) => void
): Promise<LiveResult['seen']> {
  progress(`live: ${ACTIVE} calls, ${VIEWERS} viewers, two replicas`)
  const bridges = await startReplicas(livekit, redis)
  const loads = bridges.map(({ url }) => createLoad(url, connections))
  await loads[0]!.closed(Array.from({ length: sizes.warmUpCalls }, newCall).flatMap(call => [hookOf(call)]), 20)
  await loads[0]!.closed(Array.from({ length: ACTIVE }, newCall).map(hookOf), 20)

  const sentAt = new Map<string, number>()
  const ms: number[] = []
  const onRow = (callSid: string, at: number): void => {
    const since = sentAt.get(callSid)
    if (since !== undefined) ms.push(at - since)
  }
  const viewers = Array.from({ length: VIEWERS }, (_, i) => createViewer(bridges[i % 2]!.url, onRow))
  await Promise.all(viewers.map(({ ready }) => ready))

  const random = createRandom(1)
  const started = performance.now()
  const calls = Array.from({ length: quick ? 10 : 200 }, newCall)
  for (const [i, call] of calls.entries()) {
    await pause(-Math.log(1 - random()) * 100)
    sentAt.set(call.callSid, performance.now())
    loads[i % 2]!.closed([hookOf(call)], 1).catch(() => {})
  }
  await pause(2000)
  const round = roundOf(ms, calls.length * VIEWERS - ms.length, (performance.now() - started) / 1000)
  ms.sort((a, b) => a - b)
  for (const viewer of viewers) viewer.leave()
  for (const load of loads) await load.close()
  for (const bridge of bridges) await bridge.stop()
  return { ...round, p95: ms[Math.floor(ms.length * 0.95)] ?? NaN }
}

/** The same hooks with no viewers and with many, in turn, so that noise meets both. */
async function measureHooks (
  { sizes, connections }: Options,
  livekit: Service,
  redis: Redis,
  progress: (text: string) => void
): Promise<LiveResult['hooks']> {
  const bridge = await startBridge('Redis', livekit, redis)
  const load = createLoad(bridge.url, connections)
  await load.closed(Array.from({ length: sizes.warmUpCalls }, newCall).map(hookOf), 20)
  const measured = new Map<number, { rounds: Round[], cpuMs: number[] }>()
  for (let n = 0; n < sizes.rounds; n++) {
    for (const count of [0, ...MANY_VIEWERS]) {
      progress(`live: call hooks beside ${count} viewers, round ${n + 1} of ${sizes.rounds}`)
      const viewers = await connect(bridge, count)
      const calls = Array.from({ length: Math.round(RATE * sizes.openSeconds[40]!) }, newCall)
      const before = await bridge.usage()
      const round = await load.open(calls.map(hookOf), RATE, createRandom(n + 1))
      const after = await bridge.usage()
      const { rounds, cpuMs } = measured.get(count) ?? { rounds: [], cpuMs: [] }
      rounds.push(round)
      cpuMs.push((after.cpuMs - before.cpuMs) / round.requests)
      measured.set(count, { rounds, cpuMs })
      for (const viewer of viewers) viewer.leave()
      await end(load, calls)
    }
  }
  await load.close()
  await bridge.stop()
  return [...measured].map(([viewers, { rounds, cpuMs }]) => ({
    viewers,
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    cpuMsPerCall: median(cpuMs),
    rounds
  }))
}

/** Pages that connect, no more a second than the rate limit of the operator API allows one address. */
async function connect (bridge: Bridge, count: number): Promise<Viewer[]> {
  const viewers: Viewer[] = []
  while (viewers.length < count) {
    const some = Array.from({ length: Math.min(CONNECT_AT_ONCE, count - viewers.length) }, () =>
      createViewer(bridge.url, () => {}))
    await Promise.all(some.map(({ ready }) => ready))
    viewers.push(...some)
    await pause(1000)
  }
  return viewers
}

const CONNECT_AT_ONCE = 250

const end = (load: Load, calls: BenchCall[]): Promise<Round> => load.closed(calls.map(hungUp), 4)

interface Viewer {
  /** Resolves when it has its first picture. */
  ready: Promise<void>
  leave(): void
}

/** A page that is connected. It only looks for call_sids in what it reads, so that it costs little itself. */
function createViewer (url: string, onRow: (callSid: string, at: number) => void): Viewer {
  const seen = new Set<string>()
  const asked = request(`${url}/calls/stream`, { headers: { authorization: `Bearer ${OPERATOR_TOKEN}` }, agent: false })
  const ready = new Promise<void>((resolve, reject) => {
    asked.on('error', reject).on('response', response => {
      if (response.statusCode !== 200) reject(new Error(`a viewer was refused: ${response.statusCode}`))
      response.on('data', (chunk: Buffer) => {
        const at = performance.now()
        resolve()
        for (const [, callSid] of String(chunk).matchAll(/"callSid":"([^"]+)"/g)) {
          if (seen.has(callSid!)) continue
          seen.add(callSid!)
          onRow(callSid!, at)
        }
      }).on('error', () => {})
    })
  })
  asked.end()
  return { ready, leave: () => asked.destroy() }
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
