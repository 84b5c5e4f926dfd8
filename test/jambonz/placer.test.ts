import { createServer, type AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import t from 'tap'
import { PlacementRefusedError, type Placement } from '../../src/calls/ports.ts'
import { systemClock } from '../../src/clock.ts'
import { placementOf } from '../../src/jambonz/create-call.ts'
import { createRestSender } from '../../src/jambonz/rest-request.ts'
import { API_KEY, APPLICATION, OURS, PUBLIC_URL, startJambonzApi, type ApiReply } from '../fixtures/jambonz-api.ts'
import { anOrder, placing, startSocketServer, tags } from '../fixtures/placing.ts'
import { fixture } from '../fixtures/paths.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const clock = systemClock
const willing = async () => true

await t.test('createCall is sent as Jambonz takes it', async t => {
  const api = await startJambonzApi(t, { clock })
  const { placer } = placing(t, api.access)
  const order = anOrder({ headers: { 'X-Our-Id': 'a' }, callerName: 'Our Shop' })
  const placement = await placer.place(order, willing)

  t.same(placement, { outcome: 'placed', callSid: 'call-1' })
  const [request] = api.ofCalls('POST')
  t.equal(request?.headers.authorization, `Bearer ${API_KEY}`)
  t.strictSame(request?.body, {
    application_sid: APPLICATION,
    call_hook: { url: `${PUBLIC_URL}/livekit-api#rc=2&rp=all`, method: 'POST' },
    call_status_hook: { url: `${PUBLIC_URL}/status#rc=2&rp=all`, method: 'POST' },
    from: '+15551230000',
    to: { type: 'phone', number: '+15550002222', trunk: 'MyCarrier' },
    timeout: 60,
    timeLimit: 7200,
    tag: tags.tagOf(order),
    headers: { 'X-Our-Id': 'a' },
    callerName: 'Our Shop'
  })
})

await t.test('an application_sid that feature-server would refuse is not sent', async t => {
  const api = await startJambonzApi(t, { clock })
  const { placer } = placing(t, api.access, { applicationSid: 'app-1' })
  await placer.place(anOrder(), willing)

  const { body } = api.ofCalls('POST')[0]!
  t.notOk('application_sid' in body)
  t.match(body, { call_hook: { url: /livekit-api/ }, speech_synthesis_vendor: String }, 'the hooks alone do')
})

await t.test('300 orders at once: each is placed once, and a hang-up need not wait', async t => {
  const api = await startJambonzApi(t, { clock, left: 600 })
  const { placer, control } = placing(t, api.access)
  const orders = Array.from({ length: 300 }, () => anOrder())
  const placements = orders.map(order => placer.place(order, willing))
  const gone = await control.hangUp('call-of-before', 'completed')

  t.equal(gone, true)
  t.ok(api.ofCalls('POST').length < 300, 'orders still wait')
  const sids = (await Promise.all(placements)).map(placement => (placement as { callSid?: string }).callSid)
  t.equal(new Set(sids).size, 300)
  t.strictSame(api.ofCalls('POST').map(({ body }) => body['tag'].order).sort(), orders.map(({ id }) => id).sort())
  t.equal(api.turnedAway.length, 0)
})

await t.test('300 orders at once when Jambonz has 100 left: none is lost, none is doubled', async t => {
  const api = await startJambonzApi(t, { clock, left: 100 })
  const { placer, control } = placing(t, api.access)
  const orders = Array.from({ length: 300 }, () => anOrder())
  const results = await Promise.allSettled(orders.map(order => placer.place(order, willing)))

  const placed = orders.filter((_order, n) => results[n]!.status === 'fulfilled')
  const refused = results.flatMap(result => result.status === 'rejected' ? [result.reason] : [])
  t.ok(placed.length >= 30 && placed.length < 100, `${placed.length} placed`)
  t.ok(refused.every(({ reason, retryInMs }) => reason === 'queue-full' && retryInMs > 200_000))
  t.strictSame(api.ofCalls('POST').map(({ body }) => body['tag'].order).sort(), placed.map(({ id }) => id).sort())
  t.equal(await control.hangUp('call-1', 'completed'), true, 'hang-ups have requests of their own')
})

const outcomes: Array<[name: string, reply: ApiReply | 'destroy', expected: Placement]> = [
  ['no feature server', { status: 480, body: { msg: 'no available feature servers at this time' } },
    { outcome: 'refused', status: 480, detail: 'no available feature servers at this time' }],
  ['invalid', { status: 400, body: { msg: `missing or invalid to property: +15550002222 ${API_KEY}` } },
    { outcome: 'refused', status: 400, detail: 'missing or invalid to property: … …' }],
  ['a proxy redirects', { status: 301, headers: { location: 'http://127.0.0.1:9/elsewhere' } },
    { outcome: 'refused', status: 301, detail: 'redirected: set JAMBONZ_REST_API_BASE_URL to the final address' }],
  ['the feature server failed, or not', { status: 500, body: 'Internal Server Error' },
    { outcome: 'unknown', status: 500, detail: '' }],
  ['misdirected', { status: 421 }, { outcome: 'refused', status: 421, detail: '' }],
  ['200 of something else', { status: 200, body: { sid: 'call-1' } },
    { outcome: 'unknown', status: 200, detail: '' }],
  ['201 without a sid', { status: 201, body: {} },
    { outcome: 'unknown', status: 201, detail: 'no usable sid in the answer' }],
  ['201 with a sid that is none', { status: 201, body: { sid: '../calls' } },
    { outcome: 'unknown', status: 201, detail: 'no usable sid in the answer' }],
  ['nobody before Jambonz waited', { status: 408 }, { outcome: 'unknown', status: 408, detail: '' }],
  ['a proxy lost it', { status: 502, body: '<html>Bad Gateway</html>' },
    { outcome: 'unknown', status: 502, detail: '' }],
  ['see other', { status: 303, headers: { location: 'http://127.0.0.1:9/elsewhere' } },
    { outcome: 'unknown', status: 303, detail: '' }],
  ['a long text', { status: 400, body: { msg: `no\r\n${'x'.repeat(500)}` } },
    { outcome: 'refused', status: 400, detail: `no ${'x'.repeat(197)}` }],
  ['an answer without an end', { status: 201, body: `{"sid":"call-1","more":"${'x'.repeat(9_000_000)}"}` },
    { outcome: 'unknown', detail: 'answer-too-long' }],
  ['reset', 'destroy', { outcome: 'unknown', detail: 'ECONNRESET' }]
]
for (const [name, reply, expected] of outcomes) {
  await t.test(`createCall, ${name}: sent once`, async t => {
    const api = await startJambonzApi(t, { clock, reply: ({ method }) => method === 'POST' ? reply : undefined })
    const { placer } = placing(t, api.access)
    t.strictSame(await placer.place(anOrder(), willing), expected)
    t.equal(api.ofCalls('POST').length, 1)
  })
}

await t.test('nobody listens: nothing was sent', async t => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  const { placer } = placing(t, { baseUrl: `http://127.0.0.1:${port}`, accountSid: 'a', apiKey: 'k' }, {
    applicationSid: APPLICATION
  })
  t.strictSame(await placer.place(anOrder(), willing), { outcome: 'not-sent', detail: 'ECONNREFUSED' })
})

await t.test('an order that is not committed is not sent', async t => {
  const api = await startJambonzApi(t, { clock })
  const { placer } = placing(t, api.access)
  await t.rejects(placer.place(anOrder(), async () => false), new PlacementRefusedError('not-wanted'))
  await t.rejects(placer.place(anOrder({ notAfter: clock.now() - 1 }), willing), new PlacementRefusedError('too-late'))
  t.equal(api.ofCalls('POST').length, 0)
})

await t.test('what a real feature server said of bad orders', async t => {
  const { rest } = JSON.parse(readFileSync(fixture('outbound/bad-payloads.json'), 'utf8')) as {
    rest: Array<{ what: string, replied: { status: number, body: object } }>
  }
  for (const { replied: { status, body } } of rest.filter(({ what }) => what === 'createCall')) {
    const placement = placementOf({ status, headers: {}, text: JSON.stringify(body) }, [])
    const outcome = { 201: 'placed', 400: 'refused', 500: 'unknown' }[status]
    t.equal(placement.outcome, outcome)
    if ('errors' in body) t.match(placement, { detail: /^Invalid \w+$/ })
  }
})

await t.test('which statuses prove that nothing was placed', async t => {
  const outcomeOf = (status: number) => placementOf({ status, headers: {}, text: '' }, []).outcome
  for (const status of [301, 302, 307, 308, 400, 401, 403, 404, 409, 422, 429]) {
    t.equal(outcomeOf(status), 'refused', `${status}`)
  }
  for (const status of [200, 201, 202, 303, 304, 408, 425, 499, 500, 502, 503, 504]) {
    t.equal(outcomeOf(status), 'unknown', `${status}`)
  }
})

await t.test('a request that got no connection in time is never sent', async t => {
  const standing = createTestClock()
  const paths: string[] = []
  let arrived = () => {}
  let answer = () => {}
  const access = await startSocketServer(t, socket => socket.on('data', chunk => {
    paths.push(String(chunk).split(' ')[1]!)
    answer = () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
    arrived()
  }))
  const sender = createRestSender(access, standing, 1)
  t.after(() => sender.close())
  const send = (path: string, timeoutMs: number) => sender.send({ method: 'GET', path, timeoutMs })
  const heard = () => new Promise<void>(resolve => {
    arrived = resolve
  })
  const first = heard()
  const slow = send('/slow', 60_000)
  await first
  const late = send('/late', 10_000)
  late.catch(() => {})
  await standing.pass(10_000)
  t.match(await late.catch((error: unknown) => error), { left: false, code: 'timeout' })

  answer()
  t.equal((await slow).status, 200)
  const next = heard()
  const last = send('/next', 10_000)
  await next
  answer()
  await last
  t.strictSame(paths, ['/v1/slow', '/v1/next'])
})

const requestText = /^POST \/v1\/Accounts\//
/** What a server does to the connection of a createCall, and what of the request it has by then. */
const moments: Array<[name: string, reply: string | undefined, when: 'accepted' | 'first bytes' | 'whole']> = [
  ['as soon as it is made', undefined, 'accepted'],
  ['while the request is read', undefined, 'first bytes'],
  ['before the answer', undefined, 'whole'],
  ['in the status line', 'HTTP/1.1 20', 'whole'],
  ['in the headers', 'HTTP/1.1 201 Created\r\ncontent-type: appl', 'whole'],
  ['in the body', 'HTTP/1.1 201 Created\r\ncontent-length: 30\r\n\r\n{"sid":"call-1"', 'whole'],
  ['with an answer that is none', 'hello\r\n\r\n', 'whole']
]
for (const [name, reply, when] of moments) {
  for (const how of ['end', 'resetAndDestroy'] as const) {
    await t.test(`the connection is closed ${name} (${how}): createCall is not sent again`, async t => {
      let texts = 0
      const access = await startSocketServer(t, socket => {
        let text = ''
        const close = () => reply === undefined ? socket[how]() : socket.write(reply, () => socket[how]())
        if (when === 'accepted') close()
        socket.on('data', chunk => {
          if (text === '') texts++
          text += String(chunk)
          if (when === 'first bytes' || (when === 'whole' && text.endsWith('}'))) close()
        })
      })
      const { placer } = placing(t, access, { applicationSid: APPLICATION })
      let commits = 0
      const placement = await placer.place(anOrder(), async () => ++commits > 0)
      t.match(placement, when === 'accepted' ? { outcome: /unknown|not-sent/ } : { outcome: 'unknown' })
      t.ok(texts <= 1, 'at most one request was written')
      t.equal(commits, 1)
    })
  }
}

await t.test('a kept connection that is closed under a request', async t => {
  let posts = 0
  const sid = (n: number) => `{"sid":"call-${n}"}`
  const access = await startSocketServer(t, (socket, n) => {
    let requests = 0
    socket.on('data', chunk => {
      if (requestText.test(String(chunk))) posts++
      requests++
      // The first connection answers once, and breaks when it is used again.
      if (n === 1 && requests === 2) socket.resetAndDestroy()
      else socket.write(`HTTP/1.1 201 Created\r\ncontent-length: ${sid(posts).length}\r\n\r\n${sid(posts)}`)
    })
  })
  const { placer } = placing(t, access, { applicationSid: APPLICATION })
  t.strictSame(await placer.place(anOrder(), willing), { outcome: 'placed', callSid: 'call-1' })
  // The connection is free again a moment later.
  await settle()
  t.match(await placer.place(anOrder(), willing), { outcome: 'unknown' })
  t.equal(posts, 2, 'not sent again')
  t.strictSame(await placer.place(anOrder(), willing), { outcome: 'placed', callSid: 'call-3' })
})

await t.test('a kept connection that was closed while nothing was asked costs nothing', async t => {
  let closed: Promise<unknown> = Promise.resolve()
  const access = await startSocketServer(t, socket => {
    socket.once('data', () => {
      socket.end('HTTP/1.1 201 Created\r\ncontent-length: 16\r\n\r\n{"sid":"call-1"}')
      closed = once(socket, 'close')
    })
  })
  const { placer } = placing(t, access, { applicationSid: APPLICATION })
  t.match(await placer.place(anOrder(), willing), { outcome: 'placed' })
  await closed
  t.match(await placer.place(anOrder(), willing), { outcome: 'placed' })
})

await t.test('no answer in time', async t => {
  const standing = createTestClock()
  let asked = () => {}
  const arrived = new Promise<void>(resolve => {
    asked = resolve
  })
  const access = await startSocketServer(t, socket => socket.on('data', asked))
  const { placer } = placing(t, access, { applicationSid: APPLICATION, clock: standing })
  const placement = placer.place(anOrder(), willing)
  await arrived
  await standing.pass(10_000)
  t.strictSame(await placement, { outcome: 'unknown', detail: 'timeout' })
})

await t.test('nothing in the body is unknown to a feature server', async t => {
  const { validateVerb } = createRequire(import.meta.url)('@jambonz/verb-specifications') as {
    validateVerb(name: string, data: object, logger: object): void
  }
  const api = await startJambonzApi(t, { clock })
  const { placer } = placing(t, api.access, { basic: { username: 'hook', password: 'secret' } })
  await placer.place(anOrder({ voicemail: 'jambonz', headers: { 'X-A': 'b' }, callerName: 'Shop' }), willing)
  const [request] = api.ofCalls('POST')
  t.match(request?.body, {
    call_hook: { username: 'hook', password: 'secret' },
    call_status_hook: { username: 'hook', password: 'secret' },
    amd: { actionHook: `${PUBLIC_URL}/amd#rc=2&rp=all` }
  })
  t.doesNotThrow(() => validateVerb('rest:dial', request!.body, console))
  t.throws(() => validateVerb('rest:dial', { ...request!.body, foo: 1 }, console), 'and it would say so')
})

await t.test('the application is looked for once, and again when Jambonz does not know it', async t => {
  const old: string = randomUUID()
  const applications = [{ ...OURS, application_sid: old }]
  const api = await startJambonzApi(t, { clock, applications })
  const { placer } = placing(t, api.access)
  const [refused] = await Promise.all([placer.place(anOrder(), willing), placer.place(anOrder(), willing)])
  t.match(refused, { outcome: 'refused', status: 400, detail: `application_sid not found ${old}` })
  t.equal(api.requests.filter(({ path }) => path === '/Applications').length, 1)

  applications[0] = OURS
  t.match(await placer.place(anOrder(), willing), { outcome: 'placed' })
})

await t.test('no application of ours: nothing is sent', async t => {
  const api = await startJambonzApi(t, { clock, applications: [{ ...OURS, account_sid: 'of somebody else' }] })
  const { placer, setup } = placing(t, api.access)
  const placement = await placer.place(anOrder(), willing)
  t.match(placement, { outcome: 'not-sent', detail: /no application with the call hook .*livekit-api/ })
  t.match(await setup.readiness(), { ready: false, missing: /JAMBONZ_APPLICATION_SID/ })
  t.equal(api.ofCalls('POST').length, 0)
})

await t.test('an API without applications: the hooks go alone', async t => {
  const api = await startJambonzApi(t, {
    clock,
    reply: ({ path, method }) => {
      if (path === '/Applications') return { status: 404 }
      return method === 'POST' ? { status: 201, body: { sid: 'call-1' } } : undefined
    }
  })
  const { placer, setup, warnings } = placing(t, api.access)
  t.strictSame(await setup.readiness(), { ready: true })
  t.match(await placer.place(anOrder(), willing), { outcome: 'placed' })
  const [request] = api.ofCalls('POST')
  t.notOk('application_sid' in request!.body)
  // Jambonz wants these where there is no application.
  t.match(request!.body, { speech_synthesis_vendor: String, speech_recognizer_language: String })
  t.equal(warnings.length, 1)
})

await t.test('an application that cannot be looked for: nothing is sent', async t => {
  const api = await startJambonzApi(t, {
    clock,
    reply: ({ path }) => path === '/Applications' ? { status: 401 } : undefined
  })
  const { placer, setup } = placing(t, api.access)
  t.match(await placer.place(anOrder(), willing), { outcome: 'not-sent', detail: /answered 401/ })
  await t.rejects(setup.readiness(), { message: /answered 401/ })
})
