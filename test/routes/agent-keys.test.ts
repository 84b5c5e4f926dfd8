import t, { type Test } from 'tap'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { ask, controlOfCall } from '../fixtures/agent-control.ts'
import {
  buildTestBridge,
  callHook,
  callerStatus,
  dialAction,
  OPERATOR_TOKEN,
  type TestBridge
} from '../fixtures/build.ts'
import { callTokens } from '../fixtures/events.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { orderedCall } from '../fixtures/ordered-call.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'
import { bridgeTest, counted, lines, registryWith } from './support.ts'

/** Routes that an agent may use, with what they answer about a call in a room. */
const FOR_AGENTS = [['GET', '', 200], ['POST', '/hangup', 202], ['DELETE', '', 202]] as const
const OTHERS = [
  ['GET', '/calls'],
  ['POST', '/calls'],
  ['GET', '/doctor'],
  ['GET', '/routes'],
  ['POST', '/routes/test'],
  ['GET', '/events/pending']
] as const

/** A call in its room, and what its agent got. */
async function received (bridge: TestBridge) {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  await bridge.clock.pass(1)
  const callSid: string = hook['call_sid']
  return { callSid, ...controlOfCall(bridge, callSid) }
}

async function end (bridge: TestBridge, callSid: string): Promise<void> {
  await bridge.hook('/status', callerStatus(callSid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.hook('/action', dialAction(callSid, 'no-answer', 487, { call_status: 'no-answer', sip_status: 487 }))
  await bridge.clock.pass(3000)
}

type Reply = Awaited<ReturnType<typeof ask>>

function assertRefused (t: Test, { status, json }: Reply, expected: number, code: string, message: RegExp = /./): void {
  t.match({ status, json }, { status: expected, json: { statusCode: expected, code, message } })
}

await bridgeTest('an agent reads and ends its own call', async (t, bridge) => {
  for (const [method, path, status] of FOR_AGENTS) {
    const { callSid, url, token } = await received(bridge)
    t.equal(url, `https://bridge.example.com/calls/${callSid}`)
    t.match(await ask(bridge, method, `${url}${path}`, token), { status, json: { callSid } }, `${method} ${path}`)
  }
  const { callSid, url, token } = await received(bridge)
  t.match((await ask(bridge, 'GET', `${url}?live=true`, token)).json.live, { exists: true })
  await ask(bridge, 'POST', `${url}/hangup`, token)
  await bridge.clock.pass(1)
  t.notOk([...bridge.rooms.open.values()].some(({ metadata }) => metadata.includes(callSid)), 'its room is deleted')
})

await bridgeTest('what an agent ends is ended by the agent', async (t, bridge) => {
  for (const by of ['agent', 'operator'] as const) {
    const { callSid, url, token } = await received(bridge)
    await bridge.hook('/status', callerStatus(callSid, 'in-progress', 200))
    await ask(bridge, 'POST', `${url}/hangup`, by === 'agent' ? token : OPERATOR_TOKEN)
    await bridge.hook('/status', callerStatus(callSid, 'completed', 200, { call_termination_by: 'jambonz' }))
    await bridge.clock.pass(5000)
    const { json } = await bridge.operator('GET', `/calls/${callSid}`)
    t.match(json.end, { cause: `${by}-hung-up`, by })
    t.match(json.events.filter(({ what }: { what: string }) => what === 'hang-up'), [{ from: by }])
    const diagnosis = (await bridge.operator('GET', `/calls/${callSid}/diagnosis`)).json
    t.match(diagnosis.summary, by === 'agent' ? /^The agent ended the call over the bridge's API/ : /over the bridge's API/)
    t.match(diagnosis.evidence.find(({ signal }: { signal: string }) => signal === 'hang-up'), {
      shows: by === 'agent' ? 'the agent ended the call' : 'an operator ended the call'
    })
    t.same(diagnosis.notToldApart, [], 'and there is no doubt about it')
  }
})

await bridgeTest('no other call exists for it', async (t, bridge) => {
  const { token } = await received(bridge)
  const other = await received(bridge)
  for (const sid of [other.callSid, 'nobody', '__proto__', `${other.callSid}%20`]) {
    for (const [method, path] of FOR_AGENTS) {
      assertRefused(t, await ask(bridge, method, `/calls/${sid}${path}`, token), 404, 'BRIDGE_CALL_NOT_FOUND')
    }
  }
  t.equal((await bridge.operator('GET', `/calls/${other.callSid}`)).json.phase, 'received', 'nothing was hung up')
})

await bridgeTest('other routes are not for agents', async (t, bridge) => {
  const { callSid, token } = await received(bridge)
  for (const [method, url] of [...OTHERS, ['GET', `/calls/${callSid}/diagnosis`]] as const) {
    assertRefused(t, await ask(bridge, method, url, token), 403, 'BRIDGE_KEY_NOT_ALLOWED', /its own call.*OPERATOR_TOKEN/)
  }
})

await bridgeTest('a token that is wrong, expired, of an ended call or of none', async (t, bridge) => {
  const { callSid, url, token } = await received(bridge)
  await bridge.clock.pass(999)
  const now = bridge.clock.now()
  t.equal(now % 1000, 0, 'tokens hold whole seconds')
  const refused = (given: string, why: RegExp) =>
    ask(bridge, 'GET', url, given).then(reply => assertRefused(t, reply, 401, 'BRIDGE_CALL_TOKEN', why))

  await refused(`${token}x`, /damaged.*LIVEKIT_API_SECRET/)
  await refused(token.slice(0, -1), /damaged/)
  await refused(callTokens.tokenOf(callSid, now), /expired/)
  t.equal((await ask(bridge, 'GET', url, callTokens.tokenOf(callSid, now + 1000))).status, 200)
  await bridge.clock.pass(1000)
  await refused(callTokens.tokenOf(callSid, now + 1000), /expired/)
  await refused(callTokens.tokenOf('nobody', now + 60_000), /not known/)
  for (const none of [token.slice(1), token.toUpperCase(), 'x']) {
    assertRefused(t, await ask(bridge, 'GET', url, none), 401, 'BRIDGE_UNAUTHORIZED')
  }

  await end(bridge, callSid)
  await refused(token, /ended/)
  assertRefused(t, await ask(bridge, 'GET', '/calls', token), 401, 'BRIDGE_CALL_TOKEN')
  t.equal((await ask(bridge, 'GET', url, OPERATOR_TOKEN)).status, 200, 'operators see it still')
  await bridge.clock.pass(1_000_000)
  await refused(token, /ended/)
  await settle()
  t.equal(await counted(bridge, 'bridge_authentication_refused_total{operation="get-call"}'), 10, 'each is counted')
})

await bridgeTest('without OPERATOR_TOKEN and CALLERS the routes exist for agents alone', async (t, bridge) => {
  const { callSid, url, token } = await received(bridge)
  const other = await received(bridge)
  t.match(await ask(bridge, 'GET', url, token), { status: 200, json: { callSid } })
  assertRefused(t, await ask(bridge, 'GET', other.url, token), 404, 'BRIDGE_CALL_NOT_FOUND')
  assertRefused(t, await ask(bridge, 'GET', url, `${token}x`), 401, 'BRIDGE_CALL_TOKEN')
  for (const [method, path] of OTHERS) {
    for (const given of [token, OPERATOR_TOKEN, undefined]) {
      assertRefused(t, await ask(bridge, method, path, given), 404, 'BRIDGE_OPERATOR_API_OFF')
    }
  }
  for (const given of [OPERATOR_TOKEN, 'x', undefined]) {
    assertRefused(t, await ask(bridge, 'GET', url, given), 404, 'BRIDGE_OPERATOR_API_OFF')
  }
  t.equal((await ask(bridge, 'POST', `${url}/hangup`, token)).status, 202)
}, { OPERATOR_TOKEN: '' })

await t.test('a token is good at every replica, and after a restart', async t => {
  const shared = { clock: createTestClock(), rooms: createFakeRooms() }
  const registry = { ...createMemoryRegistry(), shared: true }
  const one = await buildTestBridge(t, {}, { ...shared, registry })
  const other = await buildTestBridge(t, {}, { ...shared, registry })
  const { callSid, url, token } = await received(one)
  t.match(await ask(other, 'GET', url, token), { status: 200, json: { callSid } })

  const alone = await buildTestBridge(t, {}, shared)
  await alone.clock.pass(2000)
  t.match(await ask(alone, 'GET', url, token), { status: 200, json: { callSid } }, 'LiveKit alone knew the call still')
})

await bridgeTest('every room of a call has a job with the token', async (t, bridge) => {
  const { callSid, token } = await received(bridge)
  await bridge.clock.pass(20_000)
  const [again] = bridge.rooms.dispatched
  t.equal(JSON.parse(again!.metadata!).control.token, token, 'the agent that is dispatched again')

  // A redirect brings the call back.
  await bridge.hook('/livekit-api', { ...callHook({ call_sid: callSid }), call_status: 'in-progress', sip: undefined })
  const later = controlOfCall(bridge, callSid)
  t.match(await ask(bridge, 'GET', later.url, later.token), { status: 200, json: { callSid } })
  t.equal(JSON.parse([...bridge.rooms.open.values()].at(-1)!.agent.metadata).call.attempt, 2)
})

await bridgeTest('the agent of an ordered call', async (t, bridge) => {
  const call = await orderedCall(bridge, { voicemail: 'agent' })
  await call.answers()
  const { url, token } = controlOfCall(bridge, call.callSid)
  t.match(await ask(bridge, 'GET', url, token), { status: 200, json: { callSid: call.callSid } })
  t.equal((await ask(bridge, 'GET', `/calls/${call.order.id}`, token)).status, 200, 'by the id of its order too')
  t.match(await ask(bridge, 'POST', `${url}/voicemail`, token, { verdict: 'human' }), {
    status: 200,
    json: { verdict: 'human', by: 'agent' }
  })
}, {
  JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api/v1',
  JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
  JAMBONZ_API_KEY: 'api-key'
})

await bridgeTest('AGENT_API_URL is where agents reach the API', async (t, bridge) => {
  const { callSid, url } = await received(bridge)
  t.equal(url, `http://bridge.voice.svc:3000/api/calls/${callSid}`)
}, { AGENT_API_URL: 'http://bridge.voice.svc:3000/api/' })

await bridgeTest('the log tells agents apart, and holds no token', async (t, bridge) => {
  const { callSid, url, token } = await received(bridge)
  await ask(bridge, 'GET', url, token)
  await ask(bridge, 'GET', url, `${token}x`)
  await settle()
  const [first, second] = lines(bridge.logged()).filter(({ operation }) => operation === 'get-call')
  t.match(first, { key: 'agent', tokenId: /^[0-9a-f]{8}$/, callSid, status: 200 })
  t.notOk('key' in second!)
  t.notMatch(bridge.logged(), 'jlb_call_')
})

await t.test('the store is gone: 503, and no token is called wrong', async t => {
  const memory = createMemoryRegistry()
  let gone = false
  const bridge = await buildTestBridge(t, {}, {
    registry: registryWith({
      ...memory,
      get: async callSid => {
        if (gone) throw new StoreUnavailableError('the connection is closed')
        return memory.get(callSid)
      }
    })
  })
  const { url, token } = await received(bridge)
  gone = true
  assertRefused(t, await ask(bridge, 'GET', url, token), 503, 'BRIDGE_STORE_UNAVAILABLE')
})
