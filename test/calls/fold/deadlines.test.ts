import t from 'tap'
import { wakeAt } from '../../../src/calls/fold/wake.ts'
import { tell, type Story } from '../../fixtures/events.ts'

const looks = (story: Story) => story.performed.filter(({ kind }) => kind === 'look')

function ringing (): Story {
  const story = tell({ rules: { redispatchMs: 0 } })
  story.connect()
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.agent('ringing', 180)
  return story
}

function connected (): Story {
  const story = tell()
  story.connect()
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.answered()
  return story
}

await t.test('no word after our reply: over after 15 s', async t => {
  const story = tell()
  story.connect()
  story.pass(14_000)
  t.equal(story.it.phase, 'received')
  story.pass(1500)
  t.equal(story.it.phase, 'ended')
  t.same(story.deleted, [story.room()])
})

await t.test('no word of the agent leg, but Jambonz may be dialling: its dial timeout and 15 s', async t => {
  const callerIsKnown = tell()
  callerIsKnown.connect()
  callerIsKnown.caller('trying', 100)
  const noStatusHook = tell({
    statusesExpected: false,
    rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } }
  })
  noStatusHook.connect()

  for (const story of [callerIsKnown, noStatusHook]) {
    story.pass(54_000)
    t.equal(story.it.phase, 'received', "Jambonz' /action may still ask for the next way")
    story.pass(3000)
    t.equal(story.it.phase, 'ended')
  }
})

await t.test('a REST-originated call may ring for two minutes before its call hook', async t => {
  const story = tell({ facts: { direction: 'outbound' } })
  story.caller('trying', 100)
  story.caller('ringing', 180)
  story.pass(119_000)
  t.equal(story.it.phase, 'ringing')
  await t.test('and is then connected like any other', async t => {
    story.caller('in-progress', 200)
    t.same(story.connect({ answered: true }), { kind: 'dial', attempt: 1 })
    story.agent('trying', 100)
    story.agent('in-progress', 200)
    t.equal(story.it.phase, 'connected')
    t.equal(story.it.earlier.length, 0, 'it is one call')
  })
})

await t.test('a REST-originated call whose call hook never comes is over after that', async t => {
  const story = tell({ facts: { direction: 'outbound' } })
  story.caller('trying', 100)
  story.pass(125_000)
  t.equal(story.it.phase, 'ended')
})

await t.test('dialing and ringing: the dial timeout and 15 s', async t => {
  const story = ringing()
  story.pass(54_000)
  t.equal(story.it.phase, 'ringing')
  story.pass(3000)
  t.equal(story.it.phase, 'ended')
})

await t.test('no deadline ends a call while LiveKit lists its SIP participant', async t => {
  for (
    const begin of [ringing, () => {
      const story = tell()
      story.connect()
      return story
    }]
  ) {
    const story = begin()
    story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'ringing' } }
    story.pass(3 * 3600_000)
    t.not(story.it.phase, 'ended')
    story.see = { exists: true }
    story.pass(62_000)
    t.equal(story.it.phase, 'ended', 'but soon after it does not any more')
  }
})

await t.test('a look that finds the call talking makes up for the statuses that were lost', async t => {
  const story = ringing()
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.pass(60_000)
  t.equal(story.it.phase, 'connected')
  t.ok(story.it.at.answered)
})

await t.test('LiveKit unreachable: the deadline waits, up to the longest call', async t => {
  const story = ringing()
  story.mode = 'down'
  story.pass(7100_000)
  t.not(story.it.phase, 'ended')
  story.pass(400_000)
  t.equal(story.it.phase, 'ended')
})

await t.test('LiveKit unreachable for a while: the first look after it decides', async t => {
  const story = ringing()
  story.mode = 'down'
  story.pass(300_000)
  t.not(story.it.phase, 'ended')
  story.mode = 'up'
  story.see = { exists: false }
  story.pass(31_000)
  t.equal(story.it.phase, 'ended')
})

await t.test('a connected call is looked at every minute', async t => {
  const story = connected()
  const before = looks(story).length
  story.pass(10 * 60_000)
  t.equal(looks(story).length - before, 10)
  t.equal(story.it.phase, 'connected')
  t.equal(story.it.deadline, undefined, 'and has no deadline')
})

await t.test('a connected call whose SIP participant is gone ends, unless Jambonz says how it goes on', async t => {
  const story = connected()
  story.see = { exists: true, agent: { identity: 'agent-1', audio: true } }
  story.pass(60_000)
  t.equal(story.it.phase, 'connected')
  story.pass(7000)
  t.equal(story.it.phase, 'ended')
})

await t.test('a connected call whose SIP participant was missed once, and joins, is still looked after', async t => {
  const story = connected()
  story.see = { exists: true, agent: { identity: 'agent-1', audio: true } }
  story.pass(60_000)
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.livekit('participant_joined', 'sip')
  t.ok(wakeAt(story.it) !== undefined, 'something still wakes it')
  story.pass(600_000)
  t.equal(story.it.phase, 'connected')
  story.see = { exists: false }
  story.pass(120_000)
  t.equal(story.it.phase, 'ended')
})

await t.test('a connected call survives an hour without LiveKit', async t => {
  const story = connected()
  story.mode = 'down'
  story.pass(3600_000)
  t.equal(story.it.phase, 'connected')
  story.mode = 'up'
  story.pass(120_000)
  t.equal(story.it.phase, 'connected')
})

await t.test('without LiveKit a connected call is over when it must be', async t => {
  const story = connected()
  story.mode = 'down'
  story.pass(7200_000 + 40_000 + 15_000 + 62_000)
  t.equal(story.it.phase, 'ended')
})

await t.test('a phone attempt cannot be looked at: it has the longest call as its deadline', async t => {
  const story = tell({
    rules: { timeLimitS: 600, app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } }
  })
  story.connect()
  story.agent('trying', 100)
  story.agent('busy', 486)
  story.action('busy', 486)
  const before = looks(story).length
  story.answered('b2')
  story.pass(600_000)
  t.equal(story.it.phase, 'connected')
  t.equal(looks(story).length, before)
  story.pass(20_000)
  t.equal(story.it.phase, 'ended')
})

await t.test('three seconds after the first ringing the bridge looks, once', async t => {
  const story = ringing()
  story.pass(2900)
  t.equal(looks(story).length, 0)
  story.pass(200)
  t.equal(looks(story).length, 1)
  for (let second = 0; second < 20; second++) {
    story.agent('ringing', 180)
    story.pass(990)
  }
  t.equal(looks(story).length, 1)
})

await t.test("what LiveKit's events tell is not asked for again", async t => {
  const story = tell({ rules: { redispatchMs: 0 } })
  story.connect()
  story.livekit('room_started')
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.pass(10_000)
  t.equal(looks(story).length, 0)
})

await t.test('a sign that the attempt is over starts the settle timer', async t => {
  const signs: Array<[string, (story: Story) => void]> = [
    ["the agent leg's final", story => story.agent('completed', 200)],
    ['participant_left', story => story.livekit('participant_left', 'sip', { reason: 'ROOM_DELETED' })],
    ['room_finished', story => story.livekit('room_finished')]
  ]
  for (const [says, sign] of signs) {
    const story = connected()
    story.livekit('participant_joined', 'sip')
    story.see = { exists: true }
    sign(story)
    story.pass(4000)
    t.equal(story.it.phase, 'connected', `${says}: Jambonz has 5 s`)
    story.pass(3000)
    t.equal(story.it.phase, 'ended', says)
    t.same(story.deleted, [story.room()])
  }
})

await t.test('what only LiveKit said is looked at once more: the caller may still be there', async t => {
  const story = connected()
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_left', 'sip', { reason: 'DUPLICATE_IDENTITY' })
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip2', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.pass(120_000)
  t.equal(story.it.phase, 'connected')
})

await t.test('within it /action decides', async t => {
  const story = tell({ rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } } })
  story.connect()
  story.agent('trying', 100)
  story.agent('busy', 486)
  story.pass(4500)
  t.same(story.action('busy', 486), { kind: 'dial', attempt: 2 })
  story.pass(10_000)
  t.not(story.it.phase, 'ended', 'and the timer is off')
})

await t.test('without its status hook a call is followed by its actions alone', async t => {
  const story = tell({ statusesExpected: false })
  story.connect()
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.pass(20_000)
  t.equal(story.it.phase, 'connected', 'a look told that it was answered')
  story.pass(600_000)
  story.action('completed', 200, { callerStatus: 'in-progress', rang: true })
  story.pass(2000)
  t.equal(story.cause, 'agent-hung-up')
})

await t.test('a call hook that is never answered does not keep the call', async t => {
  const story = tell()
  story.hook()
  story.pass(40_000)
  t.equal(story.it.phase, 'ended')
  t.same(new Set(story.deleted), new Set([story.room()]))
})

await t.test('an end waits for its cause for at most 1.5 s', async t => {
  const story = connected()
  story.livekit('participant_joined', 'sip')
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  t.not(story.it.phase, 'ended', 'LiveKit will say why the participant left')
  t.same(story.deleted, [], 'so its room is still there')
  story.pass(1500)
  t.equal(story.it.phase, 'ended')
  t.same(story.deleted, [story.room()])
})
