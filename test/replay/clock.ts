import { setImmediate, setTimeout } from 'node:timers/promises'
import { systemClock, type Clock } from '../../src/clock.ts'

/** Time as a replay goes through it. */
export interface ReplayClock extends Clock {
  /** Everything scheduled until then has happened. */
  until(at: number): Promise<void>
  /** What was begun is done as far as it can be without time passing. */
  settle(): Promise<void>
  /** The work is waited for by {@link settle}: it needs no time of this clock. */
  track<T>(work: Promise<T>): Promise<T>
}

/** Turns of the event loop without anything to wait for, after which nothing more happens. */
const QUIET_TURNS = 8

/** A clock that stands still until it is told to go on. Work over sockets is waited for when it is tracked. */
export function createInjectedClock (start: number): ReplayClock {
  let now = start
  let pending = 0
  const timers = new Set<{ at: number, fn: () => void }>()

  async function settle () {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await setImmediate()
      if (pending > 0) quiet = 0
    }
  }

  return {
    now: () => now,
    schedule (ms, fn) {
      const timer = { at: now + ms, fn }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    settle,
    async track (work) {
      pending++
      try {
        return await work
      } finally {
        pending--
      }
    },
    async until (at) {
      for (;;) {
        await settle()
        const [next] = [...timers].filter(timer => timer.at <= at).sort((a, b) => a.at - b.at)
        if (!next) break
        timers.delete(next)
        now = Math.max(now, next.at)
        next.fn()
      }
      now = Math.max(now, at)
    }
  }
}

/** The real time. */
export const realClock: ReplayClock = {
  ...systemClock,
  settle: () => setImmediate(undefined),
  track: work => work,
  until: at => setTimeout(Math.max(0, at - Date.now()), undefined)
}
