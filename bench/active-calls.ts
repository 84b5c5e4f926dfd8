import { startBridge, type Bridge, type Store } from './bridge.ts'
import { OPERATOR_TOKEN } from './environment.ts'
import { createLoad, type Load, type Shot } from './load.ts'
import type { Noise } from './machine.ts'
import type { Options } from './options.ts'
import type { Service } from './processes.ts'
import { answered, hookOf, joined, newCall, ringing, type BenchCall } from './recorded.ts'
import type { Redis } from './redis.ts'
import { median, roundOf, type Round } from './stats.ts'

/**
 * Calls that are brought up together, one event of all of them after the other: few enough that none is overdue
 * meanwhile.
 */
const CHUNK = 1000
const AT_ONCE = 50

export interface EventFigures {
  store: Store
  what: 'statuses' | 'LiveKit events'
  perSecond: number
  cpuMsPerEvent: number
  p99: number
  events: number
}
export interface MemoryFigures {
  store: Store
  calls: number
  eventsPerCall: number
  heapBytesPerCall: number
  redisBytesPerCall?: number
  rssMiB: number
}
export interface ListFigures {
  store: Store
  calls: number
  what: string
  p50: number
  p99: number
}
export interface ActiveCallsResult {
  events: EventFigures[]
  memory: MemoryFigures[]
  list: ListFigures[]
  wrong: number
}

/** Brings many calls up to where caller and agent talk, then looks at what they cost. */
export async function measureActiveCalls (
  { sizes, parts, connections }: Options,
  livekit: Service,
  redis: Redis | undefined,
  noise: Noise,
  progress: (text: string) => void
): Promise<ActiveCallsResult> {
  const result: ActiveCallsResult = { events: [], memory: [], list: [], wrong: 0 }
  await fetch(`${livekit.url}/round-trip?ms=0`, { method: 'POST' })
  for (const store of ['memory', 'Redis'] as const) {
    if (store === 'Redis' && !redis) continue
    const most = store === 'memory' ? sizes.activeCalls : sizes.activeCallsInRedis
    const isMeasured = parts.includes('memory') || parts.includes('list')
    const wanted = isMeasured ? most : Math.min(3 * CHUNK, sizes.activeCalls)
    const bridge = await startBridge(store, livekit, store === 'Redis' ? redis : undefined)
    const load = createLoad(bridge.url, connections)
    const filling: Filling = { bridge, load, statuses: [], events: [], wrong: 0 }
    await fill({ ...filling, statuses: [], events: [] }, sizes.warmUpCalls)
    const before = await used(bridge, redis)
    let last: BenchCall[] = []
    for (let calls = 0; calls < wanted; calls += CHUNK) {
      progress(`${store}: ${calls} of ${wanted} calls are talking`)
      await noise.sample()
      last = await fill(filling, Math.min(CHUNK, wanted - calls))
    }
    const after = await used(bridge, redis)
    result.events.push(
      eventFigures(store, 'statuses', filling.statuses),
      eventFigures(store, 'LiveKit events', filling.events)
    )
    const eventsPerCall = await eventsOf(bridge, last.at(-1)!)
    result.memory.push({
      store,
      calls: wanted,
      eventsPerCall,
      heapBytesPerCall: (after.heapUsed - before.heapUsed) / wanted,
      ...(store === 'Redis' ? { redisBytesPerCall: (after.redis - before.redis) / wanted } : {}),
      rssMiB: after.rss / 2 ** 20
    })
    if (parts.includes('list')) {
      progress(`${store}: listing ${wanted} calls`)
      result.list.push(...await measureList(bridge, load, wanted, sizes.lists, last.at(-1)!))
    }
    result.wrong += filling.wrong
    await load.close()
    await bridge.stop()
  }
  return result
}

interface Measured {
  round: Round
  cpuMs: number
}
interface Filling {
  bridge: Bridge
  load: Load
  statuses: Measured[]
  events: Measured[]
  wrong: number
}

async function fill (filling: Filling, count: number): Promise<BenchCall[]> {
  const calls = Array.from({ length: count }, newCall)
  filling.wrong += (await filling.load.closed(calls.map(hookOf), AT_ONCE)).wrong
  // In the order of the real chain as far as kinds do not mix.
  await inTurn(filling, filling.statuses, calls.map(ringing))
  await inTurn(filling, filling.events, calls.map(joined))
  await inTurn(filling, filling.statuses, calls.map(answered))
  return calls
}

/**
 * Every call's first request, then every call's second one, and so on: Jambonz sends a call's statuses one after the
 * other.
 */
async function inTurn (filling: Filling, measured: Measured[], perCall: Shot[][]): Promise<void> {
  for (let step = 0; step < perCall[0]!.length; step++) {
    const shots = perCall.map(shots => shots[step]!)
    const before = await filling.bridge.usage()
    const round = await filling.load.closed(shots, AT_ONCE)
    const after = await filling.bridge.usage()
    filling.wrong += round.wrong
    measured.push({ round, cpuMs: after.cpuMs - before.cpuMs })
  }
}

const eventFigures = (store: Store, what: EventFigures['what'], measured: Measured[]): EventFigures => ({
  store,
  what,
  perSecond: median(measured.map(({ round }) => round.perSecond)),
  cpuMsPerEvent: median(measured.map(({ round, cpuMs }) => cpuMs / round.requests)),
  p99: median(measured.map(({ round }) => round.p99)),
  events: measured.reduce((sum, { round }) => sum + round.requests, 0)
})

async function used (
  bridge: Bridge,
  redis: Redis | undefined
): Promise<{ heapUsed: number, rss: number, redis: number }> {
  const [{ heapUsed, rss }, bytes] = await Promise.all([bridge.usage('gc'), redis?.usedMemory()])
  return { heapUsed, rss, redis: bytes ?? 0 }
}

const authorization = `Bearer ${OPERATOR_TOKEN}`

async function eventsOf (bridge: Bridge, { callSid }: BenchCall): Promise<number> {
  const call = await (await fetch(`${bridge.url}/calls/${callSid}`, { headers: { authorization } })).json() as {
    phase: string
    events: unknown[]
  }
  if (call.phase !== 'connected') throw new Error(`A call of the bench is not connected, but ${call.phase}`)
  return call.events.length
}

/** What operators and the console ask for, each many times, one after another. */
async function measureList (
  bridge: Bridge,
  load: Load,
  calls: number,
  times: number,
  { from }: BenchCall
): Promise<ListFigures[]> {
  const ask = async (path: string) => {
    let text = ''
    const round = await load.closed([{
      method: 'GET',
      path,
      headers: { authorization },
      isRight: (status, reply) => {
        text = reply
        return status === 200
      }
    }], 1)
    if (round.wrong > 0) throw new Error(`No list from ${path}: ${text.slice(0, 200)}`)
    return { ms: round.p50, page: JSON.parse(text) as { calls: unknown[], next?: string } }
  }
  const measure = async (
    what: string,
    paths: AsyncGenerator<string, void, { next?: string }> | string
  ): Promise<ListFigures> => {
    const ms: number[] = []
    for (let n = 0, path = typeof paths === 'string' ? paths : (await paths.next()).value!; n < times; n++) {
      const { ms: took, page } = await ask(path)
      ms.push(took)
      if (typeof paths !== 'string') path = (await paths.next(page)).value!
    }
    const { p50, p99 } = roundOf(ms, 0, 1)
    return { store: bridge.store, calls, what, p50, p99 }
  }
  await ask('/calls?limit=50')
  return [
    await measure('first page', '/calls?limit=50'),
    await measure('page after page', pages()),
    await measure('phase=active', '/calls?limit=50&phase=active'),
    await measure('phase=ended (none)', '/calls?limit=50&phase=ended'),
    await measure("one caller's number", `/calls?limit=50&from=${encodeURIComponent(from)}`)
  ]
}

/** Follows the cursor, and begins again at the end. */
async function * pages (): AsyncGenerator<string, void, { next?: string }> {
  let path = '/calls?limit=50'
  for (;;) {
    const { next } = yield path
    path = next === undefined ? '/calls?limit=50' : `/calls?limit=50&cursor=${next}`
  }
}
