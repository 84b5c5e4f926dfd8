import type { Test } from 'tap'
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
  replica(options?: Partial<WarmPoolsOptions>): WarmPools
  /** Names of the rooms in a state. */
  rooms(state: string): Promise<string[]>
}

export function buildStage (t: Test, wanted: WarmPool[], store: WarmRoomStore = createMemoryWarmRooms()): Stage {
  const clock = createTestClock()
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
      const pools = createWarmPools({
        pools: () => stage.wanted,
        store,
        registry: { shared: true, findByName: async name => stage.calls.get(name) },
        rooms: livekit.rooms,
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
        clock,
        observer: observerOf(stage),
        roomPrefix: 'jb',
        newToken: () => `c${String(++tokens).padStart(26, 'a')}`,
        departureS: () => 10,
        lifeMs: 600_000,
        createTimeoutMs: 3000,
        closeMs: 10_000,
        ...options
      })
      livekit.listeners.push(event => pools.hear(event).catch(() => {}))
      pools.start()
      t.teardown(() => pools.drain())
      return pools
    },
    rooms: async state =>
      (await Promise.all((await store.pools()).map(id => store.list(id)))).flat()
        .filter(room => room.state === state).map(({ room }) => room)
  }
  return stage
}

const observerOf = ({ seen }: Stage): WarmObserver => ({
  made: outcome => seen.made.push(outcome),
  left: why => seen.left.push(why),
  trouble: (_pool, trouble) => seen.troubles.push(trouble),
  failed: operation => seen.failed.push(operation)
})

let calls = 0
export const wish = (agent = AGENT) => ({ callSid: `call-${++calls}`, agent, metadata: '' })
