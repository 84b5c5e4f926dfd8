import { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { createLogger } from '../../src/server.ts'
import { loadSettings } from '../../src/config.ts'
import { createLiveKitDouble, type LiveKitDouble } from '../../src/sandbox/livekit.ts'
import { API_KEY, API_SECRET, ENV, OPERATOR_TOKEN } from '../fixtures/build.ts'
import { openStream } from '../fixtures/event-stream.ts'

const VIEWER_TOKEN = 'viewer-token-viewer-token'

/** The service beside LiveKit's double. */
async function stage (t: Test) {
  const double = await createLiveKitDouble({
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    trunk: { username: 'jambonz', password: 'trunk-password', roomPrefix: 'jb' },
    agents: [{ name: 'demo-agent', joinAfterMs: 5, publishAfterMs: 5 }],
    ringIntervalMs: 50
  })
  t.teardown(() => double.close())
  const settings = loadSettings({
    ...ENV,
    VIEWER_TOKEN,
    CALLERS: 'shop:shop-token-shop-token',
    LIVEKIT_URL: double.apiUrl,
    LIVEKIT_SIP_HOST: `127.0.0.1:${double.sipPort}`,
    LIVEKIT_SIP_TRANSPORT: 'tcp'
  })
  let logged = ''
  const logger = createLogger('trace', new Writable({
    write (chunk, _encoding, done) {
      logged += String(chunk)
      done()
    }
  }))
  const app = await buildApp({ settings, logger })
  t.after(() => app.close())
  await app.ready()
  const ask = async (body: object, token = OPERATOR_TOKEN) => {
    const reply = await app.inject({
      method: 'POST',
      url: '/probe',
      headers: { authorization: `Bearer ${token}` },
      payload: body
    })
    return { status: reply.statusCode, json: reply.json() }
  }
  const probe = (body: object) => openStream(app, '/probe', { method: 'POST', body })
  return { double, app, ask, probe, logged: () => logged }
}

const isEmpty = (double: LiveKitDouble) => double.rooms().length === 0

await t.test('the ladder as it grows, and what was found', async t => {
  const { double, probe } = await stage(t)
  double.faults.media = 'audio'
  const page = await probe({ seconds: 1 })
  t.match(page, { status: 200, type: 'text/event-stream; charset=utf-8' })
  const { data: first } = await page.next('step')
  t.match(first, { seq: 0, ms: 0, from: 'bridge', to: 'livekit', via: 'sip', what: 'INVITE', count: 1 })
  const { data: ok } = await page.next('step', ({ what }) => what === '200 OK')
  t.ok(ok.seq > first.seq && ok.ms >= 0)
  const { data: result } = await page.next('result')
  t.match(result, {
    uri: /^sip:c\w+@127\.0\.0\.1/,
    room: { agent: 'demo-agent' },
    codec: 'PCMU',
    findings: [{ code: 'answered', severity: 'ok' }, { code: 'audio-heard' }, { code: 'room-deleted' }],
    failed: false
  })
  t.notOk('ladder' in result)
  t.notMatch(JSON.stringify(result), /trunk-password|devsecret/)
  t.same(await page.ended(), [], 'and that is the end')
  t.ok(isEmpty(double), 'its room is gone')
})

await t.test('ringing that repeats is one row with a count', async t => {
  const { double, probe } = await stage(t)
  double.faults.sip = 'refused'
  const refused = await (await probe({})).next('result')
  t.match(refused.data, { failed: true, findings: [{ code: 'livekit-refused-credentials', severity: 'failed' }] })

  double.faults.sip = 'ok'
  const page = await probe({ agent: 'nobody' })
  const { data: ringing } = await page.next('step', ({ what, count }) => what === '180 Ringing' && count > 2)
  const again = await page.next('step', ({ seq, count }) => seq === ringing.seq && count > ringing.count)
  t.ok(again, 'the same row came again')
  page.leave()
})

await t.test('one at a time; it ends when the client goes away', async t => {
  const { double, ask, probe, logged } = await stage(t)
  const page = await probe({ agent: 'nobody' })
  await page.next('step', ({ what }) => what === '180 Ringing')
  t.match(await ask({}), { status: 409, json: { code: 'BRIDGE_PROBE_RUNS' } })
  t.notOk(isEmpty(double))
  page.leave()
  // The next probe is taken once the first one has hung up and deleted its room.
  let next = await probe({ options: true })
  while (next.status === 409) {
    // More requests would be refused for their number.
    await setTimeout(50)
    next = await probe({ options: true })
  }
  t.ok(isEmpty(double))
  t.match((await next.next('result')).data.findings, [{ code: 'options-answered' }])
  t.notMatch(logged(), /"level":50/)
})

await t.test('a bridge that ends hangs up first', async t => {
  const { double, app, ask, probe } = await stage(t)
  const page = await probe({ agent: 'nobody' })
  await page.next('step', ({ what }) => what === '180 Ringing')
  app.draining.drain()
  const { data } = await page.next('result')
  t.equal(data.failed, true)
  t.ok(data.findings.some(({ code }: { code: string }) => code === 'interrupted'))
  t.ok(isEmpty(double))
  t.match(await ask({}), { status: 503, json: { code: 'BRIDGE_DRAINING' } })
})

await t.test("nobody but operators, and nothing but the project's own SIP host", async t => {
  const { double, ask, probe, logged } = await stage(t)
  t.match(await ask({}, VIEWER_TOKEN), { status: 403, json: { code: 'BRIDGE_VIEWERS_LOOK_ONLY' } })
  t.match(await ask({}, 'shop-token-shop-token'), { status: 403, json: { code: 'BRIDGE_KEY_NOT_ALLOWED' } })
  t.match(await ask({}, 'nobody-s-token-at-all'), { status: 401 })
  for (
    const body of [
      { to: 'x@evil.example.com' },
      { to: 'sip:x@evil.example.com' },
      { to: '+1555;maddr=evil.example.com' },
      { to: '' },
      { to: 'x>\r\nEvil: 1' },
      { uri: 'sip:x@evil.example.com' },
      { agent: '' },
      { agent: 'demo-agent', to: '+15551230000' },
      { options: true, to: '+15551230000' },
      { seconds: 600 },
      { transport: 'ws' }
    ]
  ) t.match(await ask(body), { status: 400, json: { code: 'BRIDGE_PROBE_BODY' } }, JSON.stringify(body))

  double.faults.sip = 'no-trunk'
  const { data } = await (await probe({ to: '+15551230000' })).next('result')
  t.equal(data.uri, `sip:+15551230000@127.0.0.1:${double.sipPort};transport=tcp`)
  t.notMatch(logged(), /15551230000|trunk-password/, 'and no number is logged')
})
