import t from 'tap'
import { CALLER } from '../fixtures/transfer-stage.ts'
import { ANSWERS, consult, endOf, PERSON_SID, results } from '../fixtures/transfer-world/cases.ts'
import { check } from '../fixtures/transfer-world/judge.ts'
import type { Deed, Scenario } from '../fixtures/transfer-world/world.ts'

/*
 * Transfers while Jambonz, LiveKit or the bridge itself fail. What must hold in every case, the judge knows.
 */

const COMPLETE: Deed = { at: 6000, what: 'complete' }
const CALLER_LEAVES: Deed = { at: 40_000, what: 'caller-leaves' }
const CANCEL: Deed = { at: 1500, what: 'cancel' }
const AGAIN: Deed = { at: 20_000, what: 'complete' }

const play = async (scenario: Scenario): Promise<string> => results(await check(scenario)).join(', ')

for (const broken of ['fails', 'refused', 'hook-lost', 'hook-late'] as const) {
  await t.test(`Jambonz does not redirect a leg: ${broken}`, async t => {
    const redirects = [broken]
    const merge = consult([COMPLETE, AGAIN, CALLER_LEAVES], { redirects })
    t.equal(await play(merge), 'bridged completed', 'the merge can be asked for again')
    for (const mode of ['blind', 'screen', 'refer'] as const) {
      t.equal(await play({ ...merge, mode }), 'returned error', `${mode}: the caller stays with the agent`)
    }
  })
}

await t.test('a request to redirect a leg reaches Jambonz twice', async t => {
  const redirects = ['twice' as const]
  const merge = consult([COMPLETE, CALLER_LEAVES], { redirects })
  const merged = await check(merge)
  t.same(results(merged), ['bridged completed'])
  t.equal(endOf(merged, CALLER), 'caller-hung-up', 'the person joins again, and the two talk on')
  t.equal(endOf(merged, PERSON_SID), 'caller-gone')
  for (const mode of ['blind', 'screen'] as const) {
    const handed = await check({ ...merge, mode })
    t.same(results(handed), ['bridged completed'], `${mode}: the person is dialled anew`)
    t.equal(endOf(handed, CALLER), 'caller-hung-up')
    const busy = await check({ ...merge, mode, phones: [{ ...ANSWERS, finalMs: 700, final: 486 }] })
    t.same(results(busy), ['returned busy'], `${mode}: the caller is with the agent again, and stays`)
    t.equal(endOf(busy, CALLER), 'caller-hung-up')
    const back = await check({ ...consult([CANCEL, CALLER_LEAVES], { redirects: ['works', 'twice'] }), mode })
    t.same(results(back), ['returned cancelled'], `${mode}: taken back twice`)
    t.equal(endOf(back, CALLER), 'caller-hung-up')
  }
})

await t.test('the call of the person is refused, lost, or placed without an answer', async t => {
  const deeds = [{ ...COMPLETE, at: 15_000 }, CALLER_LEAVES]
  t.equal(await play(consult(deeds, { createCall: 'refused' })), 'returned refused')
  t.equal(await play(consult(deeds, { createCall: 'unknown' })), 'bridged completed')
  t.equal(await play(consult(deeds, { createCall: 'late' })), 'bridged completed')
  t.equal(await play(consult([CALLER_LEAVES], { createCall: 'lost' })), 'failed caller-gone')
})

await t.test('one call too many', async t => {
  t.equal(await play(consult([CALLER_LEAVES], { maxCalls: 1 })), 'returned error')
})

await t.test('LiveKit answers nothing while the person is to join', async t => {
  t.equal(await play(consult([COMPLETE, CALLER_LEAVES], { livekitHangs: [5500, 12_000] })), 'bridged completed')
})

await t.test('news and hooks are lost, doubled or late', async t => {
  for (let n = 8; n < 26; n++) {
    await check(consult([COMPLETE, AGAIN, CALLER_LEAVES], { lost: [n] }))
    await check(consult([COMPLETE, AGAIN, CALLER_LEAVES], { late: [n] }))
    const doubled = await play(consult([COMPLETE, CALLER_LEAVES], { doubled: [n] }))
    t.equal(doubled, 'bridged completed', `post ${n} twice`)
  }
})

for (const store of ['shared', 'memory'] as const) {
  await t.test(`${store}: a process dies at each request of a consulted transfer`, async t => {
    const scenario = consult([COMPLETE, AGAIN, { at: 26_000, what: 'caller-leaves' }], { store })
    const { asked } = await check({ ...scenario, deaths: [] })
    for (let at = 20; at < asked; at += 2) {
      const outcome = await check({ ...scenario, deaths: [{ at, done: at % 4 === 0 }], restartMs: (at % 3) * 1500 })
      t.ok(store === 'memory' || results(outcome).length <= 1, `request ${at}: ${results(outcome).join(', ')}`)
    }
  })
}

await t.test('memory: only LiveKit knows the calls, and the merge hook itself says what it is for', async t => {
  const scenario = consult([COMPLETE, CALLER_LEAVES], { store: 'memory', phones: [{ ...ANSWERS, talkMs: 60_000 }] })
  const merges = []
  for (let at = 60; at < 110; at++) {
    const outcome = await check({ ...scenario, deaths: [{ at, done: true }] })
    if (outcome.witness.metCaller.has(PERSON_SID)) merges.push(endOf(outcome, PERSON_SID))
  }
  t.ok(merges.length > 0)
})
