import t from 'tap'
import { tell } from '../../fixtures/events.ts'

const lines = (story: ReturnType<typeof tell>, what: string) =>
  story.it.events.filter(event => event.what === what).reduce((sum, { count }) => sum + count, 0)

/** A call whose agent and caller talk, with LiveKit's events. */
function talking () {
  const story = tell({ rules: { rejoinMs: 60_000 } })
  story.connect()
  const madeAt = (at: number) => Math.floor((at + SKEW) / 1000) * 1000
  story.livekit('participant_joined', 'agent', { id: 'EV_1', madeAt: madeAt(story.now) })
  story.livekit('participant_joined', 'sip', { id: 'EV_2', madeAt: madeAt(story.now) })
  story.livekit('track_published', 'agent', { track: 'AUDIO', id: 'EV_3', madeAt: madeAt(story.now) })
  story.answered()
  story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'active' } }
  return { story, madeAt }
}

/** LiveKit's clock is a minute behind ours. */
const SKEW = -60_000

await t.test('an event that LiveKit delivers again is taken once', async t => {
  const { story } = talking()
  for (let i = 0; i < 3; i++) story.livekit('participant_joined', 'sip', { id: 'EV_2' })
  t.equal(lines(story, 'participant_joined'), 2)
  story.livekit('participant_left', 'agent', { id: 'EV_4', reason: 'CLIENT_INITIATED' })
  story.livekit('track_published', 'agent', { id: 'EV_5', track: 'AUDIO' })
  story.livekit('participant_left', 'agent', { id: 'EV_4', reason: 'CLIENT_INITIATED' })
  t.equal(lines(story, 'participant_left'), 1)
})

await t.test('an event that comes late counts from when LiveKit made it, however its clock differs', async t => {
  const { story, madeAt } = talking()
  story.pass(30_000)
  const left = story.now
  story.pass(7000)
  story.caller('trying', 100)
  // LiveKit had to send it a third time.
  story.livekit('participant_left', 'agent', { id: 'EV_4', reason: 'CLIENT_INITIATED', madeAt: madeAt(left) })
  const seen = story.it.attempts[0]!.view.agent!.left!.at
  t.ok(seen >= left - 1000 && seen <= left + 2000, `${seen - left} ms from when it happened`)
})

await t.test('an event in time keeps its time, whatever the clocks say', async t => {
  const { story, madeAt } = talking()
  story.pass(30_300)
  story.livekit('participant_left', 'agent', { id: 'EV_4', reason: 'CLIENT_INITIATED', madeAt: madeAt(story.now) })
  t.equal(story.it.attempts[0]!.view.agent!.left!.at, story.now)
})

await t.test('an agent that had left before the caller hung up, though LiveKit says so later', async t => {
  const { story, madeAt } = talking()
  story.pass(30_000)
  const left = story.now
  story.pass(4000)
  story.caller('completed', 200, 'caller')
  story.pass(500)
  story.livekit('participant_left', 'agent', { id: 'EV_4', reason: 'CLIENT_INITIATED', madeAt: madeAt(left) })
  story.livekit('participant_left', 'sip', { id: 'EV_5', reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
  t.match(story.it.end, { cause: 'agent-lost', by: 'caller' })
})

await t.test('an agent that leaves because the caller hung up was not lost', async t => {
  const { story, madeAt } = talking()
  story.pass(30_000)
  story.caller('completed', 200, 'caller')
  story.pass(20)
  story.livekit('participant_left', 'sip', {
    id: 'EV_4',
    reason: 'CLIENT_INITIATED',
    sipCallStatus: 'hangup',
    madeAt: madeAt(story.now)
  })
  story.livekit('participant_left', 'agent', { id: 'EV_5', reason: 'CLIENT_INITIATED', madeAt: madeAt(story.now) })
  t.equal(story.cause, 'caller-hung-up')
})
