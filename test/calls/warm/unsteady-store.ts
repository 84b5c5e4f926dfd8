import { createMemoryWarmRooms } from '../../../src/calls/store/memory-warm-rooms.ts'
import type { WarmRoomStore } from '../../../src/calls/store/warm-rooms.ts'
import { StoreUnavailableError } from '../../../src/errors.ts'

/** How a store behaves. `lossy`: what was asked for is done, and the answer is lost. */
export interface Behaviour {
  mode: 'ok' | 'gone' | 'lossy'
  slowMs: number
}

/** A store in memory that fails like one outside the process. */
export function createUnsteadyStore (
  schedule: (ms: number, fn: () => void) => unknown
): { store: WarmRoomStore, state: Behaviour } {
  const store = createMemoryWarmRooms()
  const state: Behaviour = { mode: 'ok', slowMs: 0 }

  async function ask<T> (work: () => Promise<T>): Promise<T> {
    if (state.mode === 'gone') throw new StoreUnavailableError('gone')
    const answer = await work()
    if (state.mode === 'lossy') throw new StoreUnavailableError('the answer was lost')
    if (state.slowMs > 0) await new Promise<void>(resolve => schedule(state.slowMs, resolve))
    return answer
  }

  return {
    state,
    store: {
      add: (...args) => ask(() => store.add(...args)),
      claim: (...args) => ask(() => store.claim(...args)),
      update: (...args) => ask(() => store.update(...args)),
      get: room => ask(() => store.get(room)),
      list: pool => ask(() => store.list(pool)),
      pools: () => ask(() => store.pools()),
      demand: (...args) => ask(() => store.demand(...args)),
      keeping: (...args) => ask(() => store.keeping(...args))
    }
  }
}
