import { EventEmitter, once } from 'node:events'
import t from 'tap'
import { createOrderTags } from '../../src/jambonz/order-tag.ts'
import { APPLICATION, startJambonzApi } from '../fixtures/jambonz-api.ts'
import { anOrder, placing, tags } from '../fixtures/placing.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const clock = createTestClock()

/** A row as Jambonz lists it: texts of a Redis hash, keys in snake case, and no objects. */
const listed = (callSid: string, more: object = {}) => ({
  call_sid: callSid,
  direction: 'outbound',
  from: '+15551230000',
  to: '+15550002222',
  call_id: 'b17db1ae-65eb-1240-fe96-d2bdb5dfcd64',
  sip_status: 180,
  call_status: 'ringing',
  application_sid: APPLICATION,
  ...more
})

async function search (t: { after(fn: () => unknown): unknown }, calls: object[], known: string[] = []) {
  const api = await startJambonzApi(t, { clock, calls })
  return { api, ...placing(t, api.access, { clock, isKnown: async callSid => known.includes(callSid) }) }
}

await t.test('the only call that can be that of the order', async t => {
  const { placer } = await search(t, [
    {},
    listed('other-number', { to: '+15550003333' }),
    listed('other-application', { application_sid: 'another' }),
    listed('ended', { call_status: 'completed' }),
    listed('inbound', { direction: 'inbound' }),
    listed('agent-leg', { parent_call_sid: 'x' }),
    listed('followed'),
    listed('ours')
  ], ['followed'])
  t.equal(await placer.find(anOrder()), 'ours')
})

await t.test('two calls that may be it: neither is taken', async t => {
  const { placer } = await search(t, [listed('one'), listed('two')])
  t.equal(await placer.find(anOrder()), undefined)
})

await t.test('two orders for the same numbers: a call that may be of either is not taken', async t => {
  const { placer } = await search(t, [listed('one')])
  const first = anOrder()
  t.strictSame(await Promise.all([placer.find(first), placer.find(anOrder())]), [undefined, undefined])
  await clock.pass(16 * 60_000)
  t.equal(await placer.find(first), 'one', 'the other one is long over')
})

await t.test('a Jambonz that lists the tag tells for certain', async t => {
  const order = anOrder()
  const forged = createOrderTags('another secret').tagOf(order)
  const { placer } = await search(t, [
    listed('forged', { customer_data: forged }),
    listed('another', { customer_data: tags.tagOf(anOrder()) }),
    listed('ours', { customer_data: JSON.stringify(tags.tagOf(order)), application_sid: undefined })
  ])
  t.equal(await placer.find(order), 'ours')
})

await t.test('a call with the tag of another order is that order', async t => {
  const { placer } = await search(t, [listed('another', { customer_data: tags.tagOf(anOrder()) })])
  t.equal(await placer.find(anOrder()), undefined)
})

await t.test('who searches at the same time shares the list', async t => {
  const { placer, api } = await search(t, [])
  const lists = () => api.requests.filter(({ method, path }) => method === 'GET' && path === '/Calls').length
  await Promise.all([placer.find(anOrder()), placer.find(anOrder()), placer.find(anOrder())])
  t.equal(lists(), 1)
  await clock.pass(2000)
  await placer.find(anOrder())
  t.equal(lists(), 2)
})

await t.test('a list that cannot be read fails, and proves nothing', async t => {
  const replies = [{ status: 500, body: { msg: 'no' } }, { status: 200, body: 'hello' }, { status: 200, body: {} }]
  for (const reply of replies) {
    const api = await startJambonzApi(t, { clock, reply: ({ path }) => path === '/Calls' ? reply : undefined })
    const { placer } = placing(t, api.access, { clock })
    await t.rejects(placer.find(anOrder()), { name: 'JambonzRestError' })
  }
})

await t.test('the answer to createCall comes while the list is asked for: nothing is left to be found', async t => {
  const answering = new EventEmitter()
  const said = async (what: string): Promise<undefined> => {
    await once(answering, what)
  }
  const api = await startJambonzApi(t, {
    clock,
    calls: [listed('call-1')],
    reply: ({ method, path }) => path === '/Calls' ? said(method) : undefined
  })
  const { placer } = placing(t, api.access, { clock })
  const order = anOrder()
  const [asked, looked] = ['POST', 'GET'].map(wanted =>
    api.next(({ method, path }) => path === '/Calls' && method === wanted))
  const placement = placer.place(order, async () => true)
  await asked
  const found = placer.find(order)
  await looked
  answering.emit('POST')
  t.match(await placement, { outcome: 'placed' })
  answering.emit('GET')
  t.equal(await found, undefined)
})
