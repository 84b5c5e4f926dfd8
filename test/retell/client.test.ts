import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import type { Attempt, CallerFacts } from '../../src/calls/fold/call.ts'
import { newCall } from '../../src/calls/fold/new-call.ts'
import type { RetellWay, Route } from '../../src/calls/fold/way.ts'
import { RegistrationError, type RegistrationFailure } from '../../src/calls/ports.ts'
import { loggedError } from '../../src/log-error.ts'
import { createRetellClient, type RetellClientOptions } from '../../src/retell/client.ts'
import { attemptWith, factsWith, START } from '../fixtures/events.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { AGENT, KEY, retellWith } from './support.ts'

const WAY: RetellWay = { strategy: 'retell', agent: AGENT, key: 'RETELL_API_KEY' }

function callWith (facts: Partial<CallerFacts> = {}, way: Partial<RetellWay> = {}, route?: Route) {
  const call = newCall('call-1', START, factsWith(facts), { agent: 'demo-agent', metadata: '' })
  const attempt: Attempt = { ...attemptWith(), n: 2, strategy: 'retell', way: { ...WAY, ...way } }
  return [route ? { ...call, route } : call, attempt] as const
}

const clientOf = (baseUrl: string, options: Partial<RetellClientOptions> = {}) =>
  createRetellClient({ baseUrl, timeoutMs: 3000, secretOf: () => KEY, ...options })

async function failureOf (work: Promise<unknown>): Promise<RegistrationError> {
  try {
    await work
  } catch (error) {
    if (error instanceof RegistrationError) return error
    throw error
  }
  throw new Error('It did not fail')
}

/** Nothing that comes out may hold the key, or what Retell wrote. */
const SAID = 'What Retell says may hold a key'
function assertDiscreet (t: Test, error: RegistrationError): void {
  const everything = [inspect(error, { depth: 9, showHidden: true }), error.stack, JSON.stringify(loggedError(error))]
  for (const text of everything) {
    t.notMatch(text, KEY)
    t.notMatch(text, SAID)
  }
  t.same(loggedError(error), { type: 'RegistrationError', message: error.message }, 'it is one of our own in the log')
}

await t.test('a call is registered, and the id that Retell gives is its SIP user', async t => {
  const { retell, asked } = await retellWith(t)
  const observed: string[] = []
  const client = clientOf(retell.apiUrl, { observe: outcome => observed.push(outcome) })
  const callId = await client.register(...callWith())
  t.match(callId, /^call_[0-9a-f]{27}$/)
  t.same(retell.registrations().map(one => one.callId), [callId])
  t.match(asked, [{
    method: 'POST',
    url: '/v2/register-phone-call',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }
  }])
  t.same(observed, ['ok'])
})

await t.test('Retell learns who calls whom, and what the way says', async t => {
  const { retell } = await retellWith(t)
  const client = clientOf(`${retell.apiUrl}/`)
  const request = async (...args: Parameters<typeof callWith>) => {
    await client.register(...callWith(...args))
    return retell.registrations().at(-1)!.request
  }
  t.strictSame(await request(), {
    agent_id: AGENT,
    direction: 'inbound',
    from_number: '+15550001111',
    to_number: '+15551230000',
    metadata: { call: { callSid: 'call-1', attempt: 2 } }
  })
  t.strictSame(
    await request(
      { direction: 'outbound' },
      { version: 3, metadata: '{"tenant":"acme","call":"mine"}', variables: { name: 'Ada', plan: '2' } },
      { name: 'night', ways: [] }
    ),
    {
      agent_id: AGENT,
      agent_version: 3,
      direction: 'outbound',
      from_number: '+15550001111',
      to_number: '+15551230000',
      metadata: { tenant: 'acme', call: { callSid: 'call-1', attempt: 2, route: 'night' } },
      retell_llm_dynamic_variables: { name: 'Ada', plan: '2' }
    }
  )
  const withheld = await request({ from: 'anonymous', withheld: true })
  t.notOk('from_number' in withheld, 'a withheld number stays withheld')
  t.notOk('to_number' in await request({ to: '' }), 'nor is an unknown number made up')
  t.strictSame((await request({}, { metadata: '[1]' })).metadata, { call: { callSid: 'call-1', attempt: 2 } })
})

await t.test('each status is a failure of its own class', async t => {
  const { retell } = await retellWith(t)
  const expected: Record<number, RegistrationFailure> = {
    200: 'bad-answer',
    202: 'bad-answer',
    204: 'bad-answer',
    302: 'bad-answer',
    400: 'refused',
    401: 'key-refused',
    402: 'no-balance',
    403: 'key-refused',
    404: 'no-agent',
    408: 'failed',
    409: 'refused',
    422: 'no-agent',
    429: 'too-many',
    500: 'failed',
    502: 'failed',
    503: 'failed',
    504: 'failed'
  }
  const observed: string[] = []
  const client = clientOf(retell.apiUrl, { observe: outcome => observed.push(outcome) })
  for (const [status, failure] of Object.entries(expected)) {
    retell.faults.register = {
      status: Number(status),
      ...(status === '204' ? {} : { body: JSON.stringify({ message: SAID, call_id: 'call_00000000' }) })
    }
    const error = await failureOf(client.register(...callWith()))
    t.equal(error.failure, failure, status)
    t.match(error.message, status)
    assertDiscreet(t, error)
  }
  t.same(observed, Object.values(expected))
  retell.faults.register = 'ok'
  t.ok(await client.register(...callWith()), 'none of them hinders the next call')
})

await t.test('the double refuses what Retell would', async t => {
  const { retell } = await retellWith(t)
  const refused = async (client: ReturnType<typeof clientOf>, way: Partial<RetellWay> = {}) =>
    (await failureOf(client.register(...callWith({}, way)))).failure
  t.equal(await refused(clientOf(retell.apiUrl, { secretOf: () => 'key_of_another' })), 'key-refused')
  t.equal(await refused(clientOf(retell.apiUrl), { agent: 'agent_of_another' }), 'no-agent')
  t.equal(await refused(clientOf(retell.apiUrl), { version: 1.5 }), 'refused')
  t.equal(await refused(clientOf(`${retell.apiUrl}/elsewhere`)), 'no-agent')
  t.same(retell.registrations(), [])
})

await t.test('an answer without a usable call_id is none', async t => {
  const { retell } = await retellWith(t)
  const client = clientOf(retell.apiUrl)
  const long = 'x'.repeat(128)
  const odd: unknown[] = [
    ...[undefined, null, 7, {}, '', 'short', `${long}x`, 'call_1@evil.example', 'call_1;transport=udp', 'call 1234'],
    ...['call_1234\r\nX-Evil: 1', 'call_1234%0d', 'sip:call_1234', 'call_1234ü', '<call_1234>', 'call_1234\n']
  ]
  const bodies = [
    ...odd.map(value => JSON.stringify({ call_id: value, message: SAID })),
    ...['', 'call_1234567', '{"call_id":"call_123456', '[]', 'null', '"call_12345678"', `<html>${SAID}</html>`]
  ]
  for (const body of bodies) {
    retell.faults.register = { status: 201, body }
    const error = await failureOf(client.register(...callWith()))
    t.equal(error.failure, 'bad-answer', body)
    assertDiscreet(t, error)
  }
  for (const callId of ['Jabr9TXYYJHfvl6Syypi88rdAHYHmcq6', 'call_b36a0bd40b79ef8adcf76972d2a', long, 'a-b_c-d0']) {
    retell.faults.register = { status: 201, body: JSON.stringify({ call_id: callId }) }
    t.equal(await client.register(...callWith()), callId)
  }
})

await t.test('a giant answer is not read', async t => {
  const { retell } = await retellWith(t)
  const client = clientOf(retell.apiUrl)
  const body = (padding: number) => JSON.stringify({ call_id: 'call_12345678', padding: 'x'.repeat(padding) })
  retell.faults.register = { status: 201, body: body(60_000) }
  t.equal(await client.register(...callWith()), 'call_12345678')
  retell.faults.register = { status: 201, body: body(70_000) }
  t.match(await failureOf(client.register(...callWith())), { failure: 'bad-answer', message: /too long/ })
  retell.faults.register = { status: 500, body: body(50_000_000) }
  t.equal((await failureOf(client.register(...callWith()))).failure, 'failed')
})

await t.test('a redirect is not followed, and the key goes nowhere else', async t => {
  const { retell } = await retellWith(t)
  const other = await retellWith(t)
  for (const status of [301, 302, 307, 308]) {
    const location = `${other.retell.apiUrl}/v2/register-phone-call`
    retell.faults.register = { status, headers: { location }, body: '' }
    t.equal((await failureOf(clientOf(retell.apiUrl).register(...callWith()))).failure, 'bad-answer')
  }
  t.same(other.asked, [])
})

await t.test('an answer in time counts, a later one does not', async t => {
  const clock = createTestClock()
  const { retell, arrived } = await retellWith(t, { clock })
  const client = clientOf(retell.apiUrl, { clock })
  const outcomeAfter = async (latencyMs: number, passMs: number) => {
    retell.faults.latencyMs = latencyMs
    const there = arrived()
    const outcome = client.register(...callWith()).then(() => 'ok', (error: RegistrationError) => error.failure)
    await there
    await clock.pass(passMs)
    return await outcome
  }
  t.equal(await outcomeAfter(2900, 2900), 'ok')
  t.equal(await outcomeAfter(3500, 3000), 'timeout')
  retell.faults.register = 'hang'
  t.equal(await outcomeAfter(0, 3000), 'timeout')
})

await t.test('half an answer, and then nothing', async t => {
  const clock = createTestClock()
  const server = await serveBytes(t, 'HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\n{"call_id":"call_123')
  const client = clientOf(server.url, { clock })
  const half = server.answered()
  const stalled = failureOf(client.register(...callWith()))
  await half
  await clock.pass(3000)
  t.equal((await stalled).failure, 'timeout')

  const again = server.answered()
  const broken = failureOf(client.register(...callWith()))
  const socket = await again
  socket.end()
  t.equal((await broken).failure, 'unreachable')
})

await t.test('nobody answers', async t => {
  const { retell } = await retellWith(t)
  retell.faults.register = 'refuse'
  const reset = await failureOf(clientOf(retell.apiUrl).register(...callWith()))
  t.equal(reset.failure, 'unreachable')
  await retell.close()
  const refused = await failureOf(clientOf(retell.apiUrl).register(...callWith()))
  t.match(refused, { failure: 'unreachable', message: 'Retell registration: unreachable (ECONNREFUSED)' })
  const unknown = await failureOf(clientOf('http://retell.invalid').register(...callWith()))
  t.equal(unknown.failure, 'unreachable')
  for (const error of [reset, refused, unknown]) assertDiscreet(t, error)
})

await t.test('without a usable key nothing is asked', async t => {
  const { retell, asked } = await retellWith(t)
  const names: string[] = []
  const outcome = async (value: string | undefined) => {
    const secretOf = (name: string) => {
      names.push(name)
      return value
    }
    return await clientOf(retell.apiUrl, { secretOf }).register(...callWith())
      .then(() => 'ok', (error: RegistrationError) => error.failure)
  }
  for (const value of [undefined, '', ' \n']) t.equal(await outcome(value), 'key-missing')
  for (const value of ['two words', 'key\r\nx-evil: 1', 'schlüssel']) t.equal(await outcome(value), 'key-unusable')
  t.same(asked, [])
  t.same(new Set(names), new Set(['RETELL_API_KEY']))
  t.equal(await outcome(`${KEY}\n`), 'ok', 'keys from files end with a line break')
})

/** Answers every request with these bytes, and keeps the connection. */
async function serveBytes (t: Test, bytes: string) {
  const sockets = new Set<Socket>()
  let heard: (socket: Socket) => void = () => {}
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.write(bytes, () => heard(socket)))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Resolves with the connection of the next request once the bytes are sent. */
    answered: () =>
      new Promise<Socket>(resolve => {
        heard = resolve
      })
  }
}
