import type { Test } from 'tap'
import type { EventOf } from '../../../src/calls/fold/events.ts'
import type { ClaimedRoom, ColdReason } from '../../../src/calls/fold/warm.ts'
import { createMemoryWarmRooms } from '../../../src/calls/store/memory-warm-rooms.ts'
import type { WarmRoomStore } from '../../../src/calls/store/warm-rooms.ts'
import type { MakeOutcome, WarmObserver } from '../../../src/calls/warm/observer.ts'
import { poolIdOf } from '../../../src/calls/warm/pool-id.ts'
import type { WarmPools } from '../../../src/calls/warm/pools.ts'
import { createWarmPools, type WarmPoolsOptions } from '../../../src/calls/warm/service.ts'
import type { WarmExit, WarmPool } from '../../../src/calls/warm/warm-room.ts'
import { createTestClock, type TestClock } from '../../fixtures/test-clock.ts'
import { createWarmLiveKit, type WarmLiveKit } from '../../fixtures/warm-livekit.ts'

export const AGENT = 'desk'

export const poolWith = (min: number, max = min, agent = AGENT): WarmPool =>
  ({ id: poolIdOf(agent, ''), agent, metadata: '', min, max })

export interface Replica extends WarmPools {
  /** Ends it without a word, as SIGKILL does: nothing that it has begun comes to an end. */
  kill(): void
}

export interface Stage {
  clock: TestClock
  livekit: WarmLiveKit
  store: WarmRoomStore
  /** Names of rooms that calls have. */
  calls: Map<string, string>
  /** The pools that are wanted. */
  wanted: WarmPool[]
  /** What the observers of all replicas were notified of. */
  seen: { made: MakeOutcome[], left: WarmExit[], troubles: Array<string | undefined>, failed: string[] }
  /** One more replica. Its events of LiveKit arrive. */
  replica(options?: Partial<WarmPoolsOptions>): Replica
  /** Names of the rooms in a state. */
  rooms(state: string): Promise<string[]>
}

export function buildStage (
  t: Test,
  wanted: WarmPool[],
  store: WarmRoomStore = createMemoryWarmRooms(),
  clock: TestClock = createTestClock()
): Stage {
  const livekit = createWarmLiveKit(clock)
  let tokens = 0
  const stage: Stage = {
    clock,
    livekit,
    store,
    calls: new Map(),
    wanted,
    seen: { made: [], left: [], troubles: [], failed: [] },
    replica (options = {}) {
      const life = { isOver: false }
      const pools = createWarmPools({
        pools: () => stage.wanted,
        store: mortal(store, life),
        registry: { shared: true, findByName: async name => stage.calls.get(name) },
        rooms: mortal(livekit.rooms, life),
        roomFormat: {
          isWarmRoom: (_room, metadata) => metadata === 'warm',
          warmRequest: ({ room, departureS, madeAt, endsAt }, { agent, metadata }) => ({
            name: room,
            emptyTimeoutS: (endsAt - madeAt) / 1000,
            departureTimeoutS: departureS,
            metadata: 'warm',
            agent: { name: agent, metadata }
          })
        },
        clock: { now: clock.now, schedule: (ms, fn) => clock.schedule(ms, () => life.isOver || fn()) },
        observer: observerOf(stage),
        roomPrefix: 'jb',
        newToken: () => `c${String(++tokens).replaceAll(/\d/g, digit => 'abcdefghij'[Number(digit)]!).padStart(26, 'a')}`,
        departureS: () => 10,
        lifeMs: 600_000,
        createTimeoutMs: 3000,
        closeMs: 10_000,
        ...options
      })
      const listener = (event: EventOf<'livekit'>) => pools.hear(event).catch(() => {})
      livekit.listeners.push(listener)
      pools.start()
      t.teardown(() => pools.drain())
      const kill = () => {
        life.isOver = true
        livekit.listeners = livekit.listeners.filter(other => other !== listener)
      }
      return Object.assign(pools, { kill })
    },
    rooms: async state =>
      (await Promise.all((await store.pools()).map(id => store.list(id)))).flat()
        .filter(room => room.state === state).map(({ room }) => room)
  }
  return stage
}

/** What an object does, until the process is dead: then nothing is begun, and nothing is answered. */
function mortal<T extends object> (object: T, life: { isOver: boolean }): T {
  const never = new Promise(() => {})
  return new Proxy(object, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>
      return (...args: unknown[]) => {
        if (life.isOver) return never
        const answered = method(...args)
        return answered.then(answer => life.isOver ? never : answer)
      }
    }
  })
}

const observerOf = ({ seen }: Stage): WarmObserver => ({
  made: outcome => seen.made.push(outcome),
  left: why => seen.left.push(why),
  trouble: (_pool, trouble) => seen.troubles.push(trouble),
  failed: operation => seen.failed.push(operation)
})

let calls = 0
export const wish = (agent = AGENT) => ({ callSid: `call-${++calls}`, agent, metadata: '' })

/** The room of a claim that found one. */
export function taken (claimed: ClaimedRoom | ColdReason): ClaimedRoom {
  if (typeof claimed === 'string') throw new Error(`the call starts cold: ${claimed}`)
  return claimed
}
