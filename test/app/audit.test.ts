import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openapiDocument } from '../../scripts/openapi.ts'
import { ask, controlOfCall } from '../fixtures/agent-control.ts'
import { buildTestBridge, callHook, OPERATOR_TOKEN } from '../fixtures/build.ts'
import { settle } from '../fixtures/test-clock.ts'
import { buildTransferBridge, PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { lines } from '../routes/support.ts'

const ALICE = 'alice-s-token-of-hers'
const WALL = 'viewer-token-viewer-token'
const SHOP = 'shop-token-shop-token'
const ENV = {
  OPERATOR_TOKEN: `${OPERATOR_TOKEN},alice:${ALICE}`,
  VIEWER_TOKEN: `wall:${WALL}`,
  CALLERS: `shop:${SHOP}`
}

interface Stage {
  bridge: TransferBridge
  /** A call whose caller talks with the agent. */
  callSid: string
  /** The lines of the audit log since the last time. */
  audit(): Array<Record<string, any>>
  /** What people and the agent asked for, as the call has it. */
  asked(): Promise<Array<Record<string, any>>>
}

function auditTest (name: string, fn: (t: Test, stage: Stage) => Promise<unknown>) {
  return t.test(name, async t => {
    const bridge = await buildTransferBridge(t, { env: ENV })
    const callSid = await bridge.connected()
    let seen = 0
    await fn(t, {
      bridge,
      callSid,
      audit () {
        const all = lines(bridge.logged()).filter(({ msg }) => msg === 'operator change')
        const fresh = all.slice(seen)
        seen = all.length
        return fresh
      },
      async asked () {
        const { json } = await bridge.ask('GET', `/calls/${callSid}`)
        return json.events.filter(({ from }: { from: string }) => from === 'operator' || from === 'agent')
      }
    })
  })
}

await auditTest('who changed what is in the log and in the call', async (t, { bridge, callSid, audit, asked }) => {
  const body = { mode: 'consult', to: PERSON }
  const begun = await bridge.transfer(callSid, body, { token: ALICE })
  await bridge.tell(callSid, begun.json.id, 'cancel', { token: OPERATOR_TOKEN })
  await bridge.transfer(callSid, { mode: 'telepathy' }, { token: ALICE })
  await ask(bridge, 'POST', `/calls/${callSid}/hangup`, ALICE)
  await settle()
  const alice = { by: 'alice', role: 'operator', tokenId: /^[0-9a-f]{8}$/, allowed: true }
  const log = audit()
  t.match(log, [
    { ...alice, operation: 'begin-transfer', callSid, status: 202 },
    { operation: 'cancel-transfer', by: 'operator', role: 'operator', callSid, status: 202, allowed: true },
    { ...alice, operation: 'begin-transfer', status: 400, code: 'BRIDGE_TRANSFER_BODY' },
    { ...alice, operation: 'hang-up', callSid, status: 202 }
  ])
  t.not(log[0]!['tokenId'], log[1]!['tokenId'])
  t.match(await asked(), [
    { from: 'operator', what: 'transfer consult', by: 'alice' },
    { from: 'operator', what: 'cancel transfer', by: 'operator' },
    { from: 'operator', what: 'hang-up', by: 'alice' }
  ])
  t.notMatch(JSON.stringify(log), /1555|alice-s-token/, 'no number, no token')
})

await auditTest('who was refused what, too', async (t, { bridge, callSid, audit, asked }) => {
  for (let i = 0; i < 3; i++) {
    t.equal((await ask(bridge, 'POST', `/calls/${callSid}/hangup`, WALL)).status, 403)
    await settle()
  }
  const { token } = controlOfCall(bridge, callSid)
  const refused = await bridge.transfer(callSid, { mode: 'blind', to: '+19005550000' }, { token })
  t.match(refused, { status: 403, json: { code: 'BRIDGE_NUMBER_REFUSED' } })
  t.equal((await ask(bridge, 'POST', '/calls', token, { to: PERSON })).status, 403)
  await settle()
  const viewer = { operation: 'hang-up', by: 'wall', role: 'viewer', callSid, status: 403, allowed: false }
  const agent = { by: 'agent', role: 'agent', callSid, status: 403, allowed: false }
  const log = audit()
  t.match(log, [
    ...Array(3).fill({ ...viewer, code: 'BRIDGE_VIEWERS_LOOK_ONLY' }),
    { ...agent, operation: 'begin-transfer', code: 'BRIDGE_NUMBER_REFUSED' },
    { ...agent, operation: 'place-call', code: 'BRIDGE_KEY_NOT_ALLOWED' }
  ])
  t.match(await asked(), [
    { from: 'operator', what: 'refused', status: 'hang-up', by: 'wall', detail: 'BRIDGE_VIEWERS_LOOK_ONLY', count: 3 },
    { from: 'agent', what: 'refused', status: 'begin-transfer', by: 'agent', detail: 'BRIDGE_NUMBER_REFUSED' },
    { from: 'agent', what: 'refused', status: 'place-call', by: 'agent' }
  ])
  t.notMatch(JSON.stringify(log), /1900/)
  t.equal((await bridge.ask('GET', `/calls/${callSid}`)).json.phase, 'connected', 'the call goes on')
})

await auditTest("others' calls and unknown ones leave nothing behind", async (t, { bridge, callSid, audit, asked }) => {
  t.equal((await ask(bridge, 'POST', `/calls/${callSid}/hangup`, SHOP)).status, 404)
  t.equal((await ask(bridge, 'POST', '/calls/+15550001111/hangup', WALL)).status, 403)
  t.equal((await ask(bridge, 'POST', '/events/x/replay', SHOP)).status, 403)
  t.equal((await ask(bridge, 'POST', `/calls/${callSid}/hangup`, 'nobody-s-token')).status, 401)
  t.equal((await ask(bridge, 'GET', `/calls/${callSid}`, WALL)).status, 200)
  t.equal((await ask(bridge, 'POST', '/routes/test', WALL, { to: PERSON })).status, 200)
  await settle()
  const log = audit()
  t.same(log.map(({ operation, by, status, allowed }) => `${operation} ${by} ${status} ${allowed}`), [
    'hang-up shop 404 true',
    'hang-up wall 403 false',
    'replay-event shop 403 false'
  ])
  for (const line of log) t.notOk('callSid' in line, 'what is in the path may be anything')
  t.same(await asked(), [])
})

await auditTest('a client that goes away early has asked all the same', async (t, { bridge, callSid, audit }) => {
  const url = await bridge.app.listen({ host: '127.0.0.1', port: 0 })
  const leaving = new AbortController()
  const asking = fetch(`${url}/calls/${callSid}/transfers?wait=5`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ALICE}`, 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'consult', to: PERSON }),
    signal: leaving.signal
  })
  asking.catch(() => {})
  await bridge.personOrder()
  leaving.abort()
  await t.rejects(asking)
  let log = audit()
  while (log.length === 0) {
    await nextTurn()
    log = audit()
  }
  t.match(log, [{ operation: 'begin-transfer', by: 'alice', callSid, allowed: true }])
})

await t.test('there is a line for every operation that changes something', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const { paths } = JSON.parse(await openapiDocument()) as { paths: Record<string, Record<string, any>> }
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method, { tags }]) => method !== 'get' && (tags.includes('operators') || tags.includes('events')))
      .map(([method]) => ({ path, method }))
  )
  let changes = 0
  for (const { path, method } of operations) {
    const url = path.replace('{callSid}', hook['call_sid']).replace(/\{\w+\}/g, 'x')
    const reply = await ask(bridge, method.toUpperCase() as 'POST', url, WALL, {})
    // What a viewer may do changes nothing.
    if (reply.status === 403) changes++
  }
  t.ok(changes >= 10)
  await settle()
  const log = lines(bridge.logged()).filter(({ msg }) => msg === 'operator change')
  t.equal(log.length, changes)
  t.equal(new Set(log.map(({ operation }) => operation)).size, changes)
  for (const line of log) t.match(line, { by: 'wall', role: 'viewer', allowed: false })
})
