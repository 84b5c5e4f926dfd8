import fc from 'fast-check'
import t from 'tap'
import type { PhoneScript } from '../fixtures/transfer-world/jambonz.ts'
import { check } from '../fixtures/transfer-world/judge.ts'
import type { Deed, Scenario } from '../fixtures/transfer-world/world.ts'

/*
 * A caller, the people to whom the call is handed, and bridges that die: whatever anybody does and whenever, nobody is
 * left with nobody in the end. TRANSFER_RUNS sets the number of scenarios, TRANSFER_SEED other ones.
 */

const RUNS = Number(process.env['TRANSFER_RUNS'] ?? 40)
const SEED = Number(process.env['TRANSFER_SEED'] ?? 1)

const MODES = ['consult', 'consult', 'consult', 'add', 'blind', 'screen', 'refer'] as const

const phone: fc.Arbitrary<PhoneScript> = fc.record({
  ringMs: fc.integer({ min: 0, max: 2000 }),
  finalMs: fc.integer({ min: 100, max: 6000 }),
  final: fc.constantFrom<PhoneScript['final'][]>(200, 200, 200, 200, 486, 603, 'none'),
  talkMs: fc.integer({ min: 0, max: 30_000 }),
  key: fc.constantFrom('1', '1', '2', undefined)
})

const deed: fc.Arbitrary<Deed> = fc.record({
  at: fc.integer({ min: 0, max: 20_000 }),
  what: fc.constantFrom<Deed['what'][]>(
    'complete',
    'complete',
    'complete',
    'cancel',
    'another',
    'caller-leaves',
    'person-leaves',
    'operator-ends-caller',
    'operator-ends-person',
    'agent-leaves',
    'agent-ends',
    'consultant-ends',
    'brought-back'
  )
})

const scenario: fc.Arbitrary<Omit<Scenario, 'store'>> = fc.record({
  mode: fc.constantFrom(...MODES),
  another: fc.constantFrom(...MODES),
  afterPerson: fc.constantFrom('end', 'agent'),
  phones: fc.array(phone, { minLength: 1, maxLength: 3 }),
  createCall: fc.constantFrom('placed', 'placed', 'placed', 'late', 'unknown', 'lost', 'refused'),
  carrier: fc.constantFrom('moves', 'refuses', 'silent'),
  redirects: fc.array(fc.constantFrom('works', 'works', 'twice', 'fails', 'refused', 'hook-lost', 'hook-late'), {
    maxLength: 3
  }),
  // In the end the caller hangs up, whoever is there.
  deeds: fc.array(deed, { maxLength: 4 }).map(deeds => [...deeds, { at: 40_000, what: 'caller-leaves' }]),
  webhooks: fc.boolean()
})

const trouble = fc.record({
  lost: fc.array(fc.nat(40), { maxLength: 2 }),
  doubled: fc.array(fc.nat(40), { maxLength: 3 }),
  late: fc.array(fc.nat(40), { maxLength: 2 }),
  livekitHangs: fc.constantFrom<Array<[number, number] | undefined>>(undefined, undefined, [0, 8000], [4000, 20_000])
})

const deaths = fc.record({
  deaths: fc.array(fc.record({ at: fc.integer({ min: 10, max: 120 }), done: fc.boolean() }), {
    minLength: 1,
    maxLength: 3
  }),
  store: fc.constantFrom('shared', 'memory'),
  restartMs: fc.constantFrom(0, 1000, 10_000)
})

const play = (arbitrary: fc.Arbitrary<Scenario>) =>
  fc.assert(fc.asyncProperty(arbitrary, async scenario => {
    await check(scenario)
  }), { numRuns: RUNS, seed: SEED, endOnFailure: process.env['TRANSFER_SEED'] !== undefined })

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
