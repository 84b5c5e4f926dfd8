import t from 'tap'
import { startOf } from '../../src/calls/attempt-start.ts'
import type { Attempt, Call } from '../../src/calls/fold/call.ts'
import { tell, type Story } from '../fixtures/events.ts'

/** What an inbound call's only attempt has when its room was made for it. */
function cold (): { it: Call, attempt: Attempt } {
  const story: Story = tell()
  story.hook({ route: { ways: [{ strategy: 'room', agent: 'a' }] } })
  story.made('created')
  return { it: story.it, attempt: story.it.attempts[0]! }
}

const ORDER = { id: 'order-1' } as Call['order']

await t.test('why an attempt starts cold', async t => {
  const { it, attempt } = cold()
  t.same(startOf(it, attempt), { start: 'cold', whyCold: 'no-pool' })
  t.same(startOf({ ...it, order: ORDER }, attempt), { start: 'cold', whyCold: 'ordered' })
  t.same(startOf(it, { ...attempt, cold: 'store' }), { start: 'cold', whyCold: 'store' })
  t.same(startOf(it, { ...attempt, warm: { madeAt: 1 } }), { start: 'warm' })
  t.same(startOf(it, { ...attempt, warm: { madeAt: 1, replaced: false } }), { start: 'warm' })
  t.same(startOf(it, { ...attempt, warm: { madeAt: 1, replaced: true } }), { start: 'replaced' })
})

await t.test('nothing is said before it is decided, and of ways without a room of ours', async t => {
  const { it, attempt } = cold()
  t.equal(startOf(it, { ...attempt, at: { opened: 1 } }), undefined)
  t.equal(startOf(it, { ...attempt, strategy: 'carrier' }), undefined)
})

await t.test('of a call that was rebuilt from its room nobody knows why no agent waited', async t => {
  const { it, attempt } = cold()
  t.same(startOf(it, { ...attempt, found: true }), { start: 'cold' })
  t.same(startOf(it, { ...attempt, found: true, warm: { madeAt: 1 } }), { start: 'warm' })
})
