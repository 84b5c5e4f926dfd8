import TinyQueue from 'tinyqueue'
import type { Call } from '../fold/call.ts'
import { PHASES, type Cause, type Phase } from '../fold/vocabulary.ts'
import { namesOf } from '../fold/names.ts'
import { isOver, wakeAt } from '../fold/wake.ts'
import { systemClock, type Clock } from '../../clock.ts'
import { InvalidCursorError } from '../../errors.ts'
import { createMemoryCaps } from './memory-caps.ts'
import { createMemoryIdempotency } from './memory-idempotency.ts'
import { createMemoryEventQueue } from './memory-event-queue.ts'
import { createMemoryWarmRooms } from './memory-warm-rooms.ts'
import { silentFeed } from './feed.ts'
import { matcher } from './call-filter.ts'
import { DEFAULT_RULES, type StoreRules } from './history.ts'
import { MemoryHistory } from './memory-history.ts'
import { decodeCursor, isAfter, newestFirst, pageOf, positionOf, type Registry } from './registry.ts'

export interface MemoryOptions {
  /** Without them there is no history, and no call counts as failed. */
  rules?: StoreRules
  clock?: Clock
}

/** Keeps the calls in the memory of this process: for a single replica. */
export function createMemoryRegistry (
  { rules = DEFAULT_RULES, clock = systemClock }: MemoryOptions = {}
): Registry {
  const calls = new Map<string, Call>()
  const names = new Map<string, string>()
  // When a call's time changes, its old alarm stays: it is recognised as stale when its time comes.
  const alarms = new TinyQueue<{ at: number, callSid: string }>([], (a, b) => a.at - b.at)
  const phases = Object.fromEntries(PHASES.map(phase => [phase, 0])) as Record<Phase, number>
  const history = new MemoryHistory(rules, clock)
  let duties = 0

  function count (call: Call | undefined, by: 1 | -1) {
    if (!call) return
    phases[call.phase] += by
    duties += by * call.duties.length
  }

  function index (before: Call | undefined, after: Call | undefined) {
    const now = after ? namesOf(after) : new Set<string>()
    for (const name of before ? namesOf(before) : []) {
      if (!now.has(name) && names.get(name) === before!.callSid) names.delete(name)
    }
    for (const name of now) names.set(name, after!.callSid)
    const at = after && wakeAt(after)
    if (at !== undefined && (!before || wakeAt(before) !== at)) alarms.push({ at, callSid: after!.callSid })
  }

  /** Counts the active calls, a call itself not included. */
  function activeBeside (call: Call | undefined): number {
    const active = calls.size - phases.ended
    return call && call.phase !== 'ended' ? active - 1 : active
  }

  return {
    shared: false,
    caps: createMemoryCaps(),
    idempotency: createMemoryIdempotency(),
    events: createMemoryEventQueue(),
    feed: silentFeed,
    warmRooms: createMemoryWarmRooms(),
    history,
    async update (callSid, fn, limit = Infinity) {
      const before = calls.get(callSid)
      const after = fn(before, activeBeside(before) >= limit)
      if (after === before) return after
      count(before, -1)
      count(after, 1)
      index(before, after)
      if (after) calls.set(callSid, after)
      else calls.delete(callSid)
      if (before && !after && isOver(before, clock.now())) history.add(callSid, before)
      return after
    },
    async get (callSid) {
      return calls.get(callSid)
    },
    async listening () {
      return undefined
    },
    async findByName (name) {
      return names.get(name)
    },
    async list (filter, { limit, cursor }) {
      const from = cursor === undefined ? undefined : decodeCursor(cursor)
      if (cursor !== undefined && !from) throw new InvalidCursorError()
      const fits = matcher(filter)
      const found = [...calls.values()].filter(call => fits(call) && (!from || isAfter(positionOf(call), from)))
      const isOfPast = filter.phase === undefined || filter.phase === 'ended'
      const past = isOfPast ? await history.read(fits, limit + 1, from, callSid => calls.has(callSid)) : []
      return pageOf(newestFirst([...found, ...past]), limit)
    },
    async failures ({ since, until }) {
      const failures = new Map<Cause, number>()
      let received = 0
      const add = (cause: Cause | undefined) => {
        received++
        if (cause !== undefined) failures.set(cause, (failures.get(cause) ?? 0) + 1)
      }
      for (const call of calls.values()) {
        if (call.at.received < since || call.at.received >= until) continue
        add(call.end && rules.isFailure(call) ? call.end.cause : undefined)
      }
      for (const cause of history.received({ since, until })) add(cause)
      return { received, failed: failures }
    },
    async due (now, limit) {
      const due = new Set<string>()
      while (due.size < limit && alarms.length > 0 && alarms.peek()!.at <= now) {
        const alarm = alarms.pop()!
        const call = calls.get(alarm.callSid)
        const at = call && wakeAt(call)
        // A call that is due later than its alarm has another alarm.
        if (at !== undefined && at <= alarm.at) due.add(alarm.callSid)
      }
      // The asker may fail before it updates the call.
      for (const callSid of due) alarms.push({ at: now + 1000, callSid })
      return [...due]
    },
    async stats () {
      return { phases: { ...phases }, duties }
    },
    trouble: () => undefined,
    async close () {}
  }
}
