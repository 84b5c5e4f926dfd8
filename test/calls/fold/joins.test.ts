import t from 'tap'
import { namesOf } from '../../../src/calls/fold/names.ts'
import type { SipAttributes } from '../../../src/calls/fold/events.ts'
import { tell, type Story } from '../../fixtures/events.ts'

/** LiveKit shows a SIP leg in the room of the call. */
const shows = (story: Story, sip: SipAttributes, sid = 'PA_person') => {
  story.feed({
    kind: 'livekit',
    room: story.room(),
    what: 'participant_joined',
    participant: { sid, identity: `callee-${sid}`, kind: 'SIP', sip }
  })
}

const lines = (story: Story, what: string) => story.it.events.filter(line => line.what === what)

await t.test('a call is found by what LiveKit calls the legs in its room', async t => {
  const story = tell()
  story.connect()
  shows(story, { callStatus: 'dialing', called: '+15551230000', callIds: ['SCL_1'] })
  shows(story, { callStatus: 'active', called: '+15551230000', callIds: ['SCL_1', 'full-1'] })
  t.ok(namesOf(story.it).has('beside:SCL_1'))
  t.ok(namesOf(story.it).has('beside:full-1'))
  t.notOk([...namesOf(story.it)].some(name => name.startsWith('sip:')), 'it is not itself that call')
  t.equal(story.it.attempts[0]!.view.sip, undefined, 'nor is that leg its caller')
})

await t.test("the caller's own leg says nothing of anybody else", async t => {
  const story = tell()
  story.connect()
  shows(story, { callStatus: 'ringing', dispatched: true, callIds: ['SCL_0', 'full-0'] })
  t.same([...namesOf(story.it)], [story.room()])
})

await t.test('who dials out of the room is never taken for its caller', async t => {
  const story = tell()
  story.connect()
  shows(story, { callStatus: 'dialing', callIds: ['SCL_1'] })
  t.equal(story.it.attempts[0]!.view.sip, undefined)
  shows(story, { callStatus: 'ringing' }, 'PA_caller')
  t.equal(story.it.attempts[0]!.view.sip?.sid, 'PA_caller')
})

await t.test('only so many ids are remembered, and the latest', async t => {
  const story = tell()
  story.connect()
  for (let i = 0; i < 40; i++) shows(story, { callStatus: 'dialing', called: 'x', callIds: [`SCL_${i}`] }, `PA_${i}`)
  t.equal(story.it.sipCallIds?.length, 16)
  t.equal(story.it.sipCallIds?.at(-1), 'SCL_39')
})

await t.test('a look at the room tells of its legs too', async t => {
  const story = tell()
  story.connect()
  const sip = { sid: 'PA_caller', callStatus: 'active' }
  story.see = { exists: true, sip, company: true, people: [{ callIds: ['SCL_7'] }] }
  story.answered()
  story.pass(61_000)
  t.ok(namesOf(story.it).has('beside:SCL_7'))
})

await t.test('people are told of once each, and only so many', async t => {
  const story = tell()
  story.connect()
  for (const callSid of ['agent-1', 'agent-1', 'agent-2', 'agent-1']) story.feed({ kind: 'person', callSid })
  t.same(story.it.people, ['agent-1', 'agent-2'])
  t.same(lines(story, 'person called').map(({ detail }) => detail), ['agent-1', 'agent-2'])
  for (let i = 0; i < 50; i++) story.feed({ kind: 'person', callSid: `agent-x${i}` })
  t.equal(story.it.people?.length, 32)
})

await t.test('an agent call has the names of its own leg, and the room that LiveKit shows', async t => {
  const route = { ways: [{ strategy: 'phone' as const, number: '+15550004444', carrier: 'MyCarrier' }] }
  const story = tell({ facts: { direction: 'agent' } })
  story.hook({ route, joins: 'named-by-header', sipCallIds: ['SCL_1', 'full-1'] })
  t.same([...namesOf(story.it)], ['sip:SCL_1', 'sip:full-1'])
  story.feed({ kind: 'joins', callSid: 'named-by-header' })
  t.same(lines(story, 'joins a call'), [], 'that is known')
  story.feed({ kind: 'joins', callSid: 'in-the-room' })
  t.equal(story.it.joins, 'in-the-room')
  story.feed({ kind: 'joins', callSid: story.it.callSid })
  t.equal(story.it.joins, 'in-the-room', 'never itself')
})
