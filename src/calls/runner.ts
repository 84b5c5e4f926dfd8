import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { JambonzRest } from '../jambonz/rest.ts'
import { LiveKitError, type Rooms } from '../livekit/rooms.ts'
import { turnsAt, wakeAt, type Call, type Duty } from './call.ts'
import type { Calls, Observer } from './calls.ts'
import type { Registry } from './registry.ts'

export interface RunnerOptions {
  registry: Registry
  calls: Calls
  rooms: Rooms
  rest?: JambonzRest
  clock: Clock
  observer: Observer
  /** Milliseconds between two looks at what is due. */
  intervalMs?: number
}

export interface Runner {
  start (): void
  /** Does what a call owes now, and tells when that is done. */
  run (callSid: string): Promise<void>
  /** Takes no new work and waits for what is being done. */
  stop (): Promise<void>
}

const AT_ONCE = 25
/** Calls whose duties are being done at once: a LiveKit that hangs, or comes back, must not be met with everything at the same time. */
const MOST_AT_ONCE = 16
/** A call whose duties lead to further ones is looked at again at most so often in one go. */
const ROUNDS = 8

/**
 * Does the duties of calls and lets their time pass. Each piece of work is claimed by an update first, so that any number of
 * runners, on any number of replicas, do it once; what a runner does not finish is due again after its lease.
 */
export function createRunner ({ registry, calls, rooms, rest, clock, observer, intervalMs = 100 }: RunnerOptions): Runner {
  const busy = new Set<Promise<void>>()
  let cancel = () => {}
  let stopped = false
  let underWay = 0

  async function poll () {
    try {
      for (const callSid of await registry.due(clock.now(), AT_ONCE)) run(callSid).catch(error => observer.failed(callSid, 'duties', error))
    } catch (error) {
      observer.failed('', 'duties', error)
    } finally {
      if (!stopped) cancel = clock.schedule(intervalMs, () => { poll().catch(() => {}) })
    }
  }

  /** Any number may run for one call: each duty is claimed by one of them, and a slow one does not keep the call's time from passing. */
  function run (callSid: string): Promise<void> {
    if (stopped) return Promise.resolve()
    const work = rounds(callSid).finally(() => busy.delete(work))
    busy.add(work)
    return work
  }

  async function rounds (callSid: string) {
    for (let round = 0; round < ROUNDS; round++) {
      const known = await registry.get(callSid)
      const now = clock.now()
      if (!known || (wakeAt(known) ?? Infinity) > now || (stopped && round > 0)) return
      // With enough under way the duties stay due, but the call's time passes.
      const free = underWay < MOST_AT_ONCE
      if (!free && (turnsAt(known) ?? Infinity) > now) return
      if (free) underWay++
      try {
        const claim = free ? randomUUID() : undefined
        const call = await calls.apply(callSid, { kind: 'wake', at: now, claim, statusesExpected: calls.sendsStatuses(known.facts.applicationSid) })
        if (!call || claim === undefined) return
        await Promise.all(call.duties.filter(duty => duty.claim === claim).map(duty => perform(call, duty)))
      } finally {
        if (free) underWay--
      }
    }
  }

  async function perform (call: Call, duty: Duty) {
    const { callSid } = call
    try {
      switch (duty.kind) {
        case 'delete-room': await rooms.delete(duty.target); break
        case 'hang-up': await rest?.hangUp(callSid, duty.target as 'completed' | 'no-answer'); break
        case 'look': await look(call, Number(duty.target)); return
      }
      await calls.apply(callSid, { kind: 'duty', id: duty.id, outcome: 'done', at: clock.now() })
    } catch (error) {
      observer.failed(callSid, duty.kind, error)
      await calls.apply(callSid, { kind: 'duty', id: duty.id, outcome: 'failed', detail: error instanceof LiveKitError ? error.failure : undefined, at: clock.now() })
    }
  }

  async function look (call: Call, n: number) {
    const { room, token } = call.attempts.find(attempt => attempt.n === n) ?? {}
    if (room === undefined) return
    const seen = await rooms.look(room, { callSid: call.callSid, token }).catch((error: unknown) => { observer.failed(call.callSid, 'look', error) })
    await calls.apply(call.callSid, seen
      ? { kind: 'look', attempt: n, outcome: 'seen', at: clock.now(), ...seen }
      : { kind: 'look', attempt: n, outcome: 'unreachable', exists: false, at: clock.now() })
  }

  return {
    start () { cancel = clock.schedule(intervalMs, () => { poll().catch(() => {}) }) },
    run,
    async stop () {
      stopped = true
      cancel()
      await Promise.allSettled(busy)
    }
  }
}
