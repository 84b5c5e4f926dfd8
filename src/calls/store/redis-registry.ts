import { randomUUID } from 'node:crypto'
import { systemClock, type Clock } from '../../clock.ts'
import { InvalidCursorError } from '../../errors.ts'
import { PHASES, type Call, type Phase } from '../fold/call.ts'
import { connectRedis, type ConnectOptions, type RedisConnection } from './redis-client.ts'
import { newCall } from '../fold/new-call.ts'
import { COUNTED, kindsOf, placeOf, roomKind } from './redis-index.ts'
import { keysOf } from './redis-keys.ts'
import { createRecent, decodeCall, decodeRecord, NOTHING, type Held } from './redis-record.ts'
import { withScripts } from './redis-scripts.ts'
import { createUpdates } from './redis-updates.ts'
import { decodeCursor, encodeCursor, matches, type CallPage, type Registry } from './registry.ts'

export interface RedisRegistryOptions {
  connection: RedisConnection
  /** Begins every key, in braces: `bridge:<what belongs together>`. */
  keyPrefix: string
  clock: Clock
  /** Calls whose records are kept at hand, so that an update need not read. */
  recentCalls?: number
}

/** A call that was handed out as due is nobody else's for so long, milliseconds. */
const LEASE = 1000
/** Entries that a script looks at in one go at most: Redis does nothing else meanwhile. */
const ENTRIES_AT_ONCE = 1000
/** Where much starts at once, the first answers may be late. */
const TRIES = 3

/**
 * Keeps the calls in Redis, for any number of replicas: one string a call, one sorted set of entries to find it by, one
 * of wake-up times. Calls hold phone numbers, so Redis needs the same protection as the service. It must not evict keys
 * (`maxmemory-policy noeviction`). A user of its own needs `~{bridge:*` and these commands: eval, evalsha, get,
 * getrange, exists, set, del, pttl, pexpire, zadd, zrem, zscore, zlexcount, zrangebylex, zrangebyscore, ping,
 * client|setname (also: +@connection +@read +@write +@scripting).
 */
export function createRedisRegistry (
  { connection, keyPrefix, clock, recentCalls = 4096 }: RedisRegistryOptions
): Registry {
  const { redis, ask, bounded, gather } = connection
  const scripts = withScripts(redis)
  const keys = keysOf(keyPrefix)
  const recent = createRecent<Held>(recentCalls)
  /** The last entry that was looked at while stale ones are being removed. */
  let sweptTo: string | undefined

  const onStale = () => {
    sweptTo ??= ''
  }
  const update = createUpdates({ connection, scripts, keys, recent, clock, onStale })

  async function get (callSid: string): Promise<Call | undefined> {
    const held = recent.get(callSid) ?? NOTHING
    gather()
    // Nothing changes; only if it is not what we have does Redis send it.
    const reply = await ask(scripts.bridgeSwap(...keys.ofCall(callSid), held.revision, '=', 0, callSid, '=', '', ''))
    if (typeof reply === 'number') return held.call
    if (reply === null) {
      recent.delete(callSid)
      return undefined
    }
    const current = decodeRecord(callSid, reply)
    recent.set(callSid, current)
    return current.call
  }

  async function list (filter: Parameters<Registry['list']>[0], limit: number, after: string): Promise<CallPage> {
    const kinds = kindsOf(filter)
    const calls: Call[] = []
    let from: string = after
    do {
      const wanted = limit + 1 - calls.length
      const [stale, next, ...rows] = await ask(
        scripts.bridgePage(
          keys.entries,
          keys.record,
          from,
          wanted,
          kinds.length === 1 ? wanted : ENTRIES_AT_ONCE,
          ...kinds
        )
      )
      if (stale > 0) onStale()
      for (let i = 1; i < rows.length; i += 2) {
        const call = decodeCall(rows[i]!)
        if (matches(call, filter)) calls.push(call)
      }
      from = next
    } while (from !== '' && calls.length <= limit)
    const page = calls.slice(0, limit)
    const last = page.at(-1)
    return {
      calls: page,
      next: last && calls.length > limit
        ? encodeCursor({ received: last.at.received, callSid: last.callSid })
        : undefined
    }
  }

  async function due (now: number, limit: number): Promise<string[]> {
    const [stale, ...callSids] = await ask(scripts.bridgeDue(keys.times, now, limit, now + LEASE, keys.record))
    if (stale > 0) onStale()
    // A little each time: there may be millions.
    if (sweptTo !== undefined) {
      sweptTo = await ask(scripts.bridgeSweep(keys.entries, keys.record, sweptTo, ENTRIES_AT_ONCE)) || undefined
    }
    return callSids
  }

  return {
    shared: true,
    update,
    get: callSid => bounded(get(callSid)),
    findByRoom: room =>
      bounded((async () => {
        const kind = roomKind(room)
        const [entry] = await ask(redis.zrangebylex(keys.entries, `[${kind}\0`, `(${kind}\u0001`, 'LIMIT', 0, 1))
        return entry?.slice(entry.lastIndexOf('\0') + 1)
      })()),
    async list (filter, { limit, cursor }) {
      const from = cursor === undefined ? undefined : decodeCursor(cursor)
      if (cursor !== undefined && !from) throw new InvalidCursorError()
      return bounded(list(filter, limit, from ? placeOf(from) : ''))
    },
    due: (now, limit) => bounded(due(now, limit)),
    stats: () =>
      bounded((async () => {
        const counts = await ask(scripts.bridgeCount(keys.entries, ...COUNTED))
        return {
          phases: Object.fromEntries(PHASES.map((phase, i) => [phase, counts[i]!])) as Record<Phase, number>,
          duties: counts[PHASES.length]!
        }
      })()),
    trouble: connection.trouble,
    close: connection.close
  }
}

export interface OpenOptions extends Omit<ConnectOptions, 'clock'> {
  keyPrefix: string
  clock?: Clock
}

/**
 * Connects to Redis and makes sure that calls can be kept there.
 * @param url see {@link connectRedis}
 * @throws {RedisStartError} as {@link connectRedis}, and when the user may not do what the store needs
 */
export async function openRedisRegistry (
  url: string,
  { keyPrefix, clock = systemClock, ...options }: OpenOptions
): Promise<Registry> {
  const connection = await connectRedis(url, { ...options, clock })
  for (let tries = 1; ; tries++) {
    try {
      await tryOut(
        createRedisRegistry({ connection, keyPrefix: `${keyPrefix}:trial:${randomUUID()}`, clock }),
        clock.now()
      )
      return createRedisRegistry({ connection, keyPrefix, clock })
    } catch {
      const error = connection.startError()
      if (error.passing && tries < TRIES) continue
      await connection.close()
      throw error
    }
  }
}

/** Does everything that a registry does, so that what the user may not shows now and not at the first call. */
async function tryOut (registry: Registry, now: number): Promise<void> {
  const facts = { direction: 'inbound' as const, from: '', to: '', callerName: '', withheld: false, headers: {} }
  await registry.update('trial', () => newCall('trial', now, facts, { agent: '', metadata: '' }))
  await registry.list({ from: '', phase: 'active' }, { limit: 1 })
  await registry.findByRoom('trial')
  await registry.stats()
  await registry.due(now + 3_600_000, 1)
  await registry.update('trial', () => undefined)
}
