import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import {
  agentStatus,
  buildTestBridge,
  callHook,
  callerStatus,
  dialAction,
  OPERATOR_TOKEN,
  type TestBridge
} from '../fixtures/build.ts'
import { settle } from '../fixtures/test-clock.ts'
import { bridgeTest, counted, lines, misfits, registryWith } from './support.ts'

async function received (bridge: TestBridge, extra: Record<string, unknown> = {}): Promise<string> {
  const hook = callHook(extra)
  await bridge.hook('/livekit-api', hook)
  await bridge.clock.pass(1)
  return hook['call_sid']
}

async function ended (bridge: TestBridge, extra: Record<string, unknown> = {}): Promise<string> {
  const sid = await received(bridge, extra)
  await bridge.hook('/status', callerStatus(sid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.hook('/action', dialAction(sid, 'no-answer', 487, { call_status: 'no-answer', sip_status: 487 }))
  await bridge.clock.pass(3000)
  return sid
}

const sidsOf = ({ json }: { json: { calls: Array<{ callSid: string }> } }) => json.calls.map(({ callSid }) => callSid)

/** The shape of every error that people get. */
function assertError (t: Test, { status, json }: { status: number, json: any }, expected: number, code: string): void {
  t.equal(status, expected)
  t.same(Object.keys(json).sort(), ['code', 'error', 'message', 'statusCode'])
  t.match(json, { statusCode: expected, code, error: /^[A-Z]/, message: /./ })
}

await bridgeTest('no valid token: 401 on every operator route, counted', async (t, bridge) => {
  const sid = await received(bridge)
  const routes = [['GET', '/calls', 'list-calls'], ['GET', `/calls/${sid}`, 'get-call'], [
    'POST',
    `/calls/${sid}/hangup`,
    'hang-up'
  ]] as const
  const wrong = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer wrong',
    `Bearer ${OPERATOR_TOKEN}x`,
    `Bearer ${OPERATOR_TOKEN.slice(1)}`,
    `Basic ${OPERATOR_TOKEN}`,
    OPERATOR_TOKEN
  ]
  for (const [method, url, operation] of routes) {
    for (const authorization of wrong) {
      const reply = await bridge.app.inject({
        method,
        url,
        headers: authorization === undefined ? {} : { authorization }
      })
      assertError(t, { status: reply.statusCode, json: reply.json() }, 401, 'BRIDGE_UNAUTHORIZED')
    }
    await settle()
    t.equal(
      await counted(bridge, `bridge_authentication_refused_total{operation="${operation}"}`),
      wrong.length,
      operation
    )
  }
  t.equal((await bridge.app.inject(`/calls?token=${OPERATOR_TOKEN}`)).statusCode, 401, 'no token in URLs')
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'received', 'and nothing was hung up')
})

await bridgeTest('the operator API is off without OPERATOR_TOKEN: 404', async (t, bridge) => {
  const sid = await received(bridge)
  for (
    const [method, url] of [['GET', '/calls'], ['GET', `/calls/${sid}`], ['POST', `/calls/${sid}/hangup`]] as const
  ) {
    assertError(t, await bridge.operator(method, url), 404, 'BRIDGE_OPERATOR_API_OFF')
    const reply = await bridge.app.inject({ method, url })
    assertError(t, { status: reply.statusCode, json: reply.json() }, 404, 'BRIDGE_OPERATOR_API_OFF')
  }
}, { OPERATOR_TOKEN: '' })

await bridgeTest('the list: newest first, without events, page by page', async (t, bridge) => {
  const sids: string[] = []
  for (let i = 0; i < 5; i++) sids.unshift(await received(bridge))
  const all = await bridge.operator('GET', '/calls')
  t.equal(all.status, 200)
  t.same(sidsOf(all), sids)
  t.notOk('next' in all.json)
  t.notOk('events' in all.json.calls[0])
  const first = await bridge.operator('GET', '/calls?limit=2')
  t.same(sidsOf(first), sids.slice(0, 2))
  await received(bridge)
  const second = await bridge.operator('GET', `/calls?limit=2&cursor=${first.json.next}`)
  t.same(sidsOf(second), sids.slice(2, 4), 'a call that came meanwhile moves nothing')
  const third = await bridge.operator('GET', `/calls?limit=2&cursor=${second.json.next}`)
  t.same(sidsOf(third), sids.slice(4))
  t.notOk('next' in third.json, 'the last page has no cursor')
})

await bridgeTest('calls of the same millisecond are all listed', async (t, bridge) => {
  const hooks = Array.from({ length: 5 }, () => callHook())
  for (const hook of hooks) await bridge.hook('/livekit-api', hook)
  const seen: string[] = []
  for (let url = '/calls?limit=2'; ;) {
    const page = await bridge.operator('GET', url)
    seen.push(...sidsOf(page))
    if (!page.json.next) break
    url = `/calls?limit=2&cursor=${page.json.next}`
  }
  t.same(seen.sort(), hooks.map(hook => hook['call_sid']).sort())
})

await bridgeTest('calls say whether they failed, in lists, alone and in files', async (t, bridge) => {
  const failed = await ended(bridge)
  const active = await received(bridge)
  const { json: { calls } } = await bridge.operator('GET', '/calls')
  const { json: file } = await bridge.operator('GET', '/calls/export?format=json')
  for (const list of [calls, file]) {
    t.same(sidsOf({ json: { calls: list } }), [active, failed])
    t.same(list.map(({ failed }: { failed: boolean }) => failed), [false, true])
  }
  t.equal((await bridge.operator('GET', `/calls/${failed}`)).json.failed, true)
  t.equal((await bridge.operator('GET', `/calls/${active}`)).json.failed, false)
})

await bridgeTest('filters', async (t, bridge) => {
  const over = await ended(bridge)
  const other = await received(bridge, { from: '+15550002222', to: '+15551239999' })
  const ringing = await received(bridge)
  await bridge.hook('/status', agentStatus(ringing, 'ringing', 180))
  const expected: Array<[query: string, sids: string[]]> = [
    ['phase=active', [ringing, other]],
    ['phase=ended', [over]],
    ['phase=ringing', [ringing]],
    ['phase=connected', []],
    ['cause=caller-gave-up', [over]],
    ['cause=lost', []],
    ['from=%2B15550002222', [other]],
    ['from=+15550002222', [other]],
    ['from=15550002222', [other]],
    ['from=%20%2B1%20(555)%20000-2222', [other]],
    ['from=+1+555-000.2222', [other]],
    ['from=tel:%2B1-555-000-2222;phone-context=x', [other]],
    ['from=sip:15550002222@carrier.example.com', [other]],
    ['to=0015551239999', [other]],
    ['from=5550002222', []],
    ['from=', []],
    ['to=%2B15551239999', [other]],
    ['to=+15551239999', [other]],
    ['from=+15550001111&phase=active', [ringing]],
    ['from=+15550001111', [ringing, over]],
    ['', [ringing, other, over]]
  ]
  for (const [query, sids] of expected) t.same(sidsOf(await bridge.operator('GET', `/calls?${query}`)), sids, query)
})

await bridgeTest('a query parameter that does not exist: 400, with its name and the known ones', async (t, bridge) => {
  const sid = await received(bridge)
  const reply = await bridge.operator('GET', '/calls?form=%2B15550001111&phase=active&Limit=1')
  assertError(t, reply, 400, 'BRIDGE_UNKNOWN_QUERY')
  t.equal(
    reply.json.message,
    'No query parameter "form", "Limit". Known parameters: phase, number, from, to, room, agent, route, cause, ' +
      'placedBy, reference, since, until, cursor, limit.'
  )
  const one = await bridge.operator('GET', `/calls/${sid}?life=true`)
  assertError(t, one, 400, 'BRIDGE_UNKNOWN_QUERY')
  t.match(one.json.message, 'Known parameters: live.')
  assertError(t, await bridge.operator('GET', '/calls?__proto__=1'), 400, 'BRIDGE_UNKNOWN_QUERY')
})

await bridgeTest('the log says which call an operator asked for, and who asked', async (t, bridge) => {
  const sid = await received(bridge)
  const asked = async (work: Promise<unknown>) => {
    await work
    await settle()
    return lines(bridge.logged()).filter(({ msg }) => msg === 'request').at(-1)!
  }
  const line = await asked(bridge.operator('GET', `/calls/${sid}`))
  t.match(line, { operation: 'get-call', callSid: sid, client: '127.0.0.1', tokenId: /^[0-9a-f]{8}$/, status: 200 })
  t.match(await asked(bridge.operator('GET', `/calls/${sid}/diagnosis`)), { operation: 'diagnose-call', callSid: sid })
  t.match(await asked(bridge.operator('GET', '/calls')), { operation: 'list-calls', tokenId: line['tokenId'] })
  t.match(await asked(bridge.operator('POST', `/calls/${sid}/hangup`)), {
    operation: 'hang-up',
    callSid: sid,
    tokenId: line['tokenId']
  })
  await bridge.clock.pass(6000)
  t.match(await asked(bridge.operator('POST', `/calls/${sid}/hangup`)), { callSid: sid, status: 409 })
  const unknown = await asked(bridge.operator('GET', '/calls/15550001111'))
  t.notOk('callSid' in unknown, 'what names no call may be anything, a phone number too')
  const guessed = await asked(
    bridge.app.inject({ url: `/calls/${sid}`, headers: { authorization: 'Bearer a-token-that-is-not-ours' } })
  )
  t.match(guessed, { status: 401, client: '127.0.0.1' })
  t.notOk('tokenId' in guessed || 'callSid' in guessed)
  t.notOk('client' in await asked(bridge.hook('/livekit-api', callHook())), 'a hook comes from Jambonz')
})

await bridgeTest('a wrong filter or cursor: 400', async (t, bridge) => {
  await received(bridge)
  for (const query of ['phase=over', 'cause=none', 'limit=0', 'limit=501', 'limit=x', 'limit=1.5', 'limit=']) {
    assertError(t, await bridge.operator('GET', `/calls?${query}`), 400, 'BRIDGE_PARAMETER')
  }
  for (
    const cursor of [
      'x',
      '',
      'AAAA',
      Buffer.from('1:../x').toString('base64url'),
      Buffer.from('-1:x').toString('base64url'),
      Buffer.from('1:xx').toString('base64'),
      'x'.repeat(5000)
    ]
  ) {
    assertError(
      t,
      await bridge.operator('GET', `/calls?cursor=${encodeURIComponent(cursor)}`),
      400,
      'BRIDGE_INVALID_CURSOR'
    )
  }
  assertError(t, await bridge.operator('GET', '/calls/x?live=perhaps'), 400, 'BRIDGE_PARAMETER')
})

await bridgeTest('an unknown call: 404', async (t, bridge) => {
  assertError(t, await bridge.operator('GET', '/calls/unknown'), 404, 'BRIDGE_CALL_NOT_FOUND')
  assertError(t, await bridge.operator('POST', '/calls/unknown/hangup'), 404, 'BRIDGE_CALL_NOT_FOUND')
  assertError(t, await bridge.operator('GET', '/calls/unknown/nothing'), 404, 'BRIDGE_NO_ROUTE')
})

await bridgeTest('one call, ended after a talk, fits its schema', async (t, bridge) => {
  const sid = await received(bridge)
  const calls = [(await bridge.operator('GET', `/calls/${sid}`)).json]
  for (
    const event of [
      agentStatus(sid, 'trying', 100),
      agentStatus(sid, 'ringing', 180),
      agentStatus(sid, 'in-progress', 200),
      callerStatus(sid, 'in-progress', 200)
    ]
  ) await bridge.hook('/status', event)
  bridge.rooms.mode = 'failed'
  await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.clock.pass(2000)
  const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
  const [summary] = (await bridge.operator('GET', '/calls?cause=caller-hung-up')).json.calls
  calls.push(call, (await bridge.operator('GET', `/calls/${await ended(bridge)}`)).json)
  for (const json of calls) t.same(misfits('Call', json), [], 'fits')
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
  t.match(call, {
    callSid: sid,
    direction: 'inbound',
    phase: 'ended',
    from: '+15550001111',
    to: '+15551230000',
    agent: 'demo-agent',
    degraded: false,
    attempts: [{
      attempt: 1,
      strategy: 'room',
      room: /^jb_c[a-z2-7]{26}$/,
      agent: 'demo-agent',
      degraded: false,
      cause: 'caller-hung-up',
      at: { opened: iso, replied: iso, ringing: iso, answered: iso, ended: iso }
    }],
    at: { received: iso, replied: iso, ringing: iso, answered: iso, ended: iso },
    end: { cause: 'caller-hung-up', by: 'caller', waitingOn: 'none' },
    duties: [{ kind: 'delete-room', target: /^jb_/, due: iso, tries: /^[1-9]/ }],
    eventsDropped: 0,
    earlier: []
  })
  t.equal(call.events[0].what, 'call hook')
  for (const event of call.events) {
    t.match(event, { from: /^(jambonz|livekit|bridge|operator)$/, what: /./, first: iso, last: iso, count: Number })
  }
  const { events: _, eventsDropped: __, earlier: ___, ...rest } = call
  t.same(summary, rest, 'the list shows the same, without events')
})

await bridgeTest('a call that came back after its end keeps its earlier record', async (t, bridge) => {
  const sid = await ended(bridge)
  await bridge.hook('/livekit-api', {
    call_sid: sid,
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_status: 'in-progress'
  })
  const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
  t.match(call, {
    phase: 'received',
    earlier: [{ end: { cause: 'caller-gave-up' }, at: { ended: /Z$/ } }],
    attempts: [{ attempt: 2 }]
  })
  t.notOk('end' in call)
})

await bridgeTest('a long call_sid can be looked at too', async (t, bridge) => {
  const sid = await received(bridge, { call_sid: `${'x'.repeat(120)}.1:2-3` })
  t.equal((await bridge.operator('GET', `/calls/${encodeURIComponent(sid)}`)).json.callSid, sid)
})

await bridgeTest("live=true adds LiveKit's view of the room", async (t, bridge) => {
  const sid = await received(bridge)
  const [room] = [...bridge.rooms.open.keys()]
  t.notOk('live' in (await bridge.operator('GET', `/calls/${sid}`)).json)
  t.notOk('live' in (await bridge.operator('GET', `/calls/${sid}?live=false`)).json)
  t.notOk(bridge.rooms.log.includes(`view ${room}`), 'LiveKit is asked only where wanted')
  bridge.rooms.view = async () => ({
    exists: true,
    participants: [{ kind: 'AGENT', state: 'ACTIVE', joinedAt: '2026-11-21T10:00:00.000Z', audio: true }, {
      kind: 'SIP',
      state: 'JOINED',
      joinedAt: null,
      audio: false,
      sipCallStatus: 'ringing'
    }]
  })
  t.strictSame((await bridge.operator('GET', `/calls/${sid}?live=true`)).json.live, {
    room,
    exists: true,
    participants: [{ kind: 'AGENT', state: 'ACTIVE', joinedAt: '2026-11-21T10:00:00.000Z', audio: true }, {
      kind: 'SIP',
      state: 'JOINED',
      joinedAt: null,
      audio: false,
      sipCallStatus: 'ringing'
    }]
  })
})

await bridgeTest('live=true without LiveKit, and of a call in no room', async (t, bridge) => {
  const sid = await received(bridge)
  bridge.rooms.mode = 'unreachable'
  const { status, json } = await bridge.operator('GET', `/calls/${sid}?live=true`)
  t.equal(status, 200, 'the call itself is known')
  t.match(json, { callSid: sid, live: { participants: [], error: /unreachable/ } })
  const started = callHook()['call_sid']
  await bridge.hook('/status', callerStatus(started, 'trying', 100))
  t.match((await bridge.operator('GET', `/calls/${started}?live=true`)).json.live, {
    participants: [],
    error: /not in a LiveKit room/
  })
})

await bridgeTest('hang-up: 202 at once, the room is deleted, the call ends; then 409', async (t, bridge) => {
  const sid = await received(bridge)
  for (
    const event of [
      agentStatus(sid, 'ringing', 180),
      agentStatus(sid, 'in-progress', 200),
      callerStatus(sid, 'in-progress', 200)
    ]
  ) await bridge.hook('/status', event)
  const reply = await bridge.operator('POST', `/calls/${sid}/hangup`)
  t.equal(reply.status, 202)
  t.strictSame(reply.json, { callSid: sid, phase: 'connected' })
  await bridge.clock.pass(0)
  t.equal(bridge.rooms.open.size, 0, 'the room is deleted')
  t.equal((await bridge.operator('POST', `/calls/${sid}/hangup`)).status, 202, 'again while it is under way')
  await bridge.hook('/status', agentStatus(sid, 'completed', 200))
  await bridge.hook('/action', dialAction(sid, 'completed', 200, { call_status: 'in-progress' }))
  await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'jambonz' }))
  await bridge.clock.pass(6000)
  t.match((await bridge.operator('GET', `/calls/${sid}`)).json, {
    phase: 'ended',
    end: { cause: 'operator-hung-up', by: 'operator' }
  })
  assertError(t, await bridge.operator('POST', `/calls/${sid}/hangup`), 409, 'BRIDGE_CALL_ENDED')
})

await bridgeTest(
  'hang-up of a call in no room needs the Jambonz REST API: 501 without its settings',
  async (t, bridge) => {
    const sid = callHook()['call_sid']
    await bridge.hook('/status', callerStatus(sid, 'trying', 100, { direction: 'outbound' }))
    const reply = await bridge.operator('POST', `/calls/${sid}/hangup`)
    assertError(t, reply, 501, 'BRIDGE_NO_CALL_CONTROL')
    t.match(reply.json.message, 'JAMBONZ_API_KEY')
    t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'dialing')
  }
)

await bridgeTest('hang-up whatever an HTTP client sends along', async (t, bridge) => {
  for (
    const [headers, payload] of [[{}, undefined], [{ 'content-type': 'application/json' }, undefined], [{
      'content-type': 'application/json'
    }, '{}'], [{ 'content-type': 'application/x-www-form-urlencoded' }, '']] as const
  ) {
    const sid = await received(bridge)
    const reply = await bridge.app.inject({
      method: 'POST',
      url: `/calls/${sid}/hangup`,
      headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, ...headers },
      ...(payload === undefined ? {} : { payload })
    })
    t.equal(reply.statusCode, 202, `${JSON.stringify(headers)} ${JSON.stringify(payload)}`)
  }
})

interface Asked {
  method?: string
  url?: string
  authorization?: string
  body: any
}

/** Stands for Jambonz's REST API. */
async function startRest (t: Test, statusCode = 202) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    asked.push({
      method: request.method,
      url: request.url,
      authorization: request.headers.authorization,
      body: JSON.parse(text)
    })
    response.writeHead(statusCode).end()
    server.emit('answered')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    asked,
    answered: () => once(server, 'answered'),
    env: {
      JAMBONZ_REST_API_BASE_URL: `http://127.0.0.1:${port}/api/v1/`,
      JAMBONZ_ACCOUNT_SID: 'acct-1',
      JAMBONZ_API_KEY: 'rest-key'
    }
  }
}

for (const answered of [true, false]) {
  await t.test(`hang-up over the Jambonz REST API, ${answered ? 'after' : 'before'} the answer`, async t => {
    const rest = await startRest(t)
    const bridge = await buildTestBridge(t, rest.env)
    const sid = await received(bridge)
    await bridge.hook('/status', agentStatus(sid, answered ? 'in-progress' : 'ringing', answered ? 200 : 180))
    const asked = rest.answered()
    t.equal((await bridge.operator('POST', `/calls/${sid}/hangup`)).status, 202)
    await asked
    t.strictSame(rest.asked, [{
      method: 'PUT',
      url: `/api/v1/Accounts/acct-1/Calls/${sid}`,
      authorization: 'Bearer rest-key',
      body: { call_status: answered ? 'completed' : 'no-answer' }
    }])
    await settle()
    t.equal(bridge.rooms.open.size, 0, 'the room is deleted as well')
  })
}

await t.test('hang-up over the Jambonz REST API of a call in no room', async t => {
  const rest = await startRest(t)
  const bridge = await buildTestBridge(t, rest.env)
  const sid = callHook()['call_sid']
  await bridge.hook('/status', callerStatus(sid, 'trying', 100, { direction: 'outbound' }))
  const asked = rest.answered()
  t.equal((await bridge.operator('POST', `/calls/${sid}/hangup`)).status, 202)
  await asked
  t.match(rest.asked, [{ method: 'PUT', body: { call_status: 'no-answer' } }])
})

await t.test('a Jambonz REST API that fails is asked again, and the key is not logged', async t => {
  const rest = await startRest(t, 500)
  const bridge = await buildTestBridge(t, rest.env)
  const sid = await received(bridge)
  await bridge.hook('/status', callerStatus(sid, 'trying', 100))
  let asked = rest.answered()
  t.equal((await bridge.operator('POST', `/calls/${sid}/hangup`)).status, 202)
  await asked
  const failed = () => bridge.logged().includes('The Jambonz REST API answered 500')
  while (!failed()) await settle()
  asked = rest.answered()
  await bridge.clock.pass(1500)
  await asked
  t.equal(rest.asked.length, 2)
  t.notMatch(bridge.logged(), 'rest-key')
})

await bridgeTest(
  'something unexpected: 500 without a word about it',
  async (t, bridge) => {
    const reply = await bridge.operator('GET', '/calls/x')
    assertError(t, reply, 500, 'BRIDGE_INTERNAL_ERROR')
    t.notMatch(JSON.stringify(reply.json), 'no registry')
    t.match(bridge.logged(), '"operation":"get-call"')
  },
  {},
  {
    registry: registryWith({
      get: async () => {
        throw new Error('no registry')
      }
    })
  }
)
