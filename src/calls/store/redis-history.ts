import type { Call } from '../fold/call.ts'
import type { CallFilter } from './call-filter.ts'
import { keptUntil, packCall, unpackCall, type CallHistory, type StoreRules } from './history.ts'
import type { RedisConnection } from './redis-client.ts'
import { HISTORY_VERSION, withHistoryScripts, type HistoryScripts } from './redis-history-scripts.ts'
import { historyKindsOf, kindsOf, nameKind, SLACK, timeOf } from './redis-index.ts'
import type { Keys } from './redis-keys.ts'
import { ENTRIES_AT_ONCE, readPages, type PageRequest, type RawPage } from './redis-pages.ts'
import { HEADER_LENGTH, type Scripts } from './redis-scripts.ts'
import { RedisSweep } from './redis-sweep.ts'
import type { Position } from './registry.ts'

export interface RedisHistoryOptions {
  connection: RedisConnection
  scripts: Scripts
  keys: Keys
  rules: StoreRules
}

/** Pause between two times that calls are dropped whose time is over, milliseconds. */
const DROP_MS = 1000
/** Calls that are dropped in one go. */
const DROPPED_AT_ONCE = 50

/** The history in Redis: a string per call, and a sorted set of entries as redis-index.ts describes it. */
export class RedisHistory implements CallHistory {
  readonly #connection: RedisConnection
  readonly #scripts: Scripts & HistoryScripts
  readonly #keys: Keys
  readonly #rules: StoreRules
  readonly #sweep: RedisSweep
  #droppedAt = -Infinity

  constructor ({ connection, scripts, keys, rules }: RedisHistoryOptions) {
    this.#connection = connection
    this.#scripts = Object.assign(scripts, withHistoryScripts(connection.redis))
    this.#keys = keys
    this.#rules = rules
    this.#sweep = new RedisSweep(connection, scripts, keys.history)
  }

  get isOn (): boolean {
    return this.#rules.history.keptMs > 0
  }

  get (callSid: string): Promise<Call | undefined> {
    return this.isOn ? this.#connection.bounded(this.#get(callSid)) : Promise.resolve(undefined)
  }

  /** Whether the history keeps a call that is forgotten now. */
  keeps (call: Call, now: number): boolean {
    return this.isOn && keptUntil(call, this.#rules.history) > now
  }

  /**
   * Forgets a call and puts it into the history.
   * @param swap the arguments with which bridgeSwap would forget it
   */
  retire (callSid: string, call: Call, now: number, swap: ReadonlyArray<string | number>) {
    const { history, isFailure } = this.#rules
    const until = keptUntil(call, history)
    // A lone surrogate cannot be written to Redis, nor can the script read it.
    const kinds = Buffer.from(JSON.stringify(historyKindsOf(call, { isFailure }).map(wellFormed)))
    const header = Buffer.from(HISTORY_VERSION + timeOf(call.at.received))
    const record = Buffer.concat([header, kinds, Buffer.from('\n'), packCall(call)])
    const { entries, times, record: key } = this.#keys.history

    return this.#scripts.bridgeRetire(
      ...this.#keys.ofCall(callSid),
      entries,
      times,
      key,
      record,
      kinds,
      until - now + SLACK,
      until,
      now,
      history.most,
      ...swap
    )
  }

  /** See {@link Registry.list}: the calls that are not in the store otherwise, newest first. */
  async read (filter: CallFilter, wanted: number, from: Position | undefined): Promise<Call[]> {
    const { phase, ...rest } = filter
    if (!this.isOn || (phase !== undefined && phase !== 'ended')) return []
    const kinds = kindsOf(rest)
    return readPages(rest, { wanted, from, kinds: kinds.length }, page => this.#page(kinds, page), decode)
  }

  /** Drops some calls whose time is over, or that are too many. A history that was switched off is dropped whole. */
  async tidy (now: number): Promise<void> {
    await this.#sweep.step()
    if (Math.abs(now - this.#droppedAt) < DROP_MS) return

    const { entries, times, record } = this.#keys.history
    const most = this.isOn ? this.#rules.history.most : 0
    const [dropped, expired] = await this.#connection.ask(
      this.#scripts.bridgeDrop(entries, times, record, now, most, DROPPED_AT_ONCE)
    )
    if (expired > 0) this.#sweep.start()
    if (dropped < DROPPED_AT_ONCE) this.#droppedAt = now
  }

  async #get (name: string): Promise<Call | undefined> {
    const { ask, redis } = this.#connection
    const { record } = this.#keys.history
    const known = await ask(redis.getBuffer(record + name))
    if (known) return decode(known)

    const request = { after: '', before: '', wanted: 1, entries: ENTRIES_AT_ONCE }
    const { records: [named] } = await this.#page([nameKind(name)], request)
    const call = named && decode(named)
    return call?.order?.id === name ? call : undefined
  }

  async #page (kinds: string[], { after, before, wanted, entries }: PageRequest): Promise<RawPage<Buffer>> {
    const { history, record } = this.#keys
    const [stale, next, ...rows] = await this.#connection.ask(this.#scripts.bridgePageBuffer(
      history.entries,
      history.record,
      after,
      before,
      wanted,
      entries,
      record,
      ...kinds
    ))
    if (stale > 0) this.#sweep.start()
    // Rows are place and record in turn.
    return { records: rows.filter((_, i) => i % 2 === 1), next: String(next) }
  }
}

const wellFormed = (text: string): string => Buffer.from(text).toString()

/** The kinds before the packed call are one line. */
const decode = (record: Buffer): Call => unpackCall(record.subarray(record.indexOf('\n', HEADER_LENGTH) + 1))
