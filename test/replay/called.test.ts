import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { fixture } from '../fixtures/paths.ts'
import { awayVariants } from './away.ts'
import { faultsOf } from './check.ts'
import {
  hungUpByCallee,
  hungUpByOperator,
  refusedWith,
  stagesOf,
  withAgentThatDies,
  withEarlyMedia
} from './derived.ts'
import { joinedTo } from './joined.ts'
import { readRecordings } from './read.ts'
import { isPlayable, type Recording } from './recording.ts'
import { playInProcess } from './session.ts'
import { VARIANTS, type Variant } from './variant.ts'

/*
 * Calls in which somebody is called: what replay.test.ts plays as it was recorded, with other endings, in other orders,
 * and with what may get lost.
 */

t.setTimeout(240_000)

const seed = Number(process.env['SEED'] ?? 1)

const playable = (folder: string): Recording[] => readRecordings(fileURLToPath(fixture(folder))).filter(isPlayable)
const recorded = new Map([...playable('outbound'), ...playable('livekit-out'), ...playable('auth-trunk')]
  .map(recording => [recording.name, recording]))
const recordingOf = (name: string): Recording => recorded.get(name)!

async function plays (t: Test, recording: Recording, variant?: Variant): Promise<void> {
  const played = await playInProcess(recording, variant)
  t.same(faultsOf(played), [], variant ? `${recording.name}, ${variant.name}` : recording.name)
}

await t.test("the callee's side refuses with any status", async t => {
  const statuses = [403, 480, 484, 500, 600]
  for (const sipStatus of statuses) await plays(t, refusedWith(recordingOf('outbound/callee-486'), sipStatus))
})

await t.test('early media instead of ringing', async t => {
  await plays(t, withEarlyMedia(recordingOf('outbound/answered-room-at-ringing')))
  await plays(t, withEarlyMedia(recordingOf('outbound/callee-404')))
})

await t.test('the callee hangs up at every stage', async t => {
  const recording = recordingOf('outbound/answered-room-at-hook')
  for (const at of stagesOf(recording)) await plays(t, hungUpByCallee(recording, at))
})

await t.test('somebody ends the call at every stage', async t => {
  const recording = recordingOf('outbound/answered-room-at-ringing')
  const { orders: [order], hooks } = recording
  const unnamed = (order!.at + order!.answeredAt) / 2
  const moments = [...new Set(hooks.map(({ at }) => at + 1))].filter((_at, i) => i % 2 === 0)
  for (const at of [unnamed, ...moments]) await plays(t, hungUpByOperator(recording, at))
})

await t.test('the agent that waits dies before the callee answers', async t => {
  const recording = recordingOf('outbound/no-agent')
  await plays(t, withAgentThatDies(recording, recordingOf('outbound/answered-room-at-ringing'), 500))
})

await t.test("createCall's answer comes late, or never", async t => {
  for (const name of ['answered-room-at-ringing', 'callee-486']) {
    await plays(t, recordingOf(`outbound/${name}`), VARIANTS['answer-late']!(seed))
    await plays(t, recordingOf(`outbound/${name}`), VARIANTS['answer-lost']!(seed))
  }
})

await t.test('hooks and webhooks late, in any order, twice or not at all', async t => {
  const recording = recordingOf('outbound/answered-room-at-createCall')
  for (const variant of Object.values(VARIANTS)) await plays(t, recording, variant(seed))
  for (const name of ['outbound/callee-404', 'livekit-out/callee-486']) {
    await plays(t, recordingOf(name), VARIANTS['doubled-hooks']!(seed))
    await plays(t, recordingOf(name), VARIANTS['without-statuses']!(seed))
  }
})

await t.test('the bridge is away for a while', async t => {
  for (const name of ['outbound/transfer-refer', 'outbound/ended-by-rest-after-answer', 'auth-trunk/answered']) {
    for (const variant of awayVariants(recordingOf(name), 1, seed)) await plays(t, recordingOf(name), variant)
  }
})

await t.test('an agent calls somebody into the room of its call', async t => {
  const [host] = playable('chain').filter(({ name }) => name.endsWith('/normal-caller-hangs-up'))
  for (const name of ['livekit-out/dtmf', 'livekit-out/callee-603', 'livekit-out/refused-403', 'auth-trunk/answered']) {
    await plays(t, joinedTo(recordingOf(name), host!))
  }
})

await t.test('a replay notices what is wrong with a call that is placed', async t => {
  const played = await playInProcess(recordingOf('outbound/callee-486'))
  const what = (changed: Partial<typeof played>) => faultsOf({ ...played, ...changed }).map(({ what }) => what)
  const createCall = played.rest.find(({ method, path }) => method === 'POST' && path === '/Calls')!
  t.same(what({}), [])
  t.same(what({ rest: [...played.rest, createCall] }), ['createCall to +15550002222'], 'sent twice')
  t.same(what({ rest: [] }), ['createCall to +15550002222'], 'never sent')
  t.same(what({ calleesLeft: ['a-call'] }), ['first leg of a-call'], 'somebody is left on the line')
  t.same(what({ asked: [{ what: 'order', callSid: 'a-call', status: 500, text: '' }] }).slice(-1), ['order'])
  const [started, ...told] = played.told!
  t.match(what({ told }), [/call.started/, /order of the events/], 'an event is missing')
  t.match(what({ told: [...played.told!, { ...played.told!.at(-1)!, id: 'another' }] }), [/call.dial_finished/])
  t.equal(started!.type, 'call.started')
  const status = played.answered[0]!
  const decline = { ...status, verbs: [{ verb: 'sip:decline', status: 480 }] }
  t.match(what({ answered: [decline] }), [/reply to/], 'a decline that feature-server cannot carry out')
})
