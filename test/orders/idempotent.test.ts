import t from 'tap'
import { OPERATOR_TOKEN } from '../fixtures/build.ts'
import { CLINIC_TOKEN, outboundStatus, SHOP_TOKEN, type OrderBridge } from '../fixtures/order-bridge.ts'
import { orderWith } from '../fixtures/orders.ts'
import { bodyHash } from '../../src/orders/body-hash.ts'
import { assertError, orderTest } from './support.ts'

const TO = '+15550001111'
const KEY = 'order-4711'
/** Ended calls are forgotten by then in these tests. */
const RETENTION_MS = 61_000

/** A request with the key whose process dies. */
async function claimAndDie ({ app, clock }: OrderBridge, orderId: string, body: object): Promise<void> {
  const claim = { caller: 'operator', key: KEY, hash: bodyHash(body), orderId, now: clock.now(), leaseMs: 30_000 }
  await app.registry.idempotency.claim(claim)
}

await orderTest('the same key and body: the same call, as it is then', async (t, bridge) => {
  const body = { to: TO, reference: 'r-1', metadata: { a: 1, b: { c: 2, d: [1, 2] } } }
  const first = await bridge.order(body, { key: KEY })
  t.match(first, { status: 201, json: { callSid: 'call-1', reference: 'r-1', phase: 'dialing' } })
  t.notOk('idempotent-replayed' in first.headers)

  await bridge.hook('/status', outboundStatus('call-1', 'ringing', 180))
  const text = ' { "metadata" : {"b":{"d":[1,2],"c":2}, "a":1.0}, "reference":"r-1", "to":"+15550001111" }'
  for (const again of [body, text]) {
    const reply = await bridge.order(again, { key: KEY })
    t.match(reply, { status: 201, headers: { 'idempotent-replayed': 'true' } })
    t.strictSame(reply.json, { callSid: 'call-1', reference: 'r-1', phase: 'ringing' })
  }
  t.equal(bridge.placed().length, 1)
  t.equal((await bridge.order(body, { key: 'another' })).json.callSid, 'call-2', 'another key is another call')
  t.equal((await bridge.order(body)).json.callSid, 'call-3', 'and so is none')
})

await orderTest('the same key with another body: 422', async (t, bridge) => {
  await bridge.order({ to: TO }, { key: KEY })
  for (const body of [{ to: '+15550002222' }, { to: TO, ring: 30 }, { to: `${TO} ` }]) {
    assertError(t, await bridge.order(body, { key: KEY }), 422, 'BRIDGE_IDEMPOTENCY_BODY')
  }
  t.equal(bridge.placed().length, 1)
})

await orderTest('a key that is none: 400', async (t, bridge) => {
  for (const key of ['', ' ', 'a b', 'a\tb', 'größe', 'x'.repeat(256)]) {
    assertError(t, await bridge.order({ to: TO }, { key }), 400, 'BRIDGE_IDEMPOTENCY_KEY')
  }
  t.same(bridge.placed(), [])
  for (const key of ['!', '~', 'x'.repeat(255)]) t.equal((await bridge.order({ to: TO }, { key })).status, 201)
})

await orderTest('many requests at once with one key: one call', async (t, bridge) => {
  const replies = await Promise.all(Array.from({ length: 30 }, () => bridge.order({ to: TO }, { key: KEY })))
  t.equal(bridge.placed().length, 1)
  const statuses = replies.map(({ status }) => status)
  t.ok(statuses.includes(201))
  t.same(statuses.filter(status => status !== 201 && status !== 409), [])
  for (const reply of replies) {
    if (reply.status === 201) t.equal(reply.json.callSid, 'call-1')
    else assertError(t, reply, 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  }
})

await orderTest('while Jambonz is asked: 409 with Retry-After, then the call', async (t, bridge) => {
  let answer = () => {}
  const asked = new Promise<void>(resolve => {
    bridge.answerWith(async ({ method }) => {
      if (method !== 'POST') return undefined
      resolve()
      await new Promise<void>(resolve => {
        answer = resolve
      })
      return undefined
    })
  })
  const first = bridge.order({ to: TO }, { key: KEY })
  await asked
  const second = await bridge.order({ to: TO }, { key: KEY })
  assertError(t, second, 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  t.match(second.headers['retry-after'], /^[1-9]\d*$/)
  answer()
  t.match(await first, { status: 201, json: { callSid: 'call-1' } })
  t.match(await bridge.order({ to: TO }, { key: KEY }), { status: 201, json: { callSid: 'call-1' } })
  t.equal(bridge.placed().length, 1)
})

await orderTest('a phone that rings before createCall is answered', async (t, bridge) => {
  bridge.answerWith(async ({ method, body }) => {
    if (method !== 'POST') return undefined
    await bridge.hook('/status', { ...outboundStatus('call-1', 'ringing', 180), customerData: body['tag'] })
    return undefined
  })
  t.match(await bridge.order({ to: TO }), { status: 201, json: { callSid: 'call-1', phase: 'ringing' } })
})

await orderTest('keys are those of a caller: two may use the same', async (t, bridge) => {
  const order = (token: string, to: string) => bridge.order({ to }, { key: KEY, token })
  t.equal((await order(SHOP_TOKEN, TO)).json.callSid, 'call-1')
  t.equal((await order(CLINIC_TOKEN, '+15550002222')).json.callSid, 'call-2')
  t.equal((await order(OPERATOR_TOKEN, TO)).json.callSid, 'call-3')
  t.equal((await order(CLINIC_TOKEN, '+15550002222')).json.callSid, 'call-2')
  assertError(t, await order(SHOP_TOKEN, '+15550002222'), 422, 'BRIDGE_IDEMPOTENCY_BODY')
})

await orderTest('what surely placed nothing frees the key', async (t, bridge) => {
  const order = (body: object = { to: TO }) => bridge.order(body, { key: KEY })
  assertError(t, await order({ to: '112' }), 403, 'BRIDGE_NUMBER_REFUSED')
  assertError(t, await order({ to: TO, from: '+15559999999' }), 403, 'BRIDGE_FROM_NOT_OURS')
  assertError(t, await order({ to: TO, ring: 0 }), 400, 'BRIDGE_ORDER_BODY')
  assertError(t, await order({ to: TO, carrier: 'Nobody' }), 400, 'BRIDGE_UNKNOWN_CARRIER')
  assertError(t, await order({ to: TO, notAfter: '2001-01-01T00:00:00Z' }), 409, 'BRIDGE_ORDER_TOO_LATE')
  bridge.answerWith(({ method }) => method === 'POST' ? { status: 400, body: { msg: 'no' } } : undefined)
  assertError(t, await order(), 502, 'BRIDGE_JAMBONZ_REFUSED')
  bridge.answerWith(() => undefined)
  t.match(await order(), { status: 201, json: { callSid: 'call-1' } })
})

await orderTest('after 504 the key is kept: nothing is placed again, and the call is found', async (t, bridge) => {
  bridge.answerWith(({ method }) => method === 'POST' ? 'destroy' : undefined)
  assertError(t, await bridge.order({ to: TO }, { key: KEY }), 504, 'BRIDGE_PLACEMENT_UNKNOWN')
  bridge.answerWith(() => undefined)
  assertError(t, await bridge.order({ to: TO }, { key: KEY }), 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  const [{ tag }] = bridge.placed() as [Record<string, any>]
  await bridge.hook('/status', { ...outboundStatus('found-later', 'ringing', 180), customerData: tag })
  t.match(await bridge.order({ to: TO }, { key: KEY }), {
    status: 201,
    json: { callSid: 'found-later', phase: 'ringing' },
    headers: { 'idempotent-replayed': 'true' }
  })
  t.equal(bridge.placed().length, 1)
})

await orderTest('after 504 and no word of the call: it is lost, and not placed again', async (t, bridge) => {
  bridge.answerWith(({ method }) => method === 'POST' ? 'destroy' : undefined)
  const { json: { callSid: id } } = await bridge.order({ to: TO }, { key: KEY })
  bridge.answerWith(() => undefined)
  await bridge.clock.pass(130_000)
  t.match((await bridge.ask('GET', `/calls/${id}`)).json, { phase: 'ended', end: { cause: 'lost' } })
  t.match(await bridge.order({ to: TO }, { key: KEY }), { status: 201, json: { callSid: id, phase: 'ended' } })
  t.equal(bridge.placed().length, 1)
})

await orderTest('the process died before it wrote the order down: placed after the lease', async (t, bridge) => {
  await claimAndDie(bridge, 'order-dead', { to: TO })
  const early = await bridge.order({ to: TO }, { key: KEY })
  assertError(t, early, 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  t.equal(early.headers['retry-after'], '2', 'the order is mostly done long before the lease is over')
  await bridge.clock.pass(30_000)
  t.match(await bridge.order({ to: TO }, { key: KEY }), { status: 201, json: { callSid: 'call-1' } })
})

await orderTest('it died before it asked Jambonz: placed once the order has ended', async (t, bridge) => {
  const order = orderWith({ id: 'order-dead', to: TO, orderedAt: bridge.clock.now() })
  await claimAndDie(bridge, order.id, { to: TO })
  await bridge.app.calls.apply(order.id, { kind: 'ordered', order, at: bridge.clock.now() })
  await bridge.app.registry.idempotency.confirm({ caller: 'operator', key: KEY }, order.id)
  await bridge.clock.pass(20_000)
  assertError(t, await bridge.order({ to: TO }, { key: KEY }), 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  await bridge.clock.pass(50_000)
  t.match((await bridge.ask('GET', '/calls/order-dead')).json, { phase: 'ended', end: { cause: 'not-placed' } })
  const replies = await Promise.all(Array.from({ length: 5 }, () => bridge.order({ to: TO }, { key: KEY })))
  t.ok(replies.some(({ status }) => status === 201))
  t.equal(bridge.placed().length, 1)
})

await orderTest('it died after it asked Jambonz: nothing is placed again', async (t, bridge) => {
  const order = orderWith({ id: 'order-dead', to: TO, orderedAt: bridge.clock.now() })
  await claimAndDie(bridge, order.id, { to: TO })
  await bridge.app.calls.apply(order.id, { kind: 'ordered', order, at: bridge.clock.now() })
  await bridge.app.registry.idempotency.confirm({ caller: 'operator', key: KEY }, order.id)
  await bridge.app.calls.apply(order.id, { kind: 'sending', at: bridge.clock.now() })
  assertError(t, await bridge.order({ to: TO }, { key: KEY }), 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  for (const wait of [130_000, RETENTION_MS]) {
    await bridge.clock.pass(wait)
    const reply = await bridge.order({ to: TO }, { key: KEY })
    t.match(reply, { status: 201, json: { callSid: 'order-dead', phase: 'ended' } }, `after ${wait} ms`)
  }
  t.same(bridge.placed(), [])
}, { env: { CALL_RETENTION_S: '60', CALL_HISTORY_S: '0' } })

await orderTest('a request that lost its claim while it was checked places nothing', async (t, bridge) => {
  const { idempotency } = bridge.app.registry
  const claims: string[] = []
  const { confirm } = idempotency
  idempotency.confirm = async (name, orderId) => {
    idempotency.confirm = confirm
    claims.push(orderId)
    // The event loop stood still for so long that another replica took over.
    await bridge.clock.pass(31_000)
    await claimAndDie(bridge, 'order-other', { to: TO })
    return confirm(name, orderId)
  }
  assertError(t, await bridge.order({ to: TO }, { key: KEY }), 409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY')
  t.same(bridge.placed(), [])
  t.match((await bridge.ask('GET', `/calls/${claims[0]}`)).json, { phase: 'ended', end: { cause: 'not-placed' } })
  t.equal(await confirm({ caller: 'operator', key: KEY }, 'order-other'), true, 'the other one has the key')
})

await orderTest('a call that nobody knows any more has ended', async (t, bridge) => {
  await bridge.order({ to: TO, reference: 'r-1' }, { key: KEY })
  await bridge.hook('/status', outboundStatus('call-1', 'busy', 486))
  await bridge.clock.pass(RETENTION_MS + 5000)
  t.equal((await bridge.ask('GET', '/calls/call-1')).status, 404)
  const reply = await bridge.order({ to: TO, reference: 'r-1' }, { key: KEY })
  t.match(reply, { status: 201, json: { callSid: 'call-1', reference: 'r-1', phase: 'ended' } })
}, { env: { CALL_RETENTION_S: '60', CALL_HISTORY_S: '0' } })

await orderTest('a call that was hung up before it was placed stays so', async (t, bridge) => {
  const { calls } = bridge.app
  const apply = calls.apply.bind(calls)
  calls.apply = async (callSid, event) => {
    if (event.kind === 'sending') await calls.hangUp(callSid)
    return apply(callSid, event)
  }
  assertError(t, await bridge.order({ to: TO }, { key: KEY }), 409, 'BRIDGE_ORDER_CANCELLED')
  const again = await bridge.order({ to: TO }, { key: KEY })
  t.match(again, { status: 201, json: { callSid: /^order-/, phase: 'ended' } })
  t.same(bridge.placed(), [])
})

await t.test('the hash of a body', async t => {
  const same = [[{ a: 1, b: 2 }, { b: 2, a: 1 }], [{ a: { c: 1, b: [] } }, { a: { b: [], c: 1 } }], [1, 1.0]]
  for (const [one, other] of same) t.equal(bodyHash(one), bodyHash(other))
  const different = [{ a: [1, 2] }, { a: [2, 1] }, { a: '1' }, { a: 1 }, { a: null }, {}, { a: {} }, { a: [] }]
  t.equal(new Set(different.map(bodyHash)).size, different.length)
})
