import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import type { LruMap } from '../../lru-map.ts'
import type { Call } from '../fold/call.ts'
import { isOver } from '../fold/wake.ts'
import type { StoreRules } from './history.ts'
import type { RedisConnection } from './redis-client.ts'
import type { RedisHistory } from './redis-history.ts'
import { isActive, timeToLive, without } from './redis-index.ts'
import type { Keys } from './redis-keys.ts'
import { createRevisions, decodeRecord, encodeRecord, hold, NOTHING, type Held } from './redis-record.ts'
import { SWAP, type Scripts } from './redis-scripts.ts'
import type { Update } from './registry.ts'

/** An update whose caller waits for it. */
interface Waiting {
  fn: Update
  limit: number | undefined
  /** The limit was reached: whatever `fn` makes of the call is written now. */
  full: boolean
  /** It is too late: the caller was notified that the update failed. */
  over: boolean
  done(call: Call | undefined): void
  failed(error: Error): void
}

export interface UpdatesOptions {
  connection: RedisConnection
  scripts: Scripts
  keys: Keys
  recent: LruMap<string, Held>
  clock: Clock
  history: RedisHistory
  rules: StoreRules
  /** Entries of an earlier record were found. */
  onStale(): void
}

/** How many updates of one call go into one write. */
const AT_ONCE = 100
/**
 * After this many writes that came too late the next one is given a turn of this length, milliseconds. A replica that
 * is far from Redis would lose for ever.
 */
const LOST_IN_A_ROW = 4
const OWN_TURN_MS = 100

/**
 * Updates calls by compare-and-set. This process has one write per call under way; the updates that come meanwhile are
 * applied together by the next write. A write begins with the last record that was seen of the call, and gets the
 * present one back if that was out of date.
 */
export class RedisUpdates {
  readonly #connection: RedisConnection
  readonly #scripts: Scripts
  readonly #keys: Keys
  readonly #recent: LruMap<string, Held>
  readonly #clock: Clock
  readonly #history: RedisHistory
  readonly #rules: StoreRules
  readonly #onStale: () => void

  readonly #queues = new Map<string, Waiting[]>()
  readonly #revisions = createRevisions()

  constructor (options: UpdatesOptions) {
    const { connection, scripts, keys, recent, clock, history, rules, onStale } = options
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
    this.#recent = recent
    this.#clock = clock
    this.#history = history
    this.#rules = rules
    this.#onStale = onStale
  }

  /** See {@link Registry.update}. */
  update (callSid: string, fn: Update, limit: number | undefined): Promise<Call | undefined> {
    return new Promise((resolve, reject) => {
      const update: Waiting = {
        fn,
        limit,
        full: false,
        over: false,
        done (call) {
          cancel()
          resolve(call)
        },
        failed (error) {
          cancel()
          reject(error)
        }
      }
      const cancel = this.#connection.deadline(error => {
        update.over = true
        reject(error)
      })
      this.#enqueue(callSid, update)
    })
  }

  #enqueue (callSid: string, update: Waiting): void {
    const queue = this.#queues.get(callSid)
    if (queue) {
      queue.push(update)
      return
    }

    const first = [update]
    this.#queues.set(callSid, first)
    this.#work(callSid, first).catch(update.failed)
  }

  async #work (callSid: string, queue: Waiting[]): Promise<void> {
    while (queue.length > 0) await this.#write(callSid, queue.splice(0, AT_ONCE))
    this.#queues.delete(callSid)
  }

  async #write (callSid: string, all: Waiting[]): Promise<void> {
    try {
      for (let lost = 0; ;) {
        const updates = all.filter(update => !update.over)
        if (updates.length === 0) return
        if (await this.#tryWrite(callSid, updates, lost >= LOST_IN_A_ROW)) return
        lost++
      }
    } catch (error) {
      for (const { failed } of all) failed(error as Error)
    }
  }

  /** @returns false when nothing was written and the updates must be applied again */
  async #tryWrite (callSid: string, updates: readonly Waiting[], losing: boolean): Promise<boolean> {
    const before = this.#recent.get(callSid) ?? NOTHING
    const { after, settle } = this.#apply(callSid, before, updates)
    const reply = await this.#connection.ask(this.#swap(callSid, before, after, limitOf(updates), losing))
    if (reply === SWAP.writtenOverExpired) this.#onStale()
    switch (reply) {
      case SWAP.written:
      case SWAP.writtenOverExpired:
        this.#remember(callSid, after)
        settle()
        return true
      case SWAP.othersTurn:
        await pause(1 + Math.random() * 4)
        return false
      case SWAP.full:
        for (const update of updates) update.full ||= update.limit !== undefined
        return false
      default:
        this.#remember(callSid, this.#present(callSid, before, reply))
        return false
    }
  }

  #present (callSid: string, before: Held, reply: string | number | null): Held {
    return reply === null ? NOTHING : decodeRecord(callSid, String(reply), { rules: this.#rules, before })
  }

  #swap (callSid: string, before: Held, after: Held, limit: number | undefined, losing: boolean) {
    const { call, revision } = after
    const isSame = after === before
    const gone = goneOf(before, after)
    const added = goneOf(after, before).flatMap(entry => ['0', entry])
    const limitWithItself = limit !== undefined && isActive(before.call) ? limit + 1 : limit
    const now = this.#clock.now()
    const swap = [
      before.revision,
      isSame ? '=' : recordOf(call, revision),
      call && !isSame ? timeToLive(call, now, this.#rules.history.keptMs) : 0,
      callSid,
      wakeOf(before, after),
      this.#revisions.mine,
      losing ? OWN_TURN_MS : '',
      limitWithItself ?? '',
      gone.length,
      ...gone,
      ...added
    ]
    this.#connection.gather()

    const isRetired = before.call && !call && isOver(before.call, now) && this.#history.keeps(before.call, now)
    return isRetired
      ? this.#history.retire(callSid, before.call!, now, swap)
      : this.#scripts.bridgeSwap(...this.#keys.ofCall(callSid), ...swap)
  }

  /**
   * What updates make of a call one after another. `settle()` notifies their callers, once Redis has accepted that.
   */
  #apply (callSid: string, before: Held, updates: readonly Waiting[]): { after: Held, settle(): void } {
    let after = before
    const outcomes: Array<() => void> = []
    for (const { fn, full, done, failed } of updates) {
      try {
        const call = fn(after.call, full)
        if (call !== after.call) {
          after = hold(callSid, call, this.#revisions.next(), { before: after, rules: this.#rules })
        }
        outcomes.push(() => done(call))
      } catch (error) {
        outcomes.push(() => failed(error as Error))
      }
    }

    return {
      after,
      settle () {
        for (const notify of outcomes) notify()
      }
    }
  }

  #remember (callSid: string, held: Held): void {
    if (held.call) this.#recent.set(callSid, held)
    else this.#recent.delete(callSid)
  }
}

/** The entries that a call has, and would not have as the other one. */
function goneOf (one: Held, other: Held): string[] {
  const gone = without(one.entries, other.entries)
  if (one.parts === undefined || one.parts === other.parts) return gone

  return [...gone, ...without(one.parts.entries, other.parts?.entries ?? new Set())]
}

/** The limit that a write must keep: an update that has already been refused for it is written in any case. */
function limitOf (updates: readonly Waiting[]): number | undefined {
  const limits = updates.filter(({ full }) => !full).map(({ limit }) => limit).filter(limit => limit !== undefined)
  return limits.length > 0 ? Math.min(...limits) : undefined
}

const recordOf = (call: Call | undefined, revision: string): string => call ? encodeRecord(call, revision) : ''

/** The argument of the script: a time, `+inf` for a call that needs no attention, '' for none, '=' for the same. */
function wakeOf (before: Held, after: Held): number | string {
  if (!after.call) return ''
  if (before.call && after.wake === before.wake) return '='

  return after.wake ?? '+inf'
}
