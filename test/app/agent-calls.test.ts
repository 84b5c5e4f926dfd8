import t from 'tap'
import { addPerson, type Outcome } from '../../deploy/agent/src/add-person.ts'
import { setAgentStage, OURS, REALM, type AgentStage } from '../fixtures/agent-stage.ts'

const CALLEE = '+15550004444'
const isAgents = ({ direction }: { direction: string }) => direction === 'agent'

const trunksOf = ({ livekit }: AgentStage) =>
  livekit.provision('ListSIPOutboundTrunk', {}).items as Array<Record<string, any>>

/** What the example agent does. */
const add = (
  { sip }: AgentStage,
  trunkId: string,
  room: string,
  { callSid, number = CALLEE }: { callSid?: string, number?: string } = {}
): Promise<Outcome> => addPerson(sip, { trunkId, number, room, identity: 'person', callSid })

await t.test('a person is called into a call, over the carrier of Jambonz', async t => {
  const stage = await setAgentStage(t)
  const trunkId = await stage.trunk()
  const { callSid, room } = await stage.caller()
  t.equal(await add(stage, trunkId, room, { callSid }), 'answered')

  const call = await stage.until(call => isAgents(call) && call.phase === 'connected')
  t.match(call, { joins: callSid, from: OURS, to: CALLEE, attempts: [{ strategy: 'phone', number: CALLEE }] })
  const [invite] = stage.carrier.calls
  t.match(invite?.request.uri, `sip:${CALLEE}@`)
  const { events } = await stage.view(callSid)
  t.match(events.filter(({ what }) => what === 'person called'), [{ detail: call.callSid }])

  await invite!.bye()
  const over = await stage.until(call => isAgents(call) && call.phase === 'ended')
  t.match(over.end, { cause: 'callee-hung-up', by: 'callee' })
  t.equal((await stage.view(callSid)).phase, 'connected', 'the caller goes on with the agent')
})

await t.test('without the header the two calls find each other as well', async t => {
  const stage = await setAgentStage(t)
  const trunkId = await stage.trunk()
  const { callSid, room } = await stage.caller()
  t.equal(await add(stage, trunkId, room), 'answered')
  await stage.carrier.calls[0]!.bye()
  const over = await stage.until(call => isAgents(call) && call.joins !== undefined)
  t.equal(over.joins, callSid)
})

await t.test('when the caller hangs up, the person is not left alone', async t => {
  const stage = await setAgentStage(t)
  const trunkId = await stage.trunk()
  const { call, callSid, room } = await stage.caller()
  await add(stage, trunkId, room, { callSid })
  await call.bye()
  const over = await stage.until(call => isAgents(call) && call.phase === 'ended')
  t.match(over.end, { cause: 'agent-hung-up', by: 'agent' }, 'the room is deleted')
})

await t.test('what the agent hears of a person who does not come', async t => {
  const stage = await setAgentStage(t, {
    policy: '{ allow: ["+1555"], deny: ["+1555666"] }',
    callee: { status: 486, ringMs: 10 }
  })
  const trunkId = await stage.trunk()
  const { callSid, room } = await stage.caller()
  const outcomeOf = async (status: number) => {
    stage.carrier.behaviour = { status, ringMs: 10 }
    return await add(stage, trunkId, room, { callSid })
  }
  t.equal(await outcomeOf(486), 'busy')
  t.equal(await outcomeOf(603), 'declined')
  t.equal(await outcomeOf(403), 'declined')
  t.equal(await outcomeOf(480), 'no-answer')
  t.equal(await outcomeOf(404), 'unobtainable')
  t.equal(await outcomeOf(503), 'failed')

  const dialled = stage.carrier.calls.length
  t.equal(await add(stage, trunkId, room, { callSid, number: '+15556660000' }), 'not-allowed')
  t.equal(await add(stage, trunkId, room, { callSid, number: OURS }), 'not-allowed', 'a loop')
  t.equal(stage.carrier.calls.length, dialled, 'a refusal costs no call')
  await stage.until(call => isAgents(call) && call.end?.cause === 'not-allowed')
  const causes = (await stage.calls()).filter(isAgents).map(({ end }) => end?.cause).reverse()
  t.same(causes.slice(0, 6), ['busy', 'declined', 'declined', 'no-answer', 'number-unobtainable', 'carrier-failed'])
  t.same((await stage.calls()).filter(isAgents).map(({ joins }) => joins), Array(8).fill(callSid), 'all belong to it')
  t.equal((await stage.view(callSid)).phase, 'connected', 'the caller goes on with the agent')
})

await t.test('a cap of the policy holds for calls of agents', async t => {
  const stage = await setAgentStage(t, { policy: '{ allow: ["+1555"], concurrent: 1 }' })
  const trunkId = await stage.trunk()
  const { callSid, room } = await stage.caller()
  t.equal(await add(stage, trunkId, room, { callSid }), 'answered')
  t.equal(await addPerson(stage.sip, { trunkId, number: CALLEE, room, identity: 'other', callSid }), 'not-allowed')
  await stage.carrier.calls[0]!.bye()
  await stage.until(call => isAgents(call) && call.end?.cause === 'callee-hung-up')
  t.equal(await addPerson(stage.sip, { trunkId, number: CALLEE, room, identity: 'other', callSid }), 'answered')
})

await t.test('provision --outbound: shows, makes, and then finds everything as it should be', async t => {
  const stage = await setAgentStage(t)
  const plan = await stage.provision('--plan')
  t.equal(plan.code, 0)
  t.match(plan.said, /\+ create Jambonz carrier "livekit-out"[^]*\+ create LiveKit outbound trunk "jambonz-bridge"/)
  t.same(trunksOf(stage), [])
  t.equal((await stage.provision('--list')).code, 0, 'nothing is there, and nothing is wrong')

  const made = await stage.provision('--yes')
  t.equal(made.code, 0)
  const [trunk] = trunksOf(stage)
  t.match(trunk, {
    address: REALM,
    transport: 'SIP_TRANSPORT_TCP',
    numbers: [OURS],
    auth_password: /^[\w-]{43}$/,
    include_headers: 'SIP_X_HEADERS'
  })
  t.notMatch(made.said + plan.said, trunk!['auth_password'], 'the password is never shown')
  t.match(await stage.provision('--yes'), { code: 0, said: /Everything is as it should be/ })
  t.match(await stage.provision('--list'), { code: 0, said: /Agents can call out/ })

  const rotated = await stage.provision('--rotate', '--yes', '--json')
  t.equal(rotated.code, 0)
  const fresh = trunksOf(stage)[0]!['auth_password']
  t.not(fresh, trunk!['auth_password'])
  t.notMatch(rotated.said, fresh)
  const { room } = await stage.caller()
  t.equal(await add(stage, String(trunk!['sip_trunk_id']), room), 'answered', 'both sides have it')
})

await t.test('provision --outbound repairs one side with both, and deletes only what is ours', async t => {
  const stage = await setAgentStage(t)
  const first = await stage.trunk()
  stage.livekit.provision('DeleteSIPTrunk', { sip_trunk_id: first })
  t.match(await stage.provision('--list'), { code: 1, said: /outbound-trunk-missing/ })
  const second = await stage.trunk()
  const { room } = await stage.caller()
  t.equal(await add(stage, second, room), 'answered')
  stage.livekit.provision('CreateSIPOutboundTrunk', { trunk: { name: 'theirs', address: 'carrier.example.com' } })
  t.match(await stage.provision('--delete', '--yes'), { code: 0, said: /deleted: LiveKit[^]*deleted: Jambonz carrier/ })
  t.match(trunksOf(stage), [{ name: 'theirs' }])
  t.match(await stage.provision('--delete', '--yes'), { said: /no outbound trunk/ })
})

await t.test('provision --outbound says what is in the way', async t => {
  const stage = await setAgentStage(t, { sipRealm: '203.0.113.7' })
  t.match(await stage.provision('--yes'), { code: 1, said: /outbound-no-realm/ })
  t.same(trunksOf(stage), [])
})
