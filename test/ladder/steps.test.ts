import t from 'tap'
import type { Way } from '../../src/calls/fold/way.ts'
import { present } from '../../src/calls/view.ts'
import { callPage, callTable } from '../../src/cli/calls-print.ts'
import { stepsOf } from '../../src/ladder/steps.ts'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { presentDiagnosis } from '../../src/diagnosis/diagnosis-view.ts'
import { calledIn } from '../fixtures/called.ts'
import { START, tell, type Story } from '../fixtures/events.ts'
import { orderWith } from '../fixtures/orders.ts'

const AGENT: Way = { strategy: 'room', agent: 'first-agent' }
const RETELL: Way = { strategy: 'retell', agent: 'agent_0123', key: 'RETELL_API_KEY' }
const PHONE: Way = { strategy: 'phone', number: '+4915111111111', carrier: 'Schmidtkom' }

const arrows = (story: Story): string[] =>
  stepsOf(present(story.it)).map(({ from, to, what }) => from === to ? `${from}: ${what}` : `${from} > ${to}: ${what}`)

const page = (story: Story): string =>
  callPage(
    present(story.it),
    presentDiagnosis(diagnose(story.it)),
    undefined,
    { width: 120, colour: false, ascii: false, rewrite: false },
    120
  ).join('\n')

await t.test('a room in which an agent waited: the reply waits for nothing but the claim', async t => {
  const story = tell()
  story.hook({ route: { ways: [AGENT] } })
  story.pass(3)
  const madeAt = START - 132_000
  const waiting = { identity: 'agent-AJ_1', joinedAt: madeAt + 300, audioAt: madeAt + 400 }
  const room = { room: 'jb_cwarm', token: 'cwarm', agentName: 'first-agent', departureS: 10, events: true }
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', warm: { ...room, madeAt, agent: waiting } })
  const view = present(story.it)
  const claimed = view.events.at(-1)!
  const atOnce = { ...claimed, from: 'jambonz' as const, what: 'status', leg: 'agent' as const, status: 'trying' }
  t.match(stepsOf({ ...view, events: [...view.events, atOnce] }).slice(-3), [
    { what: 'warm room claimed' },
    { what: 'reply: dial the room' },
    { what: 'agent leg trying' }
  ], 'also where the dial begins within the same millisecond')
  t.notMatch(arrows(story).join(), 'createRoom', 'nothing was asked of LiveKit')
  const [attempt] = present(story.it).attempts
  t.match(attempt, { start: 'warm', at: { roomMade: new Date(madeAt).toISOString() } })
  t.notOk(attempt && 'whyCold' in attempt)
  t.match(page(story), /^room {3}jb_cwarm\nstart {2}warm, the room was made 132 s before$/m)
})

await t.test('an agent that waited and was gone before the answer', async t => {
  const story = tell()
  story.claim()
  story.livekit('participant_left', 'agent', { reason: 'CLIENT_INITIATED' })
  t.match(present(story.it).attempts, [{ start: 'replaced' }])
  t.match(arrows(story).join(), 'warm room claimed')
  t.notMatch(arrows(story).join(), 'createRoom')
  t.match(page(story), /^start {2}replaced: an agent waited, and was gone before it answered$/m)

  story.it.plan.push({ ...AGENT, agent: 'second-agent' })
  story.agent('busy', 486)
  story.action('busy', 486)
  t.match(page(story), /^ {2}1\. room demo-agent replaced: /m)
})

await t.test('of several attempts each says whether an agent waited', async t => {
  const story = tell()
  story.hook({ route: { ways: [AGENT, { ...AGENT, agent: 'second-agent' }] } })
  const room = { room: 'jb_cwarm', token: 'cwarm', agentName: 'first-agent', departureS: 10, events: true }
  const warm = { ...room, madeAt: START - 9000, agent: { identity: 'agent-AJ_1', joinedAt: START - 8000 } }
  story.feed({ kind: 'room', attempt: 1, outcome: 'created', warm })
  story.agent('busy', 486)
  story.action('busy', 486)
  story.feed({ kind: 'room', attempt: 2, outcome: 'created' })
  t.match(page(story), /^ {2}1\. room first-agent warm: .*\n {2}2\. room second-agent: under way$/m)
})

await t.test('a room that is made for the call: why no agent waited, where one was to wait', async t => {
  const cold = (whyCold?: 'empty' | 'store') => {
    const story = tell()
    story.hook({ route: { ways: [AGENT] } })
    t.equal(present(story.it).attempts[0]?.start, undefined, 'not decided yet')
    story.feed({ kind: 'room', attempt: 1, outcome: 'created', ...(whyCold && { cold: whyCold }) })
    return story
  }
  t.match(arrows(cold('empty')).slice(-3), ['bridge: no warm room (empty)', /createRoom/, /reply/])
  t.match(present(cold('empty').it).attempts[0], { start: 'cold', whyCold: 'empty' })
  const late = tell()
  late.hook({ route: { ways: [AGENT] } })
  late.feed({ kind: 'room', attempt: 1, outcome: 'timeout', cold: 'empty' })
  late.feed({ kind: 'room', attempt: 1, outcome: 'created', cold: 'empty' })
  t.equal(arrows(late).filter(line => line.includes('no warm room')).length, 1, 'said once')
  t.match(page(cold('empty')), /^start {2}cold, because no warm room was ready$/m)
  t.match(page(cold('store')), /^start {2}cold, because Redis did not give a warm room in time$/m)
  t.match(present(cold().it).attempts[0], { start: 'cold', whyCold: 'no-pool' })
  t.notMatch(page(cold()), /^start/m)
  t.notMatch(arrows(cold()).join(), 'warm')

  const retell = tell()
  retell.hook({ route: { ways: [RETELL] } })
  retell.feed({ kind: 'registration', attempt: 1, outcome: 'created', sipUser: 'call_abc' })
  t.notOk('start' in JSON.parse(JSON.stringify(present(retell.it).attempts[0])), 'no room, no start')
})

await t.test('each attempt: its reply behind what it waited for, and the responses of its own far end', async t => {
  const story = tell()
  story.hook({ route: { name: 'night', ways: [AGENT, RETELL, PHONE, { strategy: 'say', text: 'Nobody is here.' }] } })
  story.made('created')
  story.agent('trying', 100)
  story.agent('ringing', 180)
  story.agent('no-answer', 487)
  story.action('no-answer', 487)
  story.feed({ kind: 'registration', attempt: 2, outcome: 'created', sipUser: 'call_abc' })
  story.agent('ringing', 180, { leg: 'b2' })
  story.agent('busy', 486, { leg: 'b2' })
  story.action('busy', 486)
  story.agent('trying', 100, { leg: 'b3' })
  story.agent('ringing', 180, { leg: 'b3' })
  story.agent('failed', 404, { leg: 'b3' })
  story.action('failed', 404)
  const shown = arrows(story)
  const dialled = shown.filter(line => /reply|createRoom|registration|leg/.test(line) && !line.includes('/action'))
  t.strictSame(dialled, [
    'bridge > livekit: createRoom created',
    'bridge > jambonz: reply: dial the room',
    'jambonz > bridge: agent leg trying 100',
    'livekit > jambonz: agent leg ringing 180',
    'jambonz > bridge: agent leg no-answer 487',
    'bridge > retell: registration created',
    'bridge > jambonz: reply: dial Retell',
    'retell > jambonz: agent leg ringing 180',
    'jambonz > bridge: agent leg busy 486',
    'bridge > jambonz: reply: dial the number',
    'jambonz > bridge: agent leg trying 100',
    'phone > jambonz: agent leg ringing 180',
    'jambonz > bridge: agent leg failed 404',
    'bridge > jambonz: reply: say'
  ])
})

await t.test('only the far ends that were called have a lifeline, and the page names the route', async t => {
  const story = tell()
  story.hook({ route: { name: 'night', ways: [PHONE] } })
  story.answered()
  story.caller('completed', 200, 'caller')
  story.pass(5000)
  const text = page(story)
  const header = text.split('\n').find(line => line.includes('jambonz'))
  t.match(header, /caller +jambonz +bridge +phone$/)
  t.match(text, /^route {2}night$/m)
})

await t.test('a refusal is drawn behind the attempt that refuses', async t => {
  const story = tell()
  story.hook({ route: { ways: [{ strategy: 'decline', status: 603, reason: 'Decline' }] } })
  const shown = arrows(story)
  t.equal(shown.indexOf('bridge > jambonz: reply: decline'), shown.indexOf('bridge: attempt decline') + 1)
})

await t.test('a long summary is wrapped once', async t => {
  const story = tell()
  const ways = Array.from({ length: 6 }, (_, i): Way => ({ ...PHONE, carrier: `Carrier number ${i}` }))
  story.hook({ route: { ways } })
  for (let i = 0; i < 6; i++) {
    story.agent('busy', 486, { leg: `b${i}` })
    story.action('busy', 486)
  }
  story.pass(5000)
  const lines = page(story).split('\n')
  const from = lines.findIndex(line => line.startsWith('Cause:')) + 1
  const summary = lines.slice(from, lines.findIndex(line => line.startsWith('What was dialled was busy')))
  t.match(summary.join(' ').replace(/ +/g, ' '), /The number that was dialled was busy \(486\)\.$/)
  t.ok(summary.length > 3)
  for (const line of summary.slice(1, -1)) t.ok(line.length > 90, `a full line: ${line}`)
})

await t.test('a call that we place: who ordered it, and the callee', async t => {
  const order = orderWith({ placedBy: 'crm', reference: 'ticket-4711', sentAt: START + 5, voicemail: 'agent' })
  const { from, to } = order
  const story = tell({ rules: { callControl: true }, facts: { direction: 'outbound', from, to } })
  story.feed({ kind: 'placed', callSid: 'call-1', order })
  story.caller('trying', 100)
  story.caller('ringing', 180)
  story.made()
  story.caller('in-progress', 200)
  story.hook({ answered: true, redirected: false })
  story.agent('trying', 100)
  story.agent('in-progress', 200)
  story.feed({ kind: 'voicemail', verdict: 'human', by: 'agent' })
  story.caller('completed', 200, 'caller')
  story.pass(5000)
  t.strictSame(arrows(story).filter(line => !/look|delete-room|attempt/.test(line)), [
    'bridge: call ordered by crm',
    'bridge > jambonz: createCall',
    'jambonz > bridge: call placed',
    'jambonz > bridge: callee leg trying 100',
    'callee > jambonz: callee leg ringing 180',
    'bridge > livekit: createRoom created',
    'callee > jambonz: callee leg in-progress 200',
    'jambonz > bridge: call hook in-progress',
    'bridge > jambonz: reply: dial the room',
    'jambonz > bridge: agent leg trying 100',
    'livekit > jambonz: agent leg in-progress 200',
    'agent > bridge: voicemail human by agent',
    'jambonz > bridge: callee leg completed 200 by callee',
    'bridge: call ended callee-hung-up by callee'
  ])
  const shown = page(story)
  t.match(shown, /^ +ms +callee +jambonz +bridge +livekit +agent$/m)
  t.match(shown, /^order {2}ticket-4711$/m)
  t.match(shown, /^by {5}crm$/m)
  t.match(shown, /^answer human, as the agent found out$/m)
  t.notMatch(shown, /caller/)
})

await t.test('a call that an agent makes: LiveKit has the first leg, and it joins another call', async t => {
  const call = calledIn('livekit-out', 'no-answer-livekit-timeout')
  const view = present({ ...call, joins: 'call-of-the-caller' })
  t.strictSame(
    stepsOf(view).map(({ from, to, what }) => `${from} > ${to}: ${what}`).filter(line => line.includes(' leg')),
    [
      'jambonz > bridge: LiveKit leg trying 100 Trying',
      'jambonz > bridge: callee leg trying 100 Trying',
      'callee > jambonz: callee leg ringing 180 Ringing',
      'jambonz > bridge: LiveKit leg no-answer 487 Request Terminated by LiveKit',
      'jambonz > bridge: /action no-answer 487 (LiveKit leg no-answer)',
      'jambonz > bridge: callee leg no-answer 487 Request Terminated'
    ]
  )
  const table = callTable([view], 160, START)
  t.match(table.join('\n'), /in call-of-the-caller/)
})

await t.test("an agent's name is not broken within a word in a table of the usual width", async t => {
  const story = tell()
  story.hook({ route: { ways: [{ strategy: 'room', agent: 'receptionist' }] } })
  const summary = {
    ...present(story.it),
    callSid: '0'.repeat(36),
    from: '+1555000111100',
    end: { cause: 'livekit-refused-credentials', by: 'livekit', waitingOn: 'sip' }
  }
  const table = callTable([summary as never], 100, START)
  t.match(table.join('\n'), /receptionist/)
  t.ok(table.every(line => line.length <= 100))
})
