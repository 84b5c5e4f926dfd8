import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { TIMES } from './fold/rules.ts'
import { turnsAt, wakeAt, type Call, type Duty } from './fold/call.ts'
import type { Calls } from './calls.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type CallControl, type Look, type RoomFormat, type Rooms } from './ports.ts'
import { StoreUnavailableError } from '../errors.ts'
import type { Registry } from './store/registry.ts'

export interface RunnerOptions {
  registry: Registry
  calls: Calls
  rooms: Rooms
  roomFormat: RoomFormat
  rest?: CallControl
  clock: Clock
  observer: Observer
  /** Milliseconds between two looks at what is due. */
  intervalMs?: number
}

export interface Runner {
  start(): void
  /** Does what a call owes now, and tells when that is done. */
  run(callSid: string): Promise<void>
  /** Takes no new work and waits for what is being done. */
  stop(): Promise<void>
}

const AT_ONCE = 25
/** Between two looks at whether a store that is gone is back, milliseconds. */
const STORE_GONE_MS = 500
/**
 * After the store was gone nothing is judged by the time for so long, milliseconds: on some replica there are events
 * that wait to be handed over, and what they tell is not overdue.
 */
const HAND_OVER_MS = TIMES.handOver + 1000
/**
 * Calls whose duties are being done at once: a LiveKit that hangs, or comes back, must not be met with everything at
 * the same time.
 */
const MOST_AT_ONCE = 16
/** A call whose duties lead to further ones is looked at again at most so often in one go. */
const ROUNDS = 8

/**
 * Does the duties of calls and lets their time pass. Each piece of work is claimed by an update first, so that any
 * number of runners, on any number of replicas, do it once; what a runner does not finish is due again after its lease.
 */
export function createRunner (
  { registry, calls, rooms, roomFormat, rest, clock, observer, intervalMs = 100 }: RunnerOptions
): Runner {
  const busy = new Set<Promise<void>>()
  /** Calls whose duties could not be begun because too many others were being done. */
  const deferred = new Set<string>()
  let cancel = () => {}
  let stopped = false
  let underWay = 0
  let storeGone = false

  async function poll () {
    let wait = intervalMs
    try {
      if (storeGone || calls.holding) {
        storeGone = true
        await registry.stats()
        storeGone = false
        wait = HAND_OVER_MS
        return
      }
      // Somebody else may have changed them since this process last saw them.
      for (const callSid of await registry.due(clock.now(), AT_ONCE)) start(callSid, undefined).catch(() => {})
    } catch (error) {
      if (error instanceof StoreUnavailableError) {
        storeGone = true
        wait = STORE_GONE_MS
      } else {
        observer.failed('', 'duties', error)
      }
    } finally {
      if (!stopped) {
        cancel = clock.schedule(wait, () => {
          poll().catch(() => {})
        })
      }
    }
  }

  function start (callSid: string, known: Call | undefined): Promise<void> {
    const work = rounds(callSid, known).catch((error: unknown) => {
      // It stays due, and is done once the store is back.
      if (!(error instanceof StoreUnavailableError)) observer.failed(callSid, 'duties', error)
    }).finally(() => busy.delete(work))
    busy.add(work)
    return work
  }

  /**
   * Any number may run for one call: each duty is claimed by one of them, and a slow one does not keep the call's time
   * from passing.
   */
  const run = (callSid: string): Promise<void> => stopped ? Promise.resolve() : start(callSid, calls.recent(callSid))

  async function rounds (callSid: string, recent: Call | undefined) {
    for (let round = 0; round < ROUNDS; round++) {
      const known = (round === 0 ? recent : calls.recent(callSid)) ?? await registry.get(callSid)
      const now = clock.now()
      if (!known || (wakeAt(known) ?? Infinity) > now || (stopped && round > 0)) return
      // With enough under way the duties stay due, but the call's time passes.
      const free = underWay < MOST_AT_ONCE
      if (!free) deferred.add(callSid)
      if (!free && (turnsAt(known) ?? Infinity) > now) return
      if (free) underWay++
      try {
        const claim = free ? randomUUID() : undefined
        const call = await calls.apply(callSid, {
          kind: 'wake',
          at: now,
          claim,
          statusesExpected: calls.sendsStatuses(known.facts.applicationSid)
        })
        if (!call || claim === undefined) return
        await Promise.all(call.duties.filter(duty => duty.claim === claim).map(duty => perform(call, duty)))
      } finally {
        if (free) done()
      }
    }
  }

  function done () {
    underWay--
    const [next] = deferred
    if (next === undefined || stopped) return
    deferred.delete(next)
    start(next, undefined).catch(() => {})
  }

  async function perform (call: Call, duty: Duty) {
    const { callSid } = call
    try {
      switch (duty.kind) {
        case 'delete-room':
          await rooms.delete(duty.target)
          break
        case 'hang-up':
          await rest?.hangUp(callSid, duty.target as 'completed' | 'no-answer')
          break
        case 'look':
          await look(call, Number(duty.target))
          return
        case 'redispatch':
          await redispatch(call, Number(duty.target), duty.claim!)
          break
        case 'remove-agent':
          await removeAgent(call, duty.target)
          break
      }
      await calls.apply(callSid, { kind: 'duty', id: duty.id, outcome: 'done', at: clock.now() })
    } catch (error) {
      observer.failed(callSid, duty.kind, error)
      await calls.apply(callSid, {
        kind: 'duty',
        id: duty.id,
        outcome: 'failed',
        detail: error instanceof LiveKitError ? error.failure : undefined,
        at: clock.now()
      })
    }
  }

  /** @returns what was seen, unless LiveKit could not be asked */
  async function look (call: Call, n: number): Promise<Look | undefined> {
    const { room, token } = call.attempts.find(attempt => attempt.n === n) ?? {}
    if (room === undefined) return undefined
    const askedAt = clock.now()
    const seen = await rooms.look(room, { callSid: call.callSid, token }).catch((error: unknown) => {
      observer.failed(call.callSid, 'look', error)
    })
    await calls.apply(
      call.callSid,
      seen
        ? { kind: 'look', attempt: n, outcome: 'seen', at: clock.now(), askedAt, ...seen }
        : { kind: 'look', attempt: n, outcome: 'unreachable', exists: false, at: clock.now(), askedAt }
    )
    return seen ?? undefined
  }

  /** Calls the agent of an attempt again, if it is really not there and nobody else does it. */
  async function redispatch (call: Call, n: number, claim: string) {
    const { callSid } = call
    const attempt = call.attempts.find(attempt => attempt.n === n)
    const seen = await look(call, n)
    if (!seen) throw new LiveKitError('look', 'unreachable')
    if (!attempt?.room || !seen.exists || seen.agent || seen.company) return
    // What the agent of a call was told that we only found again, its first dispatch knows best.
    const agent = { name: attempt.agent!, metadata: attempt.found ? undefined : roomFormat.jobMetadata(call, attempt) }
    let marked = false
    const mark = async () => {
      const now = await calls.apply(callSid, { kind: 'redispatching', attempt: n, claim, at: clock.now() })
      marked = now?.attempts.some(({ redispatches }) => redispatches.some(other => other.claim === claim)) === true
      return marked
    }
    try {
      await rooms.redispatch(attempt.room, agent, mark)
    } catch (error) {
      if (!marked) throw error
      // It was marked as done: whether LiveKit heard it or not, it is not said twice.
      observer.failed(callSid, 'redispatch', error)
      await calls.apply(callSid, {
        kind: 'redispatched',
        attempt: n,
        outcome: 'failed',
        detail: error instanceof LiveKitError ? error.failure : undefined,
        at: clock.now()
      })
      return
    }
    if (marked) await calls.apply(callSid, { kind: 'redispatched', attempt: n, outcome: 'done', at: clock.now() })
  }

  /** Puts out an agent that came second; by now it may be the only one. */
  async function removeAgent (call: Call, target: string) {
    const [n, ...identity] = target.split(' ')
    const { room } = call.attempts.find(attempt => attempt.n === Number(n)) ?? {}
    const seen = room === undefined ? undefined : await look(call, Number(n))
    if (room !== undefined && seen?.moreAgents?.includes(identity.join(' '))) {
      await rooms.remove(room, identity.join(' '))
    }
  }

  return {
    start () {
      cancel = clock.schedule(intervalMs, () => {
        poll().catch(() => {})
      })
    },
    run,
    async stop () {
      stopped = true
      cancel()
      await Promise.allSettled(busy)
    }
  }
}
