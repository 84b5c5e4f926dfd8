import t from 'tap'
import { agentStatus, buildTestBridge, callHook, callerStatus, dialAction, OPERATOR_TOKEN } from '../fixtures/build.ts'

await t.test('a failed call is explained', async t => {
  const bridge = await buildTestBridge(t)
  const hook = callHook()
  const callSid = hook['call_sid'] as string
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', callerStatus(callSid, 'trying', 100))
  await bridge.hook('/status', agentStatus(callSid, 'trying', 100))
  const open = await bridge.operator('GET', `/calls/${callSid}/diagnosis`)
  t.equal(open.status, 200)
  t.match(open.json, { callSid, waitingOn: 'sip', severity: 'ok', evidence: [{ signal: 'call-hook' }] })
  t.notOk('cause' in open.json, 'under way')

  await bridge.hook('/status', agentStatus(callSid, 'failed', 401, { sip_reason: 'Unauthorized' }))
  await bridge.hook('/action', dialAction(callSid, 'failed', 401))
  await bridge.clock.pass(5000)
  const { status, json } = await bridge.operator('GET', `/calls/${callSid}/diagnosis`)
  t.equal(status, 200)
  t.match(json, {
    callSid,
    cause: 'livekit-refused-credentials',
    waitingOn: 'sip',
    sipStatus: 401,
    severity: 'failed',
    summary: /401/,
    nextSteps: [{ command: 'bridge provision --rotate' }]
  })
  t.match(json.evidence.find(({ signal }: { signal: string }) => signal === 'agent-leg-final'), {
    at: /Z$/,
    seen: 'agent leg failed 401 Unauthorized',
    shows: /password/
  })
  t.match(json.answers.find(({ id }: { id: string }) => id === 'livekit-answer'), { answer: 'yes', says: /401/ })
})

await t.test('no such call, no token, no operator API', async t => {
  const bridge = await buildTestBridge(t)
  t.match(await bridge.operator('GET', '/calls/none/diagnosis'), {
    status: 404,
    json: { code: 'BRIDGE_CALL_NOT_FOUND' }
  })
  t.equal((await bridge.app.inject({ url: '/calls/none/diagnosis' })).statusCode, 401)
  const off = await buildTestBridge(t, { OPERATOR_TOKEN: '' })
  t.equal(
    (await off.app.inject({ url: '/calls/none/diagnosis', headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } }))
      .statusCode,
    404
  )
})

await t.test('it is in the OpenAPI document', async t => {
  const bridge = await buildTestBridge(t)
  const document = (await bridge.app.inject({ url: '/docs/json' })).json()
  const { get } = document.paths['/calls/{callSid}/diagnosis']
  t.equal(get.operationId, 'diagnoseCall')
  t.strictSame(get.responses['200'].content['application/json'].schema, { $ref: '#/components/schemas/Diagnosis' })
  t.match(document.components.schemas.Diagnosis.properties, { cause: {}, evidence: {}, notToldApart: {} })
})
