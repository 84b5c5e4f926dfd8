import { DAY_MS, MINUTE_MS, type Cap, type CapCounter, type Reservation, type Reserved } from './caps.ts'

/** By id, the time until which a dial counts, milliseconds since the epoch. Oldest first. */
type Dials = Map<string, number>

/** What one cap says of a reservation. */
interface Limited {
  cap: Cap
  limit: number
  dials: Dials
  /** Milliseconds for which a dial counts. */
  countsMs: number
}

/** Counts in the memory of this process: for a single replica. */
export function createMemoryCaps (): CapCounter {
  const underWay: Dials = new Map()
  const ofMinute: Dials = new Map()
  const ofDay: Dials = new Map()
  // Those who made us dial last come last.
  const ofCallers = new Map<string, Dials>()

  /** The caps that ask to be counted. */
  function limitedBy ({ caller, limits, livesMs }: Reservation): Limited[] {
    const { concurrent, perMinute, perDay, perCallerPerDay } = limits
    const ofCaller = caller === undefined ? undefined : ofCallers.get(caller) ?? new Map()
    const caps: Array<[Cap, number | undefined, Dials | undefined, number]> = [
      ['concurrent', concurrent, underWay, livesMs],
      ['per-minute', perMinute, ofMinute, MINUTE_MS],
      ['per-day', perDay, ofDay, DAY_MS],
      ['per-caller-per-day', perCallerPerDay, ofCaller, DAY_MS]
    ]
    return caps.flatMap(([cap, limit, dials, countsMs]) =>
      limit === undefined || !dials ? [] : [{ cap, limit, dials, countsMs }])
  }

  function forgetOld (limited: readonly Limited[], now: number): void {
    for (const { cap, dials } of limited) forgetOver(dials, now, cap !== 'concurrent')
    for (const [caller, dials] of ofCallers) {
      forgetOver(dials, now, true)
      if (dials.size > 0) break
      ofCallers.delete(caller)
    }
  }

  return {
    async reserve (reservation) {
      const { id, caller, now } = reservation
      const limited = limitedBy(reservation)
      forgetOld(limited, now)
      if (limited.some(({ dials }) => dials.has(id))) return { granted: true, isNew: false }

      const exceeded = limited.find(({ dials, limit }) => dials.size >= limit)
      if (exceeded) return refusal(exceeded, now)

      for (const { cap, dials, countsMs } of limited) {
        dials.set(id, now + countsMs)
        if (cap !== 'per-caller-per-day') continue

        ofCallers.delete(caller!)
        ofCallers.set(caller!, dials)
      }
      return { granted: true, isNew: true }
    },
    async release (id) {
      underWay.delete(id)
    },
    async withdraw ({ id, caller }) {
      const ofCaller = caller === undefined ? undefined : ofCallers.get(caller)
      for (const dials of [underWay, ofMinute, ofDay, ofCaller]) dials?.delete(id)
      if (ofCaller?.size === 0) ofCallers.delete(caller!)
    }
  }
}

/**
 * Removes what no longer counts.
 * @param areInOrder who came first is over first. Otherwise all are looked at, which are no more than the cap
 */
function forgetOver (dials: Dials, now: number, areInOrder: boolean): void {
  for (const [id, until] of dials) {
    if (until <= now) dials.delete(id)
    else if (areInOrder) break
  }
}

/** There is no room before the oldest one is no longer counted. A limit of 0 never has room. */
function refusal ({ cap, dials }: Limited, now: number): Reserved {
  const [oldest] = dials.values()
  if (cap === 'concurrent' || oldest === undefined) return { granted: false, cap }
  return { granted: false, cap, retryInMs: oldest - now }
}
