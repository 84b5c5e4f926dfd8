import { join } from 'node:path'
import { rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { fixedSource } from '../../src/routing/settings-table.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { buildTestBridge, callHook, callerStatus, ENV, OPERATOR_TOKEN, type TestBridge } from '../fixtures/build.ts'
import { settle } from '../fixtures/test-clock.ts'
import { bridgeTest, counted, lines, misfits, undocumented } from './support.ts'

const FILE = `
version: 1
routes:
  - name: sales
    when: { to: "+15551230000", header: { X-Tenant: acme } }
    connect:
      - agent: sales-agent
        metadata: { tenant: acme }
      - sip: "sip:desk@pbx.example.com"
        auth: { username: PBX_USER, password: PBX_PASSWORD }
  - name: everything else
    connect: [{ agent: receptionist }]
`
const SECRETS = { PBX_USER: 'pbx-secret-user', PBX_PASSWORD: 'pbx-secret-password' }

/** A bridge that follows a routes file. */
async function following (t: Test, text = FILE) {
  const file = join(t.testdir({ 'routes.yaml': text }), 'routes.yaml')
  const bridge = await buildTestBridge(t, { ROUTES_FILE: file }, { env: { ...SECRETS } })
  return {
    bridge,
    /** Writes or removes the file, and has it read again. */
    async write (text: string | undefined) {
      if (text === undefined) rmSync(file)
      else writeFileSync(file, text)
      await bridge.app.reloadRoutes()
    }
  }
}

async function ask (bridge: TestBridge, body: unknown, headers: Record<string, string> = {}) {
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/routes/test',
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'content-type': 'application/json', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body)
  })
  return { status: reply.statusCode, json: reply.json() }
}

await t.test('GET /routes: the file as it is written, when it was read, and what is wrong', async t => {
  const { bridge, write } = await following(t)
  const readAt = new Date(bridge.clock.now()).toISOString()
  const { status, json } = await bridge.operator('GET', '/routes')
  t.equal(status, 200)
  t.same(misfits('Routes', json), [])
  t.match(json, {
    file: /routes\.yaml$/,
    readAt,
    routes: [
      {
        name: 'sales',
        when: { to: '+15551230000', header: { 'X-Tenant': 'acme' } },
        connect: [
          { agent: 'sales-agent', metadata: { tenant: 'acme' } },
          { sip: 'sip:desk@pbx.example.com', auth: { username: 'PBX_USER', password: 'PBX_PASSWORD' } }
        ]
      },
      { name: 'everything else' }
    ],
    problems: []
  })
  t.notMatch(JSON.stringify(json), 'pbx-secret')

  await bridge.clock.pass(1000)
  await write(FILE.replace('agent: sales-agent', 'agnet: sales-agent'))
  const wrong = (await bridge.operator('GET', '/routes')).json
  t.same(misfits('Routes', wrong), [])
  t.match(wrong, { readAt, routes: json.routes, problems: [{ severity: 'error', line: 7, column: 9, message: /"agent"/ }] })

  await write('version: 1\nroutes: [{ name: one, connect: [{ agent: a }] }]')
  const now = new Date(bridge.clock.now()).toISOString()
  t.match((await bridge.operator('GET', '/routes')).json, { readAt: now, routes: [{ name: 'one' }], problems: [] })
})

await t.test('GET /routes: who may be dialled, and as whom', async t => {
  const { bridge, write } = await following(t)
  const without = (await bridge.operator('GET', '/routes')).json
  t.same(without.numbers, [])
  for (const name of ['policy', 'country', 'agent']) t.notOk(Object.hasOwn(without, name), name)

  await write(`
version: 1
defaults: { agent: receptionist, country: DE }
numbers: ["+49531 18054630", "+4953118054631"]
policy:
  allow: [DE, "+1555"]
  deny: ["+49180"]
  sip: [pbx.example.com]
  concurrent: 10
  per_minute: 30
  per_day: 1000
  per_caller_per_day: 20
  longest: 1h
`)
  const { json } = await bridge.operator('GET', '/routes')
  t.same(misfits('Routes', json), [])
  t.match(json, {
    agent: 'receptionist',
    country: 'DE',
    numbers: [/4630$/, '+4953118054631'],
    policy: {
      allow: ['DE', '+1555'],
      deny: ['+49180'],
      sip: ['pbx.example.com'],
      caps: { concurrent: 10, perMinute: 30, perDay: 1000, perCallerPerDay: 20, longestS: 3600 }
    }
  })
})

await bridgeTest('GET /routes without a file', async (t, bridge) => {
  const { json } = await bridge.operator('GET', '/routes')
  t.same(json, { routes: [], problems: [] })
})

await t.test('POST /routes/test: what would become of a call', async t => {
  const { bridge } = await following(t)
  const question = { to: '+15551230000', from: 'anonymous', headers: { 'x-tenant': 'acme' }, callSid: 'c1' }
  const { status, json } = await ask(bridge, question)
  t.equal(status, 200)
  t.same(misfits('RoutesTrial', json), [])
  t.match(json, {
    call: { callSid: 'c1', at: new Date(bridge.clock.now()).toISOString(), from: 'anonymous' },
    route: { name: 'sales', line: 4 },
    ways: [{ way: { agent: 'sales-agent', metadata: '{"tenant":"acme"}' } }, { way: { strategy: 'sip' } }]
  })
  t.notMatch(JSON.stringify(json), /pbx-secret|trunk-password/)
  t.match(json.ways[1].verbs, [{ target: [{ auth: { username: '…', password: '…' } }] }])
  t.equal((await bridge.operator('GET', '/calls')).json.calls.length, 0, 'nobody is called')

  const hook = callHook({ to: '+15551230000', sip: { headers: { 'X-Tenant': 'acme' } } })
  const { verbs } = (await ask(bridge, { ...question, from: hook['from'], callSid: hook['call_sid'] })).json.ways[0]
  const [dial] = (await bridge.hook('/livekit-api', hook)).json
  dial.target[0].auth.password = '…'
  t.same(verbs[0], dial, 'the call itself gets the same verbs')
})

await t.test('POST /routes/test: bodies that are wrong are refused, with what is wrong', async t => {
  const { bridge } = await following(t)
  const wrong: Array<[body: unknown, says: RegExp]> = [
    [{}, /^to is missing/],
    [{ to: '' }, /^to must NOT have fewer/],
    [{ to: 5 }, /^to must be string/],
    [{ to: '1', form: '2' }, /^"form" is not known\. Did you mean from\?/],
    [{ to: '1', constructor: 1 }, /not known|prototype/],
    ['{"to":"1","__proto__":{"from":"2"}}', /JSON/],
    [[], /must be a JSON object/],
    ['"to"', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['', /empty/i],
    ['{', /JSON/],
    [{ to: '1'.repeat(257) }, /^to must NOT have more/],
    [{ to: '1', direction: 'sideways' }, /^direction .*inbound or outbound/],
    [{ to: '1', at: 'tomorrow' }, /^at: "tomorrow" is not a time/],
    [{ to: '1', at: { now: true } }, /^at must be string/],
    [{ to: '1', zone: '../../etc/passwd' }, /^zone: .* is not a time zone/],
    [{ to: '1', headers: { a: 1 } }, /^headers must be string/],
    [{ to: '1', headers: ['a: 1'] }, /^headers must be object/],
    [{ to: '1', headers: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`h${n}`, ''])) }, /^headers must NOT/]
  ]
  for (const [body, says] of wrong) {
    const { status, json } = await ask(bridge, body)
    t.equal(status, 400, JSON.stringify(body))
    t.match(json, { statusCode: 400, error: 'Bad Request', message: says })
  }
  t.equal((await ask(bridge, JSON.stringify({ to: '1'.repeat(40_000) }))).status, 413)
  t.equal((await ask(bridge, 'to=1', { 'content-type': 'application/x-www-form-urlencoded' })).status, 415)
  for (const to of ['\u0000', '\u202e1', 'sip:a@b?c=d', `+${'9'.repeat(255)}`, '/(a+)+$/', '{{7*7}}']) {
    const { status, json } = await ask(bridge, { to, from: to, carrier: to, headers: { [to]: to } })
    t.equal(status, 200, JSON.stringify(to))
    t.same(misfits('RoutesTrial', json), [])
  }
  await settle()
  t.same(undocumented(bridge.logged()), [])
})

await bridgeTest('both routes need the token', async (t, bridge) => {
  for (const [method, url] of [['GET', '/routes'], ['POST', '/routes/test']] as const) {
    const payload = method === 'POST' ? { to: '1' } : undefined
    const reply = await bridge.app.inject({ method, url, ...(payload && { payload }) })
    t.equal(reply.statusCode, 401, url)
  }
})

await t.test('a file that becomes wrong: ready and degraded, counted, and said once', async t => {
  const { bridge, write } = await following(t)
  const ready = async () => (await bridge.app.inject('/health/ready')).json()
  const metric = (series: string) => counted(bridge, series)
  t.same(await ready(), { status: 'ready', degraded: [] })
  t.equal(await metric('bridge_routes'), 2)
  t.equal(await metric('bridge_routes_file_read_timestamp_seconds'), bridge.clock.now() / 1000)

  const number = '+49531180546'
  await write(FILE.replace('agent: receptionist', `phone: "${number}x"`))
  const reply = await bridge.app.inject('/health/ready')
  t.equal(reply.statusCode, 200, 'callers are still connected')
  t.match(reply.json(), { status: 'ready', degraded: [/^routes: line 12, column \d+: \S/] })
  await write(FILE.replace('agent: receptionist', `phone: "${number}x"`))
  t.equal(await metric('bridge_routes_file_errors'), 1)
  t.equal(await metric('bridge_routes_file_reads_total{outcome="ok"}'), 1)
  t.equal(await metric('bridge_routes_file_reads_total{outcome="failed"}'), 1)
  t.equal(await metric('bridge_routes_file_reads_total{outcome="unchanged"}'), 1)
  t.equal(await metric('bridge_routes'), 2, 'those of the table in force')
  const said = lines(bridge.logged()).filter(({ msg }) => msg === 'problem in the routes file')
  t.match(said, [{ level: 50, line: 12, column: Number, problem: String }])
  t.equal(said.length, 1, 'once, though it was read twice')
  for (const text of [bridge.logged(), reply.body]) t.notMatch(text, number)

  await write(undefined)
  t.match(await ready(), { degraded: ['routes: There is no such file.'] })
  await write(FILE)
  t.same(await ready(), { status: 'ready', degraded: [] })
  t.equal(await metric('bridge_routes_file_errors'), 0)
})

await t.test('calls follow the file that is in force when they come', async t => {
  const { bridge, write } = await following(t)
  const first = callHook()
  await bridge.hook('/livekit-api', first)
  await write(FILE.replace('name: everything else', 'name: night').replace('receptionist', 'night-desk'))
  const second = callHook()
  await bridge.hook('/livekit-api', second)
  const routeOf = async (hook: Record<string, any>) => (await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json
  t.match(await routeOf(first), { route: 'everything else', agent: 'receptionist' })
  t.match(await routeOf(second), { route: 'night', agent: 'night-desk' })
  t.equal(await counted(bridge, 'bridge_calls_routed_total{route="everything else"}'), 1)
  t.equal(await counted(bridge, 'bridge_calls_routed_total{route="night"}'), 1)

  const sid = first['call_sid']
  await bridge.hook('/status', callerStatus(sid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.clock.pass(10_000)
  const ended = lines(bridge.logged()).filter(({ msg }) => msg === 'call ended')
  t.match(ended, [{ callSid: sid, route: 'everything else' }])
})

await t.test('the label of a route is bounded', async t => {
  const routes = Array.from({ length: 230 }, (_, n) =>
    `  - name: route ${n}\n    when: { to: "+1555123${String(n).padStart(4, '0')}" }\n    connect: [{ decline: 603 }]`)
  const { table } = readRoutes(`version: 1\nroutes:\n${routes.join('\n')}`)
  const bridge = await buildTestBridge(t, {}, { routes: fixedSource(table!) })
  for (let n = 0; n < 230; n++) {
    await bridge.hook('/livekit-api', callHook({ to: `+1555123${String(n).padStart(4, '0')}` }))
  }
  await bridge.hook('/livekit-api', callHook({ to: '+15559999999' }))
  const text = (await bridge.app.inject('/metrics')).body
  t.equal(text.match(/^bridge_calls_routed_total\{route="route \d+"\} 1$/gm)?.length, 200)
  t.equal(await counted(bridge, 'bridge_calls_routed_total{route="other"}'), 30)
  t.equal(await counted(bridge, 'bridge_calls_routed_total{route="none"}'), 1)
})

await t.test('a file that cannot be used when the app is built', async t => {
  const file = join(t.testdir({ 'routes.yaml': FILE.replaceAll('agent:', 'agnet:') }), 'routes.yaml')
  await t.rejects(buildTestBridge(t, { ...ENV, ROUTES_FILE: file }), {
    name: 'RoutesFileError',
    message: /routes\.yaml:7:9 .*\n.*routes\.yaml:12:\d+ /
  })
})
