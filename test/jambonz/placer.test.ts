import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Order } from '../../src/calls/fold/order.ts'
import { PlacementRefusedError, type Placement } from '../../src/calls/ports.ts'
import { systemClock } from '../../src/clock.ts'
import type { JambonzAccess } from '../../src/jambonz/api.ts'
import { createOrderTags } from '../../src/jambonz/order-tag.ts'
import { createOutboundSetup } from '../../src/jambonz/outbound.ts'
import { createPlacer } from '../../src/jambonz/placer.ts'
import { RestQueue } from '../../src/jambonz/rest-queue.ts'
import { createRestSender } from '../../src/jambonz/rest-request.ts'
import { createCallControl } from '../../src/jambonz/rest.ts'
import { APPLICATION, API_KEY, PUBLIC_URL, startJambonzApi, type ApiReply } from '../fixtures/jambonz-api.ts'
import { orderWith } from '../fixtures/orders.ts'

const clock = systemClock
const tags = createOrderTags('a-long-random-secret')

function placing (t: Test, access: JambonzAccess, { perMinute = 120, isKnown = async (_sid: string) => false } = {}) {
  const queue = new RestQueue({ sender: createRestSender(access, clock, 40), perMinute, clock })
  t.after(() => queue.close())
  const setup = createOutboundSetup({ access, queue, clock, publicUrl: PUBLIC_URL, warn: () => {} })
  const placer = createPlacer({ access, queue, setup, clock, publicUrl: PUBLIC_URL, tags, isKnown })
  return { placer, control: createCallControl(access, queue), setup, queue }
}

let orders = 0
/** An order with an id of its own. */
const anOrder = (order: Partial<Order> = {}): Order =>
  orderWith({ id: `order-${++orders}`, carrier: 'MyCarrier', to: '+15550002222', ...order })

const willing = async () => true

await t.test('createCall is sent as Jambonz takes it', async t => {
  const api = await startJambonzApi(t, { clock })
  const { placer } = placing(t, api.access)
  const order = anOrder({ headers: { 'X-Our-Id': 'a' }, callerName: 'Our Shop' })
  const placement = await placer.place(order, willing)

  t.same(placement, { outcome: 'placed', callSid: 'call-1' })
  const [request] = api.ofCalls('POST')
  t.equal(request?.headers.authorization, `Bearer ${API_KEY}`)
  t.strictSame(request?.body, {
    application_sid: APPLICATION,
    call_hook: { url: `${PUBLIC_URL}/livekit-api#rc=2&rp=all`, method: 'POST' },
    call_status_hook: { url: `${PUBLIC_URL}/status#rc=2&rp=all`, method: 'POST' },
    from: '+15551230000',
    to: { type: 'phone', number: '+15550002222', trunk: 'MyCarrier' },
    timeout: 60,
    timeLimit: 7200,
    tag: tags.tagOf(order),
    headers: { 'X-Our-Id': 'a' },
    callerName: 'Our Shop'
  })
})

await t.test('300 orders at once: each is placed once, and a hang-up need not wait', async t => {
  const api = await startJambonzApi(t, { clock, left: 600 })
  const { placer, control } = placing(t, api.access)
  const orders = Array.from({ length: 300 }, () => anOrder())
  const placements = orders.map(order => placer.place(order, willing))
  const gone = await control.hangUp('call-of-before', 'completed')

  t.equal(gone, true)
  t.ok(api.ofCalls('POST').length < 300, 'orders still wait')
  const sids = (await Promise.all(placements)).map(placement => (placement as { callSid?: string }).callSid)
  t.equal(new Set(sids).size, 300)
  t.strictSame(api.ofCalls('POST').map(({ body }) => body['tag'].order).sort(), orders.map(({ id }) => id).sort())
  t.equal(api.turnedAway.length, 0)
})

await t.test('300 orders at once when Jambonz has 100 left: none is lost, none is doubled', async t => {
  const api = await startJambonzApi(t, { clock, left: 100 })
  const { placer, control } = placing(t, api.access)
  const orders = Array.from({ length: 300 }, () => anOrder())
  const results = await Promise.allSettled(orders.map(order => placer.place(order, willing)))

  const placed = orders.filter((_order, n) => results[n]!.status === 'fulfilled')
  const refused = results.flatMap(result => result.status === 'rejected' ? [result.reason] : [])
  t.ok(placed.length >= 30 && placed.length < 100, `${placed.length} placed`)
  t.ok(refused.every(({ reason, retryInMs }) => reason === 'queue-full' && retryInMs > 200_000))
  t.strictSame(api.ofCalls('POST').map(({ body }) => body['tag'].order).sort(), placed.map(({ id }) => id).sort())
  t.equal(await control.hangUp('call-1', 'completed'), true, 'hang-ups have requests of their own')
})

const outcomes: Array<[name: string, reply: ApiReply | 'destroy', expected: Placement]> = [
  ['no feature server', { status: 480, body: { msg: 'no available feature servers at this time' } },
    { outcome: 'refused', status: 480, detail: 'no available feature servers at this time' }],
  ['invalid', { status: 400, body: { msg: `missing or invalid to property: +15550002222 ${API_KEY}` } },
    { outcome: 'refused', status: 400, detail: 'missing or invalid to property: … …' }],
  ['a proxy redirects', { status: 301, headers: { location: 'http://127.0.0.1:9/elsewhere' } },
    { outcome: 'refused', status: 301, detail: 'redirected: set JAMBONZ_REST_API_BASE_URL to the final address' }],
  ['the feature server failed, or not', { status: 500, body: 'Internal Server Error' },
    { outcome: 'unknown', status: 500, detail: '' }],
  ['misdirected', { status: 421 }, { outcome: 'refused', status: 421, detail: '' }],
  ['201 without a sid', { status: 201, body: {} },
    { outcome: 'unknown', status: 201, detail: 'no usable sid in the answer' }],
  ['201 with a sid that is none', { status: 201, body: { sid: '../calls' } },
    { outcome: 'unknown', status: 201, detail: 'no usable sid in the answer' }],
  ['reset', 'destroy', { outcome: 'unknown', detail: 'ECONNRESET' }]
]
for (const [name, reply, expected] of outcomes) {
  await t.test(`createCall, ${name}: sent once`, async t => {
    const api = await startJambonzApi(t, { clock, reply: ({ method }) => method === 'POST' ? reply : undefined })
    const { placer } = placing(t, api.access)
    t.strictSame(await placer.place(anOrder(), willing), expected)
    t.equal(api.ofCalls('POST').length, 1)
  })
}

await t.test('nobody listens: nothing was sent', async t => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  const { placer } = placing(t, { baseUrl: `http://127.0.0.1:${port}`, accountSid: 'a', apiKey: 'k' })
  const placement = await placer.place(anOrder(), willing)
  t.match(placement, { outcome: 'not-sent', detail: /ECONNREFUSED/ })
})

await t.test('an order that is not committed is not sent', async t => {
  const api = await startJambonzApi(t, { clock })
  const { placer } = placing(t, api.access)
  await t.rejects(placer.place(anOrder(), async () => false), new PlacementRefusedError('not-wanted'))
  await t.rejects(placer.place(anOrder({ notAfter: clock.now() - 1 }), willing), new PlacementRefusedError('too-late'))
  t.equal(api.ofCalls('POST').length, 0)
})
