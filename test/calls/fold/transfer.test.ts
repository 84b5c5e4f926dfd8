import t from 'tap'
import { currentAttempt } from '../../../src/calls/fold/call.ts'
import { legSidsOf, tell, type Story, type StoryOptions } from '../../fixtures/events.ts'

const FALLBACK: StoryOptions = { rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } } }

/** A talk with the agent, whose REFER is passed on; the dial is over as Jambonz does it. */
function transferring (options?: StoryOptions): Story {
  const story = tell(options)
  story.connect()
  story.livekit('participant_joined', 'sip')
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.answered()
  story.refer({ hash: 'refer-1' })
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.see = { exists: true, agent: { identity: 'agent-1', audio: true } }
  return story
}

await t.test("the agent's request goes on to the caller leg", async t => {
  const story = tell()
  story.connect()
  story.answered()
  const reply = story.refer({ hash: 'r' })
  t.same(reply, { kind: 'refer', to: '+15559998888', referredBy: '+15551230000' })
  t.equal(story.it.phase, 'transferring')
  t.same(story.refer({ hash: 'r' }), reply, 'a repeat gets the same')
  t.notOk(story.deleted.length, 'the room stays until it is decided')
})

await t.test('who may not transfer', async t => {
  const forbidden = (happens: (story: Story) => void, extra: Parameters<Story['refer']>[0]) => {
    const story = tell()
    happens(story)
    const { phase } = story.it
    t.same(story.refer(extra), { kind: 'forbid' })
    t.equal(story.it.phase, phase, 'the call goes on as it was')
  }
  forbidden(story => {
    story.connect()
    story.answered()
  }, { leg: 'caller', legSid: 'call-1' })
  forbidden(story => {
    story.connect()
    story.answered()
  }, { referTo: undefined })
  forbidden(story => {
    story.connect()
    story.answered()
    story.caller('completed', 200, 'caller')
    story.pass(2000)
  }, {})
})

await t.test('success: nothing follows, and the call ends as transferred', async t => {
  const story = transferring()
  t.equal(story.it.phase, 'transferring')
  story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
  t.notOk(story.deleted.length)
  t.same(story.referComplete(202, 200), { kind: 'nothing' })
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'transferred', by: 'agent' })
  t.same(story.deleted, [story.room(1)], 'now that it is decided')
})

await t.test("200 alone is not decided yet; the caller leg's end is what follows", async t => {
  const story = transferring()
  t.same(story.referComplete(200), { kind: 'nothing' })
  t.equal(story.it.phase, 'transferring')
  story.caller('completed', 200, 'jambonz')
  t.equal(story.cause, 'transferred')
})

await t.test('a carrier that takes the caller without a word has transferred it', async t => {
  const story = transferring()
  story.caller('completed', 200, 'caller')
  story.pass(2000)
  t.equal(story.cause, 'transferred')
})

await t.test('a REFER that failed may be reported just after the caller has hung up', async t => {
  const story = transferring()
  story.caller('completed', 200, 'caller')
  t.equal(story.cause, undefined, 'its result is waited for')
  story.referComplete(603)
  story.pass(2000)
  t.equal(story.cause, 'transfer-failed')
})

await t.test(
  'while it is pending neither the room, nor the agent leg, nor time below the deadline ends the ' +
    'call',
  async t => {
    const story = transferring()
    story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
    story.livekit('participant_left', 'agent', { reason: 'ROOM_CLOSED' })
    story.livekit('room_finished')
    story.pass(25_000)
    t.equal(story.it.phase, 'transferring')
    story.pass(10_000)
    t.equal(story.it.phase, 'ended', 'the deadline does')
  }
)

await t.test("legs of somebody else's verbs are none of ours", async t => {
  const story = transferring()
  story.agent('trying', 100, { leg: 'other' })
  story.agent('ringing', 180, { leg: 'other' })
  story.agent('busy', 486, { leg: 'other' })
  story.pass(8000)
  t.equal(story.it.phase, 'transferring', 'their end decides nothing')
  t.same(legSidsOf(story.it), ['b1'])
  story.caller('completed', 200, 'caller')
  story.pass(2000)
  t.equal(story.cause, 'transferred')
})

await t.test('refused at once: back to the agent, whose room still stands', async t => {
  const story = transferring()
  t.same(story.referComplete(603, undefined, { hash: 'rc' }), { kind: 'dial', attempt: 1 })
  t.same(story.referComplete(603, undefined, { hash: 'rc' }), { kind: 'dial', attempt: 1 }, 'a repeat gets the same')
  t.equal(story.it.attempts.length, 1, 'the same attempt')
  t.notOk(story.deleted.length, 'and the same room')

  await t.test("the old leg's participant_left comes late and is ignored", async t => {
    story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
    story.pass(500)
    story.agent('trying', 100, { leg: 'b2' })
    story.livekit('participant_joined', 'sip', { sid: 'PA_sip2' })
    story.agent('ringing', 180, { leg: 'b2' })
    story.agent('in-progress', 200, { leg: 'b2' })
    story.see = {
      exists: true,
      sip: { sid: 'PA_sip2', callStatus: 'active' },
      agent: { identity: 'agent-1', audio: true }
    }
    story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
    story.pass(10_000)
    t.equal(story.it.phase, 'connected')
    t.notOk(story.deleted.length)
  })

  await t.test("the call's cause is how it ends later", async t => {
    story.caller('completed', 200, 'caller')
    story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
    story.agent('completed', 200, { leg: 'b2' })
    story.pass(2000)
    t.match(story.it.end, { cause: 'caller-hung-up' })
    t.ok(
      story.it.events.some(({ what, detail }) => what === 'refer complete' && detail?.includes('603')),
      'the failed transfer stays in the events'
    )
    t.same(story.deleted, [story.room(1)])
  })
})

await t.test('back to the agent: late statuses of the leg that was transferred do not end the call', async t => {
  for (const again of [false, true]) {
    const story = tell()
    story.connect()
    story.answered()
    story.refer()
    if (again) story.agent('completed', 200)
    story.action('completed', 200, { callerStatus: 'in-progress' })
    t.same(story.referComplete(603), { kind: 'dial', attempt: 1 })
    story.agent('completed', 200)
    story.agent('trying', 100, { leg: 'b2' })
    story.agent('ringing', 180, { leg: 'b2' })
    story.agent('in-progress', 200, { leg: 'b2' })
    story.see = { exists: true, sip: { sid: 'PA_sip2', callStatus: 'active' } }
    story.pass(10_000)
    t.equal(story.it.phase, 'connected', again ? 'said twice' : 'said late')
    t.notOk(story.deleted.length)
  }
})

await t.test('back to the agent: a late /action of the leg that was transferred does not end the call', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.refer()
  story.referComplete(603)
  t.same(story.action('completed', 200, { dialCallSid: 'b1', callerStatus: 'in-progress' }), { kind: 'nothing' })
  story.agent('trying', 100, { leg: 'b2' })
  story.agent('in-progress', 200, { leg: 'b2' })
  story.see = { exists: true, sip: { sid: 'PA_sip2', callStatus: 'active' } }
  story.pass(10_000)
  t.equal(story.it.phase, 'connected')
})

await t.test('back to the agent, who is not reached any more', async t => {
  const story = transferring()
  story.referComplete(603)
  story.agent('trying', 100, { leg: 'b2' })
  story.agent('failed', 404, { leg: 'b2' })
  t.not(story.action('failed', 404, { callerStatus: 'in-progress', dialCallSid: 'b2' })?.kind, 'nothing')
  story.caller('completed', 200, 'jambonz')
  story.pass(2000)
  t.equal(story.cause, 'transfer-failed')
})

await t.test('refused too late for the room: the next way of the plan', async t => {
  const story = transferring(FALLBACK)
  story.pass(15_000)
  t.same(
    story.referComplete(202),
    { kind: 'dial', attempt: 2 },
    '202 without a final status is what 15 s of silence look like'
  )
  t.match(currentAttempt(story.it), { strategy: 'phone' })
  story.answered('b2')
  t.equal(story.it.phase, 'connected')
  story.pass(2000)
  t.equal(story.it.attempts[0]?.end?.cause, 'transfer-failed')
  t.same(story.deleted, [story.room(1)])
})

await t.test('refused too late and no way left: the caller is hung up', async t => {
  const story = transferring()
  story.pass(15_000)
  t.same(story.referComplete(202), { kind: 'hangup' })
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'transfer-failed', by: 'carrier', sipStatus: 202 })
})

await t.test('the target fails after 202', async t => {
  const story = transferring()
  story.livekit('room_finished')
  t.same(story.referComplete(202, 486), { kind: 'hangup' }, 'the room is gone')
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'transfer-failed', sipStatus: 486 })
})

await t.test('nothing is dialled when an operator hung up while it was pending', async t => {
  for (const options of [undefined, FALLBACK]) {
    const story = transferring(options)
    story.feed({ kind: 'hangup' })
    t.not(story.referComplete(603)?.kind, 'dial')
    story.pass(8000)
    t.equal(story.cause, 'operator-hung-up')
  }
})

await t.test('the caller hangs up while it is pending, then the refusal comes', async t => {
  const story = transferring()
  story.caller('completed', 200, 'caller')
  t.same(story.referComplete(603, undefined, { callerStatus: 'completed' }), { kind: 'nothing' })
  t.equal(story.it.phase, 'ended')
})

await t.test('a result that nobody asked for', async t => {
  const story = tell()
  story.connect()
  story.agent('trying', 100)
  t.same(story.referComplete(603), { kind: 'nothing' })
  t.equal(story.it.phase, 'dialing')
})

await t.test("the transfer's deadline, while LiveKit still lists the SIP participant: the talk goes on", async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.see = {
    exists: true,
    sip: { sid: 'PA_sip1', callStatus: 'active' },
    agent: { identity: 'agent-1', audio: true }
  }
  story.refer()
  story.pass(40_000)
  t.equal(story.it.phase, 'connected')
  t.notOk(story.deleted.length)
})
