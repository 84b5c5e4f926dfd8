import fc from 'fast-check'
import t from 'tap'
import { StoreUnavailableError } from '../../src/errors.ts'
import type { CallEvent, EventOf } from '../../src/calls/fold/events.ts'
import { Outage } from '../../src/calls/outage.ts'
import type { StoreState } from '../../src/calls/observer.ts'
import { factsWith, rulesWith } from '../fixtures/events.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const down = () => new StoreUnavailableError('Redis: no answer')

/** How the store takes one hand-over: at once or after a while, and whether it is up then. */
interface Answer {
  ms: number
  outcome: 'ok' | 'gone' | 'refused'
}

function build (answerTo: (callSid: string, events: readonly CallEvent[]) => Answer) {
  const clock = createTestClock()
  /** Every event that was committed, by its id. */
  const committed: string[] = []
  const lost: string[] = []
  const states: StoreState[] = []
  const underWay = new Map<string, number>()
  const problems: string[] = []
  const outage: Outage = new Outage({
    clock,
    rules: rulesWith(),
    observer: {
      changed () {},
      failed (callSid) {
        lost.push(callSid)
      },
      store (state) {
        states.push(state)
      }
    },
    findByName: async () => undefined,
    async commit (callSid, event) {
      const { events } = event as EventOf<'handed-over'>
      const answer = answerTo(callSid, events)
      const others = underWay.get(callSid) ?? 0
      if (others > 0) problems.push(`${callSid} is handed over twice at the same time`)
      underWay.set(callSid, others + 1)
      if (answer.ms > 0) await new Promise<void>(resolve => clock.schedule(answer.ms, resolve))
      underWay.set(callSid, underWay.get(callSid)! - 1)
      if (outage.waiting < 0) problems.push(`${outage.waiting} events wait`)
      if (answer.outcome === 'gone') throw down()
      if (answer.outcome === 'refused') throw new Error('no such event')
      committed.push(...events.map(idOf))
    }
  })
  const keep = (callSid: string, id: string) =>
    outage.keep(callSid, {
      kind: 'status',
      at: clock.now(),
      callSid,
      facts: factsWith(),
      leg: 'caller',
      legSid: callSid,
      callStatus: 'trying',
      sipReason: id
    })
  return { outage, clock, keep, committed, lost, states, problems }
}

const idOf = (event: CallEvent): string => (event as EventOf<'status'>).sipReason!

await t.test('a call that fails neither ends nor repeats the hand-over of its siblings', async t => {
  let healthy = false
  const { outage, clock, keep, committed, states, problems } = build(callSid => {
    if (callSid === 'a' && !healthy) return { ms: 0, outcome: 'gone' }
    return { ms: 1000, outcome: 'ok' }
  })
  keep('a', 'a1')
  for (let i = 0; i < 40; i++) keep(`b${i}`, `b${i}`)
  await clock.pass(4000)
  t.same(problems, [])
  t.equal(committed.length, 40, 'those behind it were handed over')
  t.equal(outage.waiting, 1)
  healthy = true
  await clock.pass(4000)
  t.same(committed.filter(id => id === 'a1'), ['a1'])
  t.equal(outage.waiting, 0)
  t.same(states, ['gone', 'back'])
})

await t.test('where the store is gone for every call, a pass does not ask for all of them', async t => {
  let asked = 0
  const { clock, keep } = build(() => {
    asked++
    return { ms: 0, outcome: 'gone' }
  })
  for (let i = 0; i < 1000; i++) keep(`call-${i}`, `${i}`)
  await clock.pass(250)
  t.equal(asked, 16)
})

await t.test('an event that the store refuses is lost alone, and said to be', async t => {
  const { outage, clock, keep, committed, lost, states } = build((_callSid, events) =>
    ({ ms: 0, outcome: events.some(event => idOf(event) === 'bad') ? 'refused' : 'ok' }))
  for (const id of ['one', 'bad', 'two']) keep('a', id)
  await clock.pass(250)
  t.same(committed, ['one', 'two'])
  t.same(lost, ['a'])
  t.same(states, ['gone', 'refused', 'back'])
  t.equal(outage.waiting, 0)
  t.equal(outage.holds('a'), false)
})

await t.test('what is left when the process ends is said to be lost, rooms of unknown calls too', async t => {
  const { outage, clock, keep, states } = build(() => ({ ms: 0, outcome: 'ok' }))
  keep('a', 'one')
  outage.keepRoomEvent({ kind: 'livekit', at: clock.now(), room: 'jb_c1', what: 'room_started' }, undefined)
  const closing = outage.close(0)
  await clock.pass(0)
  await closing
  t.same(states, ['gone', 'lost'])
  t.equal(outage.waiting, 1, 'the one whose call is not known')
})

await t.test('every buffered event is committed exactly once or said to be lost', async t => {
  const answer = fc.record({
    ms: fc.constantFrom(0, 0, 10, 300, 1000),
    outcome: fc.constantFrom<Answer['outcome']>('ok', 'ok', 'gone')
  })
  const step = fc.record({ call: fc.integer({ min: 0, max: 40 }), pause: fc.constantFrom(0, 0, 0, 100, 400) })
  await fc.assert(
    fc.asyncProperty(
      fc.array(answer, { maxLength: 60 }),
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { maxLength: 3 }),
      async (answers, steps, refused) => {
        const script = [...answers]
        const bad = new Set(refused.map(String))
        const { outage, clock, keep, committed, lost, problems } = build((_callSid, events) => {
          const next = script.shift() ?? { ms: 0, outcome: 'ok' as const }
          return next.outcome === 'ok' && events.some(event => bad.has(idOf(event)))
            ? { ...next, outcome: 'refused' }
            : next
        })
        for (const [i, { call, pause }] of steps.entries()) {
          keep(`call-${call}`, String(i))
          await clock.pass(pause)
        }
        await clock.pass(120_000)
        const ids = steps.map((_step, i) => String(i))
        t.same(problems, [])
        t.same([...committed].sort(), ids.filter(id => !bad.has(id)).sort())
        t.equal(lost.length, ids.filter(id => bad.has(id)).length)
        t.equal(outage.waiting, 0)
        t.equal(outage.holding, false)
      }
    ),
    { numRuns: 60 }
  )
})
