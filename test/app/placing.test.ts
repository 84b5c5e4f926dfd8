import t from 'tap'
import { buildTestBridge, callerStatus, type TestBridge } from '../fixtures/build.ts'
import { APPLICATION, startJambonzApi, type ApiRequest } from '../fixtures/jambonz-api.ts'
import { orderWith } from '../fixtures/orders.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const HEARD_EARLY = 'call-heard-early'

/** A status of the callee's leg, with what createCall sent along. */
const calleeStatus = (
  bridge: TestBridge,
  { body }: ApiRequest,
  callSid: string,
  [callStatus, sipStatus]: [callStatus: string, sipStatus: number]
) =>
  bridge.hook('/status', callerStatus(callSid, callStatus, sipStatus, {
    direction: 'outbound',
    from: body['from'],
    to: body['to'].number,
    customerData: body['tag'],
    ...(sipStatus === 487 && { call_termination_by: 'jambonz' })
  }))

const isHangUp = ({ method }: ApiRequest): boolean => method === 'PUT'
const isCreateCall = ({ method }: ApiRequest): boolean => method === 'POST'

await t.test('a status that comes before the answer to createCall is of the same call', async t => {
  const clock = createTestClock()
  const bridges: TestBridge[] = []
  const api = await startJambonzApi(t, {
    clock,
    reply: async request => {
      if (!isCreateCall(request)) return undefined
      await calleeStatus(bridges[0]!, request, HEARD_EARLY, ['trying', 100])
      return { status: 201, body: { sid: HEARD_EARLY } }
    }
  })
  const bridge = await buildTestBridge(t, api.env, { clock })
  bridges.push(bridge)
  const order = orderWith({ orderedAt: clock.now(), reference: 'order-4711' })
  const placed = await bridge.app.placements!.place(order)

  t.match(placed, { outcome: 'placed', call: { callSid: HEARD_EARLY, phase: 'dialing', order: { id: order.id } } })
  t.match((await bridge.operator('GET', '/calls')).json.calls, [{ callSid: HEARD_EARLY }])
  t.equal((await bridge.operator('GET', '/calls')).json.calls.length, 1)
  t.equal(api.ofCalls('POST')[0]?.body['application_sid'], APPLICATION)
})

await t.test('the callee answers while the call is hung up: it is hung up all the same', async t => {
  const clock = createTestClock()
  const incompatible = { msg: 'current call state is incompatible with requested action for call_sid call-1' }
  const api = await startJambonzApi(t, {
    clock,
    reply: ({ method, body }) =>
      method === 'PUT' && body['call_status'] === 'no-answer' ? { status: 422, body: incompatible } : undefined
  })
  const bridge = await buildTestBridge(t, api.env, { clock })
  await bridge.app.placements!.place(orderWith({ orderedAt: clock.now() }))
  const [created] = api.ofCalls('POST')
  await calleeStatus(bridge, created!, 'call-1', ['ringing', 180])

  const cancel = api.next(isHangUp)
  t.equal((await bridge.operator('POST', '/calls/call-1/hangup')).status, 202)
  t.match((await cancel).body, { call_status: 'no-answer' })
  await calleeStatus(bridge, created!, 'call-1', ['in-progress', 200])
  const end = api.next(({ body }) => body['call_status'] === 'completed')
  await clock.pass(1000)
  await end
  await calleeStatus(bridge, created!, 'call-1', ['completed', 200])
  await clock.pass(2000)
  t.match((await bridge.operator('GET', '/calls/call-1')).json, {
    phase: 'ended',
    end: { cause: 'operator-hung-up' },
    duties: []
  })
})

await t.test('an answer that got lost: the call is found in the list of calls, and is not placed again', async t => {
  const clock = createTestClock()
  const calls: object[] = []
  const api = await startJambonzApi(t, {
    clock,
    calls,
    reply: ({ method, body }) => {
      if (method !== 'POST') return undefined
      const { from, to, application_sid: applicationSid } = body
      const row = { call_sid: 'call-lost', direction: 'outbound', from, to: to.number, call_status: 'ringing' }
      calls.push({ ...row, application_sid: applicationSid })
      return 'destroy'
    }
  })
  const bridge = await buildTestBridge(t, api.env, { clock })
  const placed = await bridge.app.placements!.place(orderWith({ orderedAt: clock.now() }))
  t.match(placed, { outcome: 'unknown' })

  const listed = api.next(({ method, path }) => method === 'GET' && path === '/Calls')
  await clock.pass(3000)
  await listed
  let found = await bridge.app.calls.find('call-lost')
  while (!found) {
    await settle()
    found = await bridge.app.calls.find('call-lost')
  }
  t.match(found, { order: { id: 'order-1' } })
  await clock.pass(300_000)
  t.equal(api.ofCalls('POST').length, 1)
  t.notMatch(bridge.logged(), /15550001111|38700987/, 'no number and no key is logged')
})

await t.test('the metrics tell how Jambonz is asked', async t => {
  const clock = createTestClock()
  const api = await startJambonzApi(t, { clock })
  const bridge = await buildTestBridge(t, api.env, { clock })
  await bridge.app.placements!.place(orderWith({ orderedAt: clock.now() }))
  const { body } = await bridge.app.inject('/metrics')
  t.match(body, /^bridge_jambonz_request_seconds_count\{operation="order",outcome="201"\} 1$/m)
  t.match(body, /^bridge_jambonz_wait_seconds_count\{operation="order"\} 2$/m, 'the application was looked up')
  t.match(body, /^bridge_jambonz_requests_waiting\{operation="order"\} 0$/m)
})
