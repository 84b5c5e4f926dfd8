import t from 'tap'
import type { Way } from '../../../src/calls/fold/way.ts'
import { tell, type StoryOptions } from '../../fixtures/events.ts'

const SAY: Way = { strategy: 'say', text: 'Nobody is here.' }
const PHONE: Way = { strategy: 'phone', number: '+15551230009' }
const ROOM: Way = { strategy: 'room', agent: 'demo-agent' }

function begin (ways: Way[], options?: StoryOptions) {
  const story = tell(options)
  const reply = story.hook({ route: { ways } })
  return { story, reply }
}

await t.test('the last announcement ends the call, which Jambonz then hangs up', async t => {
  const { story, reply } = begin([SAY])
  t.same(reply, { kind: 'announce', attempt: 1 })
  story.caller('trying', 100)
  story.caller('in-progress', 200)
  t.equal(story.it.phase, 'connected')
  t.equal(story.it.at.answered, undefined, 'nobody was talked to')
  story.pass(20_000)
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'announced', by: 'bridge' })
})

await t.test('another way behind it is dialled when Jambonz asks', async t => {
  const { story, reply } = begin([SAY, PHONE])
  t.same(reply, { kind: 'announce', attempt: 1 })
  story.caller('in-progress', 200)
  t.same(story.action(undefined, undefined, { callerStatus: 'in-progress' }), { kind: 'dial', attempt: 2 })
  t.equal(story.it.attempts[0]?.end?.cause, 'announced')
  story.agent('trying', 100)
  story.agent('busy', 486)
  t.same(story.action('busy', 486, { callerStatus: 'in-progress' }), { kind: 'hangup' }, 'an answered caller')
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'busy', sipStatus: 486 })
})

await t.test('that it was answered, and late, does not mean that the next way was', async t => {
  const { story } = begin([SAY, PHONE])
  story.action(undefined, undefined, { callerStatus: 'in-progress' })
  story.agent('trying', 100)
  story.caller('in-progress', 200)
  t.equal(story.it.phase, 'dialing')
  story.caller('completed', 200, 'caller')
  t.equal(story.cause, 'caller-gave-up')
})

await t.test('a caller who hangs up during it, and one who does before it', async t => {
  const { story } = begin([SAY])
  story.caller('in-progress', 200)
  story.caller('completed', 200, 'caller')
  t.match(story.it.end, { cause: 'caller-hung-up', by: 'caller' })
  const { story: early } = begin([SAY])
  early.caller('no-answer', 487, 'caller')
  t.equal(early.cause, 'caller-gave-up')
})

await t.test('behind a failure the failure is why the call ended', async t => {
  const { story } = begin([ROOM, PHONE, SAY])
  story.made()
  story.agent('trying', 100)
  story.action('failed', 503)
  story.agent('trying', 100, { leg: 'b2' })
  const reply = story.action('busy', 486, { dialCallSid: 'b2' })
  t.same(reply, { kind: 'announce', attempt: 3 })
  story.caller('in-progress', 200)
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'busy', sipStatus: 486 })
  t.same(story.it.attempts.map(({ end }) => end?.cause), ['sip-unreachable', 'busy', 'announced'])
})

await t.test('Jambonz ends it although another way is left: nobody knows why', async t => {
  const { story } = begin([SAY, PHONE])
  story.caller('in-progress', 200)
  story.caller('completed', 200, 'jambonz')
  t.match(story.it.end, { cause: 'lost', detail: 'Jambonz ended the call during the announcement' })
})

await t.test('without a status hook its end is heard when Jambonz asks what is next', async t => {
  const { story } = begin([SAY], { statusesExpected: false })
  story.pass(20_000)
  t.same(story.action(undefined, undefined, { callerStatus: 'in-progress' }), { kind: 'hangup' })
  t.match(story.it.end, { cause: 'announced', by: 'bridge' })
})

await t.test('a caller whom Jambonz could not answer heard nothing', async t => {
  const { story } = begin([SAY])
  t.match(story.action(undefined, undefined, { callerStatus: 'trying' }), { kind: 'decline', status: 480 })
  t.match(story.it.end, { cause: 'media-server-failed', by: 'jambonz' })
  const { story: failed } = begin([PHONE, SAY])
  failed.agent('trying', 100)
  failed.action('busy', 486)
  failed.action(undefined, undefined, { attempt: 2, callerStatus: 'trying' })
  failed.pass(2000)
  t.equal(failed.cause, 'busy', 'nobody could be reached before')
  t.equal(failed.it.attempts[1]?.end?.cause, 'media-server-failed')
})

await t.test('the failure before it is the cause, also where its own end was not heard', async t => {
  const { story } = begin([PHONE, SAY], { rules: { timeLimitS: 600 }, statusesExpected: false })
  story.action('busy', 486)
  story.pass(700_000)
  t.equal(story.cause, 'busy')
  t.equal(story.it.attempts[1]?.end?.cause, 'lost')
})

await t.test('without a status hook it may take as long as any call', async t => {
  const { story } = begin([SAY], { rules: { timeLimitS: 600 }, statusesExpected: false })
  story.pass(599_000)
  t.not(story.it.phase, 'ended')
  story.pass(60_000)
  t.match(story.it.end, { cause: 'lost', detail: 'how the announcement ended was not heard' })
})

await t.test('a route that declines', async t => {
  const DECLINE: Way = { strategy: 'decline', status: 603, reason: 'Decline' }
  await t.test('at once', async t => {
    const { story, reply } = begin([DECLINE])
    t.same(reply, { kind: 'decline', status: 603, reason: 'Decline' })
    t.match(story.it.end, { cause: 'declined', by: 'bridge', sipStatus: 603 })
    t.match(story.it.attempts, [{ strategy: 'decline', end: { cause: 'declined' } }])
  })
  await t.test('behind a failure, which is why the call ended', async t => {
    const { story } = begin([PHONE, DECLINE])
    story.agent('trying', 100)
    t.same(story.action('busy', 486), { kind: 'decline', status: 603, reason: 'Decline' })
    story.pass(2000)
    t.match(story.it.end, { cause: 'busy', by: 'carrier', sipStatus: 486 })
    t.same(story.it.attempts.map(({ end }) => end?.cause), ['busy', 'declined'])
  })
  await t.test('a caller whom an announcement had answered is hung up', async t => {
    const { story } = begin([SAY, DECLINE])
    t.same(story.action(undefined, undefined, { callerStatus: 'in-progress' }), { kind: 'hangup' })
    t.equal(story.it.phase, 'ended')
  })
})

await t.test('a way before it failed, and the caller is not answered until it is heard', async t => {
  const { story } = begin([PHONE, SAY])
  story.caller('trying', 100)
  story.agent('trying', 100)
  t.same(story.action('busy', 486), { kind: 'announce', attempt: 2 })
  t.equal(story.it.phase, 'received')
  story.caller('in-progress', 200)
  t.equal(story.it.phase, 'connected')
})

await t.test('an operator hangs up during it', async t => {
  const { story } = begin([SAY], { rules: { callControl: true } })
  story.caller('in-progress', 200)
  story.feed({ kind: 'hangup' })
  story.caller('completed', 200, 'jambonz')
  t.equal(story.cause, 'operator-hung-up')
  t.equal(story.it.attempts[0]?.end?.cause, 'operator-hung-up')
})

await t.test('the caller leg fails before it is answered: the announcement was not heard', async t => {
  const { story } = begin([SAY])
  story.caller('trying', 100)
  story.caller('failed', 500, 'jambonz')
  t.match(story.it.end, { cause: 'media-server-failed', by: 'jambonz', sipStatus: 500 })
})

await t.test('a failure before a decline is the cause, also when the decline is heard of first', async t => {
  const { story } = begin([ROOM, { strategy: 'decline', status: 603, reason: 'Decline' }])
  story.made()
  story.caller('trying', 100)
  story.agent('trying', 100)
  story.action('failed', 503)
  story.caller('failed', 603, 'jambonz')
  story.agent('failed', 503, { reason: 'DNS Error' })
  t.match(story.it.end, { cause: 'sip-unreachable', sipStatus: 503 })
})

await t.test('what came before the call was brought back is no cause', async t => {
  const { story } = begin([SAY, PHONE])
  story.caller('in-progress', 200)
  story.action(undefined, undefined, { callerStatus: 'in-progress' })
  story.agent('trying', 100)
  t.same(story.hook({ answered: true, redirected: true }), { kind: 'announce', attempt: 3 })
  const over = { callerStatus: 'completed', callerEndedBy: 'jambonz' } as const
  t.same(story.action(undefined, undefined, over), { kind: 'nothing' })
  t.match(story.it.end, { cause: 'announced' })
})
