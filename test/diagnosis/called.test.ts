import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import type { Order } from '../../src/calls/fold/order.ts'
import { diagnose, isFailure, logFields, type Diagnosis } from '../../src/diagnosis/diagnose.ts'
import { calledIn, callsIn } from '../fixtures/called.ts'
import { tell, type Story } from '../fixtures/events.ts'
import { orderWith } from '../fixtures/orders.ts'

const seen = (diagnosis: Diagnosis, signal: string): string | undefined =>
  diagnosis.evidence.find(item => item.signal === signal)?.seen
const shows = (diagnosis: Diagnosis, signal: string): string | undefined =>
  diagnosis.evidence.find(item => item.signal === signal)?.shows
const says = ({ answers }: Diagnosis, id: string): string | undefined => {
  const answer = answers.find(answer => answer.id === id)
  return answer && `${answer.answer}: ${answer.says}`
}
/** Everything that a person reads. */
function textsOf ({ summary, meaning = '', evidence, answers, nextSteps, notToldApart }: Diagnosis): string[] {
  return [
    summary,
    meaning,
    ...evidence.flatMap(({ seen, shows }) => [seen, shows]),
    ...answers.flatMap(({ question, says }) => [question, says]),
    ...nextSteps.map(({ todo }) => todo),
    ...notToldApart
  ]
}

const CALLER = /\bcallers?\b(?! id)/i

await t.test('recorded outbound calls', async t => {
  const expected: Record<string, [cause: string, by: string, summary: RegExp, signal: string, seen: RegExp]> = {
    'callee-404': ['number-unobtainable', 'carrier', /no way to it \(404\)\.$/, 'caller-leg-final', /^callee leg.*404/],
    'callee-486': ['busy', 'carrier', /^The callee was busy \(486\)\.$/, 'caller-leg-final', /^callee leg busy 486/],
    'callee-503': ['carrier-failed', 'carrier', /did not place the call \(503\)/, 'caller-leg-final', /503/],
    'no-answer-carrier-487': ['no-answer', 'carrier', /^Nobody answered within 759 ms \(487\)\.$/, 'caller-leg-final', /487/],
    'cancelled-while-ringing': ['operator-hung-up', 'operator', /over the bridge's API\.$/, 'hang-up', /from the bridge/],
    'answered-room-at-ringing': [
      'callee-hung-up',
      'callee',
      /^The callee hung up after 1\.8 s of talk\.$/,
      'caller-leg-final',
      /^callee leg completed 200 OK by callee$/
    ],
    'callee-hangs-up-before-agent': [
      'callee-hung-up',
      'callee',
      /^The callee hung up 2\.5 s after the answer, waiting for the agent's audio\.$/,
      'no-agent-audio',
      /no AUDIO track/
    ],
    'agent-ends-by-deleting-the-room': ['agent-hung-up', 'agent', /^The agent's side hung up/, 'action', /in-progress/],
    'no-agent': ['no-agent', 'jambonz', /with the callee in the room, and no agent ever/, 'no-agent', /no AGENT/],
    'dial-fails-then-hangup': ['livekit-refused-credentials', 'unknown', /\(401\)/, 'agent-leg-final', /401/],
    'call-hook-500': ['reply-refused', 'jambonz', /hung up on the callee\.$/, 'agent-leg-not-dialled', /./],
    'call-hook-invalid-verb': ['reply-refused', 'jambonz', /hung up on the callee\.$/, 'agent-leg-not-dialled', /./],
    'time-limit': ['time-limit', 'jambonz', /reached its time limit after 3\.9 s of talk/, 'caller-leg-final', /by jambonz/],
    'transfer-refer': ['transferred', 'agent', /^The agent transferred the callee/, 'refer-result', /refer_status 202/]
  }
  for (const [name, [cause, by, summary, signal, evidence]] of Object.entries(expected)) {
    const diagnosis = diagnose(calledIn('outbound', name))
    t.match(diagnosis, { cause, by }, name)
    t.match(diagnosis.summary, summary, name)
    t.match(seen(diagnosis, signal), evidence, `${name}: ${signal}`)
  }
})

await t.test('recorded calls of agents', async t => {
  const expected: Record<string, [cause: string, by: string, summary: RegExp]> = {
    'callee-404': ['number-unobtainable', 'carrier', /\(404\)/],
    'callee-404-passed-on': ['number-unobtainable', 'carrier', /\(404\)/],
    'callee-480': ['no-answer', 'carrier', /^The callee was not available \(480\)/],
    'callee-486': ['busy', 'carrier', /^The callee was busy \(486\)/],
    'callee-603': ['declined', 'carrier', /^The callee declined the call \(603\)/],
    'callee-503-passed-on': ['carrier-failed', 'carrier', /did not place the call \(503\)/],
    'no-answer-jambonz-timeout': ['no-answer', 'carrier', /^Nobody answered within 4\.0 s \(487\)/],
    'no-answer-livekit-timeout': ['agent-gave-up', 'agent', /^LiveKit ended the call after 4\.0 s, before the callee/],
    'refused-403': ['not-allowed', 'bridge', /^The number policy did not allow the agent/],
    'answered-no-wait-callee-hangs-up': ['callee-hung-up', 'callee', /^The callee hung up after 1\.0 s of talk\.$/],
    'room-deleted-while-connected': ['agent-hung-up', 'agent', /^The agent's side hung up after 698 ms of talk\.$/]
  }
  for (const [name, [cause, by, summary]] of Object.entries(expected)) {
    const diagnosis = diagnose(calledIn('livekit-out', name))
    t.match(diagnosis, { cause, by }, name)
    t.match(diagnosis.summary, summary, name)
  }
  const busy = diagnose(calledIn('livekit-out', 'callee-486'))
  t.equal(seen(busy, 'agent-leg-final'), 'callee leg busy 486 Busy Here')
  t.equal(shows(busy, 'agent-leg-final'), 'the callee was busy')
  t.match(says(busy, 'why-480'), /decline that follows the bridge's dial/, 'what createSipParticipant answers')
  const answered = diagnose(calledIn('livekit-out', 'answered-wait-udp'))
  t.equal(shows(answered, 'answered'), 'the agent and the callee could talk')
  t.match(shows(diagnose(calledIn('livekit-out', 'refused-403')), 'policy-refused'), /`policy.deny` \(\+1555\)/)
})

await t.test('nobody is called a caller who is none', async t => {
  const wrong = (texts: string[], words: RegExp): string[] => texts.filter(text => words.test(text))
  let texts = 0
  for (const name of callsIn('outbound')) {
    const all = textsOf(diagnose(calledIn('outbound', name)))
    texts += all.length
    t.same(wrong(all, CALLER), [], name)
    t.same(wrong(all, /call hook\b.* after|after the call hook/), [], `${name}: times are those since the order`)
  }
  for (const name of callsIn('livekit-out')) {
    const all = textsOf(diagnose(calledIn('livekit-out', name)))
    texts += all.length
    t.same(wrong(all, CALLER), [], name)
    t.same(wrong(all, /agent leg|far end/i), [], name)
  }
  t.ok(texts > 500, `${texts} texts`)
})

await t.test("a carrier's own words are not in Jambonz's hooks, and the diagnosis says so", async t => {
  for (const name of ['callee-404', 'callee-486', 'callee-503', 'no-answer-carrier-487']) {
    t.match(diagnose(calledIn('outbound', name)).notToldApart.join(), /Reason and X- headers are not in Jambonz's hooks/)
  }
  t.match(diagnose(calledIn('outbound', 'callee-404')).notToldApart[0], /does not exist .* cannot route look alike/)
})

/** An outbound call that Jambonz has named. */
function placed (extra: Partial<Order> = {}): Story {
  const order = orderWith({ ringS: 30, ...extra })
  const { from, to } = order
  const story = tell({ rules: { callControl: true }, facts: { direction: 'outbound', from, to } })
  story.feed({ kind: 'placed', callSid: 'call-1', order: { ...order, sentAt: story.now } })
  return story
}

await t.test('487: who gave up, Jambonz or the carrier', async t => {
  const rung = (ms: number): Call => {
    const story = placed()
    story.caller('ringing', 180)
    story.pass(ms)
    story.caller('no-answer', 487)
    story.pass(5000)
    return story.it
  }
  const full = diagnose(rung(30_000))
  t.match(full.summary, /^Nobody answered within 30 s, the longest time .* Jambonz cancelled \(487\)\.$/)
  t.same(full.notToldApart, [])
  t.match(says(full, 'why-487'), /Nobody answered within 30 s, and Jambonz cancelled/)
  t.match(says(full, 'why-no-call-hook'), /when the callee answers, and the callee did not/)

  const early = diagnose(rung(12_000))
  t.match(early.summary, /^Nobody answered within 12 s \(487\)\.$/)
  t.match(early.notToldApart[0], /gave up by itself and a call that was cancelled look alike/)
  t.match(says(early, 'why-487'), /the carrier gave up by itself/)
})

await t.test('a callee who is busy is no failure; one who met nobody is', async t => {
  const busy = calledIn('outbound', 'callee-486')
  t.equal(diagnose(busy).severity, 'ok')
  t.notOk(isFailure(busy))
  const waited = calledIn('outbound', 'callee-hangs-up-before-agent')
  t.equal(diagnose(waited).severity, 'failed')
  t.ok(isFailure(waited))
  t.match(diagnose(waited).nextSteps[0]?.todo, /publishes its audio, before it waits for the callee/)
  t.notOk(isFailure(calledIn('outbound', 'answered-room-at-ringing')))
})

await t.test('an order under way, step by step', async t => {
  const order = orderWith()
  const story = tell({ callSid: order.id, rules: { callControl: true } })
  const so = () => diagnose(story.it)
  story.feed({ kind: 'ordered', order })
  t.match(so(), { summary: 'The call is ordered, and Jambonz was not asked for it yet.', waitingOn: 'none' })
  t.match(says(so(), 'call-placed'), /^no:/)
  story.feed({ kind: 'sending' })
  t.match(so().summary, /^Jambonz was asked to place the call, and has not said yet/)
  t.match(shows(so(), 'create-call'), /may have dialled/)

  const called = placed()
  t.equal(diagnose(called.it).summary, 'The callee is being called.')
  called.caller('ringing', 180)
  called.made()
  t.match(diagnose(called.it), { summary: "The callee's phone rings.", waitingOn: 'none', nextSteps: [] })
  called.pass(1000)
  called.caller('in-progress', 200)
  called.hook({ answered: true, redirected: false })
  t.match(diagnose(called.it).summary, /^The callee has answered, and waits for /)
  called.agent('trying', 100)
  called.agent('ringing', 180)
  called.agent('in-progress', 200)
  t.equal(diagnose(called.it).summary, 'The callee is connected.')
})

await t.test('an order that was not placed, and one that nobody knows of', async t => {
  const ended = (event: 'refused' | 'not-sent' | 'unknown', detail?: string): Call => {
    const order = orderWith()
    const story = tell({ callSid: order.id, rules: { callControl: true } })
    story.feed({ kind: 'ordered', order })
    if (event !== 'not-sent') story.feed({ kind: 'sending' })
    story.feed({ kind: 'placement', outcome: event, ...(detail && { detail }) })
    story.pass(130_000)
    return story.it
  }
  const refused = diagnose(ended('refused', '400 to is invalid'))
  t.match(refused, { cause: 'not-placed', by: 'jambonz', severity: 'failed' })
  t.equal(refused.summary, 'Jambonz refused to place the call, and dialled nobody.', "without Jambonz's own text")
  t.match(seen(refused, 'create-call'), /^createCall: refused \(400 to is invalid\)$/)
  t.match(diagnose(ended('not-sent', 'queue-full')).summary, /was not asked .*: too many requests to its API were waiting/)

  const lost = diagnose(ended('unknown'))
  t.match(lost, { cause: 'lost', severity: 'failed' })
  t.match(lost.summary, /Jambonz may have dialled\.$/)
  t.match(lost.notToldApart, [/the callee may have been called, and may have met nobody/])
  t.match(lost.nextSteps.map(({ todo }) => todo).join(), /look for it in Jambonz before you order it again/)
})

await t.test('a machine answered', async t => {
  const story = placed({ voicemail: 'jambonz', onMachine: 'hangup' })
  story.caller('ringing', 180)
  story.made()
  story.caller('in-progress', 200)
  story.pass(2500)
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'jambonz', reason: 'long greeting' })
  story.caller('completed', 200, 'jambonz')
  story.pass(5000)
  const diagnosis = diagnose(story.it)
  t.match(diagnosis, { cause: 'machine-answered', by: 'bridge', severity: 'ok' })
  t.match(diagnosis.summary, /^A machine answered, as was found out 2\.5 s later, and the bridge hung up/)
  t.equal(seen(diagnosis, 'voicemail'), 'voicemail detection by Jambonz: machine (long greeting)')
  t.equal(shows(diagnosis, 'hang-up'), 'the order says to hang up on a machine')
  t.match(says(diagnosis, 'who-answered'), /^because: A machine answered, 2\.5 s after the answer/)
  t.match(diagnosis.notToldApart, [/A person who answers with a long sentence looks like a machine/])
})

await t.test('what detection that says nothing means', async t => {
  const silences = [['jambonz', /Without speech credentials/], ['agent', /The agent did not say/]] as const
  for (const [voicemail, silence] of silences) {
    const story = placed({ voicemail })
    story.caller('in-progress', 200)
    t.match(says(diagnose(story.it), 'who-answered'), silence)
  }
  const off = placed()
  off.caller('in-progress', 200)
  t.equal(says(diagnose(off.it), 'who-answered'), undefined)
})

await t.test('nothing personal is logged', async t => {
  const metadata = '{"name":"Alice"}'
  const story = placed({ reference: 'ticket-4711', metadata, placedBy: 'crm', callerName: 'ACME' })
  story.caller('ringing', 180)
  story.caller('failed', 404)
  story.pass(5000)
  const logged = JSON.stringify(logFields(story.it))
  t.match(logged, /number-unobtainable/)
  t.notMatch(logged, /ticket-4711|Alice|crm|ACME|1555/)
})
