import t from 'tap'
import { CapReleases, countedOrder } from '../../src/calls/cap-releases.ts'
import type { Call } from '../../src/calls/fold/call.ts'
import { endOf } from '../../src/calls/fold/end.ts'
import type { Order } from '../../src/calls/fold/order.ts'
import { createMemoryCaps } from '../../src/calls/store/memory-caps.ts'
import { orderWith } from '../fixtures/orders.ts'
import { NOW, sketch } from '../fixtures/registry-contract.ts'

const order = orderWith({ id: 'order-1', placedBy: 'shop' })
const limits = { concurrent: 1, perDay: 1, perCallerPerDay: 1 }

/** Counts the order, lets its call end, and says which caps still count it. */
async function countedAfter (callSid: string, extra: Partial<Order>, end: Call['end']): Promise<string[]> {
  const caps = createMemoryCaps()
  await caps.reserve({ ...countedOrder(order), limits, now: NOW, livesMs: 60_000 })
  const before = { ...sketch(callSid, { phase: 'requested' }), order: { ...order, ...extra } }
  before.facts = { ...before.facts, direction: 'outbound' }
  new CapReleases(caps, error => {
    throw error
  }).changed(before, { ...before, phase: 'ended', end })

  const other = { ...countedOrder({ ...order, id: 'order-2' }), now: NOW, livesMs: 60_000 }
  const names = Object.keys(limits) as Array<keyof typeof limits>
  const full = await Promise.all(names.map(async name =>
    (await caps.reserve({ ...other, id: `order-${name}`, limits: { [name]: 1 } })).granted ? [] : [name]))
  return full.flat()
}

await t.test('a call that is over counts for the day, one that dialled nobody not at all', async t => {
  const day = ['perDay', 'perCallerPerDay']
  t.same(await countedAfter('sid-1', { sentAt: NOW }, endOf('busy')), day, 'dialled')
  t.same(await countedAfter('sid-1', {}, endOf('callee-hung-up')), day, 'its name says that it was dialled')
  t.same(await countedAfter('order-1', { sentAt: NOW }, endOf('lost')), day, 'it may have been dialled')
  t.same(await countedAfter('order-1', { sentAt: NOW }, endOf('not-placed')), [], 'Jambonz refused it')
  t.same(await countedAfter('order-1', {}, endOf('not-placed')), [], 'its process died before it asked')
  t.same(await countedAfter('order-1', {}, endOf('operator-hung-up')), [], 'hung up before Jambonz was asked')
})
