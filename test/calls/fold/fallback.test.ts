import t from 'tap'
import { currentAttempt } from '../../../src/calls/fold/call.ts'
import { legSidsOf, tell, type Story, type StoryOptions } from '../../fixtures/events.ts'

const FALLBACK: StoryOptions = { rules: { app: { agent: 'demo-agent', metadata: '', fallbackNumber: '+15551230009' } } }

/** The room attempt is rejected; /action opens the phone attempt. */
function fallBack (story: Story) {
  story.connect()
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.agent('busy', 486)
  return story.action('busy', 486, { hash: 'action-1' })
}

await t.test('a failed agent leg is followed by the fallback number', async t => {
  const story = tell(FALLBACK)
  t.same(fallBack(story), { kind: 'dial', attempt: 2 })
  t.match(currentAttempt(story.it), { n: 2, strategy: 'phone', number: '+15551230009' })
  t.equal(story.it.phase, 'received')
  t.ok(story.it.attempts[0]?.end, 'the first attempt is over')
  t.same(story.deleted, [story.room(1)], 'and its room deleted')
  story.answered('b2')
  t.equal(story.it.phase, 'connected')
  story.agent('completed', 200, { leg: 'b2' })
  t.same(story.action('completed', 200, { callerStatus: 'in-progress' }), { kind: 'nothing' })
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'agent-hung-up', by: 'carrier' })
})

await t.test('a repeated /action gets the same reply and opens nothing more', async t => {
  const story = tell(FALLBACK)
  const first = fallBack(story)
  const again = story.action('busy', 486, { hash: 'action-1', attempt: 1 })
  t.same(again, first)
  t.equal(story.it.attempts.length, 2)
  story.agent('busy', 486, { leg: 'b2' })
  t.match(story.action('busy', 486, { hash: 'action-2' }), { kind: 'decline', status: 486 })
  t.same(story.action('busy', 486, { hash: 'action-1', attempt: 1 }), first, 'also after the call')
  t.match(story.action('busy', 486, { hash: 'action-2', attempt: 2 }), { kind: 'decline', status: 486 })
})

await t.test('a late /action of the first attempt does not end the second', async t => {
  const story = tell(FALLBACK)
  fallBack(story)
  t.same(story.action('busy', 486, { hash: 'late', attempt: 1, dialCallSid: 'b1' }), { kind: 'nothing' })
  story.pass(10_000)
  t.not(story.it.phase, 'ended')
  t.notOk(currentAttempt(story.it)?.end)
})

await t.test("late statuses of the first attempt's leg do not end the second", async t => {
  const story = tell(FALLBACK)
  story.connect()
  story.agent('trying', 100)
  story.action('busy', 486)
  story.agent('busy', 486)
  story.agent('trying', 100, { leg: 'b2' })
  story.agent('ringing', 180, { leg: 'b2' })
  story.agent('busy', 486)
  story.pass(10_000)
  t.equal(story.it.phase, 'ringing')
  t.same(legSidsOf(story.it), ['b2'])
})

await t.test(
  'a leg whose statuses all come after the /action that named it belongs to the attempt that is ' +
    'over',
  async t => {
    const story = tell(FALLBACK)
    story.connect()
    story.action('failed', 503, { dialCallSid: 'b1' })
    t.equal(currentAttempt(story.it)?.strategy, 'phone')
    story.agent('trying', 100)
    story.agent('failed', 503)
    story.agent('trying', 100, { leg: 'b2' })
    story.agent('ringing', 180, { leg: 'b2' })
    story.pass(10_000)
    t.equal(story.it.phase, 'ringing', 'the phone still rings')
    t.same(legSidsOf(story.it), ['b2'])
  }
)

await t.test("events of the first attempt's room do not end the second", async t => {
  const story = tell(FALLBACK)
  fallBack(story)
  story.livekit('participant_left', 'sip', { room: story.room(1), reason: 'ROOM_DELETED' })
  story.livekit('room_finished', 'none', { room: story.room(1) })
  story.pass(10_000)
  t.not(story.it.phase, 'ended')
})

await t.test('nothing is dialled for a caller who is gone', async t => {
  const story = tell(FALLBACK)
  story.connect()
  story.agent('trying', 100)
  t.same(story.action('no-answer', 487, { callerStatus: 'no-answer', callerEndedBy: 'caller' }), { kind: 'nothing' })
  t.equal(story.it.attempts.length, 1)
  story.pass(2000)
  t.equal(story.cause, 'caller-gave-up')
})

await t.test('nothing is dialled after a talk', async t => {
  const story = tell(FALLBACK)
  story.connect()
  story.answered()
  story.agent('completed', 200)
  t.same(story.action('completed', 200, { callerStatus: 'in-progress' }), { kind: 'nothing' })
  t.equal(story.it.attempts.length, 1)
})

await t.test('nothing is dialled after an operator hung up', async t => {
  const story = tell(FALLBACK)
  story.connect()
  story.agent('trying', 100)
  story.feed({ kind: 'hangup' })
  t.not(story.action('busy', 486)?.kind, 'dial')
  t.equal(story.it.attempts.length, 1)
})

await t.test('a room that cannot be made for another agent is skipped at once', async t => {
  const story = tell()
  story.hook({ hash: 'h', app: { agent: 'other-agent', fallbackNumber: '+15551230009' } })
  story.made('failed')
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 2 })
  t.equal(story.it.attempts[0]?.end?.cause, 'livekit-failed')
  t.equal(currentAttempt(story.it)?.strategy, 'phone')
})

await t.test('a room that cannot be made for the default agent is dialled anyway', async t => {
  for (const outcome of ['failed', 'timeout'] as const) {
    const story = tell(FALLBACK)
    story.hook({ hash: 'h' })
    story.made(outcome)
    t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 1 })
    t.equal(story.it.attempts[0]?.degraded, true)
  }
})

await t.test('what an unanswered caller is declined with', async t => {
  const declined = (status: number | undefined, callStatus: 'failed' | 'busy' | 'no-answer' = 'failed') => {
    const story = tell()
    story.connect()
    story.agent('trying', 100)
    return story.action(status === undefined ? undefined : callStatus, status)
  }
  for (const status of [404, 408, 410, 486, 488, 500, 503, 600, 603]) {
    t.match(declined(status), { kind: 'decline', status }, `${status} is passed on`)
  }
  for (const status of [401, 407, 480, 487, undefined, 180, 200]) {
    t.match(declined(status), { kind: 'decline', status: 480 }, `${status} is nothing to pass on`)
  }
})

await t.test('an answered caller is hung up, not declined, when the fallback fails', async t => {
  const story = tell()
  story.connect({ answered: true })
  story.agent('trying', 100)
  story.agent('busy', 486)
  t.same(story.action('busy', 486, { callerStatus: 'in-progress' }), { kind: 'hangup' })
})

await t.test('statuses of the phone leg move the call through its phases', async t => {
  const story = tell(FALLBACK)
  fallBack(story)
  const phases = [story.it.phase]
  for (const [status, sip] of [['trying', 100], ['early-media', 183], ['in-progress', 200]] as const) {
    story.agent(status, sip, { leg: 'b2' })
    phases.push(story.it.phase)
  }
  t.same(phases, ['received', 'dialing', 'ringing', 'connected'])
})
