import t from 'tap'
import { TOLD } from '../../../src/calls/fold/warm.ts'
import { claimedRoom, START, tell, WARM_ROOM, type Story, type StoryOptions } from '../../fixtures/events.ts'

const tasks = (story: Story, kind: string) => story.performed.filter(duty => duty.kind === kind)
const rings = { sid: 'PA_sip1', callStatus: 'ringing' }
const waiting = { identity: 'agent-1', audio: true }

/** A caller who rings in a room where an agent waited. */
function ringing (options?: StoryOptions): Story {
  const story = tell(options)
  story.claim()
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.see = { exists: true, sip: rings, agent: waiting }
  return story
}

await t.test('the call is dialled into the room whose agent waits, and the agent is told who calls', async t => {
  const story = tell()
  t.match(story.claim(), { kind: 'dial', attempt: 1 })
  const [attempt] = story.it.attempts
  t.match(attempt, { room: WARM_ROOM, token: WARM_ROOM.slice(3), made: 'created', warm: { madeAt: START - 60_000 } })
  t.same(tasks(story, 'tell-agent').map(({ target }) => target), ['1'])
  t.equal(attempt!.pendingSince, undefined, 'nothing is on its way to LiveKit')
})

await t.test('for the call its agent was there from the beginning, and no earlier', async t => {
  const story = ringing()
  const { received, agentJoined, agentAudio } = story.it.at
  t.same([agentJoined, agentAudio], [received, received])
  story.livekit('participant_joined', 'agent', { madeAt: START - 59_000, id: 'late' })
  story.livekit('track_published', 'agent', { track: 'AUDIO', madeAt: START - 58_900, id: 'later' })
  t.ok(story.it.at.agentJoined! >= received, 'an event that comes late changes nothing')
  t.ok(story.it.at.agentAudio! >= received)
})

await t.test('a caller who is answered has the agent that waited, and nobody is called again', async t => {
  const story = ringing()
  story.answered()
  story.pass(30_000)
  t.equal(story.it.phase, 'connected')
  t.same(tasks(story, 'redispatch'), [])
  story.caller('completed', 200, 'caller')
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'completed' })
  story.pass(2000)
  t.equal(story.cause, 'caller-hung-up')
  t.same(story.deleted, [WARM_ROOM], 'and the room goes with the call')
})

await t.test('a room that comes when the caller has gone, or is connected, is not taken', async t => {
  const gone = tell()
  gone.hook()
  gone.caller('no-answer', 487, 'caller')
  gone.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: claimedRoom() })
  gone.pass(5000)
  t.equal(gone.it.attempts[0]!.room === WARM_ROOM && gone.it.at.replied === undefined, false)

  const first = tell()
  first.claim()
  first.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: claimedRoom({ room: 'jb_cother' }) })
  t.equal(first.it.attempts[0]!.room, WARM_ROOM, 'another replica was faster')

  const made = tell()
  made.connect()
  const { room } = made.it.attempts[0]!
  made.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: claimedRoom() })
  t.equal(made.it.attempts[0]!.room, room)
  t.equal(made.it.attempts[0]!.warm, undefined)
})

await t.test('an operator who hung up meanwhile ends the call, and the room is not taken', async t => {
  const story = tell({ rules: { callControl: true } })
  story.hook()
  story.feed({ kind: 'hangup' })
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: claimedRoom() })
  t.equal(story.it.attempts[0]!.warm, undefined)
  t.match(story.it.hooks[0]!.reply, { kind: 'decline' })
})

await t.test('the agent leaves before the caller is answered: another one is called at once', async t => {
  const story = ringing()
  story.see = { exists: true, sip: rings }
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  t.equal(tasks(story, 'redispatch').length, 1)
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  t.equal(story.it.attempts[0]!.view.agent?.identity, 'agent-2')
  story.pass(30_000)
  t.equal(tasks(story, 'redispatch').length, 1, 'once')
  t.same(tasks(story, 'remove-agent'), [], 'and may stay')
})

await t.test('an agent that does not make LiveKit answer is replaced: it may have crashed', async t => {
  const story = ringing()
  story.pass(2500)
  t.equal(tasks(story, 'redispatch').length, 0)
  story.pass(1000)
  t.equal(tasks(story, 'redispatch').length, 1)
  t.match(story.it.attempts[0]!.view.agent?.left, { reason: 'REPLACED' })
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  t.same(tasks(story, 'remove-agent'), [], 'the new one is not taken for one too many')
  story.answered()
  t.equal(story.it.phase, 'connected')
})

await t.test('an agent is not replaced before the leg is there, nor once LiveKit has answered', async t => {
  const late = ringing()
  late.see = { exists: true, agent: waiting }
  late.pass(5000)
  t.equal(tasks(late, 'redispatch').length, 0)

  const active = ringing()
  active.see = { exists: true, agent: waiting, sip: { sid: 'PA_sip1', callStatus: 'active' } }
  active.pass(5000)
  t.equal(tasks(active, 'redispatch').length, 0)
  t.equal(active.it.phase, 'connected', 'only the status was not heard')
})

await t.test('0 switches that off too', async t => {
  const story = ringing({ rules: { redispatchMs: 0, rejoinMs: 0 } })
  story.pass(10_000)
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  story.pass(10_000)
  t.equal(tasks(story, 'redispatch').length, 0)
})

await t.test('nobody comes instead of the agent that left: the caller waited for an agent', async t => {
  const story = ringing()
  story.see = { exists: true, sip: rings }
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  for (let s = 0; s < 30; s++) {
    story.agent('ringing', 180)
    story.pass(1000)
  }
  story.agent('no-answer', 487)
  story.action('no-answer', 487)
  story.caller('failed', 480, 'jambonz')
  story.pass(2000)
  t.equal(story.cause, 'no-agent')
})

await t.test('the room was closed before the leg came: it is made again, and the call goes on', async t => {
  const story = tell()
  story.claim()
  story.livekit('participant_left', 'agent', { reason: 'ROOM_CLOSED' })
  story.livekit('room_finished')
  t.equal(tasks(story, 'tell-agent').length, 2, 'what tells the agent makes the room')
  story.pass(6000)
  t.not(story.it.phase, 'ended')
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  story.answered()
  t.equal(story.it.phase, 'connected')
})

/** The agent is to be told who calls, and the room is not there any more. */
function toldToNobody (detail: string, options: StoryOptions = {}): Story {
  const story = tell(options)
  story.mode = 'silent'
  story.claim()
  const duty = story.it.duties.find(({ kind }) => kind === 'tell-agent')!
  story.mode = 'up'
  story.see = { exists: true, sip: rings }
  story.feed({ kind: 'duty', id: duty.id, claim: duty.claim!, outcome: 'done', detail })
  return story
}

await t.test('a room that was made again has the time that every room has', async t => {
  const story = toldToNobody(TOLD.made)
  t.match(story.it.attempts[0]!.view.agent?.left, { reason: 'ROOM_CLOSED' })
  story.pass(7500)
  t.equal(tasks(story, 'redispatch').length, 0)
  story.pass(1000)
  t.equal(tasks(story, 'redispatch').length, 1)
})

await t.test('the dispatch rule has made the room: its own agent may answer, another one is called', async t => {
  const own = toldToNobody(TOLD.byRule)
  t.equal(own.it.attempts[0]!.degraded, true)
  t.equal(tasks(own, 'redispatch').length, 0)

  const other = toldToNobody(TOLD.byRule, { rules: { app: { agent: 'sales', metadata: '' } } })
  t.equal(other.it.attempts[0]!.degraded, false)
  t.equal(tasks(other, 'redispatch').length, 1)
})

await t.test('why a call starts cold is written down', async t => {
  const story = tell()
  story.hook()
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', cold: 'empty' })
  t.equal(story.it.attempts[0]!.cold, 'empty')
  t.equal(story.it.attempts[0]!.warm, undefined)
})
