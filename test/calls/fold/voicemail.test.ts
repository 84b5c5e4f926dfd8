import t from 'tap'
import type { Call } from '../../../src/calls/fold/call.ts'
import type { Order } from '../../../src/calls/fold/order.ts'
import { tell, type Story } from '../../fixtures/events.ts'
import { orderWith } from '../../fixtures/orders.ts'

/** An outbound call whose callee answers, and who is connected to the agent. */
function connected (extra: Partial<Order> = {}): Story {
  const order = orderWith({ voicemail: 'agent', ...extra })
  const { from, to } = order
  const story = tell({ rules: { callControl: true }, facts: { direction: 'outbound', from, to } })
  story.feed({ kind: 'placed', callSid: 'call-1', order })
  story.caller('ringing', 180)
  story.made()
  story.pass(2000)
  story.caller('in-progress', 200)
  story.hook({ answered: true, redirected: false })
  const agent = { identity: 'agent-1', audio: true }
  story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'active' }, agent }
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.agent('in-progress', 200)
  return story
}

/** When LiveKit was looked at, milliseconds after both sides were connected. */
const looksOf = ({ performed, it }: Story): number[] =>
  performed.filter(({ kind, at }) => kind === 'look' && at > it.at.connected!).map(({ at }) => at - it.at.connected!)

const voicemail = ({ voicemail }: Call) => voicemail && `${voicemail.verdict} by ${voicemail.by}`

await t.test('an agent says what it found out by an attribute, which a look sees', async t => {
  const story = connected()
  story.pass(4000)
  story.see = { ...story.see, voicemail: 'machine' }
  story.pass(130_000)
  t.equal(voicemail(story.it), 'machine by agent')
  t.equal(story.it.phase, 'connected', 'onMachine: continue')
  t.same(looksOf(story), [5000, 65_000, 125_000], 'as every connected call from then on')
})

await t.test('looks for a verdict are few, and other calls need none', async t => {
  const story = connected()
  story.pass(100_000)
  t.same(looksOf(story), [5000, 15_000, 30_000, 90_000])
  t.equal(voicemail(story.it), undefined)
  for (const voicemail of ['off', 'jambonz'] as const) {
    const other = connected({ voicemail })
    other.pass(100_000)
    t.same(looksOf(other), [60_000], voicemail)
  }
})

await t.test('the end of a greeting changes nothing of who answered', async t => {
  const machine = connected({ voicemail: 'jambonz' })
  machine.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz', reason: 'hint' })
  const { at } = machine.it.voicemail!
  machine.pass(3000)
  machine.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz', greetingOver: true })
  t.match(machine.it.voicemail, { at, reason: 'hint', greetingOverAt: machine.now })

  const person = connected({ voicemail: 'jambonz' })
  person.feed({ kind: 'voicemail', verdict: 'human', by: 'jambonz' })
  person.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz', greetingOver: true })
  t.match(person.it.voicemail, { verdict: 'human', greetingOverAt: undefined })
})

await t.test('a machine that is heard after an operator hung up did not end the call', async t => {
  const story = connected({ voicemail: 'jambonz', onMachine: 'hangup' })
  story.feed({ kind: 'hangup' })
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz' })
  story.caller('completed', 200, 'jambonz')
  story.pass(5000)
  t.equal(story.cause, 'operator-hung-up')
})

await t.test('onMachine: hangup, when the agent says so', async t => {
  const story = connected({ onMachine: 'hangup' })
  story.see = { ...story.see, voicemail: 'machine' }
  story.pass(5000)
  t.match(story.performed.filter(({ kind }) => kind === 'hang-up'), [{ target: 'completed' }])
  story.caller('completed', 200, 'jambonz')
  story.pass(5000)
  t.match(story.it.end, { cause: 'machine-answered', by: 'bridge' })
})

await t.test('an agent that leaves takes its verdict along', async t => {
  const story = connected()
  const agent = { sid: 'PA_agent1', identity: 'agent-1', kind: 'AGENT' as const }
  const left = { ...agent, reason: 'ROOM_DELETED', voicemail: 'human' as const }
  story.feed({ kind: 'livekit', room: story.room(), what: 'participant_left', participant: left })
  t.equal(voicemail(story.it), 'human by agent')
})

await t.test('what an agent says that was not asked does not count', async t => {
  const story = connected({ voicemail: 'jambonz', onMachine: 'hangup' })
  story.see = { ...story.see, voicemail: 'machine' }
  story.pass(60_000)
  t.equal(voicemail(story.it), undefined)
  t.equal(story.it.phase, 'connected')
})

await t.test('a verdict after the end is recorded, and changes nothing', async t => {
  const story = connected({ voicemail: 'jambonz', onMachine: 'hangup' })
  story.pass(2000)
  story.caller('completed', 200, 'caller')
  story.pass(5000)
  const { end } = story.it
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz' })
  t.equal(voicemail(story.it), 'machine by jambonz')
  t.same(story.it.end, end)
  t.match(story.it.end, { cause: 'callee-hung-up', by: 'callee' })
  t.notOk(story.it.duties.some(({ kind }) => kind === 'hang-up' || kind === 'tell-agent'))
})

await t.test('no verdict is no verdict, and a later one counts', async t => {
  const story = connected({ voicemail: 'jambonz' })
  story.feed({ kind: 'voicemail', verdict: 'unknown', by: 'jambonz', reason: 'no speech' })
  t.equal(voicemail(story.it), undefined)
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz', greetingOver: true })
  t.equal(voicemail(story.it), 'machine by jambonz')
  t.equal(story.it.voicemail?.greetingOverAt, story.it.voicemail?.at)
})
