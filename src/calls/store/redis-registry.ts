import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { InvalidCursorError } from '../../errors.ts'
import { LruMap } from '../../lru-map.ts'
import type { Call } from '../fold/call.ts'
import { CAUSES, PHASES, type Phase } from '../fold/vocabulary.ts'
import type { CapCounter } from './caps.ts'
import type { EventQueue } from './event-queue.ts'
import { DEFAULT_RULES, type FailureCounts, type StoreRules, type TimeRange } from './history.ts'
import type { IdempotencyKeys } from './idempotency.ts'
import { createRedisCaps } from './redis-caps.ts'
import type { RedisConnection } from './redis-client.ts'
import { createRedisEventQueue } from './redis-event-queue.ts'
import type { Feed } from './feed.ts'
import { createRedisFeed } from './redis-feed.ts'
import { createRedisIdempotency } from './redis-idempotency.ts'
import { RedisHistory } from './redis-history.ts'
import { COUNTED, COUNTED_BY_CAUSE, kindsOf, nameKind } from './redis-index.ts'
import { redisKeys, type Keys } from './redis-keys.ts'
import { decodeCall, decodeRecord, NOTHING, type Held } from './redis-record.ts'
import { afterAll, readPages, type PageRequest, type RawPage } from './redis-pages.ts'
import { withScripts, type Scripts } from './redis-scripts.ts'
import { RedisSweep } from './redis-sweep.ts'
import { RedisUpdates } from './redis-updates.ts'
import { createRedisWarmRooms } from './redis-warm-rooms.ts'
import {
  decodeCursor,
  newestFirst,
  pageOf,
  type CallFilter,
  type CallPage,
  type Listener,
  type Position,
  type Registry,
  type RegistryStats,
  type Update
} from './registry.ts'
import type { WarmRoomStore } from './warm-rooms.ts'

export interface RedisRegistryOptions {
  connection: RedisConnection
  /** Begins every key, in braces: `bridge:<what belongs together>`. */
  keyPrefix: string
  clock: Clock
  /** How many records are kept at hand, so that an update need not read them first. */
  recentCalls?: number
  /** Without them there is no history, and no call counts as failed. */
  rules?: StoreRules
}

/** For this long a call that was returned as due is not returned to another asker, milliseconds. */
const LEASE_MS = 1000
/** For this long it is remembered when somebody last listened, seconds. No call goes on for longer. */
const LISTENING_S = 100_000

/**
 * Keeps the calls in Redis, for any number of replicas: one string per call, one sorted set of entries to find calls
 * by, one of wake-up times; the same again for the history. Calls hold phone numbers, so Redis needs the same
 * protection as the service. It must not evict keys (`maxmemory-policy noeviction`). A Redis user for the bridge needs
 * `~{bridge:*` and these commands: eval, evalsha, get, getrange, exists, set, del, pttl, pexpire, hget, hmget, hset,
 * hdel, hincrby, lindex, lrem, rpush, zadd, zcard, zrem, zrange, zscore, zlexcount, zrangebylex, zrangebyscore, ping,
 * client|setname (or: +@connection +@read +@write +@scripting).
 * With publish, subscribe and the channels `&{bridge:*` replicas also tell each other what changes. Without them the
 * console shows the calls of other replicas some seconds later.
 */
export class RedisRegistry implements Registry {
  readonly shared = true
  readonly caps: CapCounter
  readonly idempotency: IdempotencyKeys
  readonly events: EventQueue
  readonly feed: Feed & { close(): void }
  readonly warmRooms: WarmRoomStore
  readonly history: RedisHistory
  readonly #connection: RedisConnection
  readonly #scripts: Scripts
  readonly #keys: Keys
  readonly #recent: LruMap<string, Held>
  readonly #id = randomUUID()
  readonly #updates: RedisUpdates
  readonly #rules: StoreRules
  readonly #sweep: RedisSweep

  constructor ({ connection, keyPrefix, clock, recentCalls = 4096, rules = DEFAULT_RULES }: RedisRegistryOptions) {
    this.#connection = connection
    this.#rules = rules
    this.#scripts = withScripts(connection.redis)
    this.#keys = redisKeys(keyPrefix)
    this.caps = createRedisCaps(connection, this.#scripts, this.#keys)
    this.idempotency = createRedisIdempotency(connection, this.#scripts, this.#keys)
    this.events = createRedisEventQueue(connection, this.#keys)
    this.feed = createRedisFeed(connection, this.#keys.news)
    this.warmRooms = createRedisWarmRooms(connection, this.#scripts, this.#keys.warm)
    this.#recent = new LruMap(recentCalls)
    const shared = { connection, scripts: this.#scripts, keys: this.#keys, rules }
    this.history = new RedisHistory(shared)
    this.#sweep = new RedisSweep(connection, this.#scripts, this.#keys)
    this.#updates = new RedisUpdates({
      ...shared,
      recent: this.#recent,
      clock,
      history: this.history,
      onStale: () => this.#sweep.start()
    })
  }

  update (callSid: string, fn: Update, limit?: number): Promise<Call | undefined> {
    return this.#updates.update(callSid, fn, limit)
  }

  get (callSid: string): Promise<Call | undefined> {
    return this.#connection.bounded(this.#get(callSid))
  }

  findByName (room: string): Promise<string | undefined> {
    return this.#connection.bounded(this.#findByName(room))
  }

  async list (filter: CallFilter, { limit, cursor }: { limit: number, cursor?: string }): Promise<CallPage> {
    const from = cursor === undefined ? undefined : decodeCursor(cursor)
    if (cursor !== undefined && !from) throw new InvalidCursorError()

    return this.#connection.bounded(this.#list(filter, limit, from))
  }

  due (now: number, limit: number): Promise<string[]> {
    return this.#connection.bounded(this.#due(now, limit))
  }

  listening (now: number): Promise<Listener | undefined> {
    return this.#connection.bounded(this.#listening(now))
  }

  failures (received: TimeRange): Promise<FailureCounts> {
    return this.#connection.bounded(this.#failures(received))
  }

  stats (): Promise<RegistryStats> {
    return this.#connection.bounded(this.#stats())
  }

  trouble (): string | undefined {
    return this.#connection.trouble()
  }

  close (): Promise<void> {
    this.feed.close()
    return this.#connection.close()
  }

  async #get (callSid: string): Promise<Call | undefined> {
    const held = this.#recent.get(callSid) ?? NOTHING
    this.#connection.gather()
    // Nothing is written, and Redis sends the record only if it is not the one that we have.
    const reply = await this.#connection.ask(
      this.#scripts.bridgeSwap(...this.#keys.ofCall(callSid), held.revision, '=', 0, callSid, '=', '', '', '', 0)
    )
    if (typeof reply === 'number') return held.call
    if (reply === null) {
      this.#recent.delete(callSid)
      return undefined
    }

    const current = decodeRecord(callSid, reply, { rules: this.#rules, before: held })
    this.#recent.set(callSid, current)
    return current.call
  }

  async #findByName (room: string): Promise<string | undefined> {
    const { redis, ask } = this.#connection
    const kind = nameKind(room)
    const [entry] = await ask(redis.zrangebylex(this.#keys.entries, `[${kind}\0`, `(${kind}\u0001`, 'LIMIT', 0, 1))
    return entry?.slice(entry.lastIndexOf('\0') + 1)
  }

  async #list (filter: CallFilter, limit: number, from: Position | undefined): Promise<CallPage> {
    const wanted = limit + 1
    const kinds = kindsOf(filter)
    const read = (page: PageRequest) => this.#page(kinds, page)
    const calls = await readPages(filter, { wanted, from, kinds: kinds.length }, read, decodeCall)
    // In this order: a call that goes into the history meanwhile must not be missed.
    const past = await this.history.read(filter, wanted, from)

    return pageOf(newestFirst([...calls, ...past]), limit)
  }

  async #page (kinds: string[], { after, before, wanted, entries }: PageRequest): Promise<RawPage<string>> {
    const [stale, next, ...rows] = await this.#connection.ask(
      this.#scripts.bridgePage(this.#keys.entries, this.#keys.record, after, before, wanted, entries, '', ...kinds)
    )
    if (stale > 0) this.#sweep.start()

    // Rows are place and record in turn.
    return { records: rows.filter((_, i) => i % 2 === 1), next }
  }

  async #due (now: number, limit: number): Promise<string[]> {
    const [stale, ...callSids] = await this.#connection.ask(
      this.#scripts.bridgeDue(this.#keys.times, now, limit, now + LEASE_MS, this.#keys.record)
    )
    if (stale > 0) this.#sweep.start()
    await this.#sweep.step()
    await this.history.tidy(now)

    return callSids
  }

  async #listening (now: number): Promise<Listener | undefined> {
    const { redis } = this.#connection
    const note = `${now} ${this.#id}`
    const before = await this.#connection.ask(redis.set(this.#keys.listening, note, 'EX', LISTENING_S, 'GET'))
    if (before === null) return undefined
    const [at, id] = before.split(' ')

    return { at: Number(at), self: id === this.#id }
  }

  async #stats (): Promise<RegistryStats> {
    const counts = await this.#connection.ask(this.#scripts.bridgeCount(this.#keys.entries, ...COUNTED))
    return {
      phases: Object.fromEntries(PHASES.map((phase, i) => [phase, counts[i]!])) as Record<Phase, number>,
      duties: counts[PHASES.length]!
    }
  }

  async #failures ({ since, until }: TimeRange): Promise<FailureCounts> {
    const { entries, history } = this.#keys
    const counts = await this.#connection.ask(this.#scripts.bridgeCountBetween(
      entries,
      history.entries,
      afterAll(until),
      afterAll(since),
      ...COUNTED_BY_CAUSE
    ))
    const failed = CAUSES.map((cause, i) => [cause, counts[i + 1]!] as const).filter(([, count]) => count > 0)
    return { received: counts[0]!, failed: new Map(failed) }
  }
}
