import fc from 'fast-check'
import t from 'tap'
import { deaths, play, scenario, trouble } from '../fixtures/transfer-world/arbitraries.ts'

/*
 * A caller, the people to whom the call is handed, and bridges that die: whatever anybody does and whenever, nobody is
 * left with nobody in the end. TRANSFER_RUNS sets the number of scenarios, TRANSFER_SEED other ones.
 */

await t.test('whatever the caller, the person, the agents and an operator do', async t => {
  await play(scenario.map(scenario => ({ ...scenario, store: 'shared' as const })))
  t.pass('nobody is left with nobody, and the result is true')
})

await t.test('and whatever gets lost, comes twice or comes late', async t => {
  const troubled = fc.tuple(scenario, trouble).map(([scenario, trouble]) => ({ ...scenario, ...trouble }))
  await play(troubled.map(scenario => ({ ...scenario, store: 'shared' as const })))
  t.pass('nobody is left with nobody, and the result is true')
})

await t.test('and whenever bridges die', async t => {
  await play(fc.tuple(scenario, deaths).map(([scenario, deaths]) => ({ ...scenario, ...deaths })))
  t.pass('nobody is left with nobody, and the result is true')
})
