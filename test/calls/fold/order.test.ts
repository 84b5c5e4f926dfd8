import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import { namesOf } from '../../../src/calls/fold/names.ts'
import type { Order } from '../../../src/calls/fold/order.ts'
import { factsWith, rulesWith, tell, type Story } from '../../fixtures/events.ts'
import { CALLEE_FINALS, placedOrder, roomOf, tellOrder } from '../../fixtures/order-story.ts'

/*
 * An outbound call under its call_sid, from its naming to its end. Statuses and their order are those that real servers
 * sent.
 */

const PAUSED_HANGUP = { kind: 'hangup', afterS: 1 }

await t.test('a callee who answers is connected with the agent that waits', async t => {
  const story = tellOrder()
  t.equal(story.it.phase, 'dialing')
  t.match(story.it, { facts: { direction: 'outbound', from: '+15551230000', to: '+15550002222' } })
  story.caller('trying', 100)
  t.same(story.it.attempts, [], 'no room before the phone rings')
  story.caller('ringing', 180)
  t.equal(story.it.phase, 'ringing')
  t.match(story.performed.find(({ kind }) => kind === 'make-room'), { target: '1' })
  story.made()
  story.livekit('participant_joined', 'agent')
  story.pass(5000)
  story.answers()
  t.same(story.calleeHook(), { kind: 'dial', attempt: 1 })
  t.equal(story.it.attempts.length, 1, 'the room that waits is the one that is dialled')
  t.equal(story.it.phase, 'received')
  t.equal(story.it.attempts[0]?.agent, 'demo-agent')
  t.equal(story.it.app.metadata, '{"campaign":"autumn"}')
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.agent('in-progress', 200)
  t.equal(story.it.phase, 'connected')
  t.ok(story.it.at.connected! > story.it.at.answered!, 'the callee answered before both sides were connected')
  t.ok(story.it.at.answered! > story.it.at.ringing!)
  story.pass(60_000)
  story.caller('completed', 200, 'caller')
  t.same(story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' }), { kind: 'nothing' })
  story.agent('completed', 200)
  story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
  story.pass(2000)
  t.match(story.it.end, { cause: 'callee-hung-up', by: 'callee' })
  t.ok(story.deleted.includes(story.room()))
  t.same(story.told, ['call.started', 'call.answered', 'call.ended', 'call.dial_finished'])
})

await t.test('the agent hangs up', async t => {
  const story = talking()
  story.agent('completed', 200)
  t.same(
    story.action('completed', 200, { callerStatus: 'in-progress' }),
    { kind: 'hangup' },
    'the leg was answered long ago'
  )
  story.livekit('participant_left', 'sip', { reason: 'ROOM_DELETED', sipCallStatus: 'active' })
  story.caller('completed', 200, 'jambonz')
  story.pass(2000)
  t.match(story.it.end, { cause: 'agent-hung-up', by: 'agent' })
})

await t.test('who is not reached: the status decides, and the room is deleted', async t => {
  for (const [callStatus, sipStatus, cause] of CALLEE_FINALS) {
    const story = tellOrder()
    story.rings()
    story.caller(callStatus, sipStatus)
    t.match(story.it.end, { cause, by: 'carrier', sipStatus }, `${sipStatus}`)
    t.same(story.deleted, [story.room()])
    t.equal(story.it.at.answered, undefined)
    t.same(story.told, ['call.started', 'call.ended', 'call.dial_finished'])
    story.passUntilForgotten(3600_000)
    t.equal(story.call, undefined)
  }
  const silent = tellOrder()
  silent.caller('trying', 100)
  silent.caller('failed', 408)
  t.equal(silent.cause, 'carrier-failed', 'Jambonz says 408 itself when the carrier says nothing')
  const rang = tellOrder()
  rang.rings()
  rang.caller('failed', 408)
  t.equal(rang.cause, 'no-answer')
})

await t.test('the room is made when the order says so', async t => {
  const atDial = tellOrder({ order: { agentAt: 'dial' } })
  t.equal(atDial.it.attempts.length, 1)
  t.equal(atDial.it.phase, 'dialing')
  const deadline = atDial.it.deadline
  atDial.made()
  t.equal(atDial.it.deadline, deadline, 'the room changes nothing of how long the phone may ring')
  atDial.rings()
  t.equal(atDial.it.attempts.length, 1)

  const atAnswer = tellOrder({ order: { agentAt: 'answer' } })
  atAnswer.rings()
  t.equal(atAnswer.it.attempts.length, 0)
  atAnswer.answers()
  t.equal(atAnswer.calleeHook('h'), undefined, 'the hook waits for the room')
  atAnswer.made()
  t.same(atAnswer.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 1 })

  const early = tellOrder()
  early.caller('trying', 100)
  early.caller('early-media', 183)
  t.equal(early.it.attempts.length, 1)
  t.ok(early.it.at.ringing)

  const noRinging = tellOrder()
  noRinging.caller('trying', 100)
  noRinging.answers()
  t.equal(noRinging.it.attempts.length, 0)
  noRinging.calleeHook('h')
  noRinging.made()
  noRinging.agent('trying', 100)
  noRinging.agent('ringing', 180)
  t.equal(noRinging.it.at.ringing, undefined, 'the callee was not heard to ring')
})

await t.test('a hook that comes while the room is being made waits for it', async t => {
  const story = tellOrder()
  story.caller('ringing', 180)
  story.answers()
  t.equal(story.calleeHook('h'), undefined)
  t.equal(story.it.attempts.length, 1)
  story.made()
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 1 })
  t.notOk(story.it.duties.some(({ kind }) => kind === 'make-room'))
})

await t.test('a room that is being made when the call is hung up on is deleted once, when it is there', async t => {
  const story = tellOrder()
  story.caller('ringing', 180)
  story.feed({ kind: 'hangup' })
  story.pass(100)
  t.same(story.deleted, [], 'what is deleted now would be made a moment later')
  story.made()
  t.same(story.deleted, [story.room(1)])
})

await t.test('a room that was deleted to end a call is not deleted again at once when the call has ended', async t => {
  const story = tellOrder()
  story.caller('ringing', 180)
  story.made()
  story.feed({ kind: 'hangup' })
  const deletions = () => story.performed.filter(({ kind }) => kind === 'delete-room').length
  t.equal(deletions(), 1)
  story.caller('no-answer', 487, 'jambonz')
  story.pass(1000)
  t.equal(story.it.phase, 'ended')
  t.equal(deletions(), 1, 'an agent on its way would be aborted, and come back later')
  story.pass(2000)
  t.equal(deletions(), 2, 'and then it is made sure that the room has stayed gone')
})

await t.test('a room that is spoilt gives way to another one', async t => {
  const cases: Record<string, [(story: Story) => void, string]> = {
    'LiveKit refused to make it': [story => story.made('failed'), 'livekit-failed'],
    'it is gone': [story => {
      story.made()
      story.livekit('room_finished')
    }, 'room-closed'],
    'its agent has left': [story => {
      story.made()
      story.livekit('participant_joined', 'agent')
      story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
    }, 'room-closed']
  }
  for (const [name, [spoil, cause]] of Object.entries(cases)) {
    const story = tellOrder({ rules: { ruleAgent: 'another' } })
    story.caller('ringing', 180)
    spoil(story)
    t.equal(story.it.phase, 'ringing', `${name}: the phone rings on`)
    story.answers()
    t.equal(story.calleeHook('h'), undefined)
    t.match(story.it.attempts, [{ n: 1, end: { cause } }, { n: 2 }])
    story.made()
    t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 2 })
    t.ok(cause === 'livekit-failed' || story.deleted.includes(story.room(1)))
  }
})

await t.test('an agent that leaves while the phone rings is called again', async t => {
  const story = tellOrder()
  story.rings()
  story.livekit('participant_joined', 'agent')
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  story.pass(6000)
  t.ok(story.performed.some(({ kind }) => kind === 'redispatch'))
  story.livekit('participant_joined', 'agent', { identity: 'agent-2' })
  story.answers()
  t.same(story.calleeHook(), { kind: 'dial', attempt: 1 }, 'the agent that came is as good as the first')
})

await t.test('an agent that does not come to the waiting room is called again while the phone rings', async t => {
  const story = tellOrder()
  story.rings()
  story.pass(9000)
  t.equal(story.performed.filter(({ kind }) => kind === 'redispatch').length, 1)

  const answered = tellOrder()
  answered.rings()
  answered.pass(6000)
  answered.answers()
  answered.calleeHook()
  answered.pass(3000)
  t.equal(answered.performed.filter(({ kind }) => kind === 'redispatch').length, 1, 'the hook starts no new wait')
})

await t.test('no room can be made at all: the callee is hung up, after a pause', async t => {
  const story = tellOrder({ rules: { ruleAgent: 'another' } })
  story.caller('ringing', 180)
  story.made('failed')
  story.answers()
  story.calleeHook('h')
  story.made('failed')
  t.same(story.replyTo('call-hook', 'h'), PAUSED_HANGUP)
  t.equal(story.cause, 'livekit-failed')
})

await t.test('the callee hangs up before the agent is there', async t => {
  const duringHook = tellOrder({ order: { agentAt: 'answer' } })
  duringHook.rings()
  duringHook.answers()
  duringHook.calleeHook('h')
  duringHook.caller('completed', 200, 'caller')
  t.match(duringHook.it.end, { cause: 'callee-hung-up', by: 'callee' })
  duringHook.made()
  t.same(duringHook.replyTo('call-hook', 'h'), PAUSED_HANGUP)
  t.ok(duringHook.deleted.includes(duringHook.room()))

  const beforeHook = tellOrder()
  beforeHook.rings()
  beforeHook.answers()
  beforeHook.caller('completed', 200, 'caller')
  t.match(beforeHook.it.end, { cause: 'callee-hung-up', by: 'callee' })
  t.same(beforeHook.calleeHook(), PAUSED_HANGUP, 'a hook that comes late connects nobody')

  const whileRinging = dialled()
  whileRinging.caller('completed', 200, 'caller')
  whileRinging.action('no-answer', 487, { callerStatus: 'completed', callerEndedBy: 'caller' })
  whileRinging.agent('no-answer', 487)
  whileRinging.pass(2000)
  t.match(whileRinging.it.end, { cause: 'callee-hung-up', by: 'callee' })
})

await t.test('Jambonz ends an answered call whose hook never came: nobody knows why', async t => {
  for (const agentAt of ['ringing', 'answer'] as const) {
    const story = tellOrder({ order: { agentAt } })
    story.rings()
    story.answers()
    story.caller('completed', 200, 'jambonz')
    t.match(story.it.end, { cause: 'lost', by: 'jambonz' })
  }
})

await t.test('Jambonz ends the leg without having dialled: it did not run the reply', async t => {
  const story = tellOrder()
  story.rings()
  story.made()
  story.answers()
  t.same(story.calleeHook(), { kind: 'dial', attempt: 1 })
  story.caller('completed', 200, 'jambonz')
  story.pass(2000)
  t.match(story.it.end, { cause: 'reply-refused', by: 'jambonz' })
})

await t.test('a dial to LiveKit that fails hangs the callee up after a pause', async t => {
  const story = dialled()
  story.agent('failed', 503)
  t.same(story.action('failed', 503, { callerStatus: 'in-progress' }), PAUSED_HANGUP)
  story.caller('completed', 200, 'jambonz')
  story.pass(2000)
  t.match(story.it.end, { cause: 'sip-unreachable', by: 'jambonz', sipStatus: 503 })
})

await t.test('a hook that is repeated gets the same reply', async t => {
  const story = tellOrder()
  story.rings()
  story.answers()
  const first = story.calleeHook('h')
  t.same(story.calleeHook('h'), first)
  t.equal(story.it.attempts.length, 1)
})

await t.test('a status may come after the hook that it should come before', async t => {
  const story = tellOrder()
  story.rings()
  t.same(story.calleeHook(), { kind: 'dial', attempt: 1 })
  story.answers()
  t.equal(story.it.phase, 'received')
  story.agent('trying', 100)
  story.agent('in-progress', 200)
  t.equal(story.it.phase, 'connected')
  story.caller('ringing', 180)
  t.equal(story.it.phase, 'connected')
})

await t.test('an operator cancels while it rings', async t => {
  const story = tellOrder()
  story.rings()
  story.feed({ kind: 'hangup' })
  t.same(story.hangUps, ['no-answer'])
  t.ok(story.deleted.includes(story.room()), 'nobody waits in the room any more')
  story.caller('no-answer', 487)
  t.match(story.it.end, { cause: 'operator-hung-up', by: 'operator' })
  t.same(story.hangUps, ['no-answer'])
  t.same(story.told, ['call.started', 'call.ended', 'call.dial_finished'])
})

await t.test('a carrier whose status Jambonz does not pass on', async t => {
  const finals = [['busy', 'busy'], ['no-answer', 'no-answer'], ['failed', 'carrier-failed']] as const
  for (const [callStatus, cause] of finals) {
    const story = tellOrder()
    story.rings()
    story.caller(callStatus)
    t.equal(story.cause, cause)
  }
})

await t.test('only the call hook shows that the callee answered before the cancel', async t => {
  const story = tellOrder()
  story.rings()
  story.feed({ kind: 'hangup' })
  t.same(story.hangUps, ['no-answer'])
  t.same(story.calleeHook(), PAUSED_HANGUP)
  story.pass(2000)
  t.same(story.hangUps, ['no-answer', 'completed'])
})

await t.test('the final status after a cancel gets lost', async t => {
  const story = tellOrder()
  story.rings()
  story.feed({ kind: 'hangup' })
  story.pass(10_000)
  t.equal(story.cause, 'operator-hung-up')
  t.same(story.calleeHook(), PAUSED_HANGUP, 'should the callee have answered all the same')
  story.caller('completed', 200, 'jambonz')
  t.equal(story.cause, 'operator-hung-up')
})

await t.test('a callee who answers while the cancel is on its way is hung up once that is safe', async t => {
  const story = tellOrder()
  story.rings()
  story.mode = 'down'
  story.feed({ kind: 'hangup' })
  story.answers()
  const answeredAt = story.now
  story.mode = 'up'
  t.same(story.calleeHook(), PAUSED_HANGUP)
  story.pass(3000)
  const [done] = story.performed.filter(({ kind, outcome }) => kind === 'hang-up' && outcome === 'done')
  t.match(done, { target: 'completed' })
  t.ok(done!.at - answeredAt >= 1000, 'a leg that is ended too soon may never get a BYE')
})

await t.test('an operator hangs up between the answer and the hook, and right after the hook', async t => {
  const before = tellOrder()
  before.rings()
  before.answers()
  const answeredAt = before.now
  before.feed({ kind: 'hangup' })
  t.same(before.calleeHook(), PAUSED_HANGUP)
  before.pass(2000)
  t.same(before.hangUps, ['completed'])
  t.ok(before.performed.find(({ kind }) => kind === 'hang-up')!.at - answeredAt >= 1000)
  before.caller('completed', 200, 'jambonz')
  t.equal(before.cause, 'operator-hung-up')

  const after = dialled()
  const at = after.it.at.answered!
  after.feed({ kind: 'hangup' })
  after.pass(2000)
  t.same(after.hangUps, ['completed'])
  t.ok(after.performed.find(({ kind }) => kind === 'hang-up')!.at - at >= 1000)
  after.caller('completed', 200, 'jambonz')
  after.pass(2000)
  t.equal(after.cause, 'operator-hung-up')
})

await t.test('a hook that waits for its room when the operator hangs up hangs up', async t => {
  const story = tellOrder({ order: { agentAt: 'answer' } })
  story.rings()
  story.answers()
  story.calleeHook('h')
  story.feed({ kind: 'hangup' })
  story.made()
  t.same(story.replyTo('call-hook', 'h'), PAUSED_HANGUP)
  t.equal(story.cause, 'operator-hung-up')
  story.pass(2000)
  t.same(story.hangUps, ['completed'])
})

await t.test('nothing is heard any more: whoever may be on the line is not left with nobody', async t => {
  const ringing = tellOrder()
  ringing.rings()
  ringing.pass(60_000)
  t.equal(ringing.cause, 'lost')
  t.same(ringing.hangUps, ['no-answer', 'completed'], 'in either state')
  t.same(ringing.calleeHook(), PAUSED_HANGUP)

  const answered = tellOrder()
  answered.rings()
  answered.answers()
  answered.pass(20_000)
  t.equal(answered.cause, 'lost')
  t.same(answered.hangUps, ['completed'])
})

await t.test('a machine answers, and is not wanted', async t => {
  const story = talking({ order: { voicemail: 'agent', onMachine: 'hangup' } })
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'agent' })
  story.feed({ kind: 'voicemail', verdict: 'human', by: 'agent' })
  t.equal(story.it.voicemail?.verdict, 'machine', 'the first verdict stands')
  story.pass(1000)
  t.same(story.hangUps, ['completed'])
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'machine-answered', by: 'bridge' })

  const kept = talking({ order: { voicemail: 'agent', onMachine: 'continue' } })
  kept.feed({ kind: 'voicemail', verdict: 'machine', by: 'agent' })
  kept.pass(5000)
  t.same(kept.hangUps, [])
  t.equal(kept.it.phase, 'connected')
})

await t.test('the time limit of the order ends the call, whoever counts it', async t => {
  const dialLimit = talking({ order: { longestS: 60 } })
  dialLimit.pass(59_900)
  dialLimit.agent('completed', 200)
  dialLimit.action('completed', 200, { callerStatus: 'in-progress' })
  dialLimit.caller('completed', 200, 'jambonz')
  dialLimit.pass(2000)
  t.equal(dialLimit.cause, 'time-limit')

  const legLimit = talking({ order: { longestS: 60 } })
  legLimit.pass(59_900)
  legLimit.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'jambonz' })
  legLimit.caller('completed', 200, 'jambonz')
  legLimit.agent('completed', 200)
  legLimit.pass(2000)
  t.equal(legLimit.cause, 'time-limit')
})

await t.test('transfers of an outbound call', async t => {
  const story = talking()
  t.match(story.refer(), { kind: 'refer', referredBy: '+15551230000' })
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.referComplete(202, 200)
  story.caller('completed', 200, 'jambonz')
  story.pass(2000)
  t.equal(story.cause, 'transferred')
  t.ok(story.told.includes('call.transfer_finished'))

  const refused = talking()
  refused.refer()
  refused.agent('completed', 200)
  refused.action('completed', 200, { callerStatus: 'in-progress' })
  t.same(refused.referComplete(603), { kind: 'dial', attempt: 1 }, 'back to the agent')
  refused.agent('trying', 100, { leg: 'b2' })
  refused.agent('in-progress', 200, { leg: 'b2' })
  t.equal(refused.it.phase, 'connected')
  refused.caller('completed', 200, 'caller')
  refused.agent('completed', 200, { leg: 'b2' })
  refused.pass(2000)
  t.equal(refused.cause, 'callee-hung-up')
})

await t.test('a call that is brought back is the same order', async t => {
  const story = talking({ order: { longestS: 600 } })
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.caller('completed', 200, 'jambonz')
  story.pass(20_000)
  t.equal(story.it.phase, 'ended')
  story.hook({ hash: 'back', answered: true, redirected: true })
  story.made()
  t.match(story.it, { order: { id: story.order.id, reference: 'user-1' }, phase: 'received' })
  t.same(story.replyTo('call-hook', 'back'), { kind: 'dial', attempt: 2 })
  story.feed({ kind: 'hangup' })
  story.pass(2000)
  t.same(story.hangUps, ['completed'], 'it is answered')
  story.caller('completed', 200, 'jambonz')
  story.pass(2000)
  t.equal(story.told.filter(name => name === 'call.dial_finished').length, 1, 'it was dialled once')
})

await t.test('agent legs before the hook: a replica answered it that could not write so down', async t => {
  const story = tellOrder()
  story.rings()
  story.agent('trying', 100)
  story.agent('in-progress', 200)
  t.equal(story.it.phase, 'connected')
  t.same(story.calleeHook(), { kind: 'dial', attempt: 1 })
  t.equal(story.it.phase, 'connected', 'the late hook changes nothing')
  t.equal(story.it.attempts.length, 1)
})

await t.test('a leg that is up while its hook still waits for the room does not live for ever', async t => {
  const story = tellOrder()
  story.answers()
  story.calleeHook('h')
  story.agent('in-progress', 200)
  story.pass(120_000)
  t.equal(story.it.phase, 'ended', 'nobody is in the room')
})

await t.test('what is placed is found by the id of its order', async t => {
  const story = tellOrder()
  t.ok(namesOf(story.it).has(story.order.id))
})

await t.test('a call that was given up is hung up when it turns up, and nothing more is told', async t => {
  const story = tellOrder({ placed: { givenUp: true } })
  t.same(story.hangUps, ['no-answer'])
  story.caller('no-answer', 487)
  t.match(story.it.end, { cause: 'lost', by: 'bridge' })
  t.same(story.told, [])
})

await t.test('a hang-up that came before the name', async t => {
  const story = tellOrder({ placed: { hangupAt: 1 }, order: { agentAt: 'dial' } })
  t.same(story.hangUps, ['no-answer'])
  t.same(story.it.attempts, [], 'no room is made for it')
  story.caller('no-answer', 487)
  t.equal(story.cause, 'operator-hung-up')
})

await t.test('why a call was hung up before it had a name is known afterwards', async t => {
  const story = tellOrder({ placed: { hangupAt: 1, hangupFor: 'cancelled' } })
  story.caller('no-answer', 487)
  t.equal(story.cause, 'transfer-cancelled')
})

await t.test('naming a call again adds what was not known, and only that', async t => {
  const story = tellOrder({ order: { metadata: undefined } })
  const { it: before, order } = story
  const named = { kind: 'placed' as const, callSid: 'call-1', at: story.now }
  t.equal(advance(before, { ...named, order }, rulesWith()), before, 'nothing new')
  story.feed({ kind: 'placed', callSid: 'call-1', order: placedOrder() })
  t.equal(story.it.order?.metadata, '{"campaign":"autumn"}')
  story.rings()
  t.match(story.it.attempts[0]?.way, { metadata: '{"campaign":"autumn"}' })
  story.feed({ kind: 'placed', callSid: 'call-1', order, hangupAt: story.now })
  t.same(story.hangUps, ['no-answer'])
})

await t.test('a status that comes before the naming begins the call all the same', async t => {
  const story = tellOrder({ placed: false })
  story.caller('trying', 100)
  story.caller('ringing', 180)
  story.feed({ kind: 'placed', callSid: 'call-1', order: story.order })
  t.match(story.it, { phase: 'ringing', order: { id: story.order.id } })
  story.answers()
  story.calleeHook('h')
  story.made()
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 1 })
  t.equal(story.it.attempts[0]?.room, roomOf('call-1', 1))
})

await t.test('a callee who answers before the naming waits for the hook no longer than any other', async t => {
  const story = tellOrder({ placed: false })
  story.caller('trying', 100)
  story.answers()
  story.feed({ kind: 'placed', callSid: 'call-1', order: story.order })
  story.pass(20_000)
  t.equal(story.cause, 'lost')
  t.same(story.hangUps, ['completed'], 'nobody is left on the line')
})

/** A process without memory finds the room of a call. */
const found = (callSid: string, at: number, order?: Order) => ({
  kind: 'found' as const,
  callSid,
  attempt: 1,
  facts: factsWith({ direction: 'outbound', from: '+15551230000', to: '+15550002222' }),
  app: { agent: 'demo-agent', metadata: '' },
  route: { ways: [{ strategy: 'room' as const, agent: 'demo-agent' }] },
  receivedAt: at - 5000,
  openedAt: at - 4000,
  ...(order ? { order } : {})
})

await t.test('a room that waits for the callee is found after a restart, and the hook dials it', async t => {
  const order = placedOrder({ metadata: undefined })
  for (const first of ['room', 'hook', 'room without its order'] as const) {
    const story = tellOrder({ placed: false, order })
    story.see = { exists: true, agent: { identity: 'agent-1', audio: true } }
    const placed = { kind: 'placed' as const, callSid: 'call-1', order: story.order }
    if (first === 'hook') story.feed(placed)
    story.feed(found('call-1', story.now, first === 'room without its order' ? undefined : order))
    if (first !== 'hook') story.feed(placed)
    story.pass(5000)
    story.caller('ringing', 180)
    story.pass(5000)
    t.equal(story.it.phase, 'ringing', `${first}: the phone may ring on, with nobody but the agent in the room`)
    t.equal(story.it.attempts.length, 1)
    t.same(story.deleted, [])
    if (first === 'hook') story.made()
    story.answers()
    t.same(story.calleeHook(), { kind: 'dial', attempt: 1 }, first)
    t.equal(story.it.attempts.length, 1)
    story.agent('trying', 100)
    story.agent('in-progress', 200)
    story.caller('completed', 200, 'caller')
    story.agent('completed', 200)
    story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
    story.pass(20_000)
    t.match(story.it.end, { cause: 'callee-hung-up' }, first)
    t.equal(story.it.order?.reference, 'user-1')
  }
})

await t.test('a found room whose callee is not heard of again is not kept for ever', async t => {
  const story = tellOrder({ placed: false })
  story.see = { exists: true, agent: { identity: 'agent-1', audio: true } }
  story.feed(found('call-1', story.now, placedOrder()))
  story.pass(120_000)
  t.equal(story.cause, 'lost')
  t.same(story.hangUps, ['no-answer', 'completed'])
  t.ok(story.deleted.includes(story.room()))
})

await t.test('a found room with the callee in it is a talk that goes on', async t => {
  const story = tellOrder({ placed: false })
  story.see = { exists: true, sip: { sid: 'PA_1', callStatus: 'active' }, agent: { identity: 'agent-1', audio: true } }
  story.feed(found('call-1', story.now, placedOrder()))
  t.equal(story.it.phase, 'connected')
  story.caller('completed', 200, 'caller')
  story.pass(20_000)
  t.equal(story.cause, 'callee-hung-up')
})

/** The callee is connected with the agent. */
function talking (options: Parameters<typeof tellOrder>[0] = {}) {
  const story = dialled(options)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.agent('in-progress', 200)
  return story
}

/** The agent's leg is dialled for the callee. */
function dialled (options: Parameters<typeof tellOrder>[0] = {}) {
  const story = tellOrder(options)
  story.rings()
  story.livekit('participant_joined', 'agent')
  story.livekit('track_published', 'agent', { track: 'AUDIO' })
  story.answers()
  story.calleeHook('h')
  story.agent('trying', 100)
  return story
}

await t.test('an order before its call has a name', async t => {
  const ordered = () => {
    const order = placedOrder()
    const story = tell({ callSid: order.id, rules: { callControl: true, publishes: true } })
    story.feed({ kind: 'ordered', order })
    return story
  }
  const sent = () => {
    const story = ordered()
    story.feed({ kind: 'sending' })
    return story
  }
  const told = (story: Story) => story.performed.filter(({ kind }) => kind === 'publish').map(({ target }) => target)

  await t.test('is sent once', async t => {
    const story = sent()
    const { sentAt } = story.it.order!
    story.pass(10)
    story.feed({ kind: 'sending' })
    t.equal(story.it.order?.sentAt, sentAt)
    t.equal(story.it.phase, 'requested')
    t.same(told(story), [], 'it has not begun')
  })

  await t.test('is not sent any more when it waited too long', async t => {
    const story = ordered()
    story.pass(61_000)
    t.match(story.it.end, { cause: 'not-placed', by: 'bridge' })
    story.feed({ kind: 'sending' })
    t.equal(story.it.order?.sentAt, undefined)
    t.same(told(story), ['call.ended', 'call.dial_finished'])
  })

  await t.test('is not sent any more when somebody hung up', async t => {
    const story = ordered()
    story.feed({ kind: 'hangup' })
    t.match(story.it.end, { cause: 'operator-hung-up' })
    story.feed({ kind: 'sending' })
    t.equal(story.it.order?.sentAt, undefined)
  })

  await t.test('ends when Jambonz refuses it, or was not reached', async t => {
    for (const [outcome, by] of [['refused', 'jambonz'], ['not-sent', 'bridge']] as const) {
      const story = sent()
      story.feed({ kind: 'placement', outcome, detail: 'why' })
      t.match(story.it.end, { cause: 'not-placed', by, detail: 'why' })
      story.pass(30_000)
      t.notOk(story.performed.some(({ kind }) => kind === 'find-call'))
    }
  })

  await t.test('is looked for while nobody knows whether it was placed, and lost after two minutes', async t => {
    const story = sent()
    story.mode = 'down'
    story.feed({ kind: 'placement', outcome: 'unknown' })
    story.pass(3000)
    t.ok(story.performed.some(({ kind }) => kind === 'find-call'))
    story.pass(120_000)
    t.match(story.it.end, { cause: 'lost', by: 'unknown' })
    story.pass(60_000)
    t.ok(story.it.duties.some(({ kind }) => kind === 'find-call'), 'it is looked for on')
    story.feed({ kind: 'named', callSid: 'call-1' })
    t.equal(story.it.end?.cause, 'lost', 'its end was told, and stands')
    t.notOk(story.it.duties.some(({ kind }) => kind === 'find-call'))
  })

  await t.test('is forgotten when it has a name', async t => {
    const story = sent()
    story.feed({ kind: 'named', callSid: 'call-1' })
    t.equal(story.call, undefined)
  })

  await t.test('keeps a hang-up until it has reached the call', async t => {
    const story = sent()
    story.feed({ kind: 'hangup' })
    story.feed({ kind: 'named', callSid: 'call-1' })
    t.ok(story.call)
    story.feed({ kind: 'named', callSid: 'call-1', hangupAt: story.it.hangupAt })
    t.equal(story.call, undefined)
  })

  await t.test('who hung up a call without a name did not end it', async t => {
    const story = sent()
    story.mode = 'down'
    story.feed({ kind: 'hangup' })
    story.pass(130_000)
    t.equal(story.cause, 'lost')
  })

  await t.test('is looked for before it is given up, when nobody listened', async t => {
    const story = sent()
    const from = story.now
    story.feed({ kind: 'away', from, to: from + 200_000 })
    story.mode = 'down'
    story.pass(5000)
    t.equal(story.it.phase, 'requested')
    t.ok(story.performed.some(({ kind }) => kind === 'find-call'))
  })
})
