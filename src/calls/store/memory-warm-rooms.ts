import type { WarmRoom } from '../warm/warm-room.ts'
import {
  DEMAND_STEP_MS,
  demandSince,
  demandStep,
  type Added,
  type AddLimits,
  type Demand,
  type WarmRoomStore
} from './warm-rooms.ts'

/** Keeps the rooms in the memory of this process: for a single replica. */
export function createMemoryWarmRooms (): WarmRoomStore {
  const rooms = new Map<string, WarmRoom>()
  /** By pool, when a room was last added, milliseconds since the epoch. */
  const lastAdded = new Map<string, number>()
  /** By pool, its counters in their slots. */
  const demand = new Map<string, Demand[]>()
  /** By replica, until when it looks after the pools, milliseconds since the epoch. */
  const keepers = new Map<string, number>()

  const waits = ({ state }: WarmRoom): boolean => state === 'making' || state === 'ready'
  const roomsOf = (pool: string): WarmRoom[] => [...rooms.values()].filter(room => room.pool === pool)

  function refusal ({ pool }: WarmRoom, { most, freshUntil, everyMs, now }: AddLimits): Added | undefined {
    const there = roomsOf(pool).filter(room => waits(room) && room.endsAt > freshUntil)
    if (there.length >= most) return { added: false }

    const retryInMs = (lastAdded.get(pool) ?? -Infinity) + everyMs - now
    return retryInMs > 0 ? { added: false, retryInMs: Math.ceil(retryInMs) } : undefined
  }

  function count (pool: string, time: number): void {
    const { step, slot } = demandStep(time)
    const at = step * DEMAND_STEP_MS
    const slots = demand.get(pool) ?? []
    const counted = slots[slot]
    slots[slot] = { at, calls: counted?.at === at ? counted.calls + 1 : 1 }
    demand.set(pool, slots)
  }

  return {
    async add (room, limits) {
      if (rooms.has(room.room)) return { added: true }
      const refused = refusal(room, limits)
      if (refused) return refused

      rooms.set(room.room, room)
      lastAdded.set(room.pool, limits.now)
      return { added: true }
    },
    async claim (pool, claim, endsAfter) {
      count(pool, claim.at)
      let first: WarmRoom | undefined
      for (const room of rooms.values()) {
        const fits = room.pool === pool && room.state === 'ready' && room.endsAt > endsAfter
        if (fits && (!first || room.endsAt < first.endsAt)) first = room
      }
      if (!first) return undefined

      const claimed: WarmRoom = { ...first, state: 'claimed', claim }
      rooms.set(claimed.room, claimed)
      return claimed
    },
    async update (name, fn) {
      const before = rooms.get(name)
      const after = fn(before)
      if (after === before) return after

      if (after) rooms.set(name, after)
      else rooms.delete(name)
      return after
    },
    async get (name) {
      return rooms.get(name)
    },
    async list (pool) {
      return roomsOf(pool)
    },
    async pools () {
      return [...new Set([...rooms.values()].map(({ pool }) => pool))]
    },
    async demand (pool, since) {
      // Slots that were not used yet are holes.
      return demandSince((demand.get(pool) ?? []).filter(Boolean), since)
    },
    async keeping (replica, now, until) {
      keepers.set(replica, until)
      for (const [keeper, ends] of keepers) if (ends <= now) keepers.delete(keeper)
      return keepers.size - (keepers.has(replica) ? 1 : 0)
    }
  }
}
