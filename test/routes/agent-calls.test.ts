import t, { type Test } from 'tap'
import type { AppOptions } from '../../src/app.ts'
import { systemClock } from '../../src/clock.ts'
import { CarrierNeededError } from '../../src/errors.ts'
import { judgeAgentCall } from '../../src/jambonz/agent-door.ts'
import { callHookEvent } from '../../src/jambonz/events.ts'
import { readCallHook } from '../../src/jambonz/payloads.ts'
import type { Policy } from '../../src/routing/policy/policy.ts'
import type { RoutesTable } from '../../src/routing/routes.ts'
import {
  agentHook,
  CALLEE,
  calleeAction,
  calleeLeg,
  livekitLeg,
  OUR_NUMBER,
  personEvent,
  type AgentHookOptions
} from '../fixtures/agent-calls.ts'
import { buildTestBridge, callHook, callerStatus, type HookReply, type TestBridge } from '../fixtures/build.ts'
import { startJambonzApi } from '../fixtures/jambonz-api.ts'
import { routesWith } from '../fixtures/policies.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'
import { createUnsteadyRegistry } from '../fixtures/unsteady-registry.ts'
import { assertVerbs, bridgeTest, counted, declined, lines } from './support.ts'

const CARRIER = { OUTBOUND_CARRIER: 'MyCarrier' }
const ALLOWED = { allow: ['+1555'] }
const withRoutes = (policy: Partial<Policy> = ALLOWED, table: Partial<RoutesTable> = {}): Partial<AppOptions> => ({
  routes: routesWith(policy, { numbers: [OUR_NUMBER], ...table })
})

/** LiveKit's attributes of a leg that it begins to dial. */
const dialing = (id: string) => ({ 'sip.callID': id, 'sip.callStatus': 'dialing' })

/** An agent calls somebody. */
async function call (
  bridge: TestBridge,
  options: AgentHookOptions = {},
  extra: Record<string, unknown> = {}
): Promise<{ sid: string, reply: HookReply }> {
  const hook = agentHook(options, extra)
  const reply = await bridge.hook('/livekit-api', hook)
  await settle()
  return { sid: hook['call_sid'], reply }
}

const recordOf = async (bridge: TestBridge, sid: string) => (await bridge.operator('GET', `/calls/${sid}`)).json

/** A caller whose agent talks with them; the room is known. */
async function callWithRoom (bridge: TestBridge): Promise<{ sid: string, room: string }> {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const { attempts } = await recordOf(bridge, hook['call_sid'])
  return { sid: hook['call_sid'], room: attempts[0].room }
}

await bridgeTest('an agent may call whom the policy allows', async (t, bridge) => {
  const { sid, reply } = await call(bridge)
  assertVerbs(t, reply)
  t.match(reply.json[0], {
    verb: 'dial',
    callerId: OUR_NUMBER,
    target: [{ type: 'phone', number: CALLEE, trunk: 'MyCarrier' }],
    headers: { 'X-LK-Call': sid }
  })
  t.notOk('referHook' in reply.json[0], 'who is called must not transfer')
  t.same(reply.json.slice(1), [{ verb: 'sip:decline', status: 480, reason: 'Not Connected' }])
  t.match(await recordOf(bridge, sid), { direction: 'agent', to: CALLEE, agent: undefined, joins: undefined })
  t.same([...bridge.rooms.open.keys()], [], 'no room is made: the agent has one')
}, CARRIER, withRoutes())

await bridgeTest('a call of another carrier is that of a caller', async (t, bridge) => {
  const { sid } = await call(bridge, {}, { originating_sip_trunk_name: 'MyCarrier' })
  t.equal((await recordOf(bridge, sid)).direction, 'inbound')
}, CARRIER, withRoutes())

await bridgeTest('the name of the carrier is a setting', async (t, bridge) => {
  const { sid, reply } = await call(bridge, {}, { originating_sip_trunk_name: 'agents' })
  t.equal(reply.json[0].target[0].type, 'phone')
  t.equal((await recordOf(bridge, sid)).direction, 'agent')
  t.equal((await recordOf(bridge, (await call(bridge)).sid)).direction, 'inbound')
}, { ...CARRIER, LIVEKIT_OUTBOUND_TRUNK: 'agents' }, withRoutes())

/** The call is refused before anybody is dialled, and everything says why. */
async function isRefused (
  t: Test,
  bridge: TestBridge,
  { answer = '403 Destination Not Allowed', detail, extra }: {
    answer?: string
    detail: string
    extra?: Record<string, unknown>
  }
): Promise<string> {
  const { sid, reply } = await call(bridge, {}, extra)
  assertVerbs(t, reply)
  t.equal(declined(reply), answer)
  t.match((await recordOf(bridge, sid)).end, {
    cause: 'not-allowed',
    by: 'bridge',
    sipStatus: Number(answer.split(' ')[0]),
    detail
  })
  return sid
}

await bridgeTest('without a policy agents call nobody', async (t, bridge) => {
  await isRefused(t, bridge, { detail: 'no-policy' })
  t.equal(await counted(bridge, 'bridge_numbers_refused_total{door="trunk",reason="no-policy"}'), 1)
  t.notMatch(bridge.logged(), CALLEE.slice(1), 'the number stays out of the log')
  t.match(lines(bridge.logged()).filter(({ msg }) => msg === 'number refused'), [{ door: 'trunk' }])
}, CARRIER)

await bridgeTest('the policy refuses', async (t, bridge) => {
  await isRefused(t, bridge, { detail: 'denied +155500…' })
  await isRefused(t, bridge, { detail: 'not-allowed JM', extra: { to: '+18765551234' } })
  await isRefused(t, bridge, { detail: 'own-number', extra: { to: OUR_NUMBER } })
  await isRefused(t, bridge, { detail: 'emergency', extra: { to: '101' } })
}, CARRIER, withRoutes({ allow: ['+1555', 'US'], deny: ['+15550004444'] }))

await bridgeTest('what is dialled is the number that was judged', async (t, bridge) => {
  const { reply } = await call(bridge, {}, { to: '+1 (555) 000-4444' })
  t.equal(reply.json[0].target[0].number, CALLEE)
}, CARRIER, withRoutes())

await bridgeTest('the caller id is a number of ours', async (t, bridge) => {
  const callerIdFor = async (from: string) => (await call(bridge, {}, { from })).reply.json[0].callerId
  t.equal(await callerIdFor('+15551239999'), '+15551239999', 'the one that LiveKit shows')
  t.equal(await callerIdFor('+15550000666'), OUR_NUMBER, 'not one that is not ours')
  t.equal(await callerIdFor('anonymous'), OUR_NUMBER)
}, CARRIER, withRoutes(ALLOWED, { numbers: [OUR_NUMBER, '+15551239999'] }))

await bridgeTest('without a number of ours nobody is called', async (t, bridge) => {
  await isRefused(t, bridge, { answer: '503 Outbound Calls Not Set Up', detail: 'no-caller-id' })
}, CARRIER, withRoutes({ ...ALLOWED, caps: { concurrent: 1 } }, { numbers: [] }))

await bridgeTest('where nobody can name a carrier, Jambonz chooses one', async (t, bridge) => {
  const { reply } = await call(bridge)
  t.strictSame(reply.json[0].target, [{ type: 'phone', number: CALLEE }])
}, {}, withRoutes())

await t.test('of several carriers none is chosen: nobody is called, and nothing is counted', async t => {
  const withdrawn: string[] = []
  const hook = readCallHook(agentHook({}, { call_sid: 'call-1' }))
  const { event, withdraw } = await judgeAgentCall(callHookEvent(hook, 'hash', []), hook, {
    calls: { find: async () => undefined },
    clock: createTestClock(),
    routes: routesWith(ALLOWED, { numbers: [OUR_NUMBER] }),
    gate: {
      enter: async () => ({ allowed: true, target: CALLEE, isCounted: true }),
      leave: async () => {},
      withdraw: async ({ id }) => {
        withdrawn.push(id)
      }
    },
    outbound: { carrierOf: () => Promise.reject(new CarrierNeededError('One, Two')) },
    carrier: undefined,
    dialTimeoutS: 40,
    timeLimitS: 7200
  })
  await withdraw()
  t.match(event.refuse, { status: 503, reason: 'Outbound Calls Not Set Up', detail: 'no-carrier' })
  t.strictSame(withdrawn, ['call-1'])
})

await bridgeTest('the longest call of the policy holds for calls of agents', async (t, bridge) => {
  const { sid, reply } = await call(bridge)
  t.equal(reply.json[0].timeLimit, 60)
  await bridge.hook('/status', calleeLeg(sid, 'in-progress', 200))
  await bridge.hook('/status', livekitLeg(sid, 'in-progress', 200))
  await bridge.clock.pass(60_000)
  await bridge.hook('/status', calleeLeg(sid, 'completed', 200))
  await bridge.hook('/status', livekitLeg(sid, 'completed', 200, { call_termination_by: 'jambonz' }))
  await bridge.clock.pass(3000)
  t.equal((await recordOf(bridge, sid)).end.cause, 'time-limit')
}, CARRIER, withRoutes({ ...ALLOWED, caps: { longestS: 60 } }))

await bridgeTest('a call counts as under way until it has ended', async (t, bridge) => {
  const { sid } = await call(bridge)
  await isRefused(t, bridge, { detail: 'concurrent' })
  await bridge.hook('/status', calleeLeg(sid, 'busy', 486))
  await bridge.hook('/action', calleeAction(sid, 'busy', 486))
  await bridge.hook('/status', livekitLeg(sid, 'failed', 486))
  await bridge.clock.pass(3000)
  t.equal((await call(bridge)).reply.json[0].verb, 'dial')
}, CARRIER, withRoutes({ ...ALLOWED, caps: { concurrent: 1 } }))

await bridgeTest('what one caller makes an agent dial counts for that caller', async (t, bridge) => {
  const { sid: one } = await callWithRoom(bridge)
  const other = callHook({ from: '+15550002222' })
  await bridge.hook('/livekit-api', other)
  const verbOf = async (named: string) =>
    (await call(bridge, { headers: { 'X-LK-Call': named } })).reply.json[0].verb
  t.equal(await verbOf(one), 'dial')
  t.equal(await verbOf(one), 'sip:decline', 'the second one of the same caller')
  t.equal(await verbOf(other['call_sid']), 'dial', 'the first one of another caller')
}, CARRIER, withRoutes({ ...ALLOWED, caps: { perCallerPerDay: 1 } }))

const changing = { ...routesWith(ALLOWED, { numbers: [OUR_NUMBER] }) }
await bridgeTest('a call that is brought back is judged again', async (t, bridge) => {
  const { sid } = await call(bridge)
  const { sip: _sip, ...again } = agentHook({}, { call_sid: sid, call_status: 'in-progress' })
  changing.table = routesWith({ allow: ['DE'] }).table
  t.equal((await bridge.hook('/livekit-api', again)).json[0].verb, 'sip:decline')
  t.equal((await recordOf(bridge, sid)).end.cause, 'not-allowed')
}, CARRIER, { routes: changing })

await bridgeTest('a call that Jambonz places is none of an agent, whatever its carrier', async (t, bridge) => {
  const { sid } = await call(bridge, {}, { direction: 'outbound', call_status: 'in-progress' })
  t.equal((await recordOf(bridge, sid)).direction, 'outbound')
}, CARRIER, withRoutes())

await bridgeTest('a repeat of the hook gets the same verbs and counts once', async (t, bridge) => {
  const hook = agentHook()
  const first = await bridge.hook('/livekit-api', hook)
  t.same((await bridge.hook('/livekit-api', hook)).json, first.json)
  t.equal((await call(bridge)).reply.json[0].verb, 'dial', 'the second one')
  await isRefused(t, bridge, { detail: 'per-minute' })
}, CARRIER, withRoutes({ ...ALLOWED, caps: { perMinute: 2 } }))

await bridgeTest('a call that is declined for another reason counts for nothing', async (t, bridge) => {
  const { sid: only } = await callWithRoom(bridge)
  t.equal(declined((await call(bridge)).reply), '503 Too Many Calls', 'and not busy')
  await bridge.hook('/status', callerStatus(only, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.clock.pass(3000)
  t.equal((await call(bridge)).reply.json[0].verb, 'dial')
}, { ...CARRIER, MAX_CALLS: '1' }, withRoutes({ ...ALLOWED, caps: { perMinute: 1 } }))

const goneStore = createUnsteadyRegistry()
await bridgeTest('what cannot be counted is not dialled', async (t, bridge) => {
  goneStore.gone = true
  t.equal(declined((await call(bridge)).reply), '503 Calls Cannot Be Counted')
  goneStore.gone = false
}, CARRIER, { registry: goneStore, ...withRoutes({ ...ALLOWED, caps: { perDay: 1 } }) })

await bridgeTest('while the process ends, an agent does not hear that nobody answers', async (t, bridge) => {
  bridge.app.calls.drain()
  t.equal(declined((await call(bridge)).reply), '503 Shutting Down')
}, CARRIER, withRoutes())

await bridgeTest('LiveKit gets what the callee answered', async (t, bridge) => {
  const replyTo = async (status: string, sipStatus: number) => {
    const { sid } = await call(bridge)
    await bridge.hook('/status', calleeLeg(sid, 'trying', 100))
    await bridge.hook('/status', calleeLeg(sid, 'ringing', 180))
    await bridge.hook('/status', calleeLeg(sid, status, sipStatus))
    const reply = await bridge.hook('/action', calleeAction(sid, status, sipStatus))
    await bridge.hook('/status', livekitLeg(sid, 'failed', reply.json[0].status))
    await bridge.clock.pass(3000)
    const { cause, by } = (await recordOf(bridge, sid)).end
    return [declined(reply), cause, by]
  }
  t.same(await replyTo('busy', 486), ['486 Busy Here', 'busy', 'carrier'])
  t.same(await replyTo('busy', 603), ['603 Decline', 'declined', 'carrier'])
  t.same(await replyTo('failed', 404), ['404 Not Found', 'number-unobtainable', 'carrier'])
  t.same(await replyTo('failed', 503), ['503 Service Unavailable', 'carrier-failed', 'carrier'])
}, CARRIER, withRoutes())

await bridgeTest('a call is joined by the header', async (t, bridge) => {
  const { sid: roomCall } = await callWithRoom(bridge)
  const { sid } = await call(bridge, { headers: { 'X-LK-Call': roomCall } })
  await areJoined(t, bridge, sid, roomCall)
}, CARRIER, withRoutes())

await bridgeTest('a header joins nothing that names no open call of a caller', async (t, bridge) => {
  const { sid: ended } = await callWithRoom(bridge)
  await bridge.hook('/status', callerStatus(ended, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.clock.pass(3000)
  const { sid: another } = await call(bridge)
  for (const named of [ended, another, 'nobody', 'x'.repeat(500), 'a b\r\nc', '']) {
    const { sid, reply } = await call(bridge, { headers: { 'X-LK-Call': named } })
    t.equal(reply.json[0].verb, 'dial', 'the call is made all the same')
    t.equal((await recordOf(bridge, sid)).joins, undefined, named.slice(0, 20))
  }
}, CARRIER, withRoutes())

await bridgeTest('a call is joined by what LiveKit calls its leg, which shows in the room first', async (t, bridge) => {
  const { sid: roomCall, room } = await callWithRoom(bridge)
  await bridge.livekitEvent(personEvent(room, 'participant_joined', dialing('SCL_1')))
  const { sid } = await call(bridge, { id: 'SCL_1', direct: true })
  await areJoined(t, bridge, sid, roomCall)
}, CARRIER, withRoutes())

await bridgeTest('a call is joined by what LiveKit calls its leg, which Jambonz shows first', async (t, bridge) => {
  const { sid: roomCall, room } = await callWithRoom(bridge)
  const { sid } = await call(bridge, { id: 'SCL_1', direct: true })
  t.equal((await recordOf(bridge, sid)).joins, undefined)
  await bridge.livekitEvent(personEvent(room, 'participant_joined', dialing('SCL_1')))
  await settle()
  await areJoined(t, bridge, sid, roomCall)
}, CARRIER, withRoutes())

await bridgeTest('behind an SBC a call is joined once LiveKit tells the whole Call-ID', async (t, bridge) => {
  const { sid: roomCall, room } = await callWithRoom(bridge)
  await bridge.livekitEvent(personEvent(room, 'participant_joined', dialing('SCL_1')))
  const { sid } = await call(bridge, { fullId: 'full-1' })
  t.equal((await recordOf(bridge, sid)).joins, undefined)
  const answered = { 'sip.callID': 'SCL_1', 'sip.callIDFull': 'full-1', 'sip.callStatus': 'hangup' }
  await bridge.livekitEvent(personEvent(room, 'participant_left', answered))
  await settle()
  await areJoined(t, bridge, sid, roomCall)
}, CARRIER, withRoutes())

await bridgeTest('LiveKit is believed, and not the header', async (t, bridge) => {
  const { sid: roomCall, room } = await callWithRoom(bridge)
  const { sid: somebodyElse } = await callWithRoom(bridge)
  const { sid } = await call(bridge, { headers: { 'X-LK-Call': somebodyElse } })
  const attributes = { 'sip.callID': 'SCL_1', 'sip.callStatus': 'active', 'sip.h.x-call-sid': sid }
  await bridge.livekitEvent(personEvent(room, 'participant_joined', attributes))
  await settle()
  await areJoined(t, bridge, sid, roomCall)
}, CARRIER, withRoutes())

await bridgeTest('a look at the room joins a call too', async (t, bridge) => {
  const { sid: roomCall } = await callWithRoom(bridge)
  await bridge.hook('/status', {
    ...callerStatus(`b-${roomCall}`, 'ringing', 180, { direction: 'outbound', parent_call_sid: roomCall })
  })
  const { sid } = await call(bridge, { fullId: 'full-1' })
  bridge.rooms.present = () => ({
    company: true,
    people: [{ callStatus: 'active', called: OUR_NUMBER, callIds: ['SCL_1', 'full-1'] }]
  })
  await bridge.clock.pass(5000)
  await areJoined(t, bridge, sid, roomCall)
}, CARRIER, withRoutes())

/** Both records tell of the other call. */
async function areJoined (t: Test, bridge: TestBridge, sid: string, roomCall: string): Promise<void> {
  t.equal((await recordOf(bridge, sid)).joins, roomCall)
  const { phase, events } = await recordOf(bridge, roomCall)
  t.not(phase, 'ended')
  t.match(events.filter(({ what }: { what: string }) => what === 'person called'), [{ detail: sid }])
}

await bridgeTest('who is called into a room is not taken for its caller', async (t, bridge) => {
  const { sid: roomCall, room } = await callWithRoom(bridge)
  const { 'sip.trunkPhoneNumber': _, ...attributes } = {
    ...personEvent(room, 'participant_joined', dialing('SCL_1')).participant.attributes
  }
  await bridge.livekitEvent({
    ...personEvent(room, 'participant_joined', {}),
    participant: { sid: 'PA_person', identity: 'callee-1', kind: 'SIP', attributes }
  })
  const { events } = await recordOf(bridge, roomCall)
  t.match(events.filter(({ what }: { what: string }) => what === 'participant_joined'), [{ status: 'OTHER' }])
})

await bridgeTest('a forged account, application or carrier means nothing', async (t, bridge) => {
  const headers = { 'X-Account-Sid': 'acct-2', 'X-Application-Sid': 'app-2', 'X-Originating-Carrier': 'MyCarrier' }
  const { sid, reply } = await call(bridge, { headers })
  t.equal(reply.json[0].target[0].trunk, 'MyCarrier')
  t.equal((await recordOf(bridge, sid)).direction, 'agent')
  // A caller's own INVITE may carry anything: Jambonz says over which carrier it came.
  const caller = callHook({ sip: { headers: { 'X-Originating-Carrier': 'livekit-out' }, method: 'INVITE' } })
  await bridge.hook('/livekit-api', caller)
  t.equal((await recordOf(bridge, caller['call_sid'])).direction, 'inbound')
}, CARRIER, withRoutes())

await bridgeTest('a bridge that was not there knows it from its statuses', async (t, bridge) => {
  const sid = agentHook()['call_sid']
  await bridge.hook('/status', calleeLeg(sid, 'ringing', 180))
  await bridge.hook('/status', livekitLeg(sid, 'in-progress', 200))
  t.match(await recordOf(bridge, sid), { direction: 'agent', to: CALLEE })
  const other = agentHook()['call_sid']
  await bridge.hook('/action', calleeAction(other, 'busy', 486))
  t.match(await recordOf(bridge, other), { direction: 'agent', attempts: [{ strategy: 'phone' }] })
}, CARRIER, withRoutes())

/** The settings of a Jambonz whose account has these carriers. */
async function withCarriers (t: Test, carriers: object[]): Promise<Record<string, string>> {
  const { access: { baseUrl, accountSid, apiKey } } = await startJambonzApi(t, { clock: systemClock, carriers })
  return { JAMBONZ_REST_API_BASE_URL: baseUrl, JAMBONZ_ACCOUNT_SID: accountSid, JAMBONZ_API_KEY: apiKey }
}

const AUTH_TRUNK = { name: 'livekit-out', trunk_type: 'auth', is_active: 1 }
const MINE = { name: 'MyCarrier', trunk_type: 'static_ip', is_active: 1 }

await t.test('the carrier of a call that an agent makes', async t => {
  const carrierWith = async (carriers: object[], env: Record<string, string> = {}) => {
    const bridge = await buildTestBridge(t, { ...await withCarriers(t, carriers), ...env }, withRoutes())
    const { reply } = await call(bridge)
    return reply.json[0].target?.[0].trunk ?? declined(reply)
  }
  t.equal(await carrierWith([AUTH_TRUNK, MINE]), 'MyCarrier', 'the only one of the account')
  t.equal(await carrierWith([MINE, { ...MINE, name: 'Other' }]), '503 Outbound Calls Not Set Up', 'one of several')
  t.equal(await carrierWith([MINE, { ...MINE, name: 'Other' }], { OUTBOUND_CARRIER: 'Other' }), 'Other')
  t.equal(
    await carrierWith([MINE], { OUTBOUND_CARRIER: 'Unknown' }),
    '503 Outbound Calls Not Set Up',
    'Jambonz would take any other one'
  )
})

await t.test('while Jambonz does not answer, the carrier of the settings is believed', async t => {
  const gone = { ...await withCarriers(t, []), JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/v1', ...CARRIER }
  const { reply } = await call(await buildTestBridge(t, gone, withRoutes()))
  t.equal(reply.json[0].target[0].trunk, 'MyCarrier')
})
