import { DAY_MS, MINUTE_MS, type Cap, type CapCounter, type Reservation, type Reserved } from './caps.ts'

interface Dial {
  at: number
  caller: string | undefined
  /** It is under way until then, milliseconds since the epoch; undefined: it is over. */
  until: number | undefined
}

/** Counts in the memory of this process: for a single replica. */
export function createMemoryCaps (): CapCounter {
  // Oldest first, as they were reserved.
  const dials = new Map<string, Dial>()

  function forgetOld (now: number): void {
    for (const [id, { at }] of dials) {
      if (at > now - DAY_MS) break
      dials.delete(id)
    }
  }

  return {
    async reserve (reservation) {
      const { id, caller, now, livesMs } = reservation
      forgetOld(now)
      if (dials.has(id)) return { granted: true }

      const refusal = firstExceeded([...dials.values()], reservation)
      if (!refusal) dials.set(id, { at: now, caller, until: now + livesMs })
      return refusal ?? { granted: true }
    },
    async release (id) {
      const dial = dials.get(id)
      if (dial) dial.until = undefined
    },
    async withdraw ({ id }) {
      dials.delete(id)
    }
  }
}

function firstExceeded (dials: readonly Dial[], { caller, limits, now }: Reservation): Reserved | undefined {
  const { concurrent, perMinute, perDay, perCallerPerDay } = limits
  const underWay = dials.filter(({ until }) => until !== undefined && until > now).length
  if (concurrent !== undefined && underWay >= concurrent) return { granted: false, cap: 'concurrent' }

  const windows: Array<[Cap, number | undefined, number, readonly Dial[]]> = [
    ['per-minute', perMinute, MINUTE_MS, dials],
    ['per-day', perDay, DAY_MS, dials],
    ['per-caller-per-day', perCallerPerDay, DAY_MS, dials.filter(dial => dial.caller === caller)]
  ]
  for (const [cap, limit, windowMs, counted] of windows) {
    if (limit === undefined || (cap === 'per-caller-per-day' && caller === undefined)) continue

    const within = counted.filter(({ at }) => at > now - windowMs)
    if (within.length >= limit) return { granted: false, cap, ...retryIn(within[0], windowMs, now) }
  }
  return undefined
}

/** There is no room before the oldest one is no longer counted. A limit of 0 never has room. */
const retryIn = (oldest: Dial | undefined, windowMs: number, now: number): { retryInMs?: number } =>
  oldest === undefined ? {} : { retryInMs: oldest.at + windowMs - now }
