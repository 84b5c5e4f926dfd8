import t from 'tap'
import type { Route, Way } from '../../../src/calls/fold/way.ts'
import { factsWith, tell, tokenOf, type Story, type StoryOptions } from '../../fixtures/events.ts'

const SAY: Way = { strategy: 'say', text: 'Please wait.' }
const PHONE: Way = { strategy: 'phone', number: '+15551230009', ringS: 20 }
const ROOM: Way = { strategy: 'room', agent: 'demo-agent', ringS: 25 }
const RETELL: Way = { strategy: 'retell', agent: 'agent_1', key: 'RETELL_API_KEY' }
const SIP: Way = { strategy: 'sip', uri: 'sip:desk@pbx.example.com' }
const CARRIER: Way = { strategy: 'carrier', carrier: 'Trunk', number: '+15551230010' }

function begin (ways: Way[], options?: StoryOptions): Story {
  const story = tell(options)
  story.hook({ hash: 'h', route: { ways } })
  return story
}

const registered = (story: Story, attempt: number, sipUser?: string) =>
  story.feed({ kind: 'registration', attempt, outcome: sipUser ? 'created' : 'failed', sipUser, detail: 'no-balance' })

await t.test('a leg that is first heard of during an announcement belongs to the dial before it', async t => {
  const story = begin([PHONE, SAY])
  t.same(story.action(undefined, undefined, { rang: false }), { kind: 'announce', attempt: 2 })
  story.caller('in-progress', 200)
  story.agent('trying', 100)
  story.agent('busy', 486)
  story.pass(10_000)
  t.equal(story.it.phase, 'connected', 'the announcement goes on')
  t.match(story.it.legs, [{ sid: 'b1', attempt: 1 }])
  t.equal(story.it.attempts[1]?.end, undefined)
})

await t.test('a leg that is first heard of while the next way is prepared belongs to the dial before it', async t => {
  const story = begin([PHONE, RETELL])
  story.action(undefined, undefined, { rang: false, hash: 'a' })
  story.agent('trying', 100)
  registered(story, 2, 'call_1')
  t.same(story.replyTo('action', 'a'), { kind: 'dial', attempt: 2 })
  story.agent('trying', 100, { leg: 'b2' })
  t.match(story.it.legs, [{ sid: 'b1', attempt: 1 }, { sid: 'b2', attempt: 2 }])
})

await t.test('a registration dials the id that Retell gave', async t => {
  const story = begin([RETELL])
  t.equal(story.replyTo('call-hook', 'h'), undefined, 'the hook waits')
  registered(story, 1, 'call_1')
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 1 })
  t.match(story.it.attempts[0], { token: 'call_1', agent: 'agent_1', made: 'created' })
  registered(story, 1, 'call_2')
  t.equal(story.it.attempts[0]?.token, 'call_1', 'what is dialled stays the same, whoever registers once more')
})

await t.test('a registration that fails gives way to the next, and is the cause where none is left', async t => {
  // The dispatch rule of LiveKit may have an agent of the same name.
  const story = begin([{ ...RETELL, agent: 'demo-agent' }, PHONE])
  registered(story, 1)
  t.match(story.it.events.find(({ what }) => what === 'registration'), { from: 'retell', status: 'failed' })
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 2 })
  t.match(story.it.attempts[0]?.end, { cause: 'retell-failed', waitingOn: 'hook', detail: 'no-balance' })
  registered(story, 1, 'call_late')
  t.equal(story.it.attempts[0]?.end?.cause, 'retell-failed', 'an id that comes late changes nothing')
  t.same(story.replyTo('call-hook', 'h'), { kind: 'dial', attempt: 2 })
  const last = begin([RETELL])
  registered(last, 1)
  t.match(last.replyTo('call-hook', 'h'), { kind: 'decline', status: 480 })
  t.equal(last.cause, 'retell-failed')
  t.ok(last.it.at.replied, 'the decline was a reply')
})

await t.test('a room event is none about a registration, nor the other way round', async t => {
  const story = begin([RETELL])
  story.made('created', 1)
  t.equal(story.replyTo('call-hook', 'h'), undefined)
  const room = begin([ROOM])
  registered(room, 1, 'call_1')
  t.equal(room.replyTo('call-hook', 'h'), undefined)
  t.equal(room.it.attempts[0]?.made, 'unknown')
})

await t.test('a registration that nobody reports does not keep the call', async t => {
  const story = begin([RETELL])
  story.pass(20_000)
  t.equal(story.cause, 'lost')
  t.match(story.replyTo('call-hook', 'h'), { kind: 'decline', status: 480 })
})

await t.test('each way rings as long as the route says', async t => {
  for (const [way, ringS] of [[PHONE, 20], [ROOM, 25], [SIP, 40]] as const) {
    const story = begin([way])
    if (way.strategy === 'room') story.made()
    story.caller('trying', 100)
    story.agent('trying', 100)
    t.equal(story.it.deadline! - story.now, ringS * 1000 + 15_000, way.strategy)
  }
})

await t.test('who answers may ask for a transfer where an agent is dialled, and nowhere else', async t => {
  const allowed = (way: Way) => {
    const story = begin([way])
    if (way.strategy === 'room') story.made()
    if (way.strategy === 'retell') registered(story, 1, 'call_1')
    story.answered()
    return story.refer()?.kind
  }
  for (const way of [ROOM, CARRIER, RETELL]) t.equal(allowed(way), 'refer', way.strategy)
  for (const way of [PHONE, SIP]) t.equal(allowed(way), 'forbid', way.strategy)
})

await t.test('after a failed transfer the next way decides how the call ended', async t => {
  const story = begin([CARRIER, PHONE])
  story.answered()
  story.refer()
  t.same(story.referComplete(603), { kind: 'dial', attempt: 2 })
  story.caller('completed', 200, 'caller')
  story.pass(2000)
  t.equal(story.cause, 'caller-gave-up')
  t.equal(story.it.attempts[0]?.end?.cause, 'transfer-failed')
})

await t.test('a call that is brought back goes through its own route again', async t => {
  const story = begin([PHONE, SIP])
  story.agent('trying', 100)
  story.action('busy', 486)
  story.hook({ answered: true, redirected: true, hash: 'again', route: { ways: [SAY] } })
  t.same(story.it.attempts.map(({ strategy }) => strategy), ['phone', 'sip', 'phone'])
  t.same(story.it.route?.ways, [PHONE, SIP])
})

await t.test('a leg adopts a way that dials somebody', async t => {
  const story = tell({ rules: { guessRoute: () => ({ ways: [SAY, SIP, PHONE] }) } })
  story.agent('ringing', 180)
  t.match(story.it.attempts, [{ n: 2, strategy: 'sip' }])
})

await t.test('a number or room that was dialled tells which way of the route it was', async t => {
  const ways = [ROOM, SIP, { ...ROOM, agent: 'night-agent' }, PHONE]
  const adopted = (dialled: string) => {
    const story = tell({ rules: { guessRoute: () => ({ ways }) } })
    const facts = factsWith()
    story.feed({ kind: 'status', callSid: 'call-1', facts, leg: 'agent', legSid: 'b1', callStatus: 'ringing', dialled })
    return story.it.attempts
  }
  t.match(adopted('+15551230009'), [{ n: 4, way: PHONE }])
  t.match(adopted(tokenOf('call-1', 3)), [{ n: 3, agent: 'night-agent' }])
})

await t.test('a late call hook of an announcement is answered by it', async t => {
  const story = tell({ rules: { guessRoute: () => ({ ways: [SAY, PHONE, SIP] }) } })
  t.same(story.action(undefined, undefined, { attempt: 1, callerStatus: 'in-progress' }), { kind: 'dial', attempt: 2 })
  t.same(story.hook({ hash: 'late', route: { ways: [SAY, PHONE, SIP] } }), { kind: 'announce', attempt: 1 })
  t.same(story.it.plan, [SIP], 'what was tried already is not tried again')
})

await t.test('a late call hook tells what comes next', async t => {
  const story = tell()
  story.agent('trying', 100)
  const { received } = story.it.at
  story.hook({ route: { ways: [ROOM, PHONE] } })
  t.equal(story.it.at.received, received, 'the call began with the first word of it')
  t.same(story.action('busy', 486), { kind: 'dial', attempt: 2 })
  t.match(story.it.attempts, [{ way: { strategy: 'room', ringS: 25 } }, { way: PHONE }])
})

await t.test('a late call hook does not make another kind of way of what was dialled', async t => {
  const story = tell()
  story.agent('trying', 100)
  story.hook({ route: { ways: [PHONE, SIP] } })
  t.match(story.it.attempts, [{ strategy: 'room', way: { strategy: 'room' }, agent: 'demo-agent' }])
})

await t.test('a way that the route refused is told', async t => {
  const refused = 'number-is-called-number' as const
  const events = (route: Route) => {
    const story = tell()
    story.hook({ route })
    return story.it.events.filter(({ what }) => what === 'way refused')
  }
  t.match(events({ ways: [ROOM], refused }), [{ detail: refused }])
  t.same(events({ ways: [ROOM] }), [])
})

await t.test('a call that is brought back at once, but after it was dialled, is dialled again', async t => {
  const story = begin([PHONE])
  const again = { hash: 'again', answered: true, redirected: true }
  t.same(story.hook(again), { kind: 'dial', attempt: 2 })
  t.same(story.hook(again), { kind: 'dial', attempt: 2 }, 'a repeat')
  story.agent('trying', 100)
  t.same(story.hook(again), { kind: 'dial', attempt: 3 })
})

await t.test('the leg that /action names belongs to the way that it names', async t => {
  const story = begin([PHONE, SIP])
  story.action(undefined, undefined, { rang: false })
  story.action('busy', 486, { attempt: 1, dialCallSid: 'b1' })
  story.agent('busy', 486)
  t.match(story.it.legs, [{ sid: 'b1', attempt: 1 }])
  t.equal(story.it.attempts[1]?.final, undefined)
})

await t.test('a caller who is answered before anybody is dialled has nobody to talk to', async t => {
  const story = tell()
  story.connect({ route: { ways: [ROOM] } })
  story.caller('in-progress', 200)
  t.equal(story.it.phase, 'received')
  t.equal(story.it.at.answered, undefined)
})

await t.test('a room that is made for an attempt that is over is deleted at once', async t => {
  const story = begin([ROOM])
  story.hook({ hash: 'again', redirected: true })
  story.made('created', 1)
  t.same(story.deleted, [story.room(1)])
})

await t.test('a room that was made stays made, whatever another replica says', async t => {
  const story = begin([ROOM])
  story.made('created')
  story.made('failed')
  t.match(story.it.attempts[0], { made: 'created', degraded: false })
})

await t.test('why a way ended stays its cause when the call is brought back', async t => {
  const story = begin([ROOM, PHONE])
  story.made()
  story.agent('trying', 100)
  story.action('failed', 503)
  story.hook({ hash: 'again', redirected: true })
  story.agent('failed', 503, { reason: 'DNS Error' })
  t.same(story.it.attempts.map(({ end }) => end?.cause), ['sip-unreachable', 'redirected', undefined])
})

await t.test('the end of a way is not waited for once the next one is dialled', async t => {
  const story = begin([PHONE, SIP])
  story.agent('trying', 100)
  story.agent('busy', 486)
  story.action('busy', 486)
  story.agent('trying', 100, { leg: 'b2' })
  const { deadline } = story.it
  story.pass(20_000)
  t.equal(story.it.deadline, deadline)
  t.equal(story.it.phase, 'dialing')
})

const found = (story: Story, attempt: number, ways: Way[]) => story.feed({
  kind: 'found',
  callSid: 'call-1',
  attempt,
  facts: { direction: 'inbound', from: '', to: '', callerName: '', withheld: false, headers: {} },
  app: { agent: 'demo-agent', metadata: '' },
  route: { ways },
  receivedAt: story.now,
  openedAt: story.now
})

await t.test('another room of a call that Jambonz told of does not take it over', async t => {
  const story = begin([ROOM, PHONE])
  story.made()
  found(story, 2, [ROOM])
  t.match(story.it.attempts, [{ n: 1, end: undefined }])
  t.equal(story.it.attempts.length, 1)
})

await t.test('several rooms of a call that only LiveKit knows: the latest attempt goes on', async t => {
  const whole = [ROOM, SIP, ROOM, PHONE]
  for (const order of [[1, 3], [3, 1]]) {
    const story = tell()
    for (const n of order) found(story, n, whole.slice(n - 1))
    t.match(story.it.attempts.at(-1), { n: 3, room: story.room(3) }, order.join())
    t.same(story.deleted, [story.room(1)])
    t.same(story.it.route?.ways, whole)
    story.agent('trying', 100)
    t.same(story.action('busy', 486, { attempt: 3 }), { kind: 'dial', attempt: 4 })
    t.same(story.it.plan, [])
  }
})

await t.test('a way may ring for longer than LiveKit and Jambonz do by default', async t => {
  const story = begin([{ ...ROOM, ringS: 300 }], { statusesExpected: false })
  story.made()
  story.livekit('room_started')
  story.livekit('participant_joined', 'sip')
  story.see = { exists: true, sip: { sid: 'PA_sip1', callStatus: 'ringing' } }
  story.pass(200_000)
  story.see = { exists: true }
  story.livekit('participant_left', 'sip', { reason: 'CLIENT_INITIATED', sipCallStatus: 'hangup' })
  story.pass(10_000)
  t.equal(story.cause, 'no-agent', 'that is no talk')
})
