import t from 'tap'
import { diagnose, type Diagnosis } from '../../src/diagnosis/diagnose.ts'
import { START, tell, type Story } from '../fixtures/events.ts'

/*
 * A call whose room was made before it: what is told of its agent, which was there first.
 */

/** A call that took a room in which an agent had waited for two minutes. */
function warmCall (agent: { audioAt?: number } = { audioAt: START - 119_000 }, rules: object = {}): Story {
  const story = tell({ rules })
  story.hook()
  const madeAt = START - 120_000
  const waiting = { identity: 'agent-AJ_1', joinedAt: madeAt + 300, ...agent }
  const room = { room: story.room(), token: 'cwarm', agentName: 'demo-agent', departureS: 10, events: true }
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: { ...room, madeAt, agent: waiting } })
  return story
}

/** It rings until Jambonz gives up. */
function ringsInVain (story: Story, seconds = 12): void {
  for (let second = 0; second < seconds; second++) {
    story.agent('ringing', 180)
    story.pass(1000)
  }
  story.agent('no-answer', 487)
  story.action('no-answer', 487)
  story.caller('failed', 480)
  story.pass(10_000)
}

const says = ({ answers }: Diagnosis, question: string): string | undefined =>
  answers.find(({ id }) => id === question)?.says
const seen = ({ evidence }: Diagnosis): string[] => evidence.map(({ signal, seen }) => `${signal}: ${seen}`)

await t.test('an answered call: its agent was there before', async t => {
  const story = warmCall()
  const open = diagnose(story.it)
  t.match(seen(open).join('\n'), /^warm-room: the call took a room with a waiting agent, made 120 s before$/m)
  t.match(seen(open).join('\n'), /^agent-joined: AGENT participant in the room before the call hook$/m)
  t.match(seen(open).join('\n'), /^agent-audio: AUDIO track of the agent published before the call hook$/m)
  t.notMatch(seen(open).join('\n'), /create-room/)

  story.livekit('participant_joined', 'sip')
  story.answered()
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed' })
  story.pass(10_000)
  const ended = diagnose(story.it)
  t.equal(ended.cause, 'caller-hung-up')
  t.match(says(ended, 'agent-dispatched'), /^Together with the room, 120 s before the call hook: it waited for the call$/)
  t.equal(says(ended, 'agent-joined'), 'Before the call hook: it waited for the call')
  t.equal(says(ended, 'agent-published'), 'Before the call hook')
  t.strictSame(ended.nextSteps, [])
})

await t.test('an agent that publishes when the caller is there', async t => {
  const story = warmCall({})
  story.livekit('participant_joined', 'sip')
  story.livekit('track_published', 'agent', { identity: 'agent-AJ_1', track: 'AUDIO' })
  story.answered()
  const diagnosis = diagnose(story.it)
  t.match(seen(diagnosis).join('\n'), /^agent-audio: AUDIO track of the agent published$/m)
  t.match(says(diagnosis, 'agent-published'), /^\d+ ms after the call hook$/)
})

await t.test('an agent that came in the place of the one that had waited', async t => {
  const story = warmCall()
  story.livekit('participant_left', 'agent', { identity: 'agent-AJ_1', reason: 'CLIENT_INITIATED' })
  story.livekit('participant_joined', 'sip')
  story.pass(400)
  story.livekit('participant_joined', 'agent', { identity: 'agent-AJ_2', sid: 'PA_agent2' })
  const diagnosis = diagnose(story.it)
  t.match(seen(diagnosis).join('\n'), /^agent-joined: AGENT participant in the room \d+ ms after the call hook$/m)
  t.match(says(diagnosis, 'agent-joined'), /^\d+ ms after the call hook$/)
})

await t.test('the waiting agent left before its caller came, and none came instead', async t => {
  const story = warmCall(undefined, { redispatchMs: 0 })
  story.livekit('participant_left', 'agent', { identity: 'agent-AJ_1', reason: 'CLIENT_INITIATED' })
  story.livekit('participant_joined', 'sip')
  ringsInVain(story)
  const diagnosis = diagnose(story.it)
  t.equal(diagnosis.cause, 'no-agent')
  t.match(
    diagnosis.summary,
    /^LiveKit rang for 12 s \(487\)\. The agent that had waited in the room left \d+ ms after the call hook, and none came/
  )
  t.notMatch(diagnosis.summary, /ever joined/)
  const text = seen(diagnosis).join('\n')
  t.match(text, /^agent-joined: AGENT participant in the room before the call hook\nagent-left: .* CLIENT_INITIATED$/m)
  t.match(text, /^no-agent: no other AGENT participant in the room$/m)
  t.match(says(diagnosis, 'agent-joined'), /^Before the call hook: it waited for the call; it left \d+ ms after the call hook$/)
  t.match(diagnosis.nextSteps[0], { todo: /why the waiting agent was gone/, command: 'bridge doctor --only warm-agents' })
  t.strictSame(diagnosis.notToldApart, [
    'Workers that are gone, and workers that are all busy, look alike: LiveKit reports neither of them'
  ])
})

await t.test('the room was gone, or its agent did not answer the caller', async t => {
  for (
    const [reason, text] of [
      ['ROOM_CLOSED', /The room in which an agent had waited was gone, and no agent came into the one that took/],
      ['REPLACED', /The agent that had waited in the room did not answer the caller, and none came in its place\.$/]
    ] as const
  ) {
    const story = warmCall(undefined, { redispatchMs: 0 })
    story.livekit('participant_left', 'agent', { identity: 'agent-AJ_1', reason: 'CLIENT_INITIATED' })
    story.livekit('participant_joined', 'sip')
    ringsInVain(story)
    story.it.attempts[0]!.view.agent!.left!.reason = reason
    t.match(diagnose(story.it).summary, text)
  }
})

await t.test('a room that was made for the call is told as before', async t => {
  const story = tell()
  story.connect()
  story.livekit('room_started', 'none')
  story.livekit('participant_joined', 'sip')
  ringsInVain(story)
  const diagnosis = diagnose(story.it)
  t.match(diagnosis.summary, /and no agent ever joined \(487\)\.$/)
  t.notMatch(JSON.stringify(diagnosis), /waited for the call|waiting agent/)
})
