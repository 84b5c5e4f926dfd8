import type { Test } from 'tap'
import {
  agentStatus,
  buildTestBridge,
  callHook,
  callerStatus,
  type HookReply,
  type TestBridge
} from '../fixtures/build.ts'
import { RECORDED_TARGETS, routesWith } from '../fixtures/policies.ts'
import { createUnsteadyRegistry } from '../fixtures/unsteady-registry.ts'
import type { AppOptions } from '../../src/app.ts'
import { explainRefusal } from '../../src/routing/policy/refusals.ts'
import { bridgeTest, counted, lines } from './support.ts'

/** A call whose agent talks with the caller. */
async function connected (bridge: TestBridge): Promise<string> {
  const hook = callHook()
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', agentStatus(sid, 'ringing', 180))
  await bridge.hook('/status', agentStatus(sid, 'in-progress', 200))
  await bridge.hook('/status', callerStatus(sid, 'in-progress', 200))
  return sid
}

/** The agent asks for a transfer. `cseq` tells one request from another. */
const refer = (bridge: TestBridge, sid: string, target: string, cseq = 1): Promise<HookReply> =>
  bridge.hook('/refer', {
    ...agentStatus(sid, 'in-progress', 200),
    refer_details: { sip_refer_to: `<${target}>`, cseq }
  })

const decided = (bridge: TestBridge, sid: string, extra: object) =>
  bridge.hook('/refer-complete', { ...callerStatus(sid, 'in-progress', 200), ...extra })

const refusedCount = (bridge: TestBridge, reason: string) =>
  counted(bridge, `bridge_numbers_refused_total{door="transfer",reason="${reason}"}`)

/** The transfer is refused, told everywhere, and the call goes on. */
async function isRefused (
  t: Test,
  bridge: TestBridge,
  { target, reason, status = 403, detail = reason, masked = '+1555****' }: {
    target: string
    reason: string
    status?: number
    detail?: string
    masked?: string
  }
): Promise<string> {
  const sid = await connected(bridge)
  const reply = await refer(bridge, sid, target)
  t.equal(reply.status, status)
  t.equal(reply.text, '')
  const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
  t.equal(call.phase, 'connected', 'the call goes on')
  t.match(call.events.at(-1), { from: 'jambonz', what: 'refer refused', leg: 'agent', detail })
  t.equal(await refusedCount(bridge, reason), 1)
  const logged = lines(bridge.logged()).filter(({ msg }) => msg === 'number refused')
  t.match(logged, [{ callSid: sid, door: 'transfer', reason, number: masked }])
  t.equal(logged.length, 1)
  return sid
}

const withRoutes = (...args: Parameters<typeof routesWith>): Partial<AppOptions> => ({ routes: routesWith(...args) })

await bridgeTest('without a policy no transfer passes, and the call goes on', async (t, bridge) => {
  await isRefused(t, bridge, { target: 'tel:+15559998888', reason: 'no-policy' })
  t.notMatch(bridge.logged(), '5559998888', 'the number stays out of the log')
}, {})

await bridgeTest('the diagnosis of a call says which rule refused its transfer', async (t, bridge) => {
  const sid = await isRefused(t, bridge, {
    target: 'tel:+18765551234',
    reason: 'not-allowed',
    detail: 'not-allowed JM',
    masked: '+1876****'
  })
  await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.clock.pass(3000)
  const { json } = await bridge.operator('GET', `/calls/${sid}/diagnosis`)
  t.match(json.evidence.find(({ signal }: { signal: string }) => signal === 'refer-refused'), {
    seen: 'a transfer was refused: not-allowed JM',
    shows: explainRefusal('not-allowed', 'JM')
  })
}, {}, withRoutes({ allow: ['US'] }))

await bridgeTest('the log has no number of a transfer', async (t, bridge) => {
  await refer(bridge, await connected(bridge), 'tel:+15559998888')
  t.notMatch(bridge.logged(), '5559998888')
})

await bridgeTest('an empty policy lets nothing pass', async (t, bridge) => {
  await isRefused(t, bridge, { target: 'tel:+12125551234', reason: 'nothing-allowed', masked: '+1212****' })
}, {}, withRoutes({}))

await bridgeTest('what goes on is the number that was judged', async (t, bridge) => {
  for (const target of ['tel:+1(555)999-8888;ext=12', 'sip:%2B1555%39998888@elsewhere.example.com;user=phone']) {
    const reply = await refer(bridge, await connected(bridge), target)
    t.match(reply.json, [{ verb: 'sip:refer', referTo: '+15559998888' }], target)
  }
}, {}, withRoutes(RECORDED_TARGETS))

await bridgeTest('another country is refused, and said to be', async (t, bridge) => {
  await isRefused(t, bridge, {
    target: 'tel:+18765551234',
    reason: 'not-allowed',
    detail: 'not-allowed JM',
    masked: '+1876****'
  })
}, {}, withRoutes({ allow: ['US'] }))

await bridgeTest('deny wins', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const sid = await isRefused(t, bridge, { target, reason: 'denied', detail: 'denied +155599…' })
  t.match((await refer(bridge, sid, 'tel:+15551230009')).json, [{ referTo: '+15551230009' }])
}, {}, withRoutes({ allow: ['+1555'], deny: ['+1555999888'] }))

await bridgeTest('a SIP URI passes only to a host of the list', async (t, bridge) => {
  await isRefused(t, bridge, {
    target: 'sip:101@elsewhere.example.com',
    reason: 'sip-host',
    detail: 'sip-host elsewhere.example.com',
    masked: 'sip:****@elsewhere.example.com'
  })
  const sid = await connected(bridge)
  t.equal((await refer(bridge, sid, 'sip:101@pbx.example.com?Replaces=x', 2)).status, 403)
  const reply = await refer(bridge, sid, 'SIP:101@PBX.example.com;transport=tcp;maddr=192.0.2.1', 3)
  t.equal(reply.json[0].referTo, 'sip:101@pbx.example.com;transport=tcp')
}, {}, withRoutes(RECORDED_TARGETS))

await bridgeTest('a sips URI goes on in the form that feature-server leaves alone', async (t, bridge) => {
  const reply = await refer(bridge, await connected(bridge), 'sips:101@pbx.example.com')
  t.equal(reply.json[0].referTo, '<sips:101@pbx.example.com>')
}, {}, withRoutes(RECORDED_TARGETS))

await bridgeTest('a number of our own is refused, also in another spelling', async (t, bridge) => {
  await isRefused(t, bridge, { target: 'tel:+1-555-123-0000', reason: 'own-number' })
}, {}, withRoutes(RECORDED_TARGETS, { numbers: ['+15551230000'] }))

await bridgeTest('a cap that is reached refuses; a repeat of the hook counts once', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const first = await connected(bridge)
  t.equal((await refer(bridge, first, target)).status, 200)
  t.equal((await refer(bridge, first, target)).status, 200, 'a repeat')
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200, 'the second one')
  await isRefused(t, bridge, { target, reason: 'per-minute' })
  await bridge.clock.pass(60_000)
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200, 'a minute later')
}, {}, withRoutes({ ...RECORDED_TARGETS, caps: { perMinute: 2 } }))

await bridgeTest('a transfer that is decided is no longer under way', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const sid = await connected(bridge)
  t.equal((await refer(bridge, sid, target)).status, 200)
  await isRefused(t, bridge, { target, reason: 'concurrent' })
  await decided(bridge, sid, { refer_status: 603 })
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200)
}, {}, withRoutes({ ...RECORDED_TARGETS, caps: { concurrent: 1 } }))

const shared = createUnsteadyRegistry()
const oneAtATime = { registry: shared, ...withRoutes({ ...RECORDED_TARGETS, caps: { concurrent: 1 } }) }
await bridgeTest('another replica may hear that a transfer is decided', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const other = await buildTestBridge(t, {}, oneAtATime)
  for (const outcome of [{ refer_status: 603 }, { refer_status: 202, final_referred_call_status: 200 }]) {
    const sid = await connected(bridge)
    t.equal((await refer(bridge, sid, target)).status, 200)
    t.equal((await refer(bridge, await connected(bridge), target)).status, 403, 'one is under way')
    await decided(other, sid, outcome)
  }
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200)
}, {}, oneAtATime)

await bridgeTest('a transfer that the call itself forbids counts for nothing', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const ended = await connected(bridge)
  await bridge.hook('/status', callerStatus(ended, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.clock.pass(3000)
  t.equal((await refer(bridge, ended, target)).status, 403)
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200)
}, {}, withRoutes({ ...RECORDED_TARGETS, caps: { perDay: 1 } }))

await bridgeTest('a repeat of a transfer that is forbidden meanwhile takes nothing back', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const sid = await connected(bridge)
  t.equal((await refer(bridge, sid, target)).status, 200)
  await decided(bridge, sid, { refer_status: 603 })
  t.equal((await refer(bridge, sid, target)).status, 403, 'the agent was dialled again, with another leg')
  await isRefused(t, bridge, { target, reason: 'per-day' })
}, {}, withRoutes({ ...RECORDED_TARGETS, caps: { perDay: 1 } }))

const broken = createUnsteadyRegistry()
await bridgeTest('a transfer that could not be committed counts for nothing', async (t, bridge) => {
  const target = 'tel:+15559998888'
  const sid = await connected(bridge)
  broken.refuses = callSid => {
    if (callSid === sid) throw new Error('a mistake')
    return false
  }
  t.equal((await refer(bridge, sid, target)).status, 503)
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200)
}, {}, { registry: broken, ...withRoutes({ ...RECORDED_TARGETS, caps: { perDay: 1 } }) })

await bridgeTest('callers are counted apart', async (t, bridge) => {
  const target = 'tel:+15559998888'
  t.equal((await refer(bridge, await connected(bridge), target)).status, 200)
  await isRefused(t, bridge, { target, reason: 'per-caller-per-day' })
  const sid = await connected(bridge)
  const other = { ...agentStatus(sid, 'in-progress', 200), from: '+15550002222' }
  const reply = await bridge.hook('/refer', { ...other, refer_details: { sip_refer_to: target } })
  t.equal(reply.status, 200, 'of somebody else')
}, {}, withRoutes({ ...RECORDED_TARGETS, caps: { perCallerPerDay: 1 } }))

const registry = createUnsteadyRegistry()
await bridgeTest('where the store is gone, what must be counted does not pass', async (t, bridge) => {
  const sid = await connected(bridge)
  registry.gone = true
  t.equal((await refer(bridge, sid, 'tel:+15559998888')).status, 503)
  const { json } = await bridge.hook('/livekit-api', callHook())
  t.equal(json[0].verb, 'dial', 'callers are connected as ever')
  registry.gone = false
  t.equal(await refusedCount(bridge, 'store-unavailable'), 1)
}, {}, { registry, ...withRoutes({ ...RECORDED_TARGETS, caps: { perDay: 100 } }) })

const other = createUnsteadyRegistry()
await bridgeTest('where nothing is counted, transfers need no store', async (t, bridge) => {
  const sid = await connected(bridge)
  other.gone = true
  t.equal((await refer(bridge, sid, 'tel:+15559998888')).status, 200)
  other.gone = false
}, {}, { registry: other, ...withRoutes(RECORDED_TARGETS) })

await bridgeTest("the caller leg's REFER is not the policy's business", async (t, bridge) => {
  const sid = await connected(bridge)
  const body = { ...callerStatus(sid, 'in-progress', 200), refer_details: { sip_refer_to: '<tel:+19005551234>' } }
  t.equal((await bridge.hook('/refer', body)).status, 403)
  t.notMatch(bridge.logged(), 'number refused')
})

await bridgeTest('every refusal has a sentence that says what to write', async t => {
  t.match(explainRefusal('no-policy'), /policy: \{ allow: \[DE, "\+1555"\] \}/)
  t.match(explainRefusal('not-allowed', 'JM'), /JM/)
  t.match(explainRefusal('sip-host', 'pbx.example.com'), /pbx\.example\.com.*policy\.sip/)
})
