import { callHook, OPERATOR_TOKEN, type TestBridge } from '../fixtures/build.ts'
import { orderedCall } from '../fixtures/ordered-call.ts'
import { bridgeTest } from './support.ts'

const REST = {
  JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api/v1',
  JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
  JAMBONZ_API_KEY: 'api-key',
  CALLERS: 'crm:0123456789abcdef, shop:fedcba9876543210'
}
const CRM = '0123456789abcdef'
const SHOP = 'fedcba9876543210'

async function tell (bridge: TestBridge, callSid: string, body: unknown, token = CRM) {
  const reply = await bridge.app.inject({
    method: 'POST',
    url: `/calls/${callSid}/voicemail`,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    payload: typeof body === 'string' ? body : JSON.stringify(body)
  })
  return { status: reply.statusCode, json: reply.json() }
}

await bridgeTest('an agent tells who answered, with the key that ordered the call', async (t, bridge) => {
  const call = await orderedCall(bridge, { voicemail: 'agent', placedBy: 'crm' })
  await call.answers()
  const reply = await tell(bridge, call.callSid, { verdict: 'machine', reason: 'beep' })
  t.same(reply, { status: 200, json: { callSid: call.callSid, verdict: 'machine', by: 'agent' } })
  t.match(await tell(bridge, call.order.id, { verdict: 'human' }, OPERATOR_TOKEN), {
    status: 200,
    json: { callSid: call.callSid, verdict: 'machine' }
  }, 'the first verdict stands; the id of the order names the call, too')
  const { json } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.match(json.voicemail, { verdict: 'machine', by: 'agent', reason: 'beep' })
  t.same(json.duties.filter(({ kind }: { kind: string }) => kind === 'tell-agent'), [], 'the agent knows')
  t.notMatch(bridge.logged(), /beep/)
}, REST)

await bridgeTest('onMachine: hangup', async (t, bridge) => {
  const call = await orderedCall(bridge, { voicemail: 'agent', onMachine: 'hangup', placedBy: 'crm' })
  await call.answers()
  await tell(bridge, call.callSid, { verdict: 'machine' })
  const { json } = await bridge.operator('GET', `/calls/${call.callSid}`)
  t.match(json.duties.filter(({ kind }: { kind: string }) => kind === 'hang-up'), [{ target: 'completed' }])
}, REST)

await bridgeTest('refusals', async (t, bridge) => {
  const { callSid } = await orderedCall(bridge, { placedBy: 'crm' })
  t.match(await tell(bridge, callSid, { verdict: 'human' }, SHOP), {
    status: 404,
    json: { code: 'BRIDGE_CALL_NOT_FOUND' }
  }, "another key's call does not exist")
  t.equal((await tell(bridge, callSid, { verdict: 'human' }, 'no-such-token-at-all')).status, 401)
  const human = { verdict: 'human' }
  for (const body of [{}, { verdict: 'maybe' }, { ...human, reason: 'x'.repeat(81) }, { ...human, x: 1 }]) {
    t.match(await tell(bridge, callSid, body), { status: 400, json: { code: 'BRIDGE_VERDICT_BODY' } })
  }
  const { json: inbound } = await bridge.hook('/livekit-api', callHook({ call_sid: 'inbound-1' }))
  t.ok(inbound)
  t.match(await tell(bridge, 'inbound-1', { verdict: 'human' }, OPERATOR_TOKEN), {
    status: 422,
    json: { code: 'BRIDGE_NOT_OUTBOUND' }
  })
  t.equal((await bridge.operator('GET', `/calls/${callSid}`)).json.voicemail, undefined)
}, REST)
