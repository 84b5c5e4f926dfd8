import fc from 'fast-check'
import t from 'tap'
import { ANSWERS, consult, results } from '../fixtures/transfer-world/cases.ts'
import { deaths, play, scenario, trouble } from '../fixtures/transfer-world/arbitraries.ts'
import { check } from '../fixtures/transfer-world/judge.ts'

/*
 * The same as in transfer-kills.test.ts, of callers whose agents waited for them: no room has a derived name.
 */

const RUNS = Number(process.env['TRANSFER_RUNS'] ?? 25)
const warmRooms = fc.constantFrom(1, 3)

for (const store of ['shared', 'memory'] as const) {
  await t.test(`${store}: a consulted person is brought into the warm room of the caller`, async t => {
    const deeds = [{ at: 6000, what: 'complete' }, { at: 40_000, what: 'caller-leaves' }] as const
    const outcome = await check(consult([...deeds], { store, phones: [ANSWERS], warmRooms: 1 }))
    t.same(results(outcome), ['bridged completed'])
    t.match(outcome.calls.find(({ callSid }) => callSid === 'call-1')!.attempts, [{ warm: {} }])
    t.same(outcome.livekit.madeByLegs, [])
  })
}

await t.test('whatever the caller, the person, the agents and an operator do', async t => {
  const warm = fc.tuple(scenario, warmRooms).map(([scenario, warmRooms]) => ({ ...scenario, warmRooms }))
  await play(warm.map(scenario => ({ ...scenario, store: 'shared' as const })), RUNS)
  t.pass('nobody is left with nobody, and the result is true')
})

await t.test('and whatever gets lost, comes twice or comes late', async t => {
  const troubled = fc.tuple(scenario, trouble, warmRooms)
    .map(([scenario, trouble, warmRooms]) => ({ ...scenario, ...trouble, warmRooms, store: 'shared' as const }))
  await play(troubled, RUNS)
  t.pass('nobody is left with nobody, and the result is true')
})

await t.test('and whenever bridges die', async t => {
  const deadly = fc.tuple(scenario, deaths, warmRooms)
    .map(([scenario, deaths, warmRooms]) => ({ ...scenario, ...deaths, warmRooms }))
  await play(deadly, RUNS)
  t.pass('nobody is left with nobody, and the result is true')
})
