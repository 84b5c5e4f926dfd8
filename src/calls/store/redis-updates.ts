import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../clock.ts'
import type { Call } from '../fold/call.ts'
import type { Keys } from './redis-keys.ts'
import type { RedisConnection } from './redis-client.ts'
import { timeToLive, without } from './redis-index.ts'
import { createRevisions, decodeRecord, encodeRecord, hold, NOTHING, type Held, type Recent } from './redis-record.ts'
import type { Scripts } from './redis-scripts.ts'

type Update = (call: Call | undefined) => Call | undefined

/** An update that somebody waits for. */
interface Waiting {
  fn: Update
  /** It is too late: whoever asked was told that it failed. */
  over: boolean
  done(call: Call | undefined): void
  failed(error: Error): void
}

export interface UpdatesOptions {
  connection: RedisConnection
  scripts: Scripts
  keys: Keys
  recent: Recent<Held>
  clock: Clock
  /** Entries of an earlier record were found. */
  onStale(): void
}

/** So many updates of one call go into one write at most. */
const AT_ONCE = 100
/**
 * After so many writes that came too late the next one gets time of its own, milliseconds: a replica that is far from
 * Redis would lose for ever.
 */
const LOST_IN_A_ROW = 4
const OWN_TURN = 100

/**
 * Updates of calls by compare-and-set. One write per call is under way in this process; what comes meanwhile is applied
 * together by the next one. A write begins with the last that was seen of the call, and gets the present record back if
 * that was out of date.
 */
export function createUpdates (
  { connection, scripts, keys, recent, clock, onStale }: UpdatesOptions
): (callSid: string, fn: Update) => Promise<Call | undefined> {
  const queues = new Map<string, Waiting[]>()
  const revisions = createRevisions()

  async function work (callSid: string, queue: Waiting[]) {
    while (queue.length > 0) await write(callSid, queue.splice(0, AT_ONCE))
    queues.delete(callSid)
  }

  async function write (callSid: string, all: Waiting[]): Promise<void> {
    try {
      for (let tries = 1; ; tries++) {
        const updates = all.filter(update => !update.over)
        if (updates.length === 0) return
        const before = recent.get(callSid) ?? NOTHING
        const { after, settle } = apply(callSid, before, updates)
        const reply = await connection.ask(swap(callSid, before, after, tries > LOST_IN_A_ROW))
        if (reply === 3) {
          await pause(1 + Math.random() * 4)
        } else if (typeof reply === 'number') {
          if (reply === 2) onStale()
          remember(callSid, after)
          settle()
          return
        } else {
          remember(callSid, reply === null ? NOTHING : decodeRecord(callSid, reply))
        }
      }
    } catch (error) {
      for (const { failed } of all) failed(error as Error)
    }
  }

  function swap (callSid: string, before: Held, after: Held, losing: boolean) {
    const { call, revision } = after
    const record = after === before ? '=' : call ? encodeRecord(call, revision) : ''
    const wake = call === undefined ? '' : before.call && after.wake === before.wake ? '=' : after.wake ?? '+inf'
    const gone = without(before.entries, after.entries)
    const added = without(after.entries, before.entries).flatMap(entry => ['0', entry])
    const ttl = call && after !== before ? timeToLive(call, clock.now()) : 0
    connection.gather()
    return scripts.bridgeSwap(
      ...keys.ofCall(callSid),
      before.revision,
      record,
      ttl,
      callSid,
      wake,
      revisions.mine,
      losing ? OWN_TURN : '',
      gone.length,
      ...gone,
      ...added
    )
  }

  /** What updates make of a call one after another; whether that is so, Redis has to say before anybody is told. */
  function apply (callSid: string, before: Held, updates: Waiting[]): { after: Held, settle(): void } {
    let after = before
    const outcomes: Array<() => void> = []
    for (const { fn, done, failed } of updates) {
      try {
        const call = fn(after.call)
        if (call !== after.call) after = hold(callSid, call, revisions.next())
        outcomes.push(() => done(call))
      } catch (error) {
        outcomes.push(() => failed(error as Error))
      }
    }
    return {
      after,
      settle: () => {
        for (const tell of outcomes) tell()
      }
    }
  }

  function remember (callSid: string, held: Held) {
    if (held.call) recent.set(callSid, held)
    else recent.delete(callSid)
  }

  return (callSid, fn) =>
    new Promise((resolve, reject) => {
      const update: Waiting = {
        fn,
        over: false,
        done (call) {
          cancel()
          resolve(call)
        },
        failed (error: Error) {
          cancel()
          reject(error)
        }
      }
      const cancel = connection.deadline(error => {
        update.over = true
        reject(error)
      })
      const queue = queues.get(callSid)
      if (queue) {
        queue.push(update)
      } else {
        const first = [update]
        queues.set(callSid, first)
        work(callSid, first).catch(update.failed)
      }
    })
}
