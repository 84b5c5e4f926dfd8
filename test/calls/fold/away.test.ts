import t from 'tap'
import { tell, type Story } from '../../fixtures/events.ts'

const SECOND = 1000

/** A call that rings, with caller and agent in the room, when the last bridge stops listening. */
function ringing (): Story {
  const story = tell()
  story.connect()
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent')
  return story
}

/**
 * No bridge listens for a while. What LiveKit repeats of that time comes afterwards, with the times of its own clock.
 */
function away (story: Story, seconds: number): number {
  const from = story.now
  story.mode = 'silent'
  story.pass(seconds * SECOND)
  story.mode = 'up'
  story.see = { exists: false }
  story.feed({ kind: 'away', from, to: story.now })
  return from
}

const audio = (story: Story, madeAt: number) =>
  story.feed({
    kind: 'livekit',
    room: story.room(),
    what: 'track_published',
    track: 'AUDIO',
    participant: { sid: 'PA_agent1', identity: 'agent-1' },
    madeAt
  })

const sipLeft = (story: Story, madeAt: number, reason = 'CLIENT_INITIATED', callStatus = 'hangup') =>
  story.feed({
    kind: 'livekit',
    room: story.room(),
    what: 'participant_left',
    participant: { sid: 'PA_sip1', identity: 'sip_+15550001111', kind: 'SIP', reason, sip: { callStatus } },
    madeAt
  })

/** On-time events tell how the clocks differ: here, not at all. */
function inStep (story: Story): Story {
  story.feed({ kind: 'livekit', room: story.room(), what: 'other', madeAt: story.now })
  return story
}

await t.test('a caller who hung up while nobody listened is known from what LiveKit repeats', async t => {
  const story = inStep(ringing())
  const from = away(story, 60)
  story.pass(5 * SECOND)
  t.not(story.it.phase, 'ended', 'the verdict waits for LiveKit')
  audio(story, from + SECOND)
  sipLeft(story, from + 31 * SECOND)
  story.pass(SECOND)
  t.match(story.it.end, { cause: 'caller-hung-up', by: 'caller', waitingOn: 'none', detail: /LiveKit/ })
  const { answered, ended } = story.it.at
  t.ok(Math.abs(answered! - from - SECOND) <= SECOND, 'answered when the agent spoke')
  t.ok(Math.abs(ended! - from - 31 * SECOND) <= SECOND, 'ended when the caller left, not when that was noticed')
  t.equal(story.it.attempts[0]?.at.ended, ended, 'and so did its attempt')
})

await t.test('an agent that ended the call while nobody listened', async t => {
  const story = inStep(ringing())
  const from = away(story, 30)
  audio(story, from + SECOND)
  sipLeft(story, from + 20 * SECOND, 'ROOM_DELETED', 'active')
  story.pass(10 * SECOND)
  t.match(story.it.end, { cause: 'agent-hung-up' })
})

await t.test('a caller who gave up while nobody listened waited for the agent that was missing', async t => {
  const story = tell()
  story.connect()
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  inStep(story)
  const from = away(story, 20)
  sipLeft(story, from + 3 * SECOND)
  story.pass(10 * SECOND)
  t.match(story.it.end, { cause: 'caller-gave-up', waitingOn: 'agent' })
})

await t.test('without any word of the end it is lost, and nothing is blamed for what was not heard', async t => {
  const silent: Array<[string, () => Story]> = [
    ['after the call hook', () => {
      const story = tell()
      story.connect()
      story.caller('trying', 100)
      return story
    }],
    ['while dialling', () => {
      const story = tell()
      story.connect()
      story.agent('trying', 100)
      return story
    }],
    ['while ringing', ringing],
    ['while talking', () => {
      const story = ringing()
      story.answered()
      return story
    }]
  ]
  for (const [when, begin] of silent) {
    const story = begin()
    away(story, 10)
    story.pass(90 * SECOND)
    t.equal(story.cause, 'lost', when)
    t.equal(story.it.events.filter(({ what }) => what === 'nobody listened').length, 1)
  }
})

await t.test('a late verdict waits for LiveKit as well', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  inStep(story)
  story.pass(20 * SECOND)
  story.mode = 'silent'
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.caller('completed', 200, 'jambonz')
  const from = story.now
  story.feed({ kind: 'away', from: from + 10, to: from + 9000 })
  sipLeft(story, from)
  story.pass(SECOND)
  t.equal(story.cause, 'media-lost')
})

await t.test('somebody listened as long as anything was heard', async t => {
  const story = ringing()
  const heard = story.now
  story.mode = 'silent'
  story.pass(8 * SECOND)
  story.mode = 'up'
  story.feed({ kind: 'away', from: heard - 2 * SECOND, to: story.now })
  const [window] = story.it.away!
  t.ok(window!.from >= heard - 100, 'the gap does not begin before')
  t.equal(window!.to, story.now)
  story.feed({ kind: 'away', from: heard, to: window!.to })
  t.equal(story.it.away!.length, 1, 'told twice, it is one gap')
})

await t.test('a call that goes on after nobody listened goes on', async t => {
  const story = ringing()
  story.mode = 'silent'
  const from = story.now
  story.pass(8 * SECOND)
  story.mode = 'up'
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.feed({ kind: 'away', from, to: story.now })
  story.pass(600 * SECOND)
  t.equal(story.it.phase, 'connected')
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.pass(5 * SECOND)
  t.equal(story.cause, 'caller-hung-up')
})

await t.test('a room that a crashed LiveKit still lists keeps no call alive', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true },
    hosted: false
  }
  story.pass(60 * SECOND)
  t.equal(story.it.phase, 'connected', 'one look may be a hiccup')
  story.pass(60 * SECOND)
  t.equal(story.it.phase, 'ended')
})

await t.test('without a status hook LiveKit shows that the caller was answered', async t => {
  const story = tell()
  story.connect()
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.pass(2 * SECOND)
  t.equal(story.it.phase, 'connected')
  t.ok(story.it.at.answered !== undefined)
})
