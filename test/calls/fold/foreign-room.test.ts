import t from 'tap'
import { currentAttempt } from '../../../src/calls/fold/call.ts'
import type { Route } from '../../../src/calls/fold/way.ts'
import type { LiveKitEvent } from '../../../src/calls/fold/events.ts'
import { tell, type Story, type StoryOptions } from '../../fixtures/events.ts'

const ROUTE: Route = { name: 'option 2', ways: [{ strategy: 'carrier', carrier: 'LiveKit', number: '+15551230000' }] }
const ROOM = 'call-_+15550001111_x7Tk'

/** Jambonz dials the carrier, which leads to LiveKit. */
function dial (options?: StoryOptions): Story {
  const story = tell(options)
  story.hook({ route: ROUTE })
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.agent('ringing', 180)
  return story
}

type Participant = NonNullable<LiveKitEvent['participant']>

function inRoom (story: Story, what: LiveKitEvent['what'], participant: Partial<Participant>, room = ROOM): void {
  story.pass(10)
  story.feed({
    kind: 'livekit',
    room,
    what,
    participant: { sid: 'PA_sip1', identity: 'sip_+15550001111', kind: 'SIP', ...participant },
    ...(what === 'track_published' ? { track: 'AUDIO' as const } : {})
  })
}

const OURS = { sip: { callSid: 'call-1', dispatched: true } }

await t.test('the room is recognised by the header of our dial, and the agent in it is seen', async t => {
  const story = dial()
  story.see = { exists: true, sip: { sid: 'PA_sip1' }, agent: { identity: 'agent-1', audio: false } }
  inRoom(story, 'participant_joined', OURS)
  t.match(currentAttempt(story.it), { room: ROOM, foreign: true, view: { agent: { identity: 'agent-1' } } })
  inRoom(story, 'track_published', { sid: 'PA_agent1', identity: 'agent-1', kind: undefined })
  t.ok(currentAttempt(story.it)?.at.agentAudio)
  story.agent('in-progress', 200)
  t.equal(story.it.phase, 'connected')
  inRoom(story, 'participant_left', { ...OURS, reason: 'ROOM_DELETED' })
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'agent-hung-up', by: 'agent' })
  story.pass(600_000)
  t.same(story.deleted, [], 'a room that is not ours is not deleted')
})

await t.test('nobody answers there: the room tells that no agent came', async t => {
  const story = dial()
  story.see = { exists: true, sip: { sid: 'PA_sip1' } }
  inRoom(story, 'participant_joined', OURS)
  story.pass(30_000)
  t.notOk(story.performed.some(({ kind }) => kind === 'redispatch'), "no agent is dispatched to somebody else's room")
  story.agent('no-answer', 487)
  t.match(story.action('no-answer', 487), { kind: 'decline', status: 480 })
  t.equal(story.it.attempts[0]?.end?.cause, 'no-agent')
})

await t.test("the agent's leaving first is seen, as in rooms of ours", async t => {
  const story = dial()
  story.see = { exists: true, sip: { sid: 'PA_sip1' }, agent: { identity: 'agent-1', audio: true } }
  inRoom(story, 'participant_joined', OURS)
  story.agent('in-progress', 200)
  inRoom(story, 'participant_left', {
    sid: 'PA_agent1',
    identity: 'agent-1',
    kind: 'AGENT',
    reason: 'CLIENT_INITIATED'
  })
  story.see = { exists: true, sip: { sid: 'PA_sip1' } }
  story.pass(3000)
  inRoom(story, 'participant_left', { ...OURS, reason: 'CLIENT_INITIATED' })
  story.caller('completed', 200, 'caller')
  story.agent('completed', 200)
  t.equal(story.cause, 'agent-lost')
})

await t.test('other callers, other rooms and other ways are not ours', async t => {
  for (
    const [why, participant, route] of [
      ['another call', { sip: { callSid: 'call-2', dispatched: true } }, ROUTE],
      ['no header', { sip: { dispatched: true } }, ROUTE],
      ['no SIP', { ...OURS, kind: 'OTHER' as const }, ROUTE],
      ['a phone', OURS, { ways: [{ strategy: 'phone' as const, number: '+15551230000' }] }]
    ] as const
  ) {
    const story = tell()
    story.hook({ route: route as Route })
    story.agent('ringing', 180)
    inRoom(story, 'participant_joined', participant)
    t.equal(currentAttempt(story.it)?.room, undefined, why)
  }
  const story = dial()
  inRoom(story, 'participant_joined', OURS)
  inRoom(story, 'participant_joined', OURS, 'another-room')
  t.equal(currentAttempt(story.it)?.room, ROOM, 'the first one stays')
})

await t.test('another caller whom the rule brings into the same room is not taken for ours', async t => {
  const story = dial()
  inRoom(story, 'participant_joined', OURS)
  const other = { sid: 'PA_sip2', identity: 'sip_+15550002222', sip: { callSid: 'call-2', dispatched: true } }
  inRoom(story, 'participant_joined', other)
  story.agent('in-progress', 200)
  inRoom(story, 'participant_left', { ...other, reason: 'ROOM_DELETED' })
  t.equal(currentAttempt(story.it)?.view.sip?.left, undefined)
  t.equal(story.it.phase, 'connected')
})

await t.test('another caller who comes when ours is gone is not ours either', async t => {
  const story = dial()
  inRoom(story, 'participant_joined', OURS)
  story.agent('in-progress', 200)
  inRoom(story, 'participant_left', { ...OURS, reason: 'CLIENT_INITIATED' })
  const left = currentAttempt(story.it)?.view.sip?.left
  t.ok(left)
  inRoom(story, 'participant_joined', { sid: 'PA_sip2', sip: { callSid: 'call-2', dispatched: true } })
  t.match(currentAttempt(story.it)?.view.sip, { sid: 'PA_sip1', left })
})

await t.test('an operator hangs up', async t => {
  await t.test('by Jambonz where that can be asked: the room stays', async t => {
    const story = dial({ rules: { callControl: true } })
    inRoom(story, 'participant_joined', OURS)
    story.agent('in-progress', 200)
    story.feed({ kind: 'hangup' })
    t.same(story.deleted, [])
    t.ok(story.performed.some(({ kind }) => kind === 'hang-up'))
  })
  await t.test('else the room is deleted: nothing else ends the call', async t => {
    const story = dial()
    inRoom(story, 'participant_joined', OURS)
    story.agent('in-progress', 200)
    story.feed({ kind: 'hangup' })
    story.pass(100)
    t.same(story.deleted, [ROOM])
    story.agent('completed', 200)
    story.caller('completed', 200, 'jambonz')
    t.equal(story.cause, 'operator-hung-up')
    story.pass(120_000)
    t.equal(story.performed.filter(({ kind }) => kind === 'delete-room').length, 1, 'once')
  })
})
