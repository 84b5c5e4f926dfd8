import t from 'tap'
import { sizeOf } from '../../../src/calls/warm/demand.ts'

const NOW = Date.UTC(2026, 10, 29, 12)
const BOUNDS = { min: 2, max: 20 }

/** Calls in steps that began so many seconds ago. */
const callsAt = (...calls: Array<[secondsAgo: number, calls: number]>) =>
  calls.map(([secondsAgo, calls]) => ({ at: NOW - secondsAgo * 1000, calls }))

await t.test('a pool is as large as the most calls that came within ten seconds', async t => {
  t.equal(sizeOf(BOUNDS, callsAt([60, 5]), NOW), 5)
  t.equal(sizeOf(BOUNDS, callsAt([60, 5], [30, 7]), NOW), 7, 'the most, not all')
  t.equal(sizeOf(BOUNDS, callsAt([60, 5], [55, 4]), NOW), 9, 'a burst that falls into two steps counts whole')
  t.equal(sizeOf(BOUNDS, callsAt([60, 5], [50, 4]), NOW), 5, 'those between which five seconds passed do not')
})

await t.test('it is never smaller than min, nor larger than max', async t => {
  t.equal(sizeOf(BOUNDS, [], NOW), 2)
  t.equal(sizeOf(BOUNDS, callsAt([60, 1]), NOW), 2)
  t.equal(sizeOf(BOUNDS, callsAt([60, 500]), NOW), 20)
  t.equal(sizeOf({ min: 0, max: 5 }, [], NOW), 0)
  t.equal(sizeOf({ min: 3, max: 3 }, callsAt([60, 500]), NOW), 3)
})

await t.test('calls of more than five minutes ago do not count any more', async t => {
  t.equal(sizeOf(BOUNDS, callsAt([295, 9]), NOW), 9)
  t.equal(sizeOf(BOUNDS, callsAt([300, 9]), NOW), 2)
  t.equal(sizeOf(BOUNDS, callsAt([300, 9], [295, 4]), NOW), 4)
})
