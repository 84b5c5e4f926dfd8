import t from 'tap'
import type { Test } from 'tap'
import { ID } from '../fixtures/transfer-stage.ts'
import { ANSWERS, consult, endOf, PERSON_SID, results } from '../fixtures/transfer-world/cases.ts'
import { check } from '../fixtures/transfer-world/judge.ts'
import type { Deed, Outcome, Scenario } from '../fixtures/transfer-world/world.ts'

/*
 * What goes wrong in a transfer, case by case, with its result. What must hold in every one of them, the judge of the
 * world knows: nobody is left with nobody, no room is left, the result is told once and is true.
 */

const ORDER_ID = `order-${ID}`
const COMPLETE: Deed = { at: 6000, what: 'complete' }
const CALLER_LEAVES: Deed = { at: 20_000, what: 'caller-leaves' }

async function comes (t: Test, scenario: Scenario, ...expected: string[]): Promise<Outcome> {
  const outcome = await check(scenario)
  t.same(results(outcome), expected)
  return outcome
}

await t.test('consult, complete: they talk, and whoever hangs up first ends both calls', async t => {
  const first = await comes(t, consult([COMPLETE, CALLER_LEAVES]), 'bridged completed')
  t.equal(endOf(first, PERSON_SID), 'caller-gone')
  t.ok(first.witness.longestAloneMs.get(PERSON_SID)! < 1000, 'the person is hung up on at once')
  const second = await comes(t, consult([COMPLETE, { at: 20_000, what: 'person-leaves' }]), 'bridged completed')
  t.equal(endOf(second, 'call-1'), 'person-hung-up')
})

await t.test('a person is called twice: after the first call, and while it goes on', async t => {
  const left: Deed = { at: 8000, what: 'person-leaves' }
  const again: Deed = { at: 12_000, what: 'another' }
  await comes(t, consult([left, again, CALLER_LEAVES]), 'returned declined', 'bridged completed')
  const both = await comes(t, { ...consult([again, CALLER_LEAVES]), mode: 'add' }, 'bridged completed',
    'bridged completed')
  t.equal(both.witness.metCaller.size, 2)
})

await t.test('add, then consult while the first person is there: two are left with the caller', async t => {
  const deeds: Deed[] = [
    { at: 6000, what: 'another' },
    { at: 10_000, what: 'complete' },
    { at: 25_000, what: 'caller-leaves' }
  ]
  const outcome = await comes(t, { ...consult(deeds), mode: 'add', another: 'consult', completes: 'tr-2' },
    'bridged completed', 'bridged completed')
  t.equal(outcome.witness.metCaller.size, 2)
})

await t.test('the first person leaves while a second one is called, and the caller is not left alone', async t => {
  const deeds: Deed[] = [COMPLETE, { at: 10_000, what: 'another' }, { at: 10_500, what: 'person-leaves' }]
  const phones = [ANSWERS, { ...ANSWERS, final: 486 as const, finalMs: 3000 }]
  const outcome = await comes(t, { ...consult(deeds, { phones }), another: 'add' }, 'bridged completed',
    'failed no-answer')
  t.equal(endOf(outcome, 'call-1'), 'person-hung-up')
})

await t.test('two transfers at once: the second one is none', async t => {
  await comes(t, consult([{ at: 100, what: 'another' }, COMPLETE, CALLER_LEAVES]), 'bridged completed')
})

await t.test('completed twice, cancelled after it was completed: the first word stands', async t => {
  await comes(t, consult([COMPLETE, { ...COMPLETE, at: 6001 }, CALLER_LEAVES]), 'bridged completed')
  await comes(t, consult([COMPLETE, { at: 6001, what: 'cancel' }, CALLER_LEAVES]), 'bridged completed')
  await comes(t, consult([COMPLETE, { at: 9000, what: 'cancel' }, CALLER_LEAVES]), 'bridged completed')
})

await t.test('cancelled: the person is hung up on, whatever their phone does', async t => {
  for (const at of [0, 100, 1000, 2000, 2003, 2100, 5000]) {
    const outcome = await comes(t, consult([{ at, what: 'cancel' }, CALLER_LEAVES]), 'returned cancelled')
    const cause = endOf(outcome, PERSON_SID) ?? endOf(outcome, ORDER_ID)
    t.equal(cause, 'transfer-cancelled', `after ${at} ms`)
  }
})

await t.test('a blind transfer is cancelled: back to the agent, unless the person was faster', async t => {
  const blind = (at: number) => ({ ...consult([{ at, what: 'cancel' }, CALLER_LEAVES]), mode: 'blind' as const })
  await comes(t, blind(1000), 'returned cancelled')
  await comes(t, blind(2005), 'returned cancelled')
  await comes(t, blind(3000), 'bridged completed')
})

await t.test('the caller hangs up around complete, whichever comes first', async t => {
  for (const ms of [-50, -1, 0, 1, 4, 5, 6, 10, 25, 30, 60, 130, 200]) {
    const deeds: Deed[] = [COMPLETE, { at: COMPLETE.at + ms, what: 'caller-leaves' }]
    const outcome = await check(consult(deeds))
    const [result] = results(outcome)
    t.ok(result === 'failed caller-gone' || (ms > 100 && result === 'bridged completed'), `${ms} ms: ${result}`)
    t.equal(endOf(outcome, PERSON_SID), 'caller-gone')
    t.same(outcome.livekit.madeByLegs, [], 'nobody meets a fresh agent in a room that was gone')
  }
})

await t.test('the person hangs up around complete, whichever comes first', async t => {
  for (const [ms, expected] of [
    [-1, 'returned declined'],
    [4, 'returned person-hung-up'],
    [30, 'returned person-hung-up'],
    [1000, 'bridged completed']
  ] as const) {
    await comes(t, consult([COMPLETE, { at: COMPLETE.at + ms, what: 'person-leaves' }, CALLER_LEAVES]), expected)
  }
})

await t.test('the agent leaves before the merge, or deletes a room in the midst of it', async t => {
  await comes(t, consult([{ at: 4000, what: 'agent-leaves' }, COMPLETE, CALLER_LEAVES]), 'bridged completed')
  await comes(t, consult([COMPLETE, { at: 6003, what: 'consultant-ends' }, CALLER_LEAVES]), 'bridged completed')
  await comes(t, consult([COMPLETE, { at: 6020, what: 'consultant-ends' }, CALLER_LEAVES]), 'bridged completed')
  const blind = { ...consult([{ at: 2, what: 'agent-ends' }, CALLER_LEAVES]), mode: 'blind' as const }
  await comes(t, blind, 'bridged completed')
})

await t.test('the bridge is killed between updateCall and the merge hook, which comes to a new process', async t => {
  for (const store of ['shared', 'memory'] as const) {
    const killed = { store, diesAtMerge: true }
    const outcome = await comes(t, consult([COMPLETE, CALLER_LEAVES], killed), 'bridged completed')
    t.equal(outcome.processes, 2)
    t.same([...outcome.witness.metCaller], [PERSON_SID], 'they talk')
    t.equal(endOf(outcome, PERSON_SID), 'caller-gone')

    // Nobody is there when the hook comes: Jambonz leaves the person where it is.
    const away = { ...killed, restartMs: 10_000 }
    // Without a store nobody knows what became of the person meanwhile.
    const result = store === 'shared' ? 'failed caller-gone' : 'failed error'
    const unmet = await comes(t, consult([COMPLETE, CALLER_LEAVES], away), result)
    t.equal(unmet.witness.metCaller.size, 0)
    const again = [COMPLETE, { ...COMPLETE, at: 28_000 }, { ...CALLER_LEAVES, at: 38_000 }]
    const late = await comes(t, consult(again, away), 'bridged completed')
    t.same([...late.witness.metCaller], [PERSON_SID], 'it can be completed once more')
  }
})

await t.test("the user's own systems redirect the caller during a consultation", async t => {
  const outcome = await comes(t, consult([{ at: 5000, what: 'brought-back' }, CALLER_LEAVES]), 'failed error')
  t.equal(endOf(outcome, PERSON_SID), 'transfer-cancelled')
})

await t.test('an operator hangs up the caller, or the person, at every state', async t => {
  for (const at of [5, 1000, 2001, 2200, 5000, 6010, 6300, 9000]) {
    await check(consult([COMPLETE, { at, what: 'operator-ends-caller' }]))
    if (at < 10) continue
    const outcome = await check(consult([COMPLETE, { at, what: 'operator-ends-person' }, CALLER_LEAVES]))
    const [result] = results(outcome)
    t.ok(at > 6100 ? result === 'bridged completed' : result === 'returned cancelled', `${at} ms: ${result}`)
  }
})

await t.test('after the person has left the caller talks with an agent again', async t => {
  const outcome = await comes(
    t,
    consult([COMPLETE, { at: 10_000, what: 'person-leaves' }, CALLER_LEAVES], { afterPerson: 'agent' }),
    'bridged completed'
  )
  t.equal(endOf(outcome, 'call-1'), 'caller-hung-up')
  t.ok(outcome.witness.longestAloneMs.get('call-1')! <= 2000)
})
