import t from 'tap'
import { openapiDocument } from '../../scripts/openapi.ts'
import { buildTestBridge, callHook, OPERATOR_TOKEN } from '../fixtures/build.ts'

const VIEWER_TOKEN = 'viewer-token-viewer-token'
const ENV = { OPERATOR_TOKEN: `${OPERATOR_TOKEN},alice:alice-s-token-of-hers`, VIEWER_TOKEN: `wall:${VIEWER_TOKEN}` }

interface Operation {
  operationId: string
  tags: string[]
}

/** Operations that change nothing, though their method is POST. */
const ONLY_LOOKS = new Set(['testRoutes', 'checkTransfer'])

await t.test('a viewer may look at everything, and changes nothing', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const hook = callHook()
  const callSid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  const { json: before } = await bridge.operator('GET', `/calls/${callSid}`)
  const { paths } = JSON.parse(await openapiDocument()) as { paths: Record<string, Record<string, Operation>> }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation }))
  ).filter(({ tags }) => tags.includes('operators') || tags.includes('events'))
  t.ok(operations.length > 20)

  for (const { path, method, operationId } of operations) {
    const url = path.replace('{callSid}', callSid).replace(/\{\w+\}/g, 'x')
    const reply = await bridge.app.inject({
      method: method.toUpperCase() as 'GET',
      url,
      headers: { authorization: `Bearer ${VIEWER_TOKEN}` },
      payloadAsStream: true,
      ...(method === 'get' ? {} : { payload: {} })
    })
    reply.stream().destroy()
    const mayLook = method === 'get' || ONLY_LOOKS.has(operationId)
    if (mayLook) t.notSame(reply.statusCode, 403, `${operationId} is allowed`)
    else t.equal(reply.statusCode, 403, `${operationId} is refused`)
  }
  const { json: after } = await bridge.operator('GET', `/calls/${callSid}`)
  t.same(after.phase, before.phase)
  t.same(after.duties, before.duties)
})

await t.test('the refusal says what is missing', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/calls/x/hangup',
    headers: { authorization: `Bearer ${VIEWER_TOKEN}` }
  })
  t.match(reply.json(), { code: 'BRIDGE_VIEWERS_LOOK_ONLY', message: /OPERATOR_TOKEN/ })
})

await t.test('each token says who it is', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const session = async (token: string) => {
    const reply = await bridge.app.inject({ url: '/session', headers: { authorization: `Bearer ${token}` } })
    return { status: reply.statusCode, ...reply.json() }
  }
  t.match(await session(OPERATOR_TOKEN), { name: 'operator', role: 'operator', callControl: false, shared: false })
  const { CALL_RETENTION_S, CALL_HISTORY_S } = bridge.settings
  t.match(await session(OPERATOR_TOKEN), { callsKeptS: CALL_RETENTION_S + CALL_HISTORY_S })
  t.match(await session('alice-s-token-of-hers'), { name: 'alice', role: 'operator' })
  t.match(await session(VIEWER_TOKEN), { name: 'wall', role: 'viewer', version: /^\d/ })
  t.match(await session(`wall:${VIEWER_TOKEN}`), { status: 401 }, 'the name is no part of the token')
})
