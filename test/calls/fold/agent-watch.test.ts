import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import { rulesWith, tell, type Story, type StoryOptions } from '../../fixtures/events.ts'

const CALLER = { sid: 'PA_sip1', callStatus: 'active' }
const agent = (identity = 'agent-1') => ({ identity, audio: true })
const alone = { exists: true, sip: CALLER }
const called = (story: Story) => story.performed.filter(({ kind }) => kind === 'redispatch').length
const removed = (story: Story) =>
  story.performed.filter(({ kind }) => kind === 'remove-agent').map(({ target }) => target)

/** A call that rings with its caller in the room, and no agent. */
function ringing (options?: StoryOptions): Story {
  const story = tell(options)
  story.connect()
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'ringing' } }
  return story
}

/** A call whose agent and caller talk. */
function talking (options?: StoryOptions): Story {
  const story = ringing(options)
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.answered()
  story.see = { ...alone, agent: agent() }
  return story
}

function agentLeaves (story: Story, extra = {}) {
  story.see = alone
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED', ...extra })
}

await t.test('no agent: after AGENT_REDISPATCH_MS it is called again, once', async t => {
  const story = ringing({ rules: { redispatchMs: 8000 } })
  story.pass(7800)
  t.equal(called(story), 0)
  story.pass(300)
  t.equal(called(story), 1)
  story.pass(30_000)
  t.equal(called(story), 1, 'and never again')
  t.equal(story.it.phase, 'ringing', 'Jambonz rings on until its own time is over')
})

await t.test('an agent that came, though nobody told us, is not called again', async t => {
  const story = ringing()
  story.see = { ...story.see, agent: agent() }
  story.pass(20_000)
  t.equal(called(story), 0)
  t.ok(story.it.at.agentJoined, 'the look has seen it')
})

await t.test('an agent that came in time is not even looked for', async t => {
  const story = ringing()
  story.livekit('participant_joined', 'agent')
  t.same(story.it.duties.filter(({ kind }) => kind === 'redispatch'), [])
})

await t.test('a person in the room does for an agent', async t => {
  const story = ringing()
  story.see = { ...story.see, company: true }
  story.pass(20_000)
  t.equal(called(story), 0)
})

await t.test('0 switches it off', async t => {
  const story = ringing({ rules: { redispatchMs: 0, rejoinMs: 0 } })
  story.pass(30_000)
  t.equal(called(story), 0)
  const other = talking({ rules: { redispatchMs: 0, rejoinMs: 0 } })
  agentLeaves(other)
  other.pass(600_000)
  t.equal(called(other), 0)
  t.equal(other.it.phase, 'connected', 'the caller waits')
})

await t.test('of two agents the later one is put out, where we had called a second one', async t => {
  const story = ringing()
  story.pass(9000)
  story.livekit('participant_joined', 'agent', { identity: 'agent-1' })
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  t.same(removed(story), ['1 agent-2'])
  t.equal(story.it.attempts[0]?.view.agent?.identity, 'agent-1')
})

await t.test('a second agent that we did not call is none of our business', async t => {
  const story = talking()
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  t.same(removed(story), [])
})

await t.test('whoever is about to call the agent and dies has not called it: another one does', async t => {
  const story = ringing()
  story.mode = 'silent'
  story.pass(9000)
  t.equal(called(story), 0)
  story.mode = 'up'
  story.pass(31_000)
  t.equal(called(story), 1)
})

await t.test('whoever has written it down and dies may have called it: nobody does it again', async t => {
  const story = ringing()
  story.pass(7900)
  const redispatch = () => story.it.duties.find(({ kind }) => kind === 'redispatch')
  // The process that begins it dies before it can report.
  story.mode = 'silent'
  const taken = advance(story.it, {
    kind: 'wake',
    at: redispatch()!.due,
    claim: 'one',
    statusesExpected: true
  }, rulesWith())!
  const { id } = redispatch()!
  const begun = advance(taken, { kind: 'duty-begun', id, claim: 'one', at: redispatch()!.due + 10 }, rulesWith())!
  t.equal(begun.attempts[0]!.redispatches.length, 1)
  const again = advance(begun, { kind: 'duty-begun', id, claim: 'two', at: redispatch()!.due + 20 }, rulesWith())!
  t.equal(again.attempts[0]!.redispatches.length, 1, 'a second mark with another claim changes nothing')
  const lapsed = advance(again, {
    kind: 'wake',
    at: redispatch()!.due + 31_000,
    claim: 'two',
    statusesExpected: true
  }, rulesWith())!
  t.notOk(lapsed.duties.some(duty => duty.kind === 'redispatch'), 'after its lease it is not taken by anybody else')
  t.match(lapsed.events.at(-1), { what: 'agent dispatched again', status: 'failed', detail: 'unknown' })
})

await t.test('the agent leaves a connected caller: called again, then lost, and the call ends', async t => {
  const story = talking({ rules: { rejoinMs: 5000 } })
  story.pass(60_000)
  agentLeaves(story)
  story.pass(4900)
  t.equal(called(story), 0)
  story.pass(300)
  t.equal(called(story), 1)
  t.equal(story.it.phase, 'connected')
  story.pass(5000)
  t.same(story.deleted, [story.room()], 'the agent leg is ended')
  story.agent('completed', 200)
  t.same(story.action('completed', 200, { callerStatus: 'in-progress' }), { kind: 'nothing' })
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'agent-lost', by: 'bridge' })
})

await t.test('without a word from Jambonz it ends all the same', async t => {
  const story = talking()
  agentLeaves(story)
  story.pass(30_000)
  t.match(story.it.end, { cause: 'agent-lost', by: 'bridge' })
})

await t.test('AGENT_LOST_ACTION next: the caller goes to the fallback number', async t => {
  const story = talking({
    rules: { agentLost: 'next', app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } }
  })
  agentLeaves(story)
  story.pass(10_500)
  story.agent('completed', 200)
  t.same(story.action('completed', 200, { callerStatus: 'in-progress' }), { kind: 'dial', attempt: 2 })
  t.equal(story.it.attempts[1]?.number, '+15551230009')
  story.pass(2000)
  t.match(story.it.attempts[0]?.end, { cause: 'agent-lost', by: 'bridge' })
  story.agent('trying', 100, { leg: 'b2' })
  story.agent('in-progress', 200, { leg: 'b2' })
  story.pass(60_000)
  story.caller('completed', 200, 'caller')
  t.equal(story.cause, 'caller-hung-up')
})

await t.test('an agent that comes back in time ends the waiting', async t => {
  const story = talking()
  agentLeaves(story)
  story.pass(6000)
  t.equal(called(story), 1)
  story.see = { ...alone, agent: agent('agent-2') }
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  story.pass(600_000)
  t.equal(story.it.phase, 'connected')
  t.same(story.deleted, [])
  story.caller('completed', 200, 'caller')
  story.pass(1500)
  t.equal(story.cause, 'caller-hung-up', 'it had an agent when it ended')
})

await t.test(
  "an agent that came back, though LiveKit's events were lost, is seen before the call is given " +
    'up',
  async t => {
    const story = talking()
    agentLeaves(story)
    story.pass(6000)
    story.see = { ...alone, agent: agent('agent-2') }
    story.pass(600_000)
    t.equal(story.it.phase, 'connected')
    t.same(story.deleted, [])
  }
)

await t.test('an agent that handed the caller to a person may go', async t => {
  const story = talking()
  agentLeaves(story)
  story.see = { ...alone, company: true }
  story.pass(600_000)
  t.equal(called(story), 0)
  t.equal(story.it.phase, 'connected')
})

await t.test('and when the person leaves the caller, an agent is called again', async t => {
  const story = talking()
  agentLeaves(story)
  story.see = { ...alone, company: true }
  // The agent was to be called again by now, and somebody was there.
  story.pass(7000)
  t.equal(called(story), 0)
  story.see = alone
  story.feed({
    kind: 'livekit',
    room: story.room(1),
    what: 'participant_left',
    participant: { sid: 'PA_person', identity: 'person-1', kind: 'OTHER', reason: 'CLIENT_INITIATED' }
  })
  story.pass(5100)
  t.equal(called(story), 1, 'as soon as after an agent that leaves')
  t.equal(story.it.phase, 'connected')
})

await t.test("without LiveKit's events a look finds that the agent is gone", async t => {
  const story = tell()
  story.connect()
  story.see = { ...alone, agent: agent() }
  story.answered()
  story.pass(61_000)
  story.see = alone
  story.pass(60_000)
  story.pass(20_000)
  t.equal(called(story), 1)
  story.pass(60_000)
  t.match(story.it.end, { cause: 'agent-lost', by: 'bridge' })
})

await t.test('an agent that crashes again and again is not called for ever', async t => {
  const story = talking()
  for (let i = 2; i < 8; i++) {
    agentLeaves(story, { identity: `agent-${i - 1}`, sid: `PA_agent${i - 1}` })
    story.pass(6000)
    story.see = { ...alone, agent: agent(`agent-${i}`) }
    story.livekit('participant_joined', 'agent', { identity: `agent-${i}`, sid: `PA_agent${i}` })
    story.pass(1000)
  }
  t.equal(called(story), 3)
})

await t.test('LiveKit cannot be asked: nobody is taken for lost', async t => {
  const story = talking()
  agentLeaves(story)
  story.mode = 'down'
  story.pass(600_000)
  t.equal(story.it.phase, 'connected')
  story.see = { ...alone, agent: agent('agent-2') }
  story.mode = 'up'
  story.pass(120_000)
  t.equal(story.it.phase, 'connected')
})

await t.test('the agent leaves with the room, or after the caller: nothing is waited for', async t => {
  const ended = talking()
  agentLeaves(ended, { reason: 'ROOM_DELETED' })
  t.same(ended.it.duties.filter(({ kind }) => kind === 'redispatch'), [])
  const gone = talking()
  gone.caller('completed', 200, 'caller')
  agentLeaves(gone)
  gone.pass(20_000)
  t.equal(called(gone), 0)
  t.equal(gone.cause, 'caller-hung-up')
})

await t.test('an agent that leaves while it rings is called again', async t => {
  const story = ringing()
  story.livekit('participant_joined', 'agent')
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  story.pass(5200)
  t.equal(called(story), 1)
})

await t.test('an agent that leaves just before the answer is heard of leaves nobody in silence', async t => {
  const story = ringing()
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  agentLeaves(story)
  story.agent('in-progress', 200)
  story.caller('in-progress', 200)
  story.pass(5500)
  t.equal(called(story), 1)
})

await t.test('an agent that a first one called long after is left alone, and takes its place', async t => {
  const story = ringing()
  story.pass(9000)
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.answered()
  story.see = { ...alone, agent: agent() }
  story.pass(300_000)
  story.see = { ...alone, agent: agent(), moreAgents: ['agent-2'] }
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  t.same(removed(story), [])
  story.see = { ...alone, agent: agent('agent-2') }
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  story.pass(600_000)
  t.equal(story.it.phase, 'connected')
  story.caller('completed', 200, 'caller')
  story.pass(1500)
  t.equal(story.cause, 'caller-hung-up')
})

await t.test('an agent that one look does not show and the next one shows has not left', async t => {
  const story = talking()
  story.see = alone
  story.pass(61_000)
  t.match(story.it.attempts[0]?.view.agent?.left, { reason: 'UNSEEN' })
  story.see = { ...alone, agent: agent() }
  story.pass(61_000)
  t.equal(story.it.attempts[0]?.view.agent?.left, undefined)
  t.equal(story.it.phase, 'connected')
})

await t.test('where one agent takes over from another, the caller has already heard one', async t => {
  const story = talking()
  story.livekit('participant_joined', 'agent', { identity: 'agent-2', sid: 'PA_agent2' })
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  const { agent: present } = story.it.attempts[0]!.view
  t.equal(present?.identity, 'agent-2')
  t.ok(present?.audioAt, 'so that a silent end is not blamed on an agent without audio')
})
