import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fixture } from '../fixtures/paths.ts'
import { awayVariants } from './away.ts'
import { faultsOf } from './check.ts'
import { readRecordings } from './read.ts'
import { isPlayable, type Recording } from './recording.ts'
import { playInProcess } from './session.ts'
import { VARIANTS, type Away } from './variant.ts'

/*
 * Callers who are handed to people: what is true of each recording, and what the bridge makes of it when something is
 * late, comes twice, or does not come. As they were recorded, replay.test.ts plays them.
 */

t.setTimeout(240_000)

const seed = Number(process.env['SEED'] ?? 1)
const recordings = readRecordings(fileURLToPath(fixture('transfer'))).filter(isPlayable)

/** Mode, result and reason; causes of the caller's call; causes of the person's call, where they have one. */
const TRUE_OF: Record<string, [outcome: string, caller: string, person?: string]> = {
  'agent-ends-consult': ['consult returned declined', 'agent-hung-up or caller-hung-up', 'agent-hung-up'],
  'caller-hangs-up-while-human-rings': ['consult failed caller-gone', 'caller-hung-up', 'caller-gone'],
  'cancelled-while-human-rings': ['consult returned cancelled', 'agent-hung-up', 'transfer-cancelled'],
  'direct-add': ['add bridged completed', 'agent-hung-up or caller-hung-up', 'callee-hung-up'],
  'human-busy': ['consult returned busy', 'agent-hung-up', 'busy'],
  'human-rejects-in-consult': ['consult returned declined', 'agent-hung-up', 'callee-hung-up'],
  'merge-after-caller-left': ['consult failed caller-gone', 'caller-hung-up', 'caller-gone'],
  'merge-agent-leaves-caller-hangs-up': ['consult bridged completed', 'caller-hung-up', 'caller-gone'],
  'merge-hook-500': ['consult failed caller-gone', 'agent-hung-up', 'caller-gone'],
  'merge-hook-empty': ['consult returned error', 'agent-hung-up', 'lost or reply-refused or redirected'],
  'screened-accept': ['screen bridged completed', 'person-hung-up'],
  'screened-accept-config': ['screen bridged completed', 'caller-hung-up'],
  'screened-accept-play-is-pruned': ['screen returned error', 'agent-hung-up or caller-hung-up'],
  'screened-caller-hangs-up': ['screen failed caller-gone', 'caller-hung-up'],
  'screened-confirm-500': ['screen returned declined', 'agent-hung-up or caller-hung-up'],
  'screened-human-hangs-up': ['screen returned declined', 'agent-hung-up'],
  'screened-no-answer-long': ['screen returned no-answer', 'agent-hung-up'],
  'screened-no-digit': ['screen returned no-answer', 'agent-hung-up or caller-hung-up'],
  'screened-refuse': ['screen returned declined', 'agent-hung-up or caller-hung-up'],
  unscreened: ['blind bridged completed', 'caller-hung-up'],
  ...Object.fromEntries(
    ['merge-agent-stays-three-party', 'merge-replaced-action-replies-hangup', 'merge-slow-hook'].map(name =>
      [name, ['consult bridged completed', 'agent-hung-up', 'caller-gone or agent-hung-up']])
  ),
  'merge-agent-leaves-first': [
    'consult bridged completed',
    'agent-hung-up',
    'caller-gone or agent-hung-up or callee-hung-up'
  ],
  'merge-no-agent-second-leg-answered-by-first': [
    'add bridged completed',
    'agent-hung-up or caller-hung-up',
    'caller-gone or agent-hung-up or callee-hung-up'
  ]
}

await t.test('what is true of a recording follows from what was recorded', async t => {
  const read = Object.fromEntries(recordings.filter(({ transfers }) => transfers.length > 0).map(recording => {
    const { name, transfers: [transfer], outcomes: [outcome] = [], causesOf = {} } = recording
    const causes = [transfer!.callSid, transfer!.personSid].flatMap(sid => sid ? [causesOf[sid]!.join(' or ')] : [])
    return [name.replace('transfer/', ''), [`${transfer!.mode} ${outcome!.result} ${outcome!.reasons}`, ...causes]]
  }))
  t.same(read, TRUE_OF)
})

const named = (name: string): Recording => recordings.find(recording => recording.name === `transfer/${name}`)!

for (const variant of ['without-webhooks', 'late-webhooks', 'late-statuses', 'doubled-webhooks', 'doubled-hooks']) {
  await t.test(`the results are the same: ${variant}`, async t => {
    for (const name of ['merge-agent-leaves-caller-hangs-up', 'direct-add', 'agent-ends-consult', 'screened-refuse']) {
      t.same(faultsOf(await playInProcess(named(name), VARIANTS[variant]!(seed))), [], name)
    }
  })
}

await t.test("LiveKit's webhooks come when everything is decided", async t => {
  for (const name of ['direct-add', 'agent-ends-consult', 'screened-refuse']) {
    t.same(faultsOf(await playInProcess(named(name), { name: '', webhookDelay: () => 5000 })), [], name)
  }
})

await t.test("the answer to the person's createCall is lost", async t => {
  for (const name of ['merge-slow-hook', 'human-busy']) {
    t.same(faultsOf(await playInProcess(named(name), VARIANTS['answer-lost']!(seed))), [], name)
  }
})

await t.test('the bridge is away for a while: results stay true, or are said to be unknown', async t => {
  const names = ['direct-add', 'agent-ends-consult', 'human-busy', 'merge-slow-hook', 'screened-refuse', 'unscreened']
  for (const name of names) {
    for (const variant of awayVariants(named(name), 1, seed)) {
      t.same(faultsOf(await playInProcess(named(name), variant)), [], `${name}, ${variant.name}`)
    }
  }
})

/** When the bridge was away, whether its store was, and how long after that LiveKit told what it had missed. */
const AWAY: Array<[name: string, from: number, to: number, store: Away['store'], redeliveredAfter: number]> = [
  ['merge-slow-hook', 5832, 11_832, 'survives', 50],
  ['merge-no-agent-second-leg-answered-by-first', 4050, 10_050, 'survives', 4000],
  ['agent-ends-consult', 4017, 10_017, 'survives', 50],
  ['human-rejects-in-consult', 4548, 10_548, 'survives', 50],
  ['merge-hook-500', 8367, 8667, 'survives', 50],
  ['human-busy', 3421, 3721, 'lost', 50],
  ['merge-slow-hook', 5832, 6132, 'lost', 4000],
  ['screened-human-hangs-up', 9203, 18_203, 'lost', 4000],
  ['screened-no-answer-long', 21_363, 27_363, 'lost', 50]
]

await t.test('the bridge is away just when a transfer is decided', async t => {
  for (const [name, from, to, store, redeliveredAfter] of AWAY) {
    const variant = { name: '', away: { from, to, store, redeliveredAfter } }
    t.same(faultsOf(await playInProcess(named(name), variant)), [], `${name} from ${from} ms, store ${store}`)
  }
})

await t.test('a replay notices a false result also where the bridge was away', async t => {
  const [variant] = awayVariants(named('direct-add'), 1, seed).filter(({ away }) => away?.store === 'survives')
  const played = await playInProcess(named('direct-add'), variant)
  const [transfer] = played.transfers
  const wrong = [['returned', 'declined'], ['failed', 'busy'], ['failed', 'caller-gone']]
  for (const shown of [...wrong.map(([result, reason]) => ({ result, reason })), undefined]) {
    const [fault] = faultsOf({ ...played, transfers: [{ ...transfer!, shown }] })
    t.match(fault?.what, /^transfer add/, JSON.stringify(shown))
  }
})

await t.test('a replay notices what is wrong with a transfer', async t => {
  const played = await playInProcess(named('merge-agent-leaves-caller-hangs-up'))
  const what = (changed: Partial<typeof played>) => faultsOf({ ...played, ...changed }).map(({ what }) => what)
  t.same(what({}), [])
  const [transfer] = played.transfers
  const other = { ...transfer!, shown: { ...transfer!.shown, reason: 'error' } }
  t.match(what({ transfers: [other] }), ['transfer consult at 1645 ms'], 'another result')
  const told = played.told!.filter(({ type }) => type !== 'call.transfer_finished')
  t.match(what({ told }), ['transfer consult at 1645 ms, told'], 'nobody was told')
  t.match(what({ api: [] }), [/deletion of room/, /deletion of room/], 'no room was deleted')
  t.same(what({ calleesLeft: ['a-call'] }), ['first leg of a-call'], 'somebody is left on the line')
})
