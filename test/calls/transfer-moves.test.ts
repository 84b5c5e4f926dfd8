import t from 'tap'
import type { Test } from 'tap'
import type { TransferRequest } from '../../src/calls/fold/transfers.ts'
import type { Route, Way } from '../../src/calls/fold/way.ts'
import { factsWith, tokenOf } from '../fixtures/events.ts'
import { buildTransferStage, CALLER, ID, PERSON, requestWith, ROOM } from '../fixtures/transfer-stage.ts'

/*
 * The caller is somewhere else than when the transfer was asked for, or alone.
 */

type Stage = ReturnType<typeof buildTransferStage>
const SECOND = 'tr-2'
const NEXT_ROOM = `jb_${tokenOf(CALLER, 2)}`

const ROOM_WAY: Way = { strategy: 'room', agent: 'demo-agent' }
const PHONE_WAY: Way = { strategy: 'phone', number: '+15559990000' }
const route = (...ways: Way[]): Route => ({ ways })

const result = async (stage: Stage, id = ID): Promise<string | undefined> => {
  const { outcome, state } = await stage.transfer(id)
  return outcome ? `${outcome.result} ${outcome.reason}` : state
}

/** The person talks with the agent that consults them, or is being called. */
async function consulting (t: Test, { next, ...extra }: Partial<TransferRequest> & { next?: Way } = {}) {
  const stage = buildTransferStage(t, { rules: { agentLost: 'next' } })
  await stage.connect(route(ROOM_WAY, ...(next ? [next] : [])))
  await stage.ask(requestWith('consult', extra))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  return stage
}

/** The agent is lost: the bridge closes the room. */
async function agentIsLost (stage: Stage): Promise<void> {
  stage.rooms.present = () => ({ sip: { sid: 'PA_1', callStatus: 'active' } })
  const gone = { kind: 'livekit', room: ROOM, what: 'participant_left', at: stage.clock.now() } as const
  const agent = { sid: 'PA_A', identity: 'agent-1', kind: 'AGENT' } as const
  await stage.calls.apply(CALLER, { ...gone, what: 'participant_joined', participant: agent })
  await stage.calls.apply(CALLER, { ...gone, participant: { ...agent, reason: 'CLIENT_INITIATED' } })
  const isLost = async () => (await stage.get(CALLER))!.attempts[0]!.agentLostAt !== undefined
  for (let s = 0; s < 30 && !await isLost(); s++) {
    await stage.clock.pass(1000)
    await stage.quiet()
  }
}

/** Jambonz asks what is next for the caller, whose room was closed. */
async function callerGoesOn (stage: Stage): Promise<void> {
  await stage.status(CALLER, 'b1', 'completed')
  await stage.action(CALLER, 1, 'b1', ['completed', 200])
}

await t.test('the agent is lost during the consultation: the person joins the caller in the next room', async t => {
  const stage = await consulting(t, { next: ROOM_WAY })
  await agentIsLost(stage)
  await callerGoesOn(stage)
  await stage.legUp(CALLER, 'b2')
  t.equal((await stage.get(CALLER))!.attempts.at(-1)!.room, NEXT_ROOM)
  stage.rooms.log.length = 0
  await stage.complete()
  t.match(await stage.redirect(PERSON), { kind: 'dial', attempt: 2 })
  const looks = stage.rooms.log.filter(line => line.startsWith('look'))
  t.same(looks, [`look ${NEXT_ROOM}`], 'the caller is looked for there')
  const join = (await stage.get(PERSON))!.attempts.at(-1)!
  t.match(join, { strategy: 'join', token: tokenOf(CALLER, 2), visits: NEXT_ROOM, way: { attempt: 2 } })
  await stage.status(PERSON, 'p1', 'completed')
  await stage.legUp(PERSON, 'p2')
  t.equal(await result(stage), 'bridged completed')
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  t.equal((await stage.get(CALLER))!.hangupFor, 'person-gone', 'and whoever is left there is not left alone')
})

await t.test('complete while the caller is on the way to the next room: the person is dialled into it', async t => {
  const stage = await consulting(t, { next: ROOM_WAY })
  await agentIsLost(stage)
  await callerGoesOn(stage)
  stage.rooms.present = () => ({})
  await stage.complete()
  t.match(await stage.redirect(PERSON), { kind: 'dial', attempt: 2 })
  t.equal((await stage.get(PERSON))!.attempts.at(-1)!.visits, NEXT_ROOM)
})

await t.test('the agent is lost and the caller is dialled to a phone: there is no room to join', async t => {
  const stage = await consulting(t, { next: PHONE_WAY })
  await agentIsLost(stage)
  await callerGoesOn(stage)
  await stage.complete()
  t.equal(await result(stage), 'consulting', 'the person goes on talking with the agent')
  t.notOk(stage.asked.some(line => line.startsWith('redirect')))
})

await t.test('the same, and the redirect was on its way already: nobody is dialled into the old room', async t => {
  const stage = await consulting(t, { next: PHONE_WAY })
  await agentIsLost(stage)
  await stage.complete()
  await callerGoesOn(stage)
  t.match(await stage.redirect(PERSON), { kind: 'hangup' })
})

/** Caller and person talk, and the agent has left. */
async function merged (t: Test, extra: Partial<TransferRequest> = {}): Promise<Stage> {
  const stage = await consulting(t, extra)
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.status(PERSON, 'p1', 'completed')
  await stage.legUp(PERSON, 'p2')
  stage.rooms.present = () => ({ sip: { sid: 'PA_1', callStatus: 'active' } })
  return stage
}

for (const [afterPerson, wanted] of [
  ['end', { hangupFor: 'person-gone' }],
  ['agent', { hangupFor: undefined, attempts: [{ agentless: {} }] }]
] as const) {
  await t.test(`a person leaves while a refer is asked for that fails: ${afterPerson} at once`, async t => {
    const stage = await merged(t, { afterPerson })
    await stage.ask({ ...requestWith('refer'), id: SECOND })
    await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
    t.equal((await stage.get(CALLER))!.hangupFor, undefined, 'the carrier may still move the caller')
    await stage.clock.pass(9000)
    await stage.quiet()
    t.equal(await result(stage, SECOND), 'failed error', 'nobody talks with the caller')
    t.match(await stage.get(CALLER), wanted)
  })

  await t.test(`a person leaves while another one is called, which is cancelled: ${afterPerson} at once`, async t => {
    const stage = await merged(t, { afterPerson })
    const second = requestWith('add')
    const order = { ...second.order!, id: `order-${SECOND}`, transfer: { ...second.order!.transfer!, id: SECOND } }
    await stage.ask({ ...second, id: SECOND, order })
    await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
    t.equal((await stage.get(CALLER))!.hangupFor, undefined, 'another person may come')
    await stage.calls.apply(CALLER, { kind: 'cancel-transfer', by: 'agent', id: SECOND, at: stage.clock.now() })
    t.equal(await result(stage, SECOND), 'failed cancelled')
    t.match(await stage.get(CALLER), wanted)
  })
}

await t.test('a person leaves while a blind transfer is dialled that comes to nothing', async t => {
  const stage = await merged(t)
  await stage.ask({ ...requestWith('blind'), id: SECOND })
  const facts = factsWith()
  await stage.answer(CALLER, { kind: 'redirect', facts, transfer: SECOND, n: 1, callerStatus: 'in-progress' })
  await stage.status(CALLER, 'b1', 'completed')
  await stage.status(CALLER, 'b2', 'trying')
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  await stage.status(CALLER, 'b2', 'busy', { sipStatus: 486 })
  await stage.action(CALLER, 2, 'b2', ['busy', 486])
  await stage.legUp(CALLER, 'b3')
  const call = (await stage.get(CALLER))!
  t.equal(call.hangupFor, 'person-gone', 'no agent is in the room to which the caller comes back')
  t.equal(await result(stage, SECOND), 'failed busy')
})

/** The person of a blind transfer is busy, the room of the agent is closed, and no other agent answers. */
async function blindFails (t: Test, next: Way): Promise<Stage> {
  const stage = buildTransferStage(t)
  await stage.connect(route(ROOM_WAY, next))
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b1', 'completed')
  await stage.status(CALLER, 'b2', 'trying')
  await stage.clock.pass(15_000)
  await stage.status(CALLER, 'b2', 'busy', { sipStatus: 486 })
  await stage.action(CALLER, 2, 'b2', ['busy', 486])
  t.equal(await result(stage), 'returning')
  await stage.status(CALLER, 'b3', 'failed', { sipStatus: 480 })
  await stage.action(CALLER, 3, 'b3', ['failed', 480])
  return stage
}

await t.test('after a blind transfer the caller goes on to a phone: the transfer has failed at once', async t => {
  const stage = await blindFails(t, PHONE_WAY)

  t.equal((await stage.get(CALLER))!.attempts.at(-1)!.strategy, 'phone')
  t.equal(await result(stage), 'failed busy')
})

await t.test('after a blind transfer the caller hears an announcement: the transfer has failed at once', async t => {
  const stage = await blindFails(t, { strategy: 'say', text: 'Sorry' })
  t.equal(await result(stage), 'failed busy')
})

await t.test('after a blind transfer the caller goes on to an agent of Retell: the caller has returned', async t => {
  const stage = await blindFails(t, { strategy: 'retell', agent: 'agent_1', key: 'RETELL_KEY' })
  t.equal(await result(stage), 'returning')
  await stage.legUp(CALLER, 'b4')
  t.equal(await result(stage), 'returned busy')
})
