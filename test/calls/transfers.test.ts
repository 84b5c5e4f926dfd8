import t from 'tap'
import type { Test } from 'tap'
import { factsWith } from '../fixtures/events.ts'
import {
  buildTransferStage,
  CALLER,
  CONSULT_ROOM,
  ID,
  PERSON,
  personOrder,
  requestWith,
  ROOM,
  type StageOptions
} from '../fixtures/transfer-stage.ts'

type Stage = ReturnType<typeof buildTransferStage>

/** The person is consulted: both talk with an agent, each in a room. */
async function consulting (t: Test, options: StageOptions = {}): Promise<Stage> {
  const stage = buildTransferStage(t, options)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.status(PERSON, PERSON, 'trying')
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  return stage
}

/** Caller and person talk. */
async function merged (t: Test, options: StageOptions = {}): Promise<Stage> {
  const stage = await consulting(t, options)
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.status(PERSON, 'p1', 'completed')
  await stage.action(PERSON, 1, 'p1', ['completed', 200])
  await stage.legUp(PERSON, 'p2')
  return stage
}

/** Jambonz redirects a leg that often, and then knows it no more. */
const sometimes = (times: number) => async () => times-- > 0

const outcome = async (stage: Stage) => {
  const { outcome, state } = await stage.transfer()
  return outcome ? `${outcome.result} ${outcome.reason}` : state
}

await t.test('consult: each step shows in the transfer, and the person joins the caller', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  t.same(stage.asked, [`createCall order-${ID}`])
  t.equal(await outcome(stage), 'calling')
  await stage.status(PERSON, PERSON, 'ringing')
  t.equal(await outcome(stage), 'ringing')
  t.ok(stage.rooms.open.has(CONSULT_ROOM), 'an agent waits for the person')
  t.same(await stage.personAnswers(), { kind: 'dial', attempt: 1 })
  t.equal(await outcome(stage), 'answered')
  await stage.legUp(PERSON, 'p1')
  t.equal(await outcome(stage), 'consulting')
  await stage.complete()
  t.equal(await outcome(stage), 'completing')
  t.equal(stage.asked.at(-1), `redirect ${PERSON} ${ID} 1`)
  t.same(await stage.redirect(PERSON), { kind: 'dial', attempt: 2 })
  const person = await stage.get(PERSON)
  t.match(person?.attempts.at(-1), { strategy: 'join', token: (await stage.get(CALLER))!.attempts[0]!.token })
  await stage.status(PERSON, 'p1', 'completed')
  t.same(await stage.action(PERSON, 1, 'p1', ['completed', 200]), { kind: 'nothing' })
  t.ok(stage.rooms.open.has(CONSULT_ROOM), 'the consulting agent waits until the person has joined')
  await stage.legUp(PERSON, 'p2')
  t.equal(await outcome(stage), 'bridged completed')
  t.notOk(stage.rooms.open.has(CONSULT_ROOM), 'the room of the consultation is deleted')
  t.ok(stage.published.includes(`${CALLER} call.transfer_finished`))
  t.same(stage.failures, [])
})

await t.test('consult: the agent leaves the caller once the person is there', async t => {
  const stage = await consulting(t)
  stage.rooms.present = () => ({
    sip: { sid: 'PA_1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true },
    company: true
  })
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.legUp(PERSON, 'p2')
  t.ok(stage.rooms.log.includes(`remove ${ROOM} agent-1`))
})

await t.test('the caller hangs up: the person, with whom nobody talks any more, is hung up on', async t => {
  const stage = await merged(t)
  await stage.status(CALLER, CALLER, 'completed', { by: 'caller' })
  await stage.clock.pass(1500)
  t.equal(stage.asked.at(-1), `completed ${PERSON}`)
  await stage.status(PERSON, PERSON, 'completed', { by: 'jambonz' })
  await stage.clock.pass(5000)
  await stage.quiet()
  t.match((await stage.get(CALLER))?.end, { cause: 'caller-hung-up', by: 'caller' })
  t.match((await stage.get(PERSON))?.end, { cause: 'caller-gone', by: 'caller' })
})

await t.test('an agent that has handed over the caller is not lost, whatever ends first', async t => {
  const stage = await merged(t)
  await stage.clock.pass(2000)
  const livekit = (what: 'participant_joined' | 'participant_left', kind: 'SIP' | 'AGENT', reason?: string) =>
    stage.calls.hear({
      kind: 'livekit',
      at: stage.clock.now(),
      room: ROOM,
      what,
      participant: {
        sid: `PA_${kind}`,
        identity: kind === 'SIP' ? 'sip_+15550001111' : 'agent-1',
        kind,
        ...(reason ? { reason } : {}),
        ...(kind === 'SIP' ? { sip: { callSid: CALLER } } : {})
      }
    }, undefined)
  await livekit('participant_joined', 'SIP')
  await livekit('participant_joined', 'AGENT')
  await livekit('participant_left', 'AGENT', 'PARTICIPANT_REMOVED')
  await stage.clock.pass(2000)
  await stage.status(CALLER, CALLER, 'completed', { by: 'caller' })
  await stage.status(PERSON, PERSON, 'completed', { by: 'jambonz' })
  await livekit('participant_left', 'SIP', 'CLIENT_INITIATED')
  await stage.clock.pass(5000)
  t.match((await stage.get(CALLER))?.end, { cause: 'caller-hung-up', by: 'caller' })
})

await t.test('the person hangs up: the call of the caller ends', async t => {
  const stage = await merged(t)
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  await stage.clock.pass(2000)
  await stage.quiet()
  t.equal((await stage.get(PERSON))?.end?.cause, 'callee-hung-up')
  t.ok(stage.asked.includes(`completed ${CALLER}`))
  t.notOk(stage.rooms.open.has(ROOM))
  await stage.status(CALLER, CALLER, 'completed', { by: 'jambonz' })
  await stage.clock.pass(2000)
  t.match((await stage.get(CALLER))?.end, { cause: 'person-hung-up', by: 'person' })
})

await t.test('the person hangs up, and the caller is to talk with an agent again', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult', { afterPerson: 'agent' }))
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.legUp(PERSON, 'p2')
  stage.rooms.present = () => ({ sip: { sid: 'PA_1', callStatus: 'active' } })
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  await stage.clock.pass(2000)
  await stage.quiet()
  t.same(stage.rooms.dispatched.map(({ room }) => room), [ROOM])
  t.equal((await stage.get(CALLER))?.phase, 'connected')
})

for (
  const [name, final, expected] of [
    ['busy', ['busy', 486], 'returned busy'],
    ['declined', ['busy', 603], 'returned declined'],
    ['not answered', ['no-answer', 487], 'returned no-answer'],
    ['not in service', ['failed', 404], 'returned refused']
  ] as const
) {
  await t.test(`consult: the person is ${name}, and the caller stays with the agent`, async t => {
    const stage = buildTransferStage(t)
    await stage.connect()
    await stage.ask(requestWith('consult'))
    await stage.status(PERSON, PERSON, 'ringing')
    await stage.status(PERSON, PERSON, final[0], { sipStatus: final[1] })
    await stage.clock.pass(2000)
    await stage.quiet()
    t.equal(await outcome(stage), expected)
    t.equal((await stage.get(CALLER))?.phase, 'connected')
    t.notOk(stage.rooms.open.has(CONSULT_ROOM))
    t.ok(stage.rooms.open.has(ROOM))
  })
}

await t.test('the caller hangs up while the phone of the person rings', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.status(CALLER, CALLER, 'completed', { by: 'caller' })
  t.equal(stage.asked.at(-1), `no-answer ${PERSON}`)
  await stage.status(PERSON, PERSON, 'no-answer', { sipStatus: 487 })
  await stage.clock.pass(5000)
  t.equal(await outcome(stage), 'failed caller-gone')
  t.equal((await stage.get(PERSON))?.end?.cause, 'caller-gone')
})

await t.test('cancelled while the phone of the person rings', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.cancel()
  t.equal(stage.asked.at(-1), `no-answer ${PERSON}`)
  t.equal(await outcome(stage), 'returned cancelled')
  await stage.status(PERSON, PERSON, 'no-answer', { sipStatus: 487 })
  await stage.clock.pass(5000)
  t.equal((await stage.get(PERSON))?.end?.cause, 'transfer-cancelled')
  t.equal((await stage.get(CALLER))?.phase, 'connected')
})

await t.test('a merge that Jambonz does not take up leaves the person in the consultation', async t => {
  const stage = await consulting(t)
  await stage.complete()
  await stage.clock.pass(10_000)
  await stage.quiet()
  t.equal(await outcome(stage), 'consulting')
  await stage.complete()
  t.equal(await outcome(stage), 'completing', 'it can be tried again')
})

await t.test('the caller has left before the person joins: nobody meets a fresh agent', async t => {
  const stage = await consulting(t)
  await stage.complete()
  stage.rooms.present = () => ({})
  t.same(await stage.redirect(PERSON), { kind: 'hangup', afterS: 1 })
  t.equal((await stage.get(PERSON))?.hangupFor, 'caller-gone')
  await stage.status(PERSON, PERSON, 'completed', { by: 'jambonz' })
  await stage.clock.pass(2000)
  t.equal(await outcome(stage), 'failed caller-gone', 'also before Jambonz says that the caller has left')
})

await t.test('LiveKit hangs while the person is to join: the person joins all the same', async t => {
  const stage = await consulting(t)
  await stage.complete()
  stage.rooms.mode = 'hang'
  const reply = stage.redirect(PERSON)
  await stage.clock.pass(1000)
  t.same(await reply, { kind: 'dial', attempt: 2 })
})

await t.test('the dial into the room of the caller fails: back with the consulting agent', async t => {
  const stage = await consulting(t)
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.status(PERSON, 'p1', 'completed')
  await stage.status(PERSON, 'p2', 'trying')
  await stage.status(PERSON, 'p2', 'failed', { sipStatus: 401 })
  t.same(await stage.action(PERSON, 2, 'p2', ['failed', 401]), { kind: 'dial', attempt: 1 })
  t.not(await outcome(stage), 'completing')
  await stage.legUp(PERSON, 'p3')
  t.equal(await outcome(stage), 'consulting')
})

await t.test('a person who is put out of the room of the caller did not hang up', async t => {
  const stage = await merged(t)
  await stage.clock.pass(2000)
  await stage.status(PERSON, 'p2', 'completed')
  await stage.action(PERSON, 2, 'p2', ['completed', 200])
  await stage.status(PERSON, PERSON, 'completed', { by: 'jambonz' })
  await stage.clock.pass(2000)
  t.match((await stage.get(PERSON))?.end, { cause: 'caller-gone', by: 'unknown', detail: /person was removed/ })
  t.equal((await stage.get(CALLER))?.hangupFor, undefined)
})

await t.test('a leg that is heard of before the reply that dials it belongs to that dial', async t => {
  const stage = await consulting(t)
  await stage.complete()
  stage.rooms.mode = 'hang'
  const reply = stage.redirect(PERSON)
  await stage.clock.pass(10)
  const { token } = (await stage.get(CALLER))!.attempts[0]!
  await stage.calls.apply(PERSON, {
    kind: 'status',
    at: stage.clock.now(),
    callSid: PERSON,
    facts: factsWith({ direction: 'outbound' }),
    leg: 'agent',
    legSid: 'p2',
    callStatus: 'ringing',
    dialled: token!
  })
  await stage.clock.pass(1000)
  t.same(await reply, { kind: 'dial', attempt: 2 })
  t.match((await stage.get(PERSON))?.legs.at(-1), { sid: 'p2', attempt: 2 })
})

await t.test('add: the person joins caller and agent at once', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('add'))
  await stage.status(PERSON, PERSON, 'ringing')
  t.equal(stage.rooms.open.size, 1, 'no room is made for the person')
  t.same(await stage.personAnswers(), { kind: 'dial', attempt: 1 })
  t.equal((await stage.get(PERSON))?.attempts[0]?.strategy, 'join')
  await stage.legUp(PERSON, 'p1')
  t.equal(await outcome(stage), 'bridged completed')
  t.notOk(stage.rooms.log.some(line => line.startsWith('remove')), 'the agent stays')
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  await stage.clock.pass(2000)
  await stage.quiet()
  t.equal((await stage.get(CALLER))?.phase, 'connected', 'the agent goes on with the caller')
})

await t.test('consult: cancelled before anybody was called, which is no failure', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.calls.apply(CALLER, { kind: 'transfer', request: requestWith('consult'), at: stage.clock.now() })
  const placing = stage.quiet()
  while (!await stage.calls.find(personOrder('consult').id)) await Promise.resolve()
  await stage.cancel()
  await placing
  t.equal(await outcome(stage), 'returned cancelled')
  t.same(stage.asked, [])
  t.same(stage.failures, [])
})

await t.test('blind: the caller is dialled through', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  t.same(stage.asked, [`redirect ${CALLER} ${ID} 1`])
  t.same(await stage.redirect(CALLER), { kind: 'dial', attempt: 2 })
  await stage.status(CALLER, 'b1', 'completed')
  t.same(await stage.action(CALLER, 1, 'b1', ['completed', 200]), { kind: 'nothing' })
  await stage.legUp(CALLER, 'b2')
  t.equal(await outcome(stage), 'bridged completed')
  t.notOk(stage.rooms.open.has(ROOM), 'the agent is needed no more')
  await stage.status(CALLER, 'b2', 'completed')
  await stage.action(CALLER, 2, 'b2', ['completed', 200])
  await stage.status(CALLER, CALLER, 'completed', { by: 'jambonz' })
  await stage.clock.pass(2000)
  t.equal((await stage.get(CALLER))?.end?.cause, 'person-hung-up')
})

await t.test('blind: the person is busy, and the caller is back with the same agent', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b1', 'completed')
  await stage.status(CALLER, 'b2', 'trying')
  await stage.status(CALLER, 'b2', 'busy', { sipStatus: 486 })
  t.same(await stage.action(CALLER, 2, 'b2', ['busy', 486]), { kind: 'dial', attempt: 1 })
  t.equal(await outcome(stage), 'returning')
  await stage.legUp(CALLER, 'b3')
  t.equal(await outcome(stage), 'returned busy')
  t.ok(stage.rooms.open.has(ROOM))
})

await t.test('blind: the room has closed meanwhile, and the caller talks with another agent', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b2', 'ringing')
  await stage.clock.pass(30_000)
  await stage.status(CALLER, 'b2', 'no-answer', { sipStatus: 487 })
  t.same(await stage.action(CALLER, 2, 'b2', ['no-answer', 487]), { kind: 'dial', attempt: 3 })
  await stage.legUp(CALLER, 'b3')
  t.equal(await outcome(stage), 'returned no-answer')
})

/** Jambonz asked what to do with the person's leg, and nothing is heard of the dial into the caller's room. */
async function unheardJoin (t: Test, where: 'consulting' | 'joined' | 'gone'): Promise<Stage> {
  const stage = await consulting(t)
  const sip = { sid: 'PA_1', callStatus: 'active' as const }
  await stage.complete()
  await stage.redirect(PERSON)
  t.equal(await outcome(stage), 'completing')
  stage.rooms.present = room => {
    const isThere = room === (where === 'joined' ? ROOM : CONSULT_ROOM) && where !== 'gone'
    return { agent: { identity: 'agent-1', audio: true }, ...(isThere ? { sip } : {}) }
  }
  await stage.clock.pass(7000)
  await stage.quiet()
  return stage
}

await t.test('consult: the reply that brings the person to the caller is lost, and asked for again', async t => {
  const stage = await unheardJoin(t, 'consulting')
  t.equal(await outcome(stage), 'consulting', 'LiveKit shows the person with the agent still')
  t.ok(stage.rooms.open.has(CONSULT_ROOM))
  stage.rooms.present = () => ({ agent: { identity: 'agent-1', audio: true }, sip: { sid: 'PA_1' } })
  await stage.complete()
  t.match(await stage.redirect(PERSON, 2), { kind: 'dial' })
  await stage.status(PERSON, 'p1', 'completed')
  await stage.legUp(PERSON, 'p2')
  t.equal(await outcome(stage), 'bridged completed')
})

await t.test('consult: nothing is heard of the dial, and LiveKit shows the person with the caller', async t => {
  const stage = await unheardJoin(t, 'joined')
  t.equal(await outcome(stage), 'bridged completed')
  t.notOk(stage.rooms.open.has(CONSULT_ROOM))
  t.ok(stage.rooms.open.has(ROOM))
  stage.rooms.present = () => ({})
  await stage.clock.pass(70_000)
  await stage.quiet()
  t.equal((await stage.get(PERSON))?.phase, 'ended', 'their end shows in the room as well')
})

await t.test('consult: nothing is heard of the dial, and the person is nowhere', async t => {
  const stage = await unheardJoin(t, 'gone')
  await stage.clock.pass(5000)
  await stage.quiet()
  t.match(await outcome(stage), /^returned/)
  t.equal((await stage.get(PERSON))?.phase, 'ended')
  t.ok(stage.rooms.open.has(ROOM), 'the caller stays with the agent')
})

for (const [name, isThere] of [['is lost', true], ['is taken, and nothing is heard of the dial', false]] as const) {
  await t.test(`blind: the reply that dials the person ${name}`, async t => {
    const stage = buildTransferStage(t)
    await stage.connect()
    await stage.ask(requestWith('blind'))
    await stage.redirect(CALLER)
    const sip = { sid: 'PA_1', callStatus: 'active' as const }
    stage.rooms.present = () => ({ agent: { identity: 'agent-1', audio: true }, ...(isThere ? { sip } : {}) })
    await stage.clock.pass(16_000)
    await stage.quiet()
    t.equal(await outcome(stage), isThere ? 'returned error' : 'calling')
    t.equal((await stage.get(CALLER))?.phase, isThere ? 'connected' : 'received')
    t.ok(stage.rooms.open.has(ROOM))
  })
}

await t.test('blind: cancelled while the phone of the person rings', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b2', 'trying')
  await stage.status(CALLER, 'b2', 'ringing')
  await stage.cancel()
  t.same(await stage.redirect(CALLER, 2), { kind: 'dial', attempt: 1 })
  await stage.status(CALLER, 'b2', 'no-answer', { sipStatus: 487 })
  await stage.legUp(CALLER, 'b3')
  t.equal(await outcome(stage), 'returned cancelled')
  const dialled = (await stage.get(CALLER))?.attempts.find(({ strategy }) => strategy === 'phone')
  t.equal(dialled?.end?.cause, 'transfer-cancelled')
})

await t.test('screen: only the key 1 takes the call', async t => {
  const keys = [['1', 'bridged completed'], ['2', 'returning'], [undefined, 'returning']] as const
  for (const [digits, expected] of keys) {
    const stage = buildTransferStage(t)
    await stage.connect()
    await stage.ask(requestWith('screen'))
    await stage.redirect(CALLER)
    await stage.legUp(CALLER, 'b2')
    t.equal(await outcome(stage), 'answered')
    t.same(await stage.answer(CALLER, { kind: 'screen', legSid: 'b2', transfer: ID }), { kind: 'screen', transfer: ID })
    const reply = await stage.answer(CALLER, {
      kind: 'screen-digit',
      legSid: 'b2',
      transfer: ID,
      digits,
      legStatus: 'in-progress'
    })
    t.same(reply, { kind: digits === '1' ? 'accept' : 'nothing' })
    await stage.clock.pass(1000)
    await stage.quiet()
    t.equal(await outcome(stage), expected)
    if (digits === '1') continue

    t.same(await stage.action(CALLER, 2, 'b2', ['in-progress', 200]), { kind: 'dial', attempt: 1 })
    await stage.legUp(CALLER, 'b3')
    t.equal(await outcome(stage), digits === '2' ? 'returned declined' : 'returned no-answer')
  }
})

/** The person has pressed the key that takes the call. */
async function accepted (t: Test): Promise<Stage> {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('screen'))
  await stage.redirect(CALLER)
  await stage.legUp(CALLER, 'b2')
  await stage.answer(CALLER, { kind: 'screen', legSid: 'b2', transfer: ID })
  const key = { kind: 'screen-digit', legSid: 'b2', transfer: ID, digits: '1', legStatus: 'in-progress' } as const
  t.same(await stage.answer(CALLER, key), { kind: 'accept' })
  return stage
}

await t.test('screen: the reply that takes the call is lost, and the caller goes back to the agent', async t => {
  for (const isTold of [false, true]) {
    const stage = await accepted(t)
    t.equal(await outcome(stage), 'answered', 'nobody knows yet whether the two talk')
    await stage.status(CALLER, 'b2', 'in-progress')
    if (isTold) await stage.status(CALLER, 'b2', 'completed')
    t.ok(stage.rooms.open.has(ROOM), 'the agent is still there')
    t.same(await stage.action(CALLER, 2, 'b2', ['in-progress', 200]), { kind: 'dial', attempt: 1 })
    await stage.legUp(CALLER, 'b3')
    t.equal(await outcome(stage), 'returned error')
    await stage.clock.pass(5000)
    await stage.quiet()
    t.equal((await stage.get(CALLER))?.phase, 'connected')
  }
})

await t.test('screen: somebody hangs up right after the person has taken the call', async t => {
  const byPerson = await accepted(t)
  await byPerson.status(CALLER, 'b2', 'completed')
  t.same(await byPerson.action(CALLER, 2, 'b2', ['completed', 200]), { kind: 'nothing' })
  t.equal(await outcome(byPerson), 'bridged completed')

  const byCaller = await accepted(t)
  await byCaller.status(CALLER, CALLER, 'completed', { by: 'caller' })
  await byCaller.action(CALLER, 2, 'b2', ['completed', 200], 'completed')
  await byCaller.clock.pass(2000)
  await byCaller.quiet()
  t.equal(await outcome(byCaller), 'bridged completed')
})

await t.test('screen: a person who hangs up during the prompt has declined', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('screen'))
  await stage.redirect(CALLER)
  await stage.legUp(CALLER, 'b2')
  await stage.answer(CALLER, { kind: 'screen', legSid: 'b2', transfer: ID })
  await stage.status(CALLER, 'b2', 'completed')
  t.equal(stage.asked.at(-1), `redirect ${CALLER} ${ID} 2`, 'the caller does not wait until the time for a key is over')
  t.same(await stage.redirect(CALLER, 2), { kind: 'dial', attempt: 1 })
  t.same(await stage.action(CALLER, 2, 'b2', ['completed', undefined]), { kind: 'nothing' })
  await stage.legUp(CALLER, 'b3')
  t.equal(await outcome(stage), 'returned declined')
  t.same(
    await stage.answer(CALLER, { kind: 'screen-digit', legSid: 'b2', transfer: ID, legStatus: 'completed' }),
    { kind: 'nothing' },
    'the time for a key is over all the same'
  )
  await stage.clock.pass(60_000)
  await stage.quiet()
  t.equal((await stage.get(CALLER))?.phase, 'connected')
})

await t.test('screen: a person hangs up, and Jambonz does not redirect the caller', async t => {
  const stage = buildTransferStage(t, { redirects: sometimes(1) })
  await stage.connect()
  await stage.ask(requestWith('screen'))
  await stage.redirect(CALLER)
  await stage.legUp(CALLER, 'b2')
  await stage.answer(CALLER, { kind: 'screen', legSid: 'b2', transfer: ID })
  await stage.status(CALLER, 'b2', 'completed')
  await stage.clock.pass(9000)
  await stage.quiet()
  await stage.answer(CALLER, { kind: 'screen-digit', legSid: 'b2', transfer: ID, legStatus: 'completed' })
  const reply = await stage.action(CALLER, 2, 'b2', ['completed', undefined])
  t.match(reply, { kind: 'dial' }, 'the caller goes back when Jambonz asks')
  await stage.legUp(CALLER, 'b3')
  t.equal(await outcome(stage), 'returned declined')
})

await t.test('refer: the carrier moves the call', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('refer'))
  t.match(await stage.redirect(CALLER), { kind: 'refer', to: requestWith('refer').to })
  await stage.status(CALLER, 'b1', 'completed')
  await stage.action(CALLER, 1, 'b1', ['completed', 200])
  const result = { referStatus: 202, finalStatus: 200, callerStatus: 'in-progress' } as const
  await stage.answer(CALLER, { kind: 'refer-complete', ...result })
  t.equal(await outcome(stage), 'bridged completed')
  await stage.status(CALLER, CALLER, 'completed', { by: 'jambonz' })
  await stage.clock.pass(2000)
  t.equal((await stage.get(CALLER))?.end?.cause, 'transferred')
})

await t.test('refer: the carrier refuses, and the caller is back with the agent', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('refer'))
  await stage.redirect(CALLER)
  const reply = await stage.answer(CALLER, { kind: 'refer-complete', referStatus: 603, callerStatus: 'in-progress' })
  t.same(reply, { kind: 'dial', attempt: 1 })
  await stage.legUp(CALLER, 'b2')
  t.equal(await outcome(stage), 'returned refused')
})

await t.test('one transfer at a time', async t => {
  const stage = await consulting(t)
  await stage.ask({ ...requestWith('blind'), id: 'tr-2' })
  t.equal((await stage.get(CALLER))?.transfers, 1)
})

await t.test('the agent that consults the person knows what for', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult', { order: personOrder('consult', { brief: 'Alice asks about her invoice.' }) }))
  await stage.status(PERSON, PERSON, 'ringing')
  const job = JSON.parse(stage.rooms.open.get(CONSULT_ROOM)!.agent.metadata) as { transfer: unknown }
  t.same(job.transfer, { id: ID, mode: 'consult', callSid: CALLER, brief: 'Alice asks about her invoice.' })
  t.notMatch(stage.rooms.open.get(CONSULT_ROOM)!.metadata, /invoice/, 'nobody else in the room does')
})

await t.test('another agent to whom the caller comes back knows of the transfer', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b1', 'completed')
  await stage.clock.pass(30_000)
  await stage.status(CALLER, 'b2', 'busy', { sipStatus: 486 })
  await stage.action(CALLER, 2, 'b2', ['busy', 486])
  const job = JSON.parse([...stage.rooms.open.values()].at(-1)!.agent.metadata) as { lastTransfer: unknown }
  t.same(job.lastTransfer, { id: ID, mode: 'blind', reason: 'busy' })
})
