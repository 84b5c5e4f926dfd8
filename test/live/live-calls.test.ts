import fc from 'fast-check'
import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import type { FeedListener } from '../../src/calls/store/feed.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import { rowOf, type CallRow } from '../../src/live/call-row.ts'
import { LiveCalls, type Changes } from '../../src/live/live-calls.ts'
import { sketch } from '../fixtures/registry-contract.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/** The list of one process, what it hands on, and the other processes. */
function stage () {
  const clock = createTestClock()
  const store = createMemoryRegistry()
  const changes: Changes[] = []
  const touched: string[] = []
  let others: FeedListener | undefined
  const told: string[] = []
  const live = new LiveCalls({
    registry: {
      ...store,
      feed: {
        async tell (text) {
          told.push(text)
          return others ? 1 : 0
        },
        listen (listener) {
          others = listener
          return () => {
            others = undefined
          }
        }
      }
    },
    clock,
    onChanges: change => changes.push(change),
    onTouched: callSid => touched.push(callSid),
    onFailed: error => {
      throw error
    }
  })
  /** A commit of this process. */
  const commit = async (call: Call): Promise<void> => {
    const before = await store.get(call.callSid)
    await store.update(call.callSid, () => call)
    live.changed(before, call)
  }
  const hear = (told: Partial<Changes>): void => others!.message(JSON.stringify({ calls: [], gone: [], ...told }))
  return { clock, store, live, changes, touched, told, commit, hear }
}

/** A call that has had so many events. */
const after = (callSid: string, events: number, phase: Call['phase'] = 'ringing'): Call => ({
  ...sketch(callSid),
  phase,
  eventsDropped: events,
  ...(phase === 'ended' ? { end: { cause: 'agent-hung-up', by: 'agent', waitingOn: 'none' } as const } : {})
})

const shown = (rows: readonly CallRow[]) => rows.map(({ callSid, seq, phase }) => ({ callSid, seq, phase }))

await t.test('an older row of another process changes nothing, and brings no ended call back', async t => {
  const { live, hear, clock, changes } = stage()
  live.watch()
  await clock.pass(100)
  hear({ calls: [rowOf(after('a', 5))] })
  hear({ calls: [rowOf(after('a', 3))] })
  t.match(shown(await live.rows()), [{ callSid: 'a', seq: 5 }])
  hear({ calls: [rowOf(after('a', 6, 'ended'))] })
  hear({ calls: [rowOf(after('a', 4))] })
  t.same(await live.rows(), [])
  t.same(changes.flatMap(({ calls }) => shown(calls).map(({ seq }) => seq)), [5, 7], 'each state was news once')
  live.unwatch()
})

await t.test('what is no message is no end of the list', async t => {
  const clock = createTestClock()
  const failed: unknown[] = []
  let others: FeedListener | undefined
  const live = new LiveCalls({
    registry: {
      ...createMemoryRegistry(),
      feed: {
        tell: async () => 0,
        listen (listener) {
          others = listener
          return () => {}
        }
      }
    },
    clock,
    onChanges () {},
    onTouched () {},
    onFailed: error => failed.push(error)
  })
  live.watch()
  for (const text of ['', 'nonsense', 'null', '{}', '{"calls":7}']) others!.message(text)
  t.equal(failed.length, 5)
  others!.message(JSON.stringify({ calls: [rowOf(after('a', 1))], gone: [] }))
  t.equal((await live.rows()).length, 1)
  live.unwatch()
})

await t.test('while nobody watches nothing is kept', async t => {
  const { live, commit, clock, changes } = stage()
  live.watch()
  await clock.pass(100)
  live.unwatch()
  await commit(after('a', 1))
  await clock.pass(20_000)
  t.same(changes, [])
  live.watch()
  await clock.pass(100)
  t.same(shown(await live.rows()).map(({ callSid }) => callSid), ['a'], 'the next one who watches sees it all the same')
  live.unwatch()
})

await t.test('whatever is lost, late or doubled between processes, the list becomes that of the store', async t => {
  const callSid = fc.constantFrom('a', 'b', 'c', 'd')
  const step = fc.record({
    callSid,
    /** What happens to the news of it: this process commits, another one tells, or nobody says anything. */
    by: fc.constantFrom('here', 'told', 'lost', 'twice'),
    ends: fc.boolean(),
    pause: fc.integer({ min: 0, max: 3000 })
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
      const { live, store, commit, hear, clock } = stage()
      const events = new Map<string, number>()
      const ended = new Set<string>()
      live.watch()
      for (const { callSid, by, ends, pause } of steps) {
        if (ended.has(callSid)) continue
        const n = (events.get(callSid) ?? 0) + 1
        events.set(callSid, n)
        if (ends) ended.add(callSid)
        const call = after(callSid, n, ends ? 'ended' : 'ringing')
        if (by === 'here') await commit(call)
        else await store.update(callSid, () => call)
        if (by === 'told' || by === 'twice') hear({ calls: [rowOf(call)] })
        if (by === 'twice') hear({ calls: [rowOf(call)] })
        await clock.pass(pause)
      }
      await clock.pass(12_000)
      const { calls } = await store.list({ phase: 'active' }, { limit: 100 })
      t.same(shown(await live.rows()), shown(calls.map(rowOf)))
      live.unwatch()
    }),
    { numRuns: 60 }
  )
})
