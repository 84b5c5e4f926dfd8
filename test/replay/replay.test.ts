import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fixture, projectFolder } from '../fixtures/paths.ts'
import { awayVariants } from './away.ts'
import { faultsOf } from './check.ts'
import { readRecordings, recordingOf, recordingsOf } from './read.ts'
import { isPlayable, type Recording } from './recording.ts'
import { playInProcess } from './session.ts'
import { VARIANTS, type Variant } from './variant.ts'

t.setTimeout(240_000)

const playable = (folder: string): Recording[] => readRecordings(fileURLToPath(fixture(folder))).filter(isPlayable)

for (const folder of ['jambonz', 'chain', 'long', 'livekit', 'outbound', 'livekit-out', 'auth-trunk', 'transfer']) {
  await t.test(`${folder}: every recording is right`, async t => {
    const recordings = playable(folder).filter(isFirstOfItsKind)
    t.ok(recordings.length > 0, 'there are some')
    for (const recording of recordings) t.same(faultsOf(await playInProcess(recording)), [], recording.name)
  })
}

/** A file may hold the same call many times, for its timing: one of them tells all that a clock of ours can. */
function isFirstOfItsKind ({ name }: Recording): boolean {
  return !name.includes('#') || (name.endsWith('#1') && !name.includes('-30#'))
}

await t.test("LiveKit's webhooks late, in any order and twice: every whole call is right", async t => {
  const seed = Number(process.env['SEED'] ?? 1)
  const variant: Variant = { ...VARIANTS['late-webhooks']!(seed), ...VARIANTS['doubled-webhooks']!(seed) }
  for (const recording of playable('chain')) {
    t.same(faultsOf(await playInProcess(recording, variant)), [], recording.name)
  }
})

await t.test('the bridge is away for a while: no cause says more than what arrived', async t => {
  const seed = Number(process.env['SEED'] ?? 1)
  for (const recording of [...playable('chain'), ...playable('long')]) {
    for (const variant of awayVariants(recording, 1, seed)) {
      t.same(faultsOf(await playInProcess(recording, variant)), [], `${recording.name}, ${variant.name}`)
    }
  }
})

await t.test('a replay notices what is wrong', async t => {
  const [recording] = playable('chain').filter(({ name }) => name.endsWith('/normal-caller-hangs-up'))
  const played = await playInProcess(recording!)
  const [call] = played.calls
  const withCall = (changed: Record<string, unknown>) =>
    faultsOf({ ...played, calls: [{ ...call!, call: { ...call!.call, ...changed } }] }).map(({ what }) => what)
  t.same(faultsOf(played), [])
  t.same(withCall({ end: { cause: 'agent-hung-up' } }), ['cause'], 'another cause')
  t.same(withCall({ phase: 'connected' }), [`phase of ${call!.callSid}`], 'a call that goes on')
  t.same(withCall({ events: [] }), ['ends of the call'], 'a call that never ended')
  const at = { ...call!.call!['at'] as object, answered: '2026-11-21T00:00:00.000Z' }
  t.same(withCall({ at }), ['time of answered'], 'another time')
  const first = played.answered[0]!
  const withReply = (changed: Partial<typeof first>) =>
    faultsOf({ ...played, answered: [{ ...first, ...changed }] }).map(({ expected }) => expected)
  t.same(withReply({ status: 500 }), ['200, 202 or 204'])
  t.same(withReply({ status: 0 }), ['an answer'])
  t.match(withReply({ verbs: [] }), ['dial and a fail-safe'])
  t.match(withReply({ verbs: [...first.verbs!, { verb: 'no-such-verb' }] }), /verbs that feature-server takes/)
  t.same(faultsOf({ ...played, roomsLeft: ['jb_x'] }).map(({ what }) => what), ['rooms of LiveKit'])
})

await t.test('files that cannot be played say why', async t => {
  const of = (recorded: Record<string, unknown>) => recordingsOf('folder/file', recorded)[0]
  t.match(of({ group: 'other', jambonz: [] }), { why: 'unsupported', kind: 'other' })
  t.match(of({ group: 'warm', jambonz: [] }), { why: 'nothing', kind: 'warm' })
  t.match(of({ ws: [{}] }), { why: 'unsupported', kind: 'ws' })
  t.match(of({ group: 'transfer', jambonz: [] }), { why: 'nothing', kind: 'transfer' })
  t.match(of({ rest: [{ what: 'createCall', replied: { status: 500 } }] }), { why: 'nothing', kind: 'outbound' })
  t.match(of({ sip: [{ dir: '<', start: 'INVITE sip:a@b SIP/2.0' }] }), { why: 'nothing', kind: 'livekit-out' })
  t.match(of({ twirp: [], webhooks: [] }), { why: 'nothing' })
  t.match(of({ jambonz: [{ at_ms: 1, url: '/status', body: '{"call_sid":"a"}' }] }), { why: 'nothing' })
})

await t.test('what a file does not have is said, and the rest is played', async t => {
  const [{ hooks }] = playable('chain').filter(({ name }) => name.endsWith('/normal-caller-hangs-up')) as [Recording]
  const bare = recordingOf('folder/bare', {
    jambonz: hooks.map(({ at, path, body }) => ({ at_ms: at, url: path, body }))
  })
  if (!isPlayable(bare)) throw new Error(bare.detail)
  t.same(bare.missing, ['causes', "LiveKit's webhooks"])
  const played = await playInProcess(bare)
  t.same(faultsOf(played), [])
  t.match(played.calls, [{ call: { end: { cause: 'caller-hung-up' } } }])
})

await t.test('the command line: a table, JSON, and an exit code', async t => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, ['dist-test/test/replay/run.js', ...args], { cwd: projectFolder, encoding: 'utf8' })
  const file = fileURLToPath(fixture('chain/normal-caller-hangs-up.json'))
  const folder = t.testdir({})
  const wrong = join(folder, 'wrong.json')
  const recorded = readRecordings(file)[0] as Recording
  writeFileSync(wrong, JSON.stringify({
    causes: ['agent-hung-up'],
    jambonz: recorded.hooks.map(({ at, path, body }) => ({ at_ms: at, url: path, body }))
  }))
  const failed = run(file, wrong)
  t.equal(failed.status, 1)
  t.match(failed.stdout, /right +chain\/normal-caller-hangs-up: caller-hung-up/)
  t.match(failed.stdout, /cause: expected agent-hung-up, got caller-hung-up/)
  t.match(failed.stdout, /call ended caller-hung-up/, 'with the ladder')
  t.match(JSON.parse(run('--json', wrong).stdout), { files: [{ result: 'wrong', faults: [{ what: 'cause' }] }] })
  t.equal(run('--variant', 'nonsense', file).status, 2)
})
