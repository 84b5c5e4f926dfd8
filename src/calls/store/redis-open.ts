import { randomUUID } from 'node:crypto'
import { systemClock, type Clock } from '../../clock.ts'
import { newCall } from '../fold/new-call.ts'
import type { EventQueue } from './event-queue.ts'
import { DEFAULT_RULES, type StoreRules } from './history.ts'
import { connectRedis, type ConnectOptions } from './redis-client.ts'
import { RedisRegistry } from './redis-registry.ts'
import { redisKeys, warmKey } from './redis-keys.ts'
import type { Registry } from './registry.ts'
import type { WarmRoom, WarmRoomStore } from './warm-rooms.ts'

/** When many replicas start at once, the first answers may be late. */
const TRIES = 3

export interface OpenOptions extends Omit<ConnectOptions, 'clock'> {
  keyPrefix: string
  clock?: Clock
  rules?: StoreRules
}

/**
 * Connects to Redis and makes sure that calls can be kept there.
 * @param url see {@link connectRedis}
 * @throws {RedisStartError} as {@link connectRedis}, and when the user lacks a permission that the store needs
 */
export async function openRedisRegistry (
  url: string,
  { keyPrefix, clock = systemClock, rules = DEFAULT_RULES, ...options }: OpenOptions
): Promise<Registry> {
  const connection = await connectRedis(url, { ...options, clock })
  for (let tries = 1; ; tries++) {
    try {
      const trial = `${keyPrefix}:trial:${randomUUID()}`
      await tryOut(new RedisRegistry({ connection, keyPrefix: trial, clock, rules: TRIAL_RULES }), clock.now())
      // The demand for warm rooms is the only thing that no method takes back.
      await connection.ask(connection.redis.del(warmKey(redisKeys(trial).warm, 'trial', 'demand')))
      return new RedisRegistry({ connection, keyPrefix, clock, rules })
    } catch {
      const error = connection.startError()
      if (error.passing && tries < TRIES) continue
      await connection.close()
      throw error
    }
  }
}

/** The history is tried out also where it is off. */
const TRIAL_RULES: StoreRules = { history: { keptMs: 1000, most: 1 }, isFailure: () => true }

/** Does everything that a registry does, so that a missing permission shows now and not at the first call. */
async function tryOut (registry: Registry, now: number): Promise<void> {
  const facts = { direction: 'inbound' as const, from: '', to: '', callerName: '', withheld: false, headers: {} }
  await registry.update('trial', () => newCall('trial', now, facts, { agent: '', metadata: '' }), 1)
  await registry.list({ from: '', phase: 'active' }, { limit: 1 })
  await registry.findByName('trial')
  await registry.stats()
  await registry.due(now + 3_600_000, 1)
  await registry.failures({ since: now, until: now + 1 })
  await registry.update('trial', call => call && { ...call, phase: 'ended', expiresAt: now })
  await registry.update('trial', () => undefined)
  await registry.history.get('trial')
  await registry.due(now + 7_200_000, 1)
  const key = { caller: 'trial', key: 'trial' }
  await registry.idempotency.claim({ ...key, hash: '', orderId: 'trial', now, leaseMs: 1 })
  await registry.idempotency.free(key, 'trial')
  await tryOutEvents(registry.events, now)
  await tryOutWarmRooms(registry.warmRooms, now)
}

async function tryOutEvents (queue: EventQueue, now: number): Promise<void> {
  const event = { id: 'trial', callSid: 'trial', type: 'trial', body: '' }
  await queue.add(event, ['trial'], { now, most: 1, again: true })
  const { events } = await queue.take({ receiver: 'trial', now, leaseMs: 1, lease: 'trial', limit: 1 })
  for (const taken of events) await queue.failed(taken, now)
  await queue.list({ limit: 1 })
  await queue.stats()
  await queue.holds('trial', ['trial'])
  await queue.expire(now - 1)
  await queue.done({ id: 'trial', receiver: 'trial' })
}

async function tryOutWarmRooms (rooms: WarmRoomStore, now: number): Promise<void> {
  const room: WarmRoom = {
    v: 1,
    room: 'trial',
    token: 'trial',
    pool: 'trial',
    state: 'making',
    agentName: '',
    departureS: 0,
    madeAt: now,
    events: false,
    endsAt: now,
    made: false,
    due: now
  }
  await rooms.add(room, { most: 1, freshUntil: now, everyMs: 1, now })
  await rooms.update('trial', trial => trial && { ...trial, state: 'ready' })
  await rooms.claim('trial', { callSid: 'trial', at: now }, 0)
  await rooms.get('trial')
  await rooms.list('trial')
  await rooms.demand('trial', now)
  await rooms.update('trial', () => undefined)
  await rooms.pools()
  await rooms.keeping('trial', now, now + 1)
  await rooms.keeping('trial', now, now)
}
