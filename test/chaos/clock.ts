import TinyQueue from 'tinyqueue'
import type { Clock } from '../../src/clock.ts'

export interface WorldClock extends Clock {
  /**
   * Keeps time from passing until `work` is done: for what does not wait for time, but takes more than a turn of the
   * event loop.
   */
  hold(work: Promise<unknown>): void
  /** Lets time pass up to `until`, one timer after another, each with everything that it starts. */
  runUntil(until: number): Promise<void>
}

interface Timer {
  at: number
  order: number
  fn?: () => void
}

/**
 * Turns of the event loop in which nothing may happen any more before time goes on: a request through Fastify takes two
 * without a sign of life.
 */
const QUIET_TURNS = 3

/** A clock for many calls at once, which goes from timer to timer. */
export function createWorldClock (start: number): WorldClock {
  const timers = new TinyQueue<Timer>([], (a, b) => a.at - b.at || a.order - b.order)
  const held = new Set<Promise<unknown>>()
  let now = start
  let order = 0

  async function drain () {
    for (let turns = 0, seen = order; turns < QUIET_TURNS; turns++) {
      await new Promise<void>(resolve => {
        setImmediate(resolve)
      })
      while (held.size > 0) {
        await Promise.all(held)
        turns = 0
      }
      if (seen !== order) {
        seen = order
        turns = 0
      }
    }
  }

  return {
    // Between two milliseconds things still happen one after another.
    now: () => Math.floor(now),
    schedule (ms, fn) {
      const timer: Timer = { at: now + Math.max(0, ms), order: ++order, fn }
      timers.push(timer)
      return () => {
        delete timer.fn
      }
    },
    hold (work) {
      const settled = work.then(() => {}, () => {}).finally(() => held.delete(settled))
      held.add(settled)
    },
    async runUntil (until) {
      await drain()
      while (timers.length > 0 && timers.peek()!.at <= until) {
        const { at, fn } = timers.pop()!
        if (!fn) continue
        now = at
        fn()
        await drain()
      }
      now = until
    }
  }
}
