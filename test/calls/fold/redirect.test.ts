import t from 'tap'
import { currentAttempt } from '../../../src/calls/fold/call.ts'
import { factsWith, tell } from '../../fixtures/events.ts'

await t.test('a repeated call hook changes nothing', async t => {
  const story = tell()
  const reply = story.connect({ hash: 'h' })
  t.same(reply, { kind: 'dial', attempt: 1 })
  story.agent('trying', 100)
  t.same(story.hook({ hash: 'h' }), reply)
  t.equal(story.it.attempts.length, 1)
  t.equal(story.it.phase, 'dialing')
})

await t.test('another call hook of a live call opens another attempt with another room', async t => {
  const story = tell()
  story.connect()
  story.answered()
  t.same(story.connect({ answered: true }), { kind: 'dial', attempt: 2 })
  t.equal(story.it.phase, 'received')
  t.equal(story.it.attempts[0]?.end?.cause, 'redirected')
  t.not(story.room(1), story.room(2))
  t.same(story.deleted, [story.room(1)])
  await t.test('what then comes of the old leg does not touch the new attempt', async t => {
    story.agent('completed', 200)
    t.same(story.action('completed', 200, { attempt: 1, dialCallSid: 'b1', callerStatus: 'in-progress' }), {
      kind: 'nothing'
    })
    story.livekit('participant_left', 'sip', { room: story.room(1), reason: 'ROOM_DELETED' })
    story.livekit('room_finished', 'none', { room: story.room(1) })
    story.pass(10_000)
    t.notOk(story.it.end)
    t.notOk(currentAttempt(story.it)?.end)
  })
  await t.test('and the call goes on in the new room', async t => {
    story.answered('b2')
    t.equal(story.it.phase, 'connected')
    story.caller('completed', 200, 'caller')
    story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
    story.agent('completed', 200, { leg: 'b2' })
    story.pass(2000)
    t.match(story.it.end, { cause: 'caller-hung-up', by: 'caller' })
    t.same(story.it.attempts.map(({ end }) => end?.cause), ['redirected', 'caller-hung-up'])
  })
})

await t.test('a redirect keeps what the first call hook said of the caller and its application', async t => {
  const story = tell()
  story.connect({
    facts: factsWith({ headers: { 'X-Customer-Id': '4711' }, callerName: 'Alice' }),
    app: { agent: 'other-agent', metadata: 'm' }
  })
  story.connect({ answered: true, facts: factsWith({ headers: {}, callerName: '' }) })
  t.match(story.it.facts, { headers: { 'X-Customer-Id': '4711' }, callerName: 'Alice' })
  t.match(story.it.app, { agent: 'other-agent', metadata: 'm' })
  t.equal(currentAttempt(story.it)?.agent, 'other-agent')
})

await t.test('a call that was taken away and comes back begins a new record', async t => {
  const story = tell()
  story.connect({ hash: 'first' })
  story.answered()
  story.agent('completed', 200)
  story.action('completed', 200, { callerStatus: 'in-progress' })
  story.pass(6000)
  t.equal(story.cause, 'redirected')
  const { end, at } = story.it
  t.same(story.connect({ answered: true }), { kind: 'dial', attempt: 2 })
  t.equal(story.it.phase, 'received')
  t.notOk(story.it.end)
  t.equal(story.it.earlier.length, 1)
  t.same(story.it.earlier[0]?.end, end)
  t.same(story.it.earlier[0]?.at, at)
  t.match(story.it.earlier[0]?.attempts, [{ n: 1, room: story.room(1) }])
  t.same(story.it.attempts.map(({ n, room }) => ({ n, room })), [{ n: 2, room: story.room(2) }])
  await t.test('late events of the old record touch nothing', async t => {
    story.agent('completed', 200, { leg: 'b1' })
    story.action('completed', 200, { attempt: 1, dialCallSid: 'b1', callerStatus: 'in-progress' })
    story.pass(8000)
    t.notOk(story.it.end)
  })
  await t.test('numbering goes on once more', async t => {
    story.caller('completed', 200, 'caller')
    story.pass(2000)
    t.equal(story.it.phase, 'ended')
    t.same(story.connect({ answered: true }), { kind: 'dial', attempt: 3 })
    t.equal(story.it.earlier.length, 2)
  })
})

await t.test('a call hook that comes with the caller already gone does not hold the call', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.caller('completed', 200, 'caller')
  story.connect({ answered: true })
  t.equal(story.it.earlier[0]?.end.cause, 'caller-hung-up')
})

await t.test('a redirect that cannot be taken ends the call', async t => {
  const story = tell()
  story.connect()
  story.answered()
  t.match(story.hook({ answered: true, refuse: { cause: 'draining', status: 480, reason: 'Agent Unavailable' } }), {
    kind: 'decline',
    status: 480
  })
  t.equal(story.cause, 'draining')
  t.same(story.deleted, [story.room(1)])
})

await t.test('the limit of calls is for new ones, not for one that is redirected', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.hook({ hash: 'h', answered: true, refuse: { cause: 'capacity', status: 486, reason: 'Busy Here' } })
  story.made()
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 2 })
})

await t.test('an operator can end a redirected call although the hang-up before had come to nothing', async t => {
  const story = tell()
  story.connect()
  story.answered()
  story.feed({ kind: 'hangup' })
  story.connect({ answered: true })
  story.answered('b2')
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.agent('completed', 200, { leg: 'b2' })
  story.pass(2000)
  t.equal(story.cause, 'caller-hung-up', 'the old intent says nothing of the new attempt')
})

await t.test('our failure to answer a call hook that another one has replaced does not end the call', async t => {
  const story = tell()
  story.hook({ hash: 'first' })
  story.connect({ answered: true })
  story.answered('b2')
  story.feed({ kind: 'declined', hash: 'first', cause: 'bridge-error', status: 480, reason: 'Agent Unavailable' })
  t.match(story.replyTo('call-hook', 'first'), { kind: 'decline' })
  t.equal(story.it.phase, 'connected')
})

await t.test('a call that is over leaves no call hook without a reply, also when it comes back', async t => {
  const story = tell()
  story.hook({ hash: 'first' })
  story.caller('no-answer', 487, 'caller')
  t.equal(story.it.phase, 'ended')
  story.connect({ answered: true })
  story.made('created', 1)
  t.match(story.replyTo('call-hook', 'first'), { kind: 'decline' })
  t.notOk(story.it.end, "and that is not the new attempt's end")
})
