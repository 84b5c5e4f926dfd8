import { agentStatus, callerStatus, callHook } from '../fixtures/build.ts'
import { controlOfCall } from '../fixtures/agent-control.ts'
import { CONTEXT_AT_DOORS, NUMBERS_AT_DOORS } from '../fixtures/numbers-at-doors.ts'
import { CLINIC_TOKEN, SHOP_TOKEN } from '../fixtures/order-bridge.ts'
import { settle } from '../fixtures/test-clock.ts'
import { PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { createUnsteadyRegistry } from '../fixtures/unsteady-registry.ts'
import { assertError } from '../orders/support.ts'
import { misfits } from '../routes/support.ts'
import { transferTest } from './support.ts'

const BLIND = { to: PERSON, mode: 'blind' }
const CONSULT = { to: PERSON, mode: 'consult' }

await transferTest('a body that is no transfer: 400 with the property, and nothing begins', async (t, bridge) => {
  const sid = await bridge.connected()
  const wrong: Array<[body: unknown, message: RegExp]> = [
    ['', /not JSON/],
    ['{', /not JSON/],
    ['{"__proto__": {}}', /not JSON/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    [{}, /^to is missing/],
    [{ to: PERSON }, /^mode is missing: .* blind, refer, screen, consult, add/],
    [{ to: PERSON, mode: 'warm' }, /^mode must be one of blind, refer, screen, consult, add\.$/],
    [{ to: 15550003333, mode: 'blind' }, /^to must be a text/],
    [{ ...BLIND, breif: 'x' }, /^"breif" is not known\. Did you mean brief\?$/],
    [{ ...CONSULT, brief: 'x'.repeat(4097) }, /^brief must be a text of at most 4096/],
    [{ ...CONSULT, brief: '\ud800' }, /^brief has half a character/],
    [{ ...CONSULT, agent: 'a\nb' }, /^agent has a control character/],
    [{ ...CONSULT, carrier: ' ' }, /^carrier must be/],
    [{ ...BLIND, ring: 0 }, /^ring must be whole seconds from 1 to 120\.$/],
    [{ ...BLIND, ring: 121 }, /^ring must be/],
    [{ ...BLIND, afterPerson: 'music' }, /^afterPerson must be one of end, agent/],
    [{ ...BLIND, headers: { Via: 'x' } }, /^headers: "Via" is not the name of an X- header/],
    [{ ...BLIND, headers: { 'X-Account-Sid': 'x' } }, /^headers: Jambonz uses "X-Account-Sid" itself/],
    [{ ...BLIND, headers: { 'X-A': 'a\r\nVia: b' } }, /^headers: the value of "X-A" has a line break/],
    [{ ...BLIND, say: 'Hello' }, /^say does not go with mode blind, only with screen/],
    [{ ...BLIND, mode: 'screen', say: 'a', play: 'https://a.example.com/b.mp3' }, /do not go together/],
    [{ ...BLIND, mode: 'screen', play: 'file:///etc/passwd' }, /^play must be a URL/],
    [{ ...BLIND, mode: 'screen', say: 'a', language: 'English!' }, /^language must be/]
  ]
  for (const [body, message] of wrong) {
    assertError(t, await bridge.transfer(sid, body), 400, 'BRIDGE_TRANSFER_BODY', message)
  }
  for (const query of ['?wait=-1', '?wait=31', '?wait=soon', '?wait=']) {
    const message = /^`wait` must be a whole number of seconds from 0 to 30\.$/
    assertError(t, await bridge.transfer(sid, BLIND, { query }), 400, 'BRIDGE_PARAMETER', message)
  }
  const unknown = /^No query parameter "hold"\. Known parameters: wait\.$/
  assertError(t, await bridge.transfer(sid, BLIND, { query: '?hold=5' }), 400, 'BRIDGE_UNKNOWN_QUERY', unknown)
  const list = await bridge.ask('GET', `/calls/${sid}/transfers?hold=5`)
  assertError(t, list, 400, 'BRIDGE_UNKNOWN_QUERY', /^No query parameter "hold"\. Known parameters: none\.$/)
  assertError(t, await bridge.transfer(sid, { ...CONSULT, brief: 'x'.repeat(17_000) }), 413, 'BRIDGE_BODY_TOO_LARGE')
  t.same(await bridge.transfersOf(sid), [])
  t.same(bridge.placed(), [])
})

await transferTest('refusals of a call that cannot be transferred', async (t, bridge) => {
  assertError(t, await bridge.transfer('nobody', BLIND), 404, 'BRIDGE_CALL_NOT_FOUND')
  const sid = await bridge.connected()
  t.match(await bridge.transfer(sid, CONSULT), { status: 202 })
  await bridge.personOrder()
  assertError(t, await bridge.transfer(sid, BLIND), 409, 'BRIDGE_TRANSFER_OPEN', /open transfer \(tr-/)
  const [{ id }] = await bridge.transfersOf(sid)
  assertError(t, await bridge.tell(sid, id, 'complete'), 409, 'BRIDGE_NOT_CONSULTING', /no agent yet/)
  assertError(t, await bridge.tell(sid, 'tr-1', 'complete'), 404, 'BRIDGE_TRANSFER_NOT_FOUND')
  assertError(t, await bridge.tell(sid, 'tr-1', 'cancel'), 404, 'BRIDGE_TRANSFER_NOT_FOUND')
  await bridge.consulting('call-1')
  assertError(t, await bridge.transfer('call-1', BLIND), 409, 'BRIDGE_PERSON_CALL', new RegExp(sid))
  t.match(await bridge.tell(sid, id, 'complete'), { status: 202, json: { state: 'completing' } })
  t.match(await bridge.tell(sid, id, 'complete'), { status: 202, json: { state: 'completing' } })
  assertError(t, await bridge.tell(sid, id, 'cancel'), 409, 'BRIDGE_TRANSFER_COMPLETING')

  await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.hook('/status', agentStatus(sid, 'completed', 200))
  await bridge.clock.pass(3000)
  assertError(t, await bridge.transfer(sid, BLIND), 409, 'BRIDGE_CALL_ENDED')
  assertError(t, await bridge.tell(sid, id, 'cancel'), 409, 'BRIDGE_TRANSFER_FINISHED', /failed \(caller-gone\)/)
  assertError(t, await bridge.tell(sid, id, 'complete'), 409, 'BRIDGE_TRANSFER_FINISHED')
})

await transferTest('a caller who is not connected yet', async (t, bridge) => {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  assertError(t, await bridge.transfer(hook['call_sid'], BLIND), 409, 'BRIDGE_NOT_CONNECTED')
})

await transferTest('without a policy: 501 says what is missing', async (t, bridge) => {
  const sid = await bridge.connected()
  for (const mode of ['blind', 'screen', 'refer', 'consult', 'add']) {
    const reply = await bridge.transfer(sid, { to: PERSON, mode })
    assertError(t, reply, 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /number policy/)
  }
}, { table: { policy: undefined } })

await transferTest('without the REST API of Jambonz', async (t, bridge) => {
  const sid = await bridge.connected()
  const reply = await bridge.transfer(sid, BLIND)
  assertError(t, reply, 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /Set JAMBONZ_REST_API_BASE_URL/)
}, {
  env: {
    JAMBONZ_REST_API_BASE_URL: undefined as unknown as string,
    JAMBONZ_ACCOUNT_SID: undefined as unknown as string,
    JAMBONZ_API_KEY: undefined as unknown as string
  }
})

await transferTest('a process that is about to end begins nothing, and completes what goes on', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  bridge.app.draining.drain()
  assertError(t, await bridge.transfer(sid, BLIND), 503, 'BRIDGE_DRAINING')
  t.match(await bridge.tell(sid, id, 'cancel'), { status: 202, json: { result: 'returned', reason: 'cancelled' } })
})

/** The reason in the brackets of a refusal. */
const reasonOf = (message: string): string => /not dialled \(([\w-]+)/.exec(message)?.[1] ?? message

for (const mode of ['blind', 'refer', 'add']) {
  await transferTest(`the number policy decides about every spelling: ${mode}`, async (t, bridge) => {
    for (const [, rows] of NUMBERS_AT_DOORS) {
      for (const [number, verdict] of rows) await judged(t, bridge, { number, verdict, mode })
    }
  }, { policy: CONTEXT_AT_DOORS.policy!, table: { ...CONTEXT_AT_DOORS } })
}

async function judged (
  t: Parameters<Parameters<typeof transferTest>[1]>[0],
  bridge: TransferBridge,
  { number, verdict, mode }: { number: string, verdict: string, mode: string }
): Promise<void> {
  if (number === '' || number.length > 256) return
  const sid = await bridge.connected({ to: '+15551239999' })
  const { status, json } = await bridge.transfer(sid, { to: number, mode })
  const isAllowed = verdict === 'ok' || verdict.startsWith('→')
  const target = verdict === 'ok' ? number : verdict.slice(2)
  const isSip = isAllowed && target.startsWith('sip')
  if (!isAllowed) t.match({ status, reason: reasonOf(json.message) }, { status: 403, reason: verdict }, number)
  else if (isSip && mode === 'add') t.match({ status, json }, { status: 400, json: { message: /SIP address/ } }, number)
  else t.match({ status, to: json.to }, { status: 202, to: target }, number)
  if (status === 202) await bridge.tell(sid, json.id, 'cancel')
}

await transferTest('the number that the caller called is not dialled: it would come back', async (t, bridge) => {
  const sid = await bridge.connected({ to: '+15551237777' })
  for (const mode of ['blind', 'refer', 'consult']) {
    assertError(t, await bridge.transfer(sid, { to: '+1 555 123 7777', mode }), 403, 'BRIDGE_OWN_NUMBER')
  }
  assertError(t, await bridge.transfer(sid, { to: '+15551230001', mode: 'blind' }), 403, 'BRIDGE_OWN_NUMBER')
  assertError(t, await bridge.transfer(sid, { ...BLIND, from: '+15559990000' }), 403, 'BRIDGE_FROM_NOT_OURS')
  assertError(t, await bridge.transfer(sid, { ...BLIND, carrier: 'Nobody' }), 400, 'BRIDGE_UNKNOWN_CARRIER')
})

await transferTest('caps count transfers until nobody is dialled, and nothing that was refused', async (t, bridge) => {
  const [one, other] = [await bridge.connected(), await bridge.connected()]
  assertError(t, await bridge.transfer(one, { ...BLIND, carrier: 'Nobody' }), 400, 'BRIDGE_UNKNOWN_CARRIER')
  const { status, json } = await bridge.transfer(one, CONSULT)
  t.equal(status, 202, 'the refused one does not count')
  await bridge.personOrder()
  const refused = await bridge.transfer(other, BLIND)
  assertError(t, refused, 429, 'BRIDGE_CAP_REACHED', /concurrent/)
  t.match(refused.headers, { 'retry-after': /^\d+$/ })

  await bridge.tell(one, json.id, 'cancel')
  await settle()
  const next = await bridge.transfer(other, BLIND)
  t.equal(next.status, 202, 'the cancelled one is over')
  await bridge.tell(other, next.json.id, 'cancel')
  await settle()
  t.equal((await bridge.transfer(one, { ...BLIND, mode: 'refer' })).status, 202)
}, { policy: { caps: { concurrent: 1 } } })

await transferTest('an Idempotency-Key makes a transfer safe to repeat', async (t, bridge) => {
  const sid = await bridge.connected()
  const replies = await Promise.all([1, 2, 3].map(() => bridge.transfer(sid, CONSULT, { key: 'once' })))
  t.same(replies.map(({ status }) => status), [202, 202, 202])
  t.equal(new Set(replies.map(({ json }) => json.id)).size, 1)
  t.match((await bridge.transfer(sid, CONSULT, { key: 'once' })).headers, { 'idempotent-replayed': 'true' })
  assertError(t, await bridge.transfer(sid, BLIND, { key: 'once' }), 422, 'BRIDGE_IDEMPOTENCY_BODY')
  assertError(t, await bridge.transfer(sid, BLIND, { key: 'with space' }), 400, 'BRIDGE_IDEMPOTENCY_KEY')
  await bridge.personOrder()
  t.equal(bridge.placed().length, 1)
  t.equal((await bridge.transfersOf(sid)).length, 1)
})

await transferTest('who may transfer whom', async (t, bridge) => {
  t.match(await bridge.order({ to: '+15550001111' }, { token: SHOP_TOKEN }), { status: 201 })
  await bridge.consulting('call-1')
  assertError(t, await bridge.transfer('call-1', CONSULT, { token: CLINIC_TOKEN }), 404, 'BRIDGE_CALL_NOT_FOUND')
  const begun = await bridge.transfer('call-1', { ...CONSULT, brief: 'secret brief' }, { token: SHOP_TOKEN })
  t.match(begun, { status: 202, json: { requestedBy: 'shop' } })
  const list = (token: string) => bridge.ask('GET', '/calls/call-1/transfers', token)
  t.match(await list(SHOP_TOKEN), { status: 200, json: { transfers: [{ id: begun.json.id }] } })
  t.equal((await list(CLINIC_TOKEN)).status, 404)

  const sid = await bridge.connected()
  const { token } = controlOfCall(bridge, sid)
  t.match(await bridge.transfer(sid, BLIND, { token }), { status: 202, json: { requestedBy: 'agent' } })
  assertError(t, await bridge.transfer('call-1', BLIND, { token }), 404, 'BRIDGE_CALL_NOT_FOUND')
  await settle()
  const { json: call } = await bridge.ask('GET', '/calls/call-1')
  t.same(misfits('Call', call), [])
  t.notMatch(JSON.stringify(call), 'secret brief')
  t.notMatch(bridge.logged(), /secret brief|15550003333/)
})

await transferTest('the consulting agent completes and cancels under the call of the person', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, { ...CONSULT, brief: 'about order 4711' })
  await bridge.personOrder()
  await bridge.consulting('call-1')
  const { url, token } = controlOfCall(bridge, 'call-1')
  t.match(url, /\/calls\/call-1$/)
  const job = [...bridge.rooms.open.values()].map(({ agent }) => JSON.parse(agent.metadata)).at(-1)
  t.match(job.transfer, { id, mode: 'consult', callSid: sid, brief: 'about order 4711' })
  const { json: list } = await bridge.ask('GET', '/calls/call-1/transfers', token)
  t.match(list, { transfers: [{ id, state: 'consulting' }] })
  t.equal((await bridge.ask('GET', `/calls/${sid}/transfers`, token)).status, 404, 'it has no other call')
  t.match(await bridge.tell('call-1', id, 'cancel', { token }), {
    status: 202,
    json: { id, result: 'returned', reason: 'cancelled' }
  })
})

const registry = createUnsteadyRegistry()
await transferTest('the store is gone', async (t, bridge) => {
  const sid = await bridge.connected()
  registry.gone = true
  assertError(t, await bridge.transfer(sid, BLIND), 503, 'BRIDGE_STORE_UNAVAILABLE')
  registry.gone = false
  t.same(await bridge.transfersOf(sid), [])
}, { app: { registry } })
