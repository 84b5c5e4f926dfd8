import t from 'tap'
import type { Test } from 'tap'
import type { TransferRequest } from '../../src/calls/fold/transfers.ts'
import { factsWith } from '../fixtures/events.ts'
import { buildTransferStage, CALLER, ID, PERSON, requestWith } from '../fixtures/transfer-stage.ts'

/*
 * What seldom happens in transfers: a word that is lost or late, a second transfer, a person who leaves meanwhile.
 */

type Stage = ReturnType<typeof buildTransferStage>
const SECOND = 'tr-2'

/** The person talks with the agent that consults them. */
async function consulting (t: Test, extra: Partial<TransferRequest> = {}): Promise<Stage> {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult', extra))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  return stage
}

/** Caller and person talk. */
async function merged (t: Test, extra: Partial<TransferRequest> = {}): Promise<Stage> {
  const stage = await consulting(t, extra)
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.status(PERSON, 'p1', 'completed')
  await stage.legUp(PERSON, 'p2')
  return stage
}

async function outcome (stage: Stage, id = ID): Promise<string | undefined> {
  const { outcome, state } = await stage.transfer(id)
  return outcome ? `${outcome.result} ${outcome.reason}` : state
}

await t.test('the person leaves a caller who was handed on to another one', async t => {
  const stage = await merged(t)
  await stage.ask({ ...requestWith('blind'), id: SECOND })
  const facts = factsWith()
  const redirect = { kind: 'redirect', facts, transfer: SECOND, n: 1, callerStatus: 'in-progress' } as const
  t.same(await stage.answer(CALLER, redirect), { kind: 'dial', attempt: 2 })
  await stage.status(CALLER, 'b1', 'completed')
  await stage.legUp(CALLER, 'b2')
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  await stage.clock.pass(3000)
  await stage.quiet()
  t.equal(await outcome(stage, SECOND), 'bridged completed')
  t.equal((await stage.get(PERSON))?.phase, 'ended')
  t.match(await stage.get(CALLER), { phase: 'connected', hangupFor: undefined })
})

await t.test('refer: the reply with the REFER is lost, and the caller is with the agent still', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('refer'))
  t.match(await stage.redirect(CALLER), { kind: 'refer' })
  await stage.clock.pass(40_000)
  await stage.quiet()
  t.equal((await stage.get(CALLER))?.phase, 'connected')
  t.equal(await outcome(stage), 'returned error')
  await stage.ask({ ...requestWith('blind'), id: SECOND })
  t.ok(await stage.transfer(SECOND), 'another transfer may begin')
})

await t.test('refer: the carrier says nothing until the room has closed', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('refer'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b1', 'completed')
  await stage.clock.pass(15_000)
  const reply = await stage.answer(CALLER, { kind: 'refer-complete', referStatus: 202, callerStatus: 'in-progress' })
  t.same(reply, { kind: 'dial', attempt: 2 }, 'the caller is not cut off')
  t.match((await stage.get(CALLER))?.attempts.at(-1), { strategy: 'room' })
  await stage.legUp(CALLER, 'b2')
  t.equal(await outcome(stage), 'returned error', 'nobody refused')
})

await t.test('a merge is asked for again under another address: hooks of one address are taken for one', async t => {
  const stage = await consulting(t)
  await stage.complete()
  await stage.clock.pass(12_000)
  await stage.quiet()
  t.same(await stage.redirect(PERSON, 1), { kind: 'dial', attempt: 1 }, 'too late: back with the agent')
  await stage.legUp(PERSON, 'p2')
  await stage.complete()
  t.same(stage.asked.slice(1), [`redirect ${PERSON} ${ID} 1`, `redirect ${PERSON} ${ID} 2`])
})

await t.test('screen: the key of an earlier transfer says nothing of this one', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('screen'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b2', 'trying')
  const late = { kind: 'screen-digit', legSid: 'unheard-of', transfer: 'tr-0', legStatus: 'completed' } as const
  t.same(await stage.answer(CALLER, late), { kind: 'nothing' })
  t.equal(await outcome(stage), 'calling')
})

await t.test('news of a person of whom nobody knew: the events of the other transfers keep their numbers', async t => {
  const stage = await consulting(t)
  const person = (await stage.get(PERSON))!.news!
  const news = { ...person, callSid: 'person-0', purpose: { ...person.purpose, id: 'tr-0' } }
  await stage.calls.apply(CALLER, { kind: 'person-news', news, at: stage.clock.now() })
  await stage.complete()
  await stage.redirect(PERSON)
  await stage.legUp(PERSON, 'p2')
  t.equal(await outcome(stage, 'tr-0'), 'returned error')
  t.equal(await outcome(stage), 'bridged completed')
  const told = stage.published.filter(line => line.includes('transfer_finished'))
  t.same(told, [`${CALLER} call.transfer_finished:2`], 'what came of the other one in truth may have been told before')
})

await t.test('news of a person of whom nobody knew, after the caller has left', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.status(CALLER, CALLER, 'completed', { by: 'caller' })
  await stage.clock.pass(5000)
  await stage.quiet()
  const { order } = requestWith('consult')
  const news = { n: 1, state: 'consulting', callSid: PERSON, purpose: order!.transfer!, to: order!.to } as const
  await stage.calls.apply(CALLER, { kind: 'person-news', news, at: stage.clock.now() })
  t.equal(await outcome(stage), 'failed caller-gone')
})

await t.test('an agent is called again for a caller whose person leaves: it is not sent away', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult', { afterPerson: 'agent' }))
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  await stage.complete()
  await stage.redirect(PERSON)
  stage.rooms.mode = 'unreachable'
  await stage.legUp(PERSON, 'p2')
  const owed = async () => (await stage.get(CALLER))!.duties.map(({ kind }) => kind)
  t.ok((await owed()).includes('remove-agent'), 'LiveKit cannot be reached')
  await stage.status(PERSON, PERSON, 'completed', { by: 'caller' })
  await stage.clock.pass(2000)
  await stage.quiet()
  t.notOk((await owed()).includes('remove-agent'))
})
