import { settled, startBridge, type Bridge } from './bridge.ts'
import { API_KEY } from './environment.ts'
import { createLoad, type Load } from './load.ts'
import type { Noise } from './machine.ts'
import type { Options } from './options.ts'
import { freePort, startNode, type MeasuredService, type Service } from './processes.ts'
import { hookOf, hungUp, newCall } from './recorded.ts'
import type { Redis } from './redis.ts'
import { writeRoutesFile } from './routes.ts'
import { createRandom, median, type Round } from './stats.ts'

export const RATE = 150
export const AT_ONCE = 100
/** The bridge deletes some more rooms than this at once; what is beyond would wait for its turn. */
const ENDING_AT_ONCE = 4
export const ROUND_TRIPS = [40, 0] as const

export const LIMIT = 'limit: bare node:http'
export const BY_HAND = 'by hand: Express and SDK'

/** Medians of the rounds. */
export interface HookFigures {
  p50: number
  p99: number
  perSecond: number
  cpuMsPerCall: number
  rounds: Round[]
}

export interface HookResult {
  roundTripMs: number
  target: string
  open: HookFigures
  closed: HookFigures
}

interface Target {
  name: string
  service: MeasuredService
  load: Load
  bridge?: Bridge
}

/** The call hook of everybody who can answer it, one after the other in every round, so that noise meets them all. */
export async function measureHook (
  options: Options,
  livekit: Service,
  redis: Redis | undefined,
  noise: Noise,
  progress: (text: string) => void
): Promise<HookResult[]> {
  const { sizes, connections } = options
  const targets: Target[] = []
  const add = (name: string, service: MeasuredService, bridge?: Bridge) =>
    targets.push({ name, service, bridge, load: createLoad(service.url, connections) })
  add(LIMIT, await startBaseline('limit', livekit))
  for (const store of ['memory', 'Redis'] as const) {
    if (store === 'Redis' && !redis) continue
    const bridge = await startBridge(store, livekit, store === 'Redis' ? redis : undefined)
    add(bridge.name, bridge, bridge)
    if (store === 'Redis') continue
    const routed = await startBridge(store, livekit, undefined, writeRoutesFile())
    add(routed.name, routed, routed)
  }
  add(BY_HAND, await startBaseline('by-hand', livekit))

  const results: HookResult[] = []
  for (const roundTripMs of ROUND_TRIPS) {
    await fetch(`${livekit.url}/round-trip?ms=${roundTripMs}`, { method: 'POST' })
    for (const target of targets) await round(target, sizes.warmUpCalls, shots => target.load.closed(shots, AT_ONCE))
    const measured = targets.map(target => ({ target, open: [] as Measured[], closed: [] as Measured[] }))
    for (let n = 0; n < sizes.rounds; n++) {
      for (const { target, open, closed } of measured) {
        progress(`call hook, ${roundTripMs} ms to LiveKit, round ${n + 1} of ${sizes.rounds}: ${target.name}`)
        await noise.sample()
        open.push(
          await round(target, Math.round(RATE * sizes.openSeconds[roundTripMs]!), shots =>
            target.load.open(shots, RATE, createRandom(n + 1)))
        )
        closed.push(await round(target, sizes.closedCalls, shots => target.load.closed(shots, AT_ONCE)))
      }
    }
    for (const { target, open, closed } of measured) {
      results.push({ roundTripMs, target: target.name, open: figures(open), closed: figures(closed) })
    }
  }
  for (const { load, service } of targets) {
    await load.close()
    await service.stop()
  }
  return results
}

interface Measured {
  round: Round
  cpuMs: number
}

/** New calls, and their end: calls that wait for what never comes would be work in a later round. */
async function round (
  { service, load, bridge }: Target,
  count: number,
  run: (shots: ReturnType<typeof hookOf>[]) => Promise<Round>
): Promise<Measured> {
  const calls = Array.from({ length: count }, newCall)
  const shots = calls.map(hookOf)
  const before = await service.usage()
  const result = await run(shots)
  const after = await service.usage()
  if (bridge) {
    await load.closed(calls.map(hungUp), ENDING_AT_ONCE)
    await settled(bridge, 0)
  }
  return { round: result, cpuMs: after.cpuMs - before.cpuMs }
}

function figures (measured: Measured[]): HookFigures {
  const rounds = measured.map(({ round }) => round)
  return {
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    cpuMsPerCall: median(measured.map(({ round, cpuMs }) => cpuMs / round.requests)),
    rounds
  }
}

export async function startBaseline (name: 'limit' | 'by-hand', livekit: Service): Promise<MeasuredService> {
  const port = await freePort()
  return startNode(name, [new URL(`${name}.js`, import.meta.url).pathname], {
    port,
    env: { PORT: String(port), LIVEKIT_URL: livekit.url, LIVEKIT_API_KEY: API_KEY }
  })
}
