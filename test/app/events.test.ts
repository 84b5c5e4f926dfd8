import { Webhook } from 'standardwebhooks'
import t, { type Test } from 'tap'
import type { CallEventPayload } from '../../src/events/event-schemas.ts'
import { agentStatus, buildTestBridge, callerStatus, callHook, type TestBridge } from '../fixtures/build.ts'
import { startReceiver, type Received, type TestReceiver } from '../fixtures/receiver.ts'
import { settle } from '../fixtures/test-clock.ts'

const SECRET = `whsec_${Buffer.from('a'.repeat(32)).toString('base64')}`

/** The bridge between hooks and receivers of events. */
async function stageWith (t: Test, receivers: TestReceiver[], env: Record<string, string> = {}) {
  return await buildTestBridge(t, {
    EVENTS_URL: receivers.map(({ url }) => url).join(','),
    EVENTS_SECRET: SECRET,
    EVENTS_ALLOW_PRIVATE: 'true',
    ...env
  })
}

const payloads = ({ received }: TestReceiver): CallEventPayload[] =>
  received.map(({ body }) => JSON.parse(body) as CallEventPayload)

/** A call from its hook to its end, as Jambonz tells of it. */
async function wholeCall ({ hook, clock }: TestBridge): Promise<string> {
  const body = callHook()
  const callSid = body['call_sid'] as string
  await hook('/livekit-api', body)
  for (const [status, sipStatus, ms] of [['ringing', 180, 200], ['in-progress', 200, 2000]] as const) {
    await hook('/status', agentStatus(callSid, status, sipStatus))
    await clock.pass(ms)
  }
  await hook('/status', callerStatus(callSid, 'completed', 200, { call_termination_by: 'caller' }))
  await hook('/status', agentStatus(callSid, 'completed', 200))
  await clock.pass(3000)
  return callSid
}

/** Lets the network work until a receiver has got that much. */
async function until ({ count }: TestReceiver, n: number) {
  await count(n)
  await settle()
}

await t.test('a call is told from its beginning to its end, signed, in order, once', async t => {
  const receiver = await startReceiver(t)
  const bridge = await stageWith(t, [receiver])
  const callSid = await wholeCall(bridge)
  await until(receiver, 3)
  const events = payloads(receiver)
  t.same(events.map(({ id }) => id), ['started', 'answered', 'ended'].map(type => `${callSid}:call.${type}`))
  for (const { headers, body } of receiver.received) {
    // The bridge's clock stands still, far from the clock of the library.
    t.throws(() => new Webhook(SECRET).verify(body, headers as Record<string, string>), /too (old|new)/)
    const at = new Date(Number(headers['webhook-timestamp']) * 1000)
    t.equal(headers['webhook-signature'], new Webhook(SECRET).sign(String(headers['webhook-id']), at, body))
  }
  t.match(events.at(-1), {
    v: 1,
    type: 'call.ended',
    data: { callSid, from: '+15550001111', talkSeconds: 2, end: { cause: 'caller-hung-up', by: 'caller' } }
  })
  const pending = await bridge.operator('GET', '/events/pending')
  t.same(pending, { status: 200, json: { events: [] } })
  const metrics = (await bridge.app.inject('/metrics')).body
  t.match(metrics, /bridge_webhooks_delivered_total\{receiver="http:\/\/127.0.0.1:\d+"\} 3/)
  t.match(metrics, /bridge_webhooks_pending 0/)
  t.notMatch(bridge.logged(), /whsec_|\/hooks/)
})

await t.test('a withheld number is masked', async t => {
  const receiver = await startReceiver(t)
  const bridge = await stageWith(t, [receiver])
  const from = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'
  await bridge.hook('/livekit-api', callHook({ from: 'anonymous', sip: { headers: { from }, method: 'INVITE' } }))
  await until(receiver, 1)
  t.equal(payloads(receiver)[0]!.data.from, 'anonymous')
})

await t.test('a receiver that hangs costs the calls and the other receiver nothing', async t => {
  const hangs = await startReceiver(t, () => {})
  const works = await startReceiver(t)
  const bridge = await stageWith(t, [hangs, works])
  for (let i = 0; i < 4; i++) await wholeCall(bridge)
  await until(works, 12)
  await until(hangs, 4)
  t.same(new Set(payloads(hangs).map(({ type }) => type)), new Set(['call.started']), 'the rest of each call waits')
  const closed = bridge.app.close()
  await bridge.clock.pass(60_000)
  await closed
})

await t.test('a receiver that has gone gets nothing more until the next start, and operators see that', async t => {
  const receiver = await startReceiver(t, (_request, reply) => reply.writeHead(410).end())
  const bridge = await stageWith(t, [receiver])
  await wholeCall(bridge)
  await until(receiver, 1)
  while (!/no more events/.test(bridge.logged())) await settle()
  await bridge.clock.pass(60_000)
  await wholeCall(bridge)
  t.equal(receiver.received.length, 1)
  const { json } = await bridge.app.inject('/health')
  t.match(json(), { status: 'ready', degraded: [/127\.0\.0\.1:\d+ answered 410/] })
  t.match((await bridge.app.inject('/metrics')).body, /bridge_webhook_receivers_gone 1/)
})

await t.test('an event is sent again with the same id while the record of its call is there', async t => {
  const receiver = await startReceiver(t)
  const bridge = await stageWith(t, [receiver], { CALL_RETENTION_S: '20', CALL_HISTORY_S: '0' })
  const callSid = await wholeCall(bridge)
  await until(receiver, 3)
  const replay = (id: string) => bridge.operator('POST', `/events/${id}/replay`)
  t.same(await replay(`${callSid}:call.answered`), {
    status: 202,
    json: { id: `${callSid}:call.answered`, receivers: 1 }
  })
  await until(receiver, 4)
  const [, first, , again] = receiver.received as [Received, Received, Received, Received]
  t.equal(again.headers['webhook-id'], first.headers['webhook-id'])
  t.equal(JSON.parse(again.body).timestamp, JSON.parse(first.body).timestamp)
  for (const id of [`${callSid}:call.dial_finished`, `${callSid}:call.ended:2`, 'x', `${callSid}:call.hung_up`]) {
    t.match(await replay(id), { status: 404, json: { code: 'BRIDGE_EVENT_NOT_FOUND' } }, id)
  }
  t.match(await replay('nobody:call.ended'), { status: 404, json: { code: 'BRIDGE_CALL_NOT_FOUND' } })
  await bridge.clock.pass(100_000)
  t.match(await replay(`${callSid}:call.ended`), { status: 404, json: { code: 'BRIDGE_CALL_NOT_FOUND' } })
})

await t.test('what waits is listed, and cannot be sent again', async t => {
  const receiver = await startReceiver(t, (_request, reply) => reply.writeHead(500).end())
  const bridge = await stageWith(t, [receiver])
  const callSid = await wholeCall(bridge)
  await bridge.clock.pass(10_000)
  await until(receiver, 2)
  const first = await bridge.operator('GET', '/events/pending?limit=2')
  t.match(first.json.events, [
    { id: `${callSid}:call.started`, callSid, receiver: `http://127.0.0.1:${receiver.port}`, tries: 2 },
    { id: `${callSid}:call.answered`, tries: 0 }
  ])
  const second = await bridge.operator('GET', `/events/pending?limit=2&cursor=${first.json.next}`)
  t.match(second.json, { events: [{ id: `${callSid}:call.ended` }], next: undefined })
  t.match(await bridge.operator('GET', '/events/pending?cursor=x'), { status: 400 })
  t.match(await bridge.operator('POST', `/events/${callSid}:call.started/replay`), {
    status: 409,
    json: { code: 'BRIDGE_EVENT_PENDING' }
  })
})

await t.test('what waits when the process ends is said loudly', async t => {
  const receiver = await startReceiver(t, (_request, reply) => reply.writeHead(500).end())
  const bridge = await stageWith(t, [receiver])
  await wholeCall(bridge)
  await bridge.app.close()
  t.match(bridge.logged(), /"level":50,.*"events":3,.*events are lost/)
})

await t.test('without EVENTS_URL nobody receives events', async t => {
  const bridge = await buildTestBridge(t)
  const callSid = await wholeCall(bridge)
  t.match(await bridge.operator('GET', '/events/pending'), { status: 501, json: { code: 'BRIDGE_NO_EVENTS' } })
  t.match(await bridge.operator('POST', `/events/${callSid}:call.ended/replay`), { status: 501 })
  t.notMatch((await bridge.app.inject('/metrics')).body, /bridge_webhook/)
})
