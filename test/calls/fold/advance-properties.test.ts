import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { findHook } from '../../../src/calls/fold/attempts.ts'
import type { Attempt, Call } from '../../../src/calls/fold/call.ts'
import { wakeAt } from '../../../src/calls/fold/wake.ts'
import type { CallEvent } from '../../../src/calls/fold/events.ts'
import { openOrder } from '../../../src/calls/fold/order.ts'
import type { Rules } from '../../../src/calls/fold/rules.ts'
import { seriesOfAttempts, seriesOfCalls } from '../../../src/metric-series.ts'
import { claimedRoom, createDriver, WARM_ROOM, type Untimed, type World } from '../../fixtures/events.ts'
import { readOrderRecordings, readRecordings, type Recording } from '../../fixtures/recordings.ts'

/*
 * Whatever subset of a real call's events arrives, in whatever order and how often, and however LiveKit behaves
 * meanwhile: the call ends once, cleans up behind itself and is forgotten.
 */

const RUNS = 30
/** Longer than any call and any duty of these rules. */
const FOR_EVER = 4 * 3600_000

const rulesOf = (recording: Recording): Rules => ({
  ...recording.rules,
  timeLimitS: 300,
  retentionS: 60,
  callControl: true,
  publishes: true
})

const OTHER = { room: 'jb_cb', token: 'cb' }

/** What may happen besides what was recorded. */
const extras = (callSid: string, hook: Untimed | undefined, placed: Untimed | undefined): Untimed[] => [
  { kind: 'hangup' },
  { kind: 'hook-abandoned' },
  { kind: 'room', attempt: 1, outcome: 'created' },
  { kind: 'room', attempt: 1, outcome: 'timeout', detail: 'timeout' },
  { kind: 'room', attempt: 2, outcome: 'failed', detail: 'refused' },
  { kind: 'room', attempt: 1, outcome: 'created', warm: claimedRoom() },
  { kind: 'room', attempt: 1, outcome: 'created', warm: claimedRoom({ ...OTHER, events: false }) },
  { kind: 'room', attempt: 2, outcome: 'created', warm: claimedRoom({ room: 'jb_cc', token: 'cc' }) },
  { kind: 'room', attempt: 1, outcome: 'failed', detail: 'refused', cold: 'empty' },
  { kind: 'livekit', room: WARM_ROOM, what: 'room_finished' },
  {
    kind: 'livekit',
    room: WARM_ROOM,
    what: 'participant_left',
    participant: { sid: 'PA_agent1', identity: 'agent-1', kind: 'AGENT', reason: 'CLIENT_INITIATED' }
  },
  { kind: 'room-settled', attempt: 1 },
  { kind: 'look', attempt: 1, askedAt: Number.MAX_SAFE_INTEGER, outcome: 'seen', exists: true },
  { kind: 'look', attempt: 2, askedAt: Number.MAX_SAFE_INTEGER, outcome: 'seen', exists: false },
  { kind: 'declined', hash: 'redirect', cause: 'bridge-error', status: 480, reason: 'Agent Unavailable' },
  ...(placed?.kind === 'placed'
    ? [
        { ...placed, hangupAt: 1 },
        { ...placed, givenUp: true },
        { ...placed, order: openOrder(placed.order) },
        { kind: 'voicemail' as const, verdict: 'machine' as const, by: 'agent' as const },
        { kind: 'room' as const, attempt: 1, outcome: 'failed' as const, detail: 'refused' }
      ]
    : []),
  ...(hook?.kind === 'call-hook'
    ? [
        { ...hook, callSid, hash: 'redirect', answered: true, redirected: true, app: undefined },
        { ...hook, callSid, hash: 'other-agent', app: { agent: 'other-agent', fallbackNumber: '+15551230009' } },
        { ...hook, callSid, hash: 'refused', refuse: { cause: 'capacity' as const, status: 486, reason: 'Busy Here' } }
      ]
    : [])
]

interface Scene {
  events: Array<{ event: Untimed, gap: number }>
  reachable: boolean[]
  succeeds: boolean[]
}

function scenes (recording: Recording): fc.Arbitrary<Scene> {
  const recorded = recording.events.map(({ at: _, ...event }) => event as Untimed)
  const [hook, placed] = ['call-hook', 'placed'].map(name => recorded.find(({ kind }) => kind === name))
  const more = extras(recording.callSid, hook, placed)
  const gap = fc.oneof({ weight: 4, arbitrary: fc.nat(100) }, { weight: 2, arbitrary: fc.nat(3000) }, {
    weight: 1,
    arbitrary: fc.nat(60_000)
  })
  const inOrder = fc.subarray(recorded, { minLength: Math.min(3, recorded.length) })
  const anyOrder = fc.array(fc.constantFrom(...recorded), { minLength: 1, maxLength: recorded.length + 5 })
  const withMore = fc.array(
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...recorded) }, {
      weight: 1,
      arbitrary: fc.constantFrom(...more)
    }),
    { minLength: 1, maxLength: recorded.length + 5 }
  )
  const beginning = fc.nat(recorded.length).chain(length =>
    anyOrder.map(rest => [...recorded.slice(0, length), ...rest])
  )
  return fc.record({
    events: fc.oneof(inOrder, anyOrder, withMore, beginning).chain(events =>
      fc.array(gap, { minLength: events.length, maxLength: events.length }).map(gaps =>
        events.map((event, i) => ({ event, gap: gaps[i]! }))
      )
    ),
    reachable: fc.oneof(always(true), always(false), fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })),
    succeeds: fc.oneof(always(true), always(false), fc.array(fc.boolean(), { minLength: 2, maxLength: 8 }))
  })
}

const always = (outcome: boolean): fc.Arbitrary<boolean[]> => fc.constant([outcome])

/** Nothing that advance() made may ever change. */
function freeze<T> (value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) freeze(part)
  }
  return value
}

/** What holds for every step of every call. */
function checkStep (before: Call | undefined, event: CallEvent, after: Call | undefined) {
  freeze(after)
  if (after) {
    strictEqual(after.phase === 'ended', after.end !== undefined, 'phase and end are written together')
    strictEqual(after.phase === 'ended', after.at.ended !== undefined)
    ok(wakeAt(after) !== undefined, 'something always wakes a call')
    ok(after.events.length <= 64, 'the event list is bounded')
    strictEqual(new Set(after.duties.map(({ id }) => id)).size, after.duties.length, 'a duty is owed once')
    strictEqual(new Set(after.attempts.map(({ n }) => n)).size, after.attempts.length, 'attempts are numbered')
    if (after.phase === 'ended') {
      for (const attempt of after.attempts) ok(attempt.end, 'every attempt of an ended call has ended')
      checkCounted(after)
    }
    for (const attempt of after.attempts) if (attempt.room) strictEqual(attempt.room, `jb_${attempt.token}`)
  }
  if (!before) return
  if (!after) {
    strictEqual(before.phase, 'ended', 'only an ended call is forgotten')
    deepStrictEqual(before.duties, [], 'with nothing left to do')
    return
  }
  const begunAgain = after.earlier.length > before.earlier.length
  if (begunAgain) {
    strictEqual(event.kind, 'call-hook', 'only a call hook brings a call back')
    ok(before.phase === 'ended' || before.caller.final, 'after it was over')
    deepStrictEqual(after.earlier.slice(0, -1), before.earlier)
    if (before.end) deepStrictEqual(after.earlier.at(-1)!.end, before.end)
    strictEqual(after.attemptsBefore, before.attemptsBefore + before.attempts.length, 'attempts are numbered on')
    for (const duty of before.duties) {
      if (duty.kind === 'delete-room') ok(after.duties.some(({ id }) => id === duty.id), 'what was owed still is')
    }
    return
  }
  deepStrictEqual(after.earlier, before.earlier)
  if (before.phase === 'ended') {
    strictEqual(after.phase, 'ended', 'an ended call never leaves that phase')
    deepStrictEqual(after.end, before.end, 'its end never changes')
    strictEqual(after.at.ended, before.at.ended)
  }
  for (const attempt of before.attempts) {
    const same: Attempt | undefined = after.attempts.find(({ n }) => n === attempt.n)
    ok(same, 'an attempt does not vanish')
    if (attempt.end) deepStrictEqual(same.end, attempt.end, "an attempt's end never changes")
    const isClaimed = same.warm !== undefined && attempt.warm === undefined
    if (!isClaimed) strictEqual(same.room, attempt.room, 'an attempt stays in its room')
    else checkClaim(attempt, event)
  }
  for (const known of before.hooks) {
    const same = findHook(after, known.hook, known.hash)
    // What brings a call back reads the same each time, and is then another hook.
    if (event.kind === 'call-hook' && event.redirected && event.hash === known.hash) continue
    if (same && known.reply) {
      deepStrictEqual(same.reply, known.reply, 'a hook that was answered is answered the same again')
    }
  }
}

/** A room that waited is taken by what tells of it alone, and only while nothing is dialled. */
function checkClaim (attempt: Attempt, event: CallEvent) {
  ok(event.kind === 'room' && event.warm !== undefined && event.attempt === attempt.n)
  strictEqual(attempt.at.replied, undefined, 'an attempt that is dialled stays in its room')
  strictEqual(attempt.end, undefined, 'an attempt that is over takes none')
}

const OF_CALLS = new Set(seriesOfCalls().map(({ direction, cause, waitingOn }) => `${direction} ${cause} ${waitingOn}`))
const OF_ATTEMPTS = new Set(seriesOfAttempts().map(({ strategy, cause }) => `${strategy} ${cause}`))

/** An end whose series begins with it would not alarm. */
function checkCounted ({ facts: { direction }, end, attempts }: Call) {
  const { cause, waitingOn } = end!
  const unknown = [`${direction} ${cause} ${waitingOn}`].filter(series => !OF_CALLS.has(series))
  const others = attempts.map(attempt => `${attempt.strategy} ${attempt.end!.cause}`)
  deepStrictEqual([...unknown, ...others.filter(series => !OF_ATTEMPTS.has(series))], [], 'counted from the start')
}

/** A repeat of a call hook and its room's outcome leave no call hook without a reply. */
function checkAnswered (call: Call | undefined, event: Untimed) {
  if (!call || event.kind !== 'room') return
  for (const { hook, attempt, reply } of call.hooks) {
    if (hook !== 'call-hook' || attempt !== event.attempt || !call.attempts.some(({ n }) => n === attempt)) continue
    ok(reply, 'once its room is decided, a call hook has its reply')
    ok(['dial', 'decline', 'hangup'].includes(reply.kind), `${reply.kind} is no reply to a call hook`)
  }
}

function cycle (outcomes: boolean[]): () => boolean {
  let i = 0
  return () => outcomes[i++ % outcomes.length]!
}

function play (recording: Recording, { events, reachable, succeeds }: Scene) {
  const isReachable = cycle(reachable)
  const worked = cycle(succeeds)
  const everFails = !succeeds.includes(true)
  const deletedAt = new Map<string, number>()
  const world: World = {
    look (room, at) {
      if (!isReachable()) return 'unreachable'
      if (deletedAt.has(room)) return { exists: false }
      return room === recording.room ? recording.lookAt(at) : { exists: true }
    },
    perform (kind, target, at) {
      // What cannot be told is told later, for days.
      if (kind === 'publish') return 'done'
      if (!worked()) return 'failed'
      if (kind === 'delete-room') deletedAt.set(target, at)
      return 'done'
    }
  }
  const endedAt = new Map<string, number>()
  /** Rooms that LiveKit refused to make and that no reply dials. */
  const neverMade = new Set<string>()
  const driver = createDriver({
    callSid: recording.callSid,
    rules: rulesOf(recording),
    world,
    start: recording.start,
    check (before, event, after) {
      checkStep(before, event, after)
      const attempts = [...after?.attempts ?? [], ...after?.earlier.flatMap(({ attempts }) => attempts) ?? []]
      for (const { room, end } of attempts) if (room && end && !endedAt.has(room)) endedAt.set(room, event.at)
      for (const { room, made, at } of after?.attempts ?? []) {
        if (!room) continue
        if (made === 'failed' && at.replied === undefined) neverMade.add(room)
        else neverMade.delete(room)
      }
    }
  })
  /** By the number of the attempt: it may go into another room than it was opened with. */
  const rooms = new Map<number, string>()
  for (const { event, gap } of events) {
    driver.pass(gap)
    driver.feed(event)
    checkAnswered(driver.call, event)
    // A room that LiveKit refused to make, and that nobody was told to dial, never existed.
    for (const { n, room, made, at } of driver.call?.attempts ?? []) {
      if (room && made === 'failed' && at.replied === undefined) rooms.delete(n)
      else if (room) rooms.set(n, room)
    }
  }
  driver.passUntilForgotten(FOR_EVER)
  strictEqual(driver.call, undefined, 'the call is forgotten in the end, its duties done or given up')
  for (const room of rooms.values()) {
    ok(endedAt.has(room), 'every attempt ended')
    if (neverMade.has(room)) continue
    const tries = driver.performed.filter(({ kind, target, at }) =>
      kind === 'delete-room' && target === room && at >= endedAt.get(room)!
    )
    ok(tries.length > 0, 'the room of every attempt was to be deleted')
    ok(everFails || tries.some(({ outcome }) => outcome === 'done'), 'and was')
  }
}

for (const recording of [...readRecordings(), ...readOrderRecordings()]) {
  await t.test(`${recording.name}: any part of it, in any order, again and again`, async t => {
    fc.assert(fc.property(scenes(recording), scene => play(recording, scene)), { numRuns: RUNS })
    t.pass('ended once, cleaned up, forgotten')
  })
}
