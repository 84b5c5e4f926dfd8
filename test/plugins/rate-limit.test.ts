import t from 'tap'
import { OPERATOR_REQUESTS_PER_S, UNKNOWN_ROUTES_PER_S } from '../../plugins/rate-limit.ts'
import { OPERATOR_TOKEN, buildTestBridge, callerStatus, callHook } from '../fixtures/build.ts'

/** More than a second's worth, at once: how many were refused, and one of those. */
async function flood (n: number, ask: () => Promise<{ status: number, json: any }>) {
  const replies = await Promise.all(Array.from({ length: n }, ask))
  const refused = replies.filter(({ status }) => status === 429)
  return { refused: refused.length, one: refused[0]?.json }
}

await t.test('the operator API takes a bounded number of requests', async t => {
  const bridge = await buildTestBridge(t)
  const { refused, one } = await flood(2 * OPERATOR_REQUESTS_PER_S, () => bridge.operator('GET', '/calls/unknown'))
  t.ok(refused > 0, `${refused} refused`)
  t.match(one, {
    statusCode: 429,
    code: 'BRIDGE_TOO_MANY_REQUESTS',
    error: 'Too Many Requests',
    message: /Retry-After/
  })
})

await t.test('who guesses tokens is slowed down as well', async t => {
  const bridge = await buildTestBridge(t)
  const guess = async () => {
    const reply = await bridge.app.inject({ url: '/calls', headers: { authorization: `Bearer ${OPERATOR_TOKEN}x` } })
    return { status: reply.statusCode, json: reply.json() }
  }
  t.ok((await flood(2 * OPERATOR_REQUESTS_PER_S, guess)).refused > 0)
})

await t.test('who asks for routes that are not there is refused', async t => {
  const bridge = await buildTestBridge(t)
  const ask = async () => {
    const reply = await bridge.app.inject('/wp-admin')
    return { status: reply.statusCode, json: reply.json() }
  }
  t.match(await ask(), { status: 404, json: { code: 'BRIDGE_NO_ROUTE' } })
  t.ok((await flood(4 * UNKNOWN_ROUTES_PER_S, ask)).refused > 0)
})

/** As a proxy passes it on: the client's own header, then the address that it was called from. */
const through = (forwarded: string, remoteAddress = '10.1.2.3') => ({
  remoteAddress,
  headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, 'x-forwarded-for': forwarded }
})

const CLIENTS: Array<[trusted: string, one: string, other: string, remote?: string]> = [
  ['10.0.0.0/8', '192.0.2.1', '192.0.2.2'],
  ['1', '192.0.2.1', '192.0.2.2'],
  ['2', '192.0.2.1, 10.9.9.9', '192.0.2.2, 10.9.9.9'],
  ['loopback, 10.1.2.3', '192.0.2.1', '192.0.2.2'],
  ['fd00::/8', '192.0.2.1', '192.0.2.2', 'fd00::1']
]
for (const [trusted, one, other, remote] of CLIENTS) {
  await t.test(`behind a proxy, with TRUST_PROXY=${trusted}, each client has a limit`, async t => {
    const bridge = await buildTestBridge(t, { TRUST_PROXY: trusted })
    const ask = (forwarded: string) => async () => {
      const reply = await bridge.app.inject({ url: '/calls/unknown', ...through(forwarded, remote) })
      return { status: reply.statusCode, json: reply.json() }
    }
    // Clients that invent the beginning of the header are still the same.
    let n = 0
    const spoofing = () => ask(`198.51.100.${++n % 250}, ${one}`)()
    t.ok((await flood(2 * OPERATOR_REQUESTS_PER_S, spoofing)).refused > 0)
    t.equal((await ask(other)()).status, 404)
  })
}

await t.test('X-Forwarded-For of anybody else is not believed', async t => {
  for (const env of [{}, { TRUST_PROXY: '10.0.0.0/8' }] as Array<Record<string, string>>) {
    const bridge = await buildTestBridge(t, env)
    let n = 0
    const pretend = async () => {
      const request = through(`198.51.100.${++n % 250}`, '192.0.2.7')
      const reply = await bridge.app.inject({ url: '/calls/unknown', ...request })
      return { status: reply.statusCode, json: reply.json() }
    }
    t.ok((await flood(2 * OPERATOR_REQUESTS_PER_S, pretend)).refused > 0)
    t.match(bridge.logged(), '"client":"192.0.2.7"')
    t.notMatch(bridge.logged(), '198.51.100')
  }
})

await t.test('hooks of Jambonz and LiveKit, health and metrics are never refused', async t => {
  const bridge = await buildTestBridge(t)
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const ask = {
    status: () => bridge.hook('/status', callerStatus(hook['call_sid'], 'trying', 100)),
    'call-hook': () => bridge.hook('/livekit-api', hook),
    'livekit-events': async () => ({
      status: await bridge.livekitEvent({ event: 'room_started', id: 'EV_1', room: { name: 'other' } }),
      json: {}
    }),
    health: async () => ({ status: (await bridge.app.inject('/health/ready')).statusCode, json: {} })
  }
  for (const [name, one] of Object.entries(ask)) {
    t.equal((await flood(2 * OPERATOR_REQUESTS_PER_S, one)).refused, 0, name)
  }
})
