import t from 'tap'
import { tell } from '../../fixtures/events.ts'

await t.test('an operator who hangs up while the room is made keeps the call from being dialled', async t => {
  const story = tell()
  story.hook({ hash: 'h' })
  story.feed({ kind: 'hangup' })
  story.made()
  t.same(story.replyTo('call-hook', 'h'), { kind: 'decline', status: 480, reason: 'Agent Unavailable' })
  t.equal(story.cause, 'operator-hung-up')
  t.same(story.deleted.at(-1), story.room())
})

await t.test('a call is hung up by whoever asked the bridge first', async t => {
  const ends = (...by: Array<'agent' | undefined>) => {
    const story = tell({ rules: { callControl: true } })
    story.connect()
    story.answered()
    for (const one of by) story.feed({ kind: 'hangup', by: one })
    const asked = story.it.events.filter(({ what }) => what === 'hang-up').map(({ from }) => from)
    story.agent('completed', 200)
    story.action('completed', 200, { callerStatus: 'in-progress' })
    story.caller('completed', 200, 'jambonz')
    story.pass(5000)
    return { asked, end: story.it.end, attempt: story.it.attempts[0]?.end }
  }
  const agent = { cause: 'agent-hung-up', by: 'agent' }
  const operator = { cause: 'operator-hung-up', by: 'operator' }
  t.match(ends('agent'), { asked: ['agent'], end: agent, attempt: agent })
  t.match(ends(undefined), { asked: ['operator'], end: operator, attempt: operator })
  t.match(ends('agent', undefined), { asked: ['agent'], end: agent })
  t.match(ends(undefined, 'agent'), { asked: ['operator'], end: operator })
})

await t.test('an agent may hang up before the call is answered', async t => {
  const story = tell({ rules: { callControl: true } })
  story.connect()
  story.agent('ringing', 180)
  story.feed({ kind: 'hangup', by: 'agent' })
  story.caller('failed', 503, 'jambonz')
  story.pass(5000)
  t.match(story.it.end, { cause: 'agent-hung-up', by: 'agent', waitingOn: 'none' })
})

await t.test('a SIP leg that joins after the hang-up does not take it back', async t => {
  const story = tell()
  story.connect()
  story.feed({ kind: 'hangup' })
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.livekit('participant_joined', 'sip')
  story.pass(7000)
  t.equal(story.cause, 'operator-hung-up')
})

await t.test('a hook that brings a call back a second time, byte by byte the same, is another one', async t => {
  const story = tell({ statusesExpected: false })
  story.connect()
  t.same(story.connect({ hash: 'back', answered: true }), { kind: 'dial', attempt: 2 })
  t.same(story.hook({ hash: 'back', answered: true }), { kind: 'dial', attempt: 2 }, 'at once it is a repeat')
  story.pass(3000)
  t.same(story.connect({ hash: 'back', answered: true }), { kind: 'dial', attempt: 3 })
  t.notOk(story.it.end)
})

await t.test('an /action that overtakes the status waits for the reason phrase', async t => {
  for (
    const [reason, cause] of [['Try again later', 'livekit-overloaded'], ['DNS Error', 'sip-unreachable']] as const
  ) {
    const story = tell()
    story.connect()
    story.caller('trying', 100)
    story.agent('trying', 100)
    story.action('failed', 503)
    story.agent('failed', 503, { reason })
    t.equal(story.cause, cause)
  }
})
