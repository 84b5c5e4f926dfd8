import t from 'tap'
import { MADE_AGAIN, TOLD } from '../../../src/calls/fold/warm.ts'
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
  t.equal(tasks(story, 'make-room').length, 1)
  story.pass(6000)
  t.not(story.it.phase, 'ended')
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  story.answered()
  t.equal(story.it.phase, 'connected')
})

await t.test('the room of a call that is over is not made again', async t => {
  const story = tell({ rules: { callControl: true } })
  story.claim()
  story.feed({ kind: 'hangup' })
  story.livekit('room_finished')
  t.equal(tasks(story, 'make-room').length, 0)
})

/** A call whose duty is under way. */
function underWay (kind: string, begin: (story: Story) => void, options: StoryOptions = {}) {
  const story = tell(options)
  story.claim()
  story.mode = 'silent'
  begin(story)
  const duty = story.it.duties.find(duty => duty.kind === kind)!
  story.mode = 'up'
  story.see = { exists: true, sip: rings }
  return {
    story,
    done (detail?: string) {
      story.feed({ kind: 'duty', id: duty.id, claim: duty.claim!, outcome: 'done', ...(detail ? { detail } : {}) })
    }
  }
}

/** A call whose room is being made again. */
const madeAgain = (options?: StoryOptions) => underWay('make-room', story => story.livekit('room_finished'), options)

await t.test('nobody is there to be told who calls: the room is made again', async t => {
  const story = tell()
  story.mode = 'silent'
  story.claim()
  const duty = story.it.duties.find(({ kind }) => kind === 'tell-agent')!
  story.mode = 'up'
  story.feed({ kind: 'duty', id: duty.id, claim: duty.claim!, outcome: 'done', detail: TOLD.gone })
  t.equal(tasks(story, 'make-room').length, 1)
  t.match(story.it.attempts[0]!.view.agent?.left, { reason: 'ROOM_CLOSED' })
})

await t.test('a room that was made again has the time that every room has', async t => {
  const { story, done } = madeAgain()
  t.ok(story.it.attempts[0]!.pendingSince, 'a createRoom is under way')
  done(MADE_AGAIN.made)
  t.equal(story.it.attempts[0]!.pendingSince, undefined)
  story.pass(7500)
  t.equal(tasks(story, 'redispatch').length, 0)
  story.pass(1000)
  t.equal(tasks(story, 'redispatch').length, 1)
})

await t.test('the dispatch rule has made the room: its own agent may answer, another one is called', async t => {
  const own = madeAgain()
  own.done(MADE_AGAIN.byRule)
  t.equal(own.story.it.attempts[0]!.degraded, true)
  t.equal(tasks(own.story, 'redispatch').length, 0)

  const other = madeAgain({ rules: { app: { agent: 'sales', metadata: '' } } })
  other.done(MADE_AGAIN.byRule)
  t.equal(other.story.it.attempts[0]!.degraded, false)
  t.equal(tasks(other.story, 'redispatch').length, 1)
})

await t.test('the call ended while its room was made again: the room is deleted for good', async t => {
  const { story, done } = madeAgain()
  story.caller('no-answer', 487, 'caller')
  story.agent('no-answer', 487)
  story.pass(2000)
  t.equal(story.it.phase, 'ended')
  done(MADE_AGAIN.made)
  story.pass(60_000)
  const deletions = story.performed.filter(({ kind, target }) => kind === 'delete-room' && target === WARM_ROOM)
  t.ok(deletions.length >= 3, `${deletions.length} deletions`)
})

/** The agent is asked for a sign of life and gives none. */
function dead (story: Story): void {
  story.livekit('participant_joined', 'sip')
  const duty = story.it.duties.find(({ kind }) => kind === 'tell-agent')!
  story.feed({ kind: 'duty', id: duty.id, claim: duty.claim!, outcome: 'done', detail: TOLD.dead })
}

await t.test('an agent that is dead is replaced at once, also where LiveKit has answered the caller', async t => {
  for (const answered of [false, true]) {
    const story = tell()
    story.mode = 'silent'
    story.claim()
    if (answered) story.answered()
    story.mode = 'up'
    story.see = { exists: true, agent: waiting, sip: { sid: 'PA_sip1', callStatus: answered ? 'active' : 'ringing' } }
    dead(story)
    t.equal(tasks(story, 'redispatch').length, 1, answered ? 'answered' : 'ringing')
    story.see = { ...story.see, agent: { identity: 'agent-2', audio: true } }
    story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
    t.equal(story.it.attempts[0]!.view.agent?.identity, 'agent-2')
    t.same(tasks(story, 'remove-agent'), [])
    story.pass(30_000)
    t.equal(tasks(story, 'redispatch').length, 1)
    t.not(story.it.phase, 'ended')
  }
})

await t.test('nobody comes instead of the dead agent: the caller is not kept in silence', async t => {
  const story = tell({ rules: { callControl: true } })
  story.mode = 'silent'
  story.claim()
  story.answered()
  story.mode = 'up'
  story.see = { exists: true, agent: waiting, sip: { sid: 'PA_sip1', callStatus: 'active' } }
  dead(story)
  story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'active' } }
  story.pass(60_000)
  t.equal(story.cause, 'agent-lost')
})

/** A call whose leg comes to the waiting agent only after `ms`. */
function lateLeg (ms: number): Story {
  const story = tell()
  story.claim()
  story.see = { exists: true, agent: waiting }
  story.pass(ms)
  story.see = { exists: true, agent: waiting, sip: rings }
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  return story
}

await t.test('a leg that comes late is answered by the agent that waited', async t => {
  const story = lateLeg(2900)
  story.pass(500)
  t.equal(tasks(story, 'redispatch').length, 0, 'it has only just begun to ring')
  story.answered()
  story.pass(10_000)
  t.equal(tasks(story, 'redispatch').length, 0)
})

await t.test('a leg that comes late to a dead agent gets another one', async t => {
  const story = lateLeg(7000)
  story.pass(6000)
  t.equal(tasks(story, 'redispatch').length, 1)
})

await t.test('an agent beside the dead one stays', async t => {
  const story = tell()
  story.mode = 'silent'
  story.claim()
  story.answered()
  story.mode = 'up'
  const sip = { sid: 'PA_sip1', callStatus: 'active' }
  story.see = { exists: true, agent: waiting, moreAgents: ['agent-2'], sip }
  dead(story)
  t.equal(tasks(story, 'redispatch').length, 0)
})

await t.test('why a call starts cold is written down', async t => {
  const story = tell()
  story.hook()
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', cold: 'empty' })
  t.equal(story.it.attempts[0]!.cold, 'empty')
  t.equal(story.it.attempts[0]!.warm, undefined)
})
