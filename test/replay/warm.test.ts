import { fileURLToPath } from 'node:url'
import t from 'tap'
import { fixture } from '../fixtures/paths.ts'
import { awayVariants } from './away.ts'
import { faultsOf } from './check.ts'
import { readRecordings } from './read.ts'
import { isPlayable, type Recording } from './recording.ts'
import { playInProcess, type Played } from './session.ts'
import { AS_RECORDED, VARIANTS, type Variant } from './variant.ts'

t.setTimeout(240_000)

const recordings = readRecordings(fileURLToPath(fixture('warm'))).filter(isPlayable)
const named = (name: string): Recording => recordings.find(recording => recording.name === `warm/${name}`)!

const seed = Number(process.env['SEED'] ?? 1)
const of = (name: string): Variant => VARIANTS[name]!(seed)

/** Ways in which what arrives differs from what was recorded. */
const WAYS: Variant[] = [
  AS_RECORDED,
  of('without-webhooks'),
  of('livekit-alone'),
  of('doubled-hooks'),
  { ...of('late-webhooks'), ...of('doubled-webhooks') }
]

for (const recording of recordings) {
  await t.test(`${recording.name} is right, whatever arrives of it`, async t => {
    const isWarm = (recording.waiting ?? []).length > 0
    for (const variant of isWarm ? WAYS : [AS_RECORDED]) {
      t.same(faultsOf(await playInProcess(recording, variant)), [], variant.name || 'as recorded')
    }
  })
}

await t.test('the bridge is away for a while, and its pool is lost or not', async t => {
  for (const recording of [named('warm-stock'), named('pool-agent-left')]) {
    for (const variant of awayVariants(recording, 1, seed)) {
      t.same(faultsOf(await playInProcess(recording, variant)), [], `${recording.name}, ${variant.name}`)
    }
  }
})

await t.test('calls get the rooms that were there, and a room whose agent has left is none of them', async t => {
  const started = async (name: string) =>
    (await playInProcess(named(name))).answered.flatMap(({ dialled }) => dialled ? [dialled.isWarm] : [])
  t.same(await started('cold'), [false, false])
  t.same(await started('warm-silent-track'), [true, true])
  t.same(await started('pool-agent-left'), [false])
})

await t.test('a replay notices what is wrong with a warm call', async t => {
  const played = await playInProcess(named('warm-stock'))
  const whats = (changed: Partial<Played>) => faultsOf({ ...played, ...changed }).map(({ what }) => what.split(' ')[0])
  const dialling = (changed: { name?: string, isWarm?: boolean, hasAgent?: boolean }) =>
    played.answered.map(one => one.dialled ? { ...one, dialled: { ...one.dialled, ...changed } } : one)
  t.same(whats({}), [])
  t.same(whats({ answered: dialling({ isWarm: false }) }), ['start', 'start'], 'a room that was made for the call')
  t.same(whats({ answered: dialling({ hasAgent: false }) }), ['room', 'room'], 'a room without its agent')
  const untold = played.api.filter(({ method }) => method !== 'RoomService/UpdateRoomMetadata')
  t.same(whats({ api: untold }), ['agent', 'agent'], 'an agent that does not know who calls')
  const same = played.answered.find(({ dialled }) => dialled)!.dialled!.name
  t.ok(whats({ answered: dialling({ name: same }) }).includes('room'), 'a room that two calls get')
})
