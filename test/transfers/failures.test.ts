import { agentStatus, callHook, callerStatus } from '../fixtures/build.ts'
import type { ApiReply, ApiRequest } from '../fixtures/jambonz-api.ts'
import { PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { assertError } from '../orders/support.ts'
import { transferTest } from './support.ts'

/*
 * Jambonz' REST API refuses, does not answer, or is asked too often; Jambonz sends no statuses.
 */

const BLIND = { to: PERSON, mode: 'blind' }
const CONSULT = { to: PERSON, mode: 'consult' }
const ADD = { to: PERSON, mode: 'add' }
const REFER = { to: PERSON, mode: 'refer' }

/** Waits until the transfer is decided. Jambonz' answers take no time of the clock; further time passes in steps. */
async function decided (bridge: TransferBridge, sid: string, id: string, stepMs = 0): Promise<any> {
  for (;;) {
    const { json } = await bridge.ask('GET', `/calls/${sid}/transfers/${id}`)
    if (json.state === 'finished') return json
    await bridge.clock.pass(stepMs)
  }
}

/** Waits until the order of the person's call is over, for which no time passes. */
async function notPlaced (bridge: TransferBridge, id: string): Promise<void> {
  while ((await bridge.ask('GET', `/calls/order-${id}`)).json.phase !== 'ended') await bridge.clock.pass(0)
}

const isList = ({ method, path }: ApiRequest, name: string): boolean => method === 'GET' && path === name
const isCreateCall = ({ method, path }: ApiRequest): boolean => method === 'POST' && path === '/Calls'
const isRedirect = ({ method, body }: ApiRequest): boolean => method === 'PUT' && body['call_hook'] !== undefined

await transferTest('Jambonz does not list its carriers: 502 and 504, and nothing begins', async (t, bridge) => {
  const sid = await bridge.connected()
  const fails = (reply: ApiReply | 'destroy') =>
    bridge.answerWith(request => isList(request, '/VoipCarriers') ? reply : undefined)
  for (const body of [BLIND, CONSULT, { ...BLIND, mode: 'screen' }]) {
    fails({ status: 500, body: { msg: 'db down' } })
    assertError(t, await bridge.transfer(sid, body), 502, 'BRIDGE_JAMBONZ_REFUSED', /500/)
    fails({ status: 401 })
    assertError(t, await bridge.transfer(sid, body), 502, 'BRIDGE_JAMBONZ_REFUSED', /401/)
    fails('destroy')
    assertError(t, await bridge.transfer(sid, body), 504, 'BRIDGE_JAMBONZ_UNREACHABLE', /ECONNRESET/)
  }
  t.same(await bridge.transfersOf(sid), [])
  const refer = await bridge.transfer(sid, REFER)
  t.match(refer, { status: 202 }, 'no carrier is needed, and the refused ones count nothing')
}, { policy: { caps: { concurrent: 1 } } })

await transferTest('Jambonz does not list its applications: only a call needs one', async (t, bridge) => {
  const sid = await bridge.connected()
  bridge.answerWith(request => isList(request, '/Applications') ? { status: 503 } : undefined)
  for (const body of [CONSULT, ADD]) {
    assertError(t, await bridge.transfer(sid, body), 502, 'BRIDGE_JAMBONZ_REFUSED', /503/)
  }
  t.match(await bridge.transfer(sid, BLIND), { status: 202 })
})

await transferTest('Jambonz has no application of ours: 501 says what to do', async (t, bridge) => {
  const sid = await bridge.connected()
  const reply = await bridge.transfer(sid, CONSULT)
  assertError(t, reply, 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /bridge provision/)
}, { jambonz: { applications: [] } })

await transferTest('Jambonz gives no answer: 504 in time, and nothing begins', async (t, bridge) => {
  const sid = await bridge.connected()
  const asked = bridge.jambonz.next(request => isList(request, '/VoipCarriers'))
  bridge.answerWith(request =>
    isList(request, '/VoipCarriers') ? new Promise<undefined>(() => {}) : undefined)
  const reply = bridge.transfer(sid, BLIND)
  await asked
  await bridge.clock.pass(8000)
  assertError(t, await reply, 504, 'BRIDGE_JAMBONZ_UNREACHABLE', /timeout/)
  t.same(await bridge.transfersOf(sid), [])
})

await transferTest("Jambonz' queue is full: 429 with Retry-After, and nothing begins", async (t, bridge) => {
  const sid = await bridge.connected()
  const taken = []
  for (let i = 0; i < 20; i++) {
    const { status } = await bridge.order({ to: `+1555000${1000 + i}` })
    if (status !== 201) break
    taken.push(status)
  }
  const placed = bridge.placed().length
  t.ok(placed > 0 && placed < 10, `some orders were placed: ${placed}`)
  for (const body of [BLIND, CONSULT, ADD, REFER]) {
    const refused = await bridge.transfer(sid, body)
    assertError(t, refused, 429, 'BRIDGE_QUEUE_FULL')
    t.match(refused.headers['retry-after'], /^[1-9]\d*$/)
  }
  t.same(await bridge.transfersOf(sid), [])
  await bridge.clock.pass(300_000)
  t.equal(bridge.placed().length, placed, 'and nobody is called later')
}, { env: { JAMBONZ_REST_PER_MINUTE: '2' } })

await transferTest('createCall is refused: the caller stays with the agent, and hears why', async (t, bridge) => {
  const sid = await bridge.connected()
  bridge.answerWith(request => isCreateCall(request) ? { status: 400, body: { msg: 'carrier is down' } } : undefined)
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await notPlaced(bridge, id)
  t.match(await decided(bridge, sid, id, 100), { result: 'returned', reason: 'refused', detail: 'carrier is down' })
  t.equal(bridge.placed().length, 1, 'nobody is called a second time')
  t.match((await bridge.ask('GET', `/calls/${sid}`)).json, { phase: 'connected' })
})

await transferTest('createCall fails, and Jambonz lists no such call: nobody waits for ever', async (t, bridge) => {
  const sid = await bridge.connected()
  bridge.answerWith(request => isCreateCall(request) ? { status: 500, body: { msg: 'no session' } } : undefined)
  const { json: { id } } = await bridge.transfer(sid, ADD)
  await bridge.personOrder()
  t.match(await decided(bridge, sid, id, 1000), { result: 'returned', reason: 'error' })
  t.equal(bridge.placed().length, 1, 'and nobody is called a second time')
})

await transferTest('the answer to createCall is lost: nobody is called a second time', async (t, bridge) => {
  const sid = await bridge.connected()
  const created = bridge.jambonz.next(isCreateCall)
  bridge.answerWith(request => isCreateCall(request) ? 'destroy' : undefined)
  const { json: { id } } = await bridge.transfer(sid, ADD)
  await created
  const { body } = bridge.jambonz.requests.find(isCreateCall)!
  const facts = { direction: 'outbound', from: body['from'], to: PERSON, customerData: body['tag'] }
  await bridge.hook('/status', callerStatus('heard-of', 'ringing', 180, facts))
  await bridge.clock.pass(2000)
  t.match(await bridge.transfersOf(sid), [{ id, state: 'ringing', person: { callSid: 'heard-of' } }])
  await bridge.hook('/status', callerStatus('heard-of', 'busy', 486, facts))
  t.match(await decided(bridge, sid, id, 100), { result: 'returned', reason: 'busy' })
  t.equal(bridge.placed().length, 1)
})

/** The request waits for its turn again. */
const TURNED_AWAY = { status: 429 }

for (const answer of [{ status: 500 }, { status: 404 }, TURNED_AWAY, 'destroy'] as const) {
  const what = typeof answer === 'string' ? 'breaks off' : `answers ${answer.status}`
  await transferTest(`Jambonz ${what} instead of redirecting: the caller stays with the agent`, async (t, bridge) => {
    const sid = await bridge.connected()
    bridge.answerWith(request => isRedirect(request) ? answer : undefined)
    const { json: { id } } = await bridge.transfer(sid, BLIND)
    const stepMs = answer === TURNED_AWAY ? 1000 : 0
    const detail = "Jambonz's API did not take the redirect"
    t.match(await decided(bridge, sid, id, stepMs), { result: 'returned', reason: 'error', detail })
    t.match((await bridge.ask('GET', `/calls/${sid}`)).json, { phase: 'connected', attempts: [{ strategy: 'room' }] })

    bridge.answerWith(() => undefined)
    t.match(await bridge.transfer(sid, BLIND), { status: 202 }, 'the next one may begin')
  })
}

await transferTest('Jambonz does not take the merge: the person is with the agent still', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await bridge.consulting('call-1')
  bridge.answerWith(request => isRedirect(request) ? { status: 500 } : undefined)
  t.match(await bridge.tell(sid, id, 'complete'), { status: 202, json: { state: 'completing' } })
  await bridge.clock.pass(30_000)
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting' }])

  bridge.answerWith(() => undefined)
  bridge.jambonz.requests.length = 0
  t.match(await bridge.tell(sid, id, 'complete'), { status: 202, json: { state: 'completing' } }, 'once more')
  const asked = await bridge.redirected('call-1')
  const verbs = await bridge.redirect(asked, callerStatus('call-1', 'in-progress', 200, { direction: 'outbound' }))
  t.match(verbs.json, [{ verb: 'dial', callerId: PERSON }])
})

await transferTest("an agent's REFER is refused while a transfer is open, which goes on", async (t, bridge) => {
  const sid = await bridge.connected()
  const refer = () =>
    bridge.hook('/refer', {
      ...agentStatus(sid, 'in-progress', 200),
      refer_details: {
        sip_refer_to: '<tel:+15550004444>',
        refer_to_user: '+15550004444',
        referred_call_sid: sid,
        // Each REFER reads differently.
        n: Math.random()
      }
    })
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  t.equal((await refer()).status, 403, 'while the person is called')
  await bridge.consulting('call-1')
  t.equal((await refer()).status, 403, 'while the person is consulted')
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting' }], 'it is the only one')
  t.match((await bridge.ask('GET', `/calls/${sid}`)).json, { phase: 'connected' })

  await bridge.tell(sid, id, 'cancel')
  t.match(await refer(), { status: 200, json: [{ verb: 'sip:refer', referTo: '+15550004444' }] }, 'afterwards it may')
}, { policy: { caps: { concurrent: 2 } } })

await transferTest('without a status hook the bridge knows late that the caller talks', async (t, bridge) => {
  const hook = callHook()
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  for (const body of [BLIND, REFER, CONSULT, ADD]) {
    assertError(t, await bridge.transfer(sid, body), 409, 'BRIDGE_NOT_CONNECTED')
  }
  t.same(await bridge.transfersOf(sid), [])
  t.same(bridge.placed(), [])

  bridge.rooms.present = () => ({
    sip: { sid: 'PA_1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  })
  await bridge.clock.pass(15_000)
  t.match(await bridge.transfer(sid, BLIND), { status: 202 }, 'LiveKit has shown it')
})
