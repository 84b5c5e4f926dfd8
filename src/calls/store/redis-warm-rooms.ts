import type { WarmRoom, WarmState } from '../warm/warm-room.ts'
import type { RedisConnection } from './redis-client.ts'
import { warmKey, type WarmKeys } from './redis-keys.ts'
import type { RoomKeys, WarmScripts } from './redis-warm-scripts.ts'
import {
  DEMAND_SLOTS,
  DEMAND_STEP_MS,
  demandSince,
  demandStep,
  type Demand,
  type WarmRoomStore
} from './warm-rooms.ts'

type Update = Parameters<WarmRoomStore['update']>[1]

/** Keeps the rooms in Redis, for any number of replicas. */
export function createRedisWarmRooms (
  connection: RedisConnection,
  scripts: WarmScripts,
  keys: WarmKeys
): WarmRoomStore {
  const { redis, ask, bounded } = connection

  const ofPool = (pool: string, name: Parameters<typeof warmKey>[2]) => warmKey(keys, pool, name)
  const keysOf = ({ room, pool }: WarmRoom): RoomKeys => [
    keys.room + room,
    keys.pools,
    ofPool(pool, 'rooms'),
    ofPool(pool, 'waiting'),
    ofPool(pool, 'ready')
  ]

  async function read (name: string): Promise<Stored> {
    const [text, state, claim] = await ask(redis.hmget(keys.room + name, 'room', 'state', 'claim'))
    return [text ?? '', state ?? '', claim ?? '']
  }

  async function update (name: string, fn: Update, isOver: () => boolean): Promise<WarmRoom | undefined> {
    let stored = await read(name)
    while (!isOver()) {
      const before = decode(stored)
      const after = fn(before)
      if (after === before) return after

      const room = (after ?? before)!
      const [text, state, claim] = after ? encode(after) : NOTHING
      const there = await ask(scripts.bridgeWarmSwap(
        ...keysOf(room),
        ...[text, state, claim, room.room, room.pool, room.endsAt],
        ...stored
      ))
      if (there.length === 0) return after

      stored = there
    }
    // Whoever asked was notified of that already.
    return undefined
  }

  return {
    async add (room, { most, freshUntil, everyMs, now }) {
      const [added, retryInMs] = await bounded(ask(scripts.bridgeWarmAdd(
        ...keysOf(room),
        ofPool(room.pool, 'last'),
        ...[...encode(room), room.room, room.pool, room.endsAt],
        ...[most, freshUntil, everyMs, now]
      )))
      if (added === 1) return { added: true }
      return { added: false, ...(retryInMs < 0 ? {} : { retryInMs }) }
    },
    async claim (pool, claim, endsAfter) {
      const { step, slot } = demandStep(claim.at)
      const text = JSON.stringify(claim)
      connection.gather()
      const room = await bounded(ask(scripts.bridgeWarmClaim(
        ...[ofPool(pool, 'ready'), ofPool(pool, 'waiting'), ofPool(pool, 'demand')] as const,
        ...[keys.room, text, endsAfter, slot, step]
      )))
      return room === null ? undefined : decode([room, 'claimed', text])
    },
    update: (name, fn) =>
      new Promise((resolve, reject) => {
        let over = false
        const cancel = connection.deadline(error => {
          over = true
          reject(error)
        })
        update(name, fn, () => over).finally(cancel).then(resolve, reject)
      }),
    get: async name => decode(await bounded(read(name))),
    async list (pool) {
      const [rooms, waiting, ready] = [ofPool(pool, 'rooms'), ofPool(pool, 'waiting'), ofPool(pool, 'ready')]
      const texts = await bounded(ask(scripts.bridgeWarmList(rooms, waiting, ready, keys.room)))
      return inThrees(texts).map(stored => decode(stored)!)
    },
    pools: () => bounded(ask(scripts.bridgeWarmPools(keys.pools, keys.pool, ':rooms'))),
    async demand (pool, since) {
      const counted = await bounded(ask(redis.hmget(ofPool(pool, 'demand'), ...SLOTS)))
      return demandSince(counted.flatMap(text => text === null ? [] : [demandOf(text)]), since)
    },
    keeping: (replica, now, until) =>
      bounded(ask(scripts.bridgeWarmKeeping(keys.keepers, `${keys.keepers}:`, replica, until - now)))
  }
}

/** A room as its record holds it: JSON without state and claim, state, and claim as JSON. Empty texts: none. */
type Stored = [text: string, state: string, claim: string]

const NOTHING: Stored = ['', '', '']
const SLOTS = Array.from({ length: DEMAND_SLOTS }, (_, slot) => String(slot))

function encode ({ state, claim, ...room }: WarmRoom): Stored {
  return [JSON.stringify(room), state, claim ? JSON.stringify(claim) : '']
}

function decode ([text, state, claim]: Stored): WarmRoom | undefined {
  if (state === '') return undefined

  const room = JSON.parse(text) as Omit<WarmRoom, 'state' | 'claim'>
  return { ...room, state: state as WarmState, ...(claim === '' ? {} : { claim: JSON.parse(claim) as Claim }) }
}

type Claim = NonNullable<WarmRoom['claim']>

function demandOf (text: string): Demand {
  const [step, calls] = text.split(':')
  return { at: Number(step) * DEMAND_STEP_MS, calls: Number(calls) }
}

function inThrees (texts: readonly string[]): Stored[] {
  const all: Stored[] = []
  for (let i = 0; i < texts.length; i += 3) all.push([texts[i]!, texts[i + 1]!, texts[i + 2]!])
  return all
}
