import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { settle } from '../fixtures/test-clock.ts'
import { fixedSource, settingsTable } from '../../src/routing/settings-table.ts'
import { CONTEXT_AT_DOORS, NUMBERS_AT_DOORS } from '../fixtures/numbers-at-doors.ts'
import {
  buildOrderBridge,
  CLINIC_TOKEN,
  outboundStatus,
  SHOP_TOKEN,
  type OrderBridge,
  type OrderReply
} from '../fixtures/order-bridge.ts'
import { createUnsteadyRegistry } from '../fixtures/unsteady-registry.ts'
import { lines, misfits } from '../routes/support.ts'
import { assertError, orderTest } from './support.ts'

const TO = '+15550001111'

/** The reason in the brackets of a refusal, without the rule. */
const reasonOf = ({ json }: OrderReply): string => /not dialled \(([\w-]+)/.exec(json.message)?.[1] ?? json.message

/** Lets time pass until work is done. */
async function passUntil (work: Promise<unknown>, { clock }: OrderBridge): Promise<void> {
  const over = work.then(() => true)
  const turn = () => new Promise<boolean>(resolve => setImmediate(resolve, false))
  while (!await Promise.race([over, turn()])) await clock.pass(500)
}

/** Where nothing listens. */
async function closedPort (): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

await orderTest('an order becomes a call of Jambonz', async (t, bridge) => {
  const reply = await bridge.order({
    to: '+1 (555) 000-1111',
    from: '0015551230001',
    agent: 'sales',
    metadata: { customer: 'C-17' },
    carrier: 'mycarrier',
    ring: 30,
    longest: 600,
    headers: { 'X-Campaign': 'spring' },
    callerName: 'Acme',
    reference: 'order-4711'
  })
  t.equal(reply.status, 201)
  t.strictSame(reply.json, { callSid: 'call-1', reference: 'order-4711', phase: 'dialing' })
  t.same(misfits('PlacedCall', reply.json), [])
  t.notOk('idempotent-replayed' in reply.headers)
  const [asked, ...more] = bridge.placed()
  t.same(more, [])
  t.match(asked, {
    from: '+15551230001',
    to: { type: 'phone', number: TO, trunk: 'MyCarrier' },
    timeout: 30,
    timeLimit: 600,
    headers: { 'X-Campaign': 'spring' },
    callerName: 'Acme'
  })
  const { json: call } = await bridge.ask('GET', '/calls/call-1')
  t.match(call, {
    callSid: 'call-1',
    direction: 'outbound',
    phase: 'dialing',
    from: '+15551230001',
    to: TO,
    agent: 'sales',
    orderId: /^order-/,
    reference: 'order-4711',
    placedBy: 'operator',
    carrier: 'MyCarrier'
  })
  t.same(misfits('Call', call), [])
  t.equal((await bridge.ask('GET', `/calls/${call.orderId}`)).json.callSid, 'call-1', 'its order finds it, too')
  const stored = await bridge.app.registry.get('call-1')
  t.match(stored?.order, { metadata: '{"customer":"C-17"}', agentAt: 'ringing', voicemail: 'off' })
  await settle()
  const logged = bridge.logged()
  t.match(lines(logged).find(({ operation }) => operation === 'place-call'), { status: 201, callSid: 'call-1' })
  for (const secret of ['15550001111', '15551230001', 'C-17', 'Acme', 'spring']) t.notMatch(logged, secret, secret)
})

await orderTest('what an order does not say', async (t, bridge) => {
  t.match(await bridge.order({ to: TO }), { status: 201 })
  t.match(bridge.placed()[0], { from: '+15551230000', timeout: 60, timeLimit: 7200, to: { trunk: 'MyCarrier' } })
  t.equal((await bridge.ask('GET', '/calls/call-1')).json.agent, 'demo-agent')
  t.match((await bridge.app.registry.get('call-1'))?.order, { agentAt: 'ringing', onMachine: 'continue' })
})

await orderTest('the routes file names the agent, and limits how long calls last', async (t, bridge) => {
  for (const longest of [undefined, 60, 900]) await bridge.order({ to: TO, longest })
  t.same(bridge.placed().map(({ timeLimit }) => timeLimit), [300, 60, 300])
  t.equal((await bridge.ask('GET', '/calls/call-1')).json.agent, 'desk')
}, { policy: { caps: { longestS: 300 } }, table: { agent: 'desk' } })

await orderTest('MAX_CALL_DURATION_S limits them as well', async (t, bridge) => {
  for (const longest of [undefined, 60, 900]) await bridge.order({ to: TO, longest })
  t.same(bridge.placed().map(({ timeLimit }) => timeLimit), [120, 60, 120])
}, { env: { MAX_CALL_DURATION_S: '120' }, policy: { caps: { longestS: 300 } } })

await orderTest('metadata: a text as it is, an object as JSON', async (t, bridge) => {
  const cases: Array<[unknown, string]> = [['a text', 'a text'], ['', ''], [{ a: [1, null] }, '{"a":[1,null]}']]
  for (const [metadata] of cases) t.equal((await bridge.order({ to: TO, metadata })).status, 201)
  for (const [i, [, text]] of cases.entries()) {
    t.equal((await bridge.app.registry.get(`call-${i + 1}`))?.order?.metadata, text)
  }
})

await orderTest('a body that is no order: 400 with the property, and nothing is placed', async (t, bridge) => {
  const wrong: Array<[body: unknown, message: RegExp]> = [
    ['', /not JSON/],
    ['{', /not JSON/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['"+15550001111"', /must be a JSON object/],
    [{}, /^to is missing/],
    [{ to: '' }, /^to must be a text/],
    [{ to: 15550001111 }, /^to must be a text/],
    [{ to: null }, /^to must be a text/],
    [{ to: TO, form: '+15551230000' }, /^"form" is not known\. Did you mean from\?$/],
    [{ to: TO, zzzzzzzz: 1 }, /^"zzzzzzzz" is not known\. Known are to, from, /],
    [{ to: TO, from: 7 }, /^from must be/],
    [{ to: TO, agent: '' }, /^agent must be/],
    [{ to: TO, agent: ' ' }, /^agent must be/],
    [{ to: TO, agent: 'x'.repeat(101) }, /^agent must be/],
    [{ to: TO, metadata: 7 }, /^metadata must be/],
    [{ to: TO, metadata: ['a'] }, /^metadata must be/],
    [{ to: TO, metadata: { a: 'x'.repeat(8192) } }, /^metadata must be/],
    [{ to: TO, ring: 0 }, /^ring must be whole seconds from 1 to 600\.$/],
    [{ to: TO, ring: 601 }, /^ring must be/],
    [{ to: TO, ring: 1.5 }, /^ring must be/],
    [{ to: TO, ring: '30' }, /^ring must be/],
    [{ to: TO, longest: 0 }, /^longest must be/],
    [{ to: TO, longest: 86_401 }, /^longest must be/],
    [{ to: TO, headers: [] }, /^headers must be/],
    [{ to: TO, headers: { 'X-A': 1 } }, /^headers must be/],
    [{ to: TO, headers: { 'X-A': 'x'.repeat(257) } }, /^headers must be/],
    [{ to: TO, headers: { From: 'me' } }, /^headers: "From" is not the name of an X- header/],
    [{ to: TO, headers: { 'X-': 'me' } }, /^headers: "X-" is not/],
    [{ to: TO, headers: { 'X-A B': 'me' } }, /^headers: "X-A B" is not/],
    [{ to: TO, headers: { 'X-A\r\nB': 'me' } }, /^headers: "X-A\\r\\nB" is not/],
    [{ to: TO, headers: { 'X-A': 'a\r\nB: c' } }, /^headers: the value of "X-A" has a line break/],
    [{ to: TO, headers: { 'x-requested-carrier-sid': 'other' } }, /^headers: Jambonz uses "x-requested-carrier-sid"/],
    [{ to: TO, headers: { 'X-Account-Sid': 'other' } }, /^headers: Jambonz uses/],
    [{ to: TO, headers: { 'X-Override-To': 'other' } }, /^headers: Jambonz uses/],
    [{ to: TO, callerName: '"Acme" <sip:x@y>' }, /^callerName must not have/],
    [{ to: TO, callerName: 'a\nb' }, /^callerName has a control character/],
    [{ to: TO, reference: '' }, /^reference must be/],
    [{ to: TO, reference: 'x'.repeat(129) }, /^reference must be/],
    [{ to: TO, reference: 'a\0b' }, /^reference has a control character/],
    [{ to: TO, reference: '\ud800' }, /^reference has half a character/],
    [{ to: TO, notAfter: 'tomorrow' }, /^notAfter must be a time/],
    [{ to: TO, notAfter: '2026-11-29T18:00:00' }, /^notAfter must be a time/],
    [{ to: TO, notAfter: 1_800_000_000_000 }, /^notAfter must be a time/],
    [{ to: TO, agentAt: 'never' }, /^agentAt must be one of dial, ringing, answer\.$/],
    [{ to: TO, voicemail: true }, /^voicemail must be one of off, agent, jambonz\.$/],
    [{ to: TO, onMachine: 'beep' }, /^onMachine must be one of/],
    [{ to: TO, onMachine: 'hangup' }, /^onMachine needs voicemail/],
    [{ to: TO, carrier: 'Nobody' }, /no carrier Nobody/]
  ]
  for (const [body, message] of wrong) {
    const reply = await bridge.order(body)
    t.match(reply, { status: 400, json: { statusCode: 400, code: /^BRIDGE_/, message } }, JSON.stringify(body))
  }
  t.same(bridge.placed(), [])
  t.same((await bridge.ask('GET', '/calls')).json.calls, [], 'and nothing was recorded')
})

await orderTest('a carrier must be named where there are several: 400', async (t, bridge) => {
  assertError(t, await bridge.order({ to: TO }), 400, 'BRIDGE_CARRIER_NEEDED', /One, Two/)
  t.equal((await bridge.order({ to: TO, carrier: 'Two' })).status, 201)
}, {
  jambonz: { carriers: [{ voip_carrier_sid: '1', name: 'One' }, { voip_carrier_sid: '2', name: 'Two' }] }
})

await orderTest('a body that is too large, or no JSON: 413 and 415', async (t, bridge) => {
  const large = await bridge.order({ to: TO, metadata: 'x'.repeat(20_000) })
  assertError(t, large, 413, 'BRIDGE_BODY_TOO_LARGE', /16 KiB/)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    assertError(t, await bridge.order({ to: TO }, { headers: { 'content-type': type } }), 415, 'BRIDGE_NOT_JSON')
  }
  t.same(bridge.placed(), [])
})

await orderTest('a number that is not ours may not be seen: 403', async (t, bridge) => {
  for (const from of ['+15551230002', 'anonymous', '5551230000', 'sip:alice@example.com', '1']) {
    assertError(t, await bridge.order({ to: TO, from }), 403, 'BRIDGE_FROM_NOT_OURS', /numbers/)
  }
  t.same(bridge.placed(), [])
  for (const from of ['+15551230001', '+1 555 123-0001', '0015551230001', 'tel:+1-555-123-0001', '15551230001']) {
    await bridge.order({ to: TO, from })
  }
  t.same(bridge.placed().map(({ from }) => from), Array(5).fill('+15551230001'))
})

await orderTest('our own number is not called: 403', async (t, bridge) => {
  for (const to of ['+15551230001', '+1 (555) 123-0001', 'tel:+1-555-123-0001']) {
    assertError(t, await bridge.order({ to }), 403, 'BRIDGE_OWN_NUMBER', /own-number/)
  }
  t.same(bridge.placed(), [])
})

await orderTest('unless the policy names it in full', async (t, bridge) => {
  t.equal((await bridge.order({ to: '+1 555 123 0001' })).status, 201)
  assertError(t, await bridge.order({ to: '+15551230000' }), 403, 'BRIDGE_OWN_NUMBER')
  t.same(bridge.placed().map(({ to }) => to.number), ['+15551230001'])
}, { policy: { allow: ['+1555', '+15551230001'] } })

await t.test('every spelling of a number is judged, and dialled as it was judged', async t => {
  const { policy, ...table } = CONTEXT_AT_DOORS
  const bridge = await buildOrderBridge(t, { policy: policy!, table, env: { JAMBONZ_REST_PER_MINUTE: '6000' } })
  for (const [group, rows] of NUMBERS_AT_DOORS) {
    for (const [to, ofTransfer, verdict = ofTransfer] of rows) {
      const before = bridge.placed().length
      const reply = await bridge.order({ to })
      const dialled = bridge.placed().slice(before).map(({ to }) => to.number)
      const said = reply.status === 201 ? 'placed' : `${reply.status} ${reasonOf(reply)}`
      const isAllowed = verdict === 'ok' || verdict.startsWith('→')
      const number = verdict === 'ok' ? to : verdict.replace('→ ', '')
      // These are no text that may stand there at all.
      const refusal = to === '' || to.length > 256 ? /^400 to must be/ : new RegExp(`^403 ${verdict}$`)
      t.match([said, dialled], isAllowed ? ['placed', [number]] : [refusal, []], `${group}: ${to}`)
      t.equal(dialled.length, isAllowed ? 1 : 0)
    }
  }
})

await orderTest('what the policy refuses says which rule it was: 403', async (t, bridge) => {
  const refused: Array<[to: string, message: RegExp]> = [
    ['+4953118054630', /not dialled \(not-allowed DE\).*policy\.allow/],
    ['+15556660000', /not dialled \(denied \+155566…?\).*policy\.deny/],
    ['+19005551234', /not dialled \(premium-rate\)/],
    ['112', /not dialled \(emergency\)/],
    ['sip:alice@example.com', /not dialled \(sip-target\)/],
    ['alice', /not dialled \(unreadable\)/],
    ['\ud800', /not dialled \(unreadable\)/],
    ['+1555000\u00001111', /not dialled \(unreadable\)/]
  ]
  for (const [to, message] of refused) {
    assertError(t, await bridge.order({ to }), 403, 'BRIDGE_NUMBER_REFUSED', message)
  }
  t.same(bridge.placed(), [])
  t.match(await bridge.app.inject('/metrics'), { body: /numbers_refused_total\{door="outbound",reason="emergency"\} 1/ })
}, { policy: { deny: ['+155566'] } })

await orderTest('caps: 429 with Retry-After, and room again when a call is over', async (t, bridge) => {
  t.equal((await bridge.order({ to: TO })).status, 201)
  const full = await bridge.order({ to: TO })
  assertError(t, full, 429, 'BRIDGE_CAP_REACHED', /concurrent/)
  t.match(full.headers['retry-after'], /^[1-9]\d*$/)
  await bridge.hook('/status', outboundStatus('call-1', 'busy', 486))
  await bridge.clock.pass(3000)
  t.equal((await bridge.ask('GET', '/calls/call-1')).json.phase, 'ended')
  t.equal((await bridge.order({ to: TO })).status, 201, 'busy')
  t.equal((await bridge.ask('DELETE', '/calls/call-2')).status, 202)
  await bridge.hook('/status', outboundStatus('call-2', 'no-answer', 487))
  await bridge.clock.pass(6000)
  t.equal((await bridge.order({ to: TO })).status, 201, 'hung up')
}, { policy: { caps: { concurrent: 1 } } })

await orderTest('caps of a minute, a day, and of each key', async (t, bridge) => {
  const order = (token?: string) => bridge.order({ to: TO }, { token })
  for (const token of [SHOP_TOKEN, SHOP_TOKEN, CLINIC_TOKEN]) t.equal((await order(token)).status, 201)
  const ofKey = await order(SHOP_TOKEN)
  assertError(t, ofKey, 429, 'BRIDGE_CAP_REACHED', /per-caller-per-day/)
  t.equal(ofKey.headers['retry-after'], '86400')
  t.equal((await order(CLINIC_TOKEN)).status, 201)
  const ofDay = await order()
  assertError(t, ofDay, 429, 'BRIDGE_CAP_REACHED', /per-day/)
  t.equal(bridge.placed().length, 4)
}, { policy: { caps: { perDay: 4, perCallerPerDay: 2 } } })

await orderTest('what was not placed counts for nothing', async (t, bridge) => {
  let answer: number | undefined = 400
  bridge.answerWith(({ method }) =>
    method === 'POST' && answer !== undefined ? { status: answer, body: { msg: 'no' } } : undefined)
  assertError(t, await bridge.order({ to: TO }), 502, 'BRIDGE_JAMBONZ_REFUSED', /400 no/)
  assertError(t, await bridge.order({ to: TO, carrier: 'Nobody' }), 400, 'BRIDGE_UNKNOWN_CARRIER')
  answer = undefined
  t.equal((await bridge.order({ to: TO })).status, 201)
  assertError(t, await bridge.order({ to: TO }), 429, 'BRIDGE_CAP_REACHED')
}, { policy: { caps: { perDay: 1, concurrent: 1 } } })

await orderTest('notAfter has passed: 409', async (t, bridge) => {
  const at = (ms: number) => new Date(bridge.clock.now() + ms).toISOString()
  assertError(t, await bridge.order({ to: TO, notAfter: at(0) }), 409, 'BRIDGE_ORDER_TOO_LATE', /notAfter/)
  assertError(t, await bridge.order({ to: TO, notAfter: '2001-01-01T00:00:00Z' }), 409, 'BRIDGE_ORDER_TOO_LATE')
  t.same(bridge.placed(), [])
  t.equal((await bridge.order({ to: TO, notAfter: at(1000) })).status, 201)
})

await orderTest('without the Jambonz REST settings: 501', async (t, bridge) => {
  assertError(t, await bridge.order({ to: TO }), 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /JAMBONZ_API_KEY/)
}, { env: { JAMBONZ_REST_API_BASE_URL: '', JAMBONZ_ACCOUNT_SID: '', JAMBONZ_API_KEY: '' } })

await orderTest('without a number policy: 501', async (t, bridge) => {
  assertError(t, await bridge.order({ to: TO }), 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /number policy/)
  t.same(bridge.placed(), [])
}, { app: { routes: fixedSource({ ...settingsTable, numbers: ['+15551230000'] }) } })

await orderTest('without numbers of our own: 501', async (t, bridge) => {
  assertError(t, await bridge.order({ to: TO }), 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /`numbers`/)
  t.same(bridge.placed(), [])
}, { table: { numbers: [] } })

await orderTest('without an application of ours in Jambonz: 501', async (t, bridge) => {
  assertError(t, await bridge.order({ to: TO }), 501, 'BRIDGE_OUTBOUND_NOT_CONFIGURED', /bridge provision/)
  t.same(bridge.placed(), [])
}, { jambonz: { applications: [] } })

await orderTest('Jambonz refuses the API key: 502', async (t, bridge) => {
  bridge.answerWith(() => ({ status: 401, body: { msg: 'unauthorized' } }))
  assertError(t, await bridge.order({ to: TO }), 502, 'BRIDGE_JAMBONZ_REFUSED', /401/)
})

await orderTest('nobody listens where Jambonz should be: 504, and nothing was placed', async (t, bridge) => {
  const reply = await bridge.order({ to: TO })
  assertError(t, reply, 504, 'BRIDGE_JAMBONZ_UNREACHABLE', /ECONNREFUSED.*not placed/)
}, { env: { JAMBONZ_REST_API_BASE_URL: `http://127.0.0.1:${await closedPort()}` } })

await orderTest('Jambonz does not answer: 504 with the record, which goes on under its call_sid', async (t, bridge) => {
  bridge.answerWith(({ method }) => method === 'POST' ? 'destroy' : undefined)
  const reply = await bridge.order({ to: TO, reference: 'r-1' })
  assertError(t, reply, 504, 'BRIDGE_PLACEMENT_UNKNOWN', /not placed a second time/)
  t.match(reply.json, { callSid: /^order-/, reference: 'r-1' })
  t.same(misfits('UnplacedCall', reply.json), [])
  const { callSid: id } = reply.json
  t.match((await bridge.ask('GET', `/calls/${id}`)).json, { callSid: id, phase: 'requested', reference: 'r-1' })

  const [{ tag }] = bridge.placed() as [Record<string, any>]
  await bridge.hook('/status', { ...outboundStatus('found-later', 'ringing', 180), customerData: tag })
  const { json: found } = await bridge.ask('GET', `/calls/${id}`)
  t.match(found, { callSid: 'found-later', phase: 'ringing', reference: 'r-1' }, 'the same record')
  t.equal((await bridge.ask('GET', '/calls?reference=r-1')).json.calls.length, 1)
  t.equal(bridge.placed().length, 1)
})

await orderTest('MAX_CALLS are active: 503', async (t, bridge) => {
  t.equal((await bridge.order({ to: TO })).status, 201)
  assertError(t, await bridge.order({ to: TO }), 503, 'BRIDGE_CAPACITY')
  t.equal(bridge.placed().length, 1)
  await bridge.hook('/status', outboundStatus('call-1', 'in-progress', 200))
  const { json: verbs } = await bridge.hook('/livekit-api', {
    ...outboundStatus('call-1', 'in-progress', 200)
  })
  t.equal(verbs[0].verb, 'dial', 'the call that took the last place is connected')
}, { env: { MAX_CALLS: '1' } })

await orderTest('this process is about to end: 503', async (t, bridge) => {
  bridge.app.draining.drain()
  const reply = await bridge.order({ to: TO })
  assertError(t, reply, 503, 'BRIDGE_DRAINING')
  t.equal(reply.headers['retry-after'], '1')
  t.same(bridge.placed(), [])
})

const registry = createUnsteadyRegistry()
await orderTest('the store of calls is gone: 503, and nothing is placed', async (t, bridge) => {
  registry.gone = true
  assertError(t, await bridge.order({ to: TO }), 503, 'BRIDGE_STORE_UNAVAILABLE')
  assertError(t, await bridge.order({ to: TO }, { key: 'k' }), 503, 'BRIDGE_STORE_UNAVAILABLE')
  registry.gone = false
  registry.refuses = () => true
  assertError(t, await bridge.order({ to: TO }), 503, 'BRIDGE_STORE_UNAVAILABLE')
  registry.refuses = () => false
  t.same(bridge.placed(), [])
}, { app: { registry }, policy: { caps: { perDay: 10 } } })

const leaving = createUnsteadyRegistry()
await orderTest('the store goes while Jambonz answers: the call is placed all the same', async (t, bridge) => {
  bridge.answerWith(({ method }) => {
    if (method === 'POST') leaving.gone = true
    return undefined
  })
  const reply = await bridge.order({ to: TO, reference: 'r-1' }, { key: 'k' })
  t.match(reply, { status: 201, json: { callSid: 'call-1', phase: 'dialing', reference: 'r-1' } })
  leaving.gone = false
  const [{ tag }] = bridge.placed() as [Record<string, any>]
  await bridge.hook('/status', { ...outboundStatus('call-1', 'ringing', 180), customerData: tag })
  await bridge.clock.pass(5000)
  t.match((await bridge.ask('GET', '/calls/call-1')).json, { phase: 'ringing', reference: 'r-1' })
  const again = await bridge.order({ to: TO, reference: 'r-1' }, { key: 'k' })
  t.match(again, { status: 201, json: { callSid: 'call-1' }, headers: { 'idempotent-replayed': 'true' } })
  t.equal(bridge.placed().length, 1)
}, { app: { registry: leaving } })

await orderTest('300 orders at once: each is placed once, or refused with a reason', async (t, bridge) => {
  const replies = await Promise.all(Array.from({ length: 300 }, (_, i) =>
    bridge.order({ to: `+1555000${1000 + i}`, reference: `r-${i}` }, { key: `k-${i}` })))
  const taken = replies.filter(({ status }) => status === 201)
  t.equal(taken.length, 300)
  t.equal(new Set(taken.map(({ json }) => json.callSid)).size, 300)
  t.equal(new Set(bridge.placed().map(({ to }) => to.number)).size, 300)
  t.equal(bridge.placed().length, 300)
}, { env: { JAMBONZ_REST_PER_MINUTE: '6000' } })

await orderTest('more orders than Jambonz takes in time: 429 with Retry-After, and no record', async (t, bridge) => {
  const all = Promise.all(Array.from({ length: 60 }, (_, i) => bridge.order({ to: `+1555000${1000 + i}` })))
  const passing = passUntil(all, bridge)
  const replies = await all
  await passing
  const counts = new Map<number, number>()
  for (const { status } of replies) counts.set(status, (counts.get(status) ?? 0) + 1)
  t.same([...counts.keys()].sort(), [201, 429])
  const refused = replies.find(({ status }) => status === 429)!
  assertError(t, refused, 429, 'BRIDGE_QUEUE_FULL', /not placed/)
  t.match(refused.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(bridge.placed().length, counts.get(201))
}, { env: { JAMBONZ_REST_PER_MINUTE: '2' } })
