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
