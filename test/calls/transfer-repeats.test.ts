import t from 'tap'
import { buildTransferStage, CALLER, ID, PERSON, requestWith } from '../fixtures/transfer-stage.ts'

/* What is asked or told twice, late, or just before something else. */

await t.test('older news of the person that come late say nothing', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.clock.pass(1000)
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  const { person, state } = await stage.transfer()
  t.equal(state, 'consulting')
  const news = { ...person!, n: person!.n - 1, state: 'ringing' as const }
  await stage.calls.apply(CALLER, { kind: 'person-news', news, at: stage.clock.now() })
  t.match(await stage.transfer(), { state: 'consulting', person: { state: 'consulting' } })
})

await t.test('taking a dialled caller back twice asks Jambonz once', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.cancel()
  await stage.cancel()
  t.same(stage.asked.filter(what => what.startsWith('redirect')), [
    `redirect ${CALLER} ${ID} 1`,
    `redirect ${CALLER} ${ID} 2`
  ])
})

await t.test('a caller who could not be taken back talks with the person after all', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('blind'))
  await stage.redirect(CALLER)
  await stage.status(CALLER, 'b1', 'completed')
  await stage.status(CALLER, 'b2', 'ringing')
  await stage.cancel()
  await stage.clock.pass(9000)
  await stage.quiet()
  t.equal((await stage.transfer()).state, 'ringing', 'Jambonz sent no redirect hook')
  await stage.status(CALLER, 'b2', 'in-progress')
  t.match((await stage.transfer()).outcome, { result: 'bridged', reason: 'completed' })
})

await t.test('a person who was cancelled is not said to have lost the caller, who leaves at the same time', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  await stage.ask(requestWith('consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.calls.apply(CALLER, { kind: 'cancel-transfer', by: 'agent', id: ID, at: stage.clock.now() })
  await stage.status(CALLER, CALLER, 'completed', { by: 'caller' })
  t.match(await stage.get(PERSON), { hangupFor: 'cancelled' })
  t.match((await stage.transfer()).outcome, { result: 'returned', reason: 'cancelled' })
})
