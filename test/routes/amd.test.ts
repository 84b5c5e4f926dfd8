import t from 'tap'
import { amdOf } from '../../src/jambonz/amd.ts'
import { agentStatus, callHook, callerStatus, type TestBridge } from '../fixtures/build.ts'
import { orderedCall, type OrderedCall } from '../fixtures/ordered-call.ts'
import { orderWith } from '../fixtures/orders.ts'
import { bridgeTest, kept } from './support.ts'

const REST = {
  JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api/v1',
  JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
  JAMBONZ_API_KEY: 'api-key'
}

/** An event of the detection, as rest:dial posts it. */
const amd = (call: OrderedCall, type: string, extra: Record<string, unknown> = {}) => ({
  ...callerStatus(call.callSid, 'in-progress', 200, {
    direction: 'outbound',
    from: call.order.from,
    to: call.order.to,
    customerData: call.customerData
  }),
  type,
  ...extra
})

/** A callee who rings, answers, and is connected to the agent. */
async function connected (bridge: TestBridge, extra: Parameters<typeof orderedCall>[1] = {}): Promise<OrderedCall> {
  const call = await orderedCall(bridge, { voicemail: 'jambonz', ...extra })
  await call.callee('ringing', 180)
  await bridge.clock.pass(200)
  await call.answers()
  await bridge.hook('/status', agentStatus(call.callSid, 'ringing', 180))
  await bridge.hook('/status', agentStatus(call.callSid, 'in-progress', 200))
  return call
}

const roomSays = (bridge: TestBridge) => [...bridge.rooms.open.values()].map(({ metadata }) => JSON.parse(metadata))

await t.test('what createCall asks', async t => {
  const at = { publicUrl: 'https://bridge.example.com/jambonz' }
  t.same(amdOf(orderWith({ voicemail: 'jambonz' }), at), {
    actionHook: 'https://bridge.example.com/jambonz/amd#rc=2&rp=all'
  })
  t.equal(amdOf(orderWith({ voicemail: 'agent' }), at), undefined)
  t.equal(amdOf(orderWith({ voicemail: 'off' }), at), undefined)
})

await bridgeTest('a machine: the call says so, and so does its room', async (t, bridge) => {
  const call = await connected(bridge)
  const before = roomSays(bridge)[0]
  const found = { reason: 'long greeting', greeting: 'you have reached the mailbox of Alice', language: 'en-US' }
  const reply = await bridge.hook('/amd', amd(call, 'amd_machine_detected', found))
  t.match(reply, { status: 200, text: '' }, 'no verbs: they would replace those of the call hook')
  const at = new Date(bridge.clock.now()).toISOString()
  await bridge.clock.pass(200)

  const { json } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.match(json, { phase: 'connected', voicemail: { verdict: 'machine', by: 'jambonz', reason: 'long greeting', at } })
  t.same(roomSays(bridge), [{
    ...before,
    applicationSid: 'app-1',
    voicemail: { verdict: 'machine', reason: 'long greeting', greetingOver: false }
  }], 'with its seal')
  t.same(json.duties.filter(({ kind }: { kind: string }) => kind === 'tell-agent'), [])

  await bridge.hook('/amd', amd(call, 'amd_machine_stopped_speaking'))
  await bridge.hook('/amd', amd(call, 'amd_stopped'))
  await bridge.clock.pass(200)
  t.match(roomSays(bridge), [{ voicemail: { verdict: 'machine', greetingOver: true } }])
  t.notMatch(JSON.stringify(json) + bridge.logged(), /mailbox of Alice/, 'what the callee said is kept nowhere')
}, REST)

await bridgeTest('a person: the first verdict stands', async (t, bridge) => {
  const call = await connected(bridge, { onMachine: 'hangup' })
  await bridge.hook('/amd', amd(call, 'amd_human_detected', { reason: 'short greeting' }))
  await bridge.hook('/amd', amd(call, 'amd_machine_detected', { reason: 'hint', hint: 'mailbox' }))
  await bridge.hook('/amd', amd(call, 'amd_machine_stopped_speaking'))
  await bridge.clock.pass(1200)
  const { json } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.match(json, { phase: 'connected', voicemail: { verdict: 'human', reason: 'short greeting' } })
  t.match(roomSays(bridge), [{ voicemail: { verdict: 'human' } }])
}, REST)

await bridgeTest('nothing found out, and a beep: no verdict', async (t, bridge) => {
  const call = await connected(bridge, { onMachine: 'hangup' })
  await bridge.hook('/amd', amd(call, 'amd_tone_detected', { frequency: 850, variance: 2 }))
  await bridge.hook('/amd', amd(call, 'amd_no_speech_detected'))
  await bridge.hook('/amd', amd(call, 'amd_decision_timeout'))
  await bridge.hook('/amd', amd(call, 'amd_of_the_future'))
  const { json } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.equal(json.voicemail, undefined)
  t.equal(json.phase, 'connected')
  t.match(json.events.filter(({ what }: { what: string }) => what === 'voicemail'), [
    { from: 'jambonz', status: 'unknown', detail: 'no speech', count: 1 },
    { from: 'jambonz', status: 'unknown', detail: 'not decided in time', count: 1 }
  ])
}, REST)

await bridgeTest('onMachine: hangup', async (t, bridge) => {
  const call = await connected(bridge, { onMachine: 'hangup' })
  await bridge.hook('/amd', amd(call, 'amd_machine_detected', { reason: 'hint' }))
  const { json } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.match(json.duties.filter(({ kind }: { kind: string }) => kind !== 'look'), [
    { kind: 'hang-up', target: 'completed' }
  ], 'and nobody is told')
  await call.callee('completed', 200, { call_termination_by: 'jambonz' })
  await bridge.clock.pass(5000)
  const { json: ended } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.match(ended.end, { cause: 'machine-answered', by: 'bridge' })
}, REST)

await bridgeTest('the verdict comes before the call hook, and before its room', async (t, bridge) => {
  const call = await orderedCall(bridge, { voicemail: 'jambonz', agentAt: 'answer' })
  await call.callee('in-progress', 200)
  t.equal((await bridge.hook('/amd', amd(call, 'amd_machine_detected', { reason: 'hint' }))).status, 200)
  t.match((await call.answers()).json, [{ verb: 'dial' }, { verb: 'pause' }, { verb: 'hangup' }])
  t.match(roomSays(bridge), [{ voicemail: { verdict: 'machine', reason: 'hint', greetingOver: false } }])
}, REST)

await bridgeTest('LiveKit fails: nothing but the telling is late', async (t, bridge) => {
  const call = await connected(bridge)
  bridge.rooms.mode = 'failed'
  t.equal((await bridge.hook('/amd', amd(call, 'amd_machine_detected'))).status, 200)
  await bridge.clock.pass(500)
  bridge.rooms.mode = 'ok'
  t.equal((await bridge.operator('GET', `/calls/${call.callSid}`)).json.phase, 'connected')
  await bridge.clock.pass(3000)
  t.match(roomSays(bridge), [{ voicemail: { verdict: 'machine' } }], 'told when LiveKit is back')
}, REST)

await bridgeTest('a call that nobody knows, and hooks that say little', async (t, bridge) => {
  const { callSid, order, customerData } = await orderedCall(bridge, { voicemail: 'jambonz' })
  const stranger = callHook()['call_sid'] as string
  const mine = { callSid, order, customerData } as OrderedCall
  const strange = amd({ ...mine, callSid: stranger, customerData: {} }, 'amd_human_detected')
  t.equal((await bridge.hook('/amd', strange)).status, 200)
  t.equal((await bridge.operator('GET', `/calls/${stranger}`)).status, 404, 'no call begins with a verdict')
  const before = await kept(bridge)
  t.match(await bridge.hook('/amd', '{'), { status: 200, text: '' })
  t.match(await bridge.hook('/amd', { type: 'amd_human_detected' }), { status: 200, text: '' })
  t.equal((await bridge.hook('/amd', amd(mine, 'amd_human_detected'), { unsigned: true })).status, 401)
  t.equal(await kept(bridge), before)
  t.equal((await bridge.operator('GET', `/calls/${callSid}`)).json.voicemail, undefined)
}, REST)

await bridgeTest('with user name and password, both are needed', async (t, bridge) => {
  const call = await orderedCall(bridge, { voicemail: 'jambonz' })
  const body = amd(call, 'amd_human_detected')
  t.equal((await bridge.hook('/amd', body)).status, 401)
  const authorization = `Basic ${Buffer.from('jambonz:word').toString('base64')}`
  t.equal((await bridge.hook('/amd', body, { headers: { authorization } })).status, 200)
  t.match((await bridge.operator('GET', `/calls/${call.callSid}`)).json.voicemail, { verdict: 'human' })
}, { ...REST, HTTP_USERNAME: 'jambonz', HTTP_PASSWORD: 'word' })
