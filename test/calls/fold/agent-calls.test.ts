import t from 'tap'
import type { Call, End } from '../../../src/calls/fold/call.ts'
import type { Cause } from '../../../src/calls/fold/vocabulary.ts'
import type { CallEvent } from '../../../src/calls/fold/events.ts'
import { readAgentRecordings, type AgentRecording } from '../../fixtures/agent-recordings.ts'
import { createDriver, rulesWith, tell, type Untimed } from '../../fixtures/events.ts'

/** What really happened in each recording, judged from what the callee's phone and LiveKit's API show there. */
const TRUTH: Record<string, Partial<End>> = {
  'livekit-out/answered-no-wait-callee-hangs-up': { cause: 'callee-hung-up', by: 'callee' },
  'livekit-out/answered-wait-udp': { cause: 'callee-hung-up', by: 'callee' },
  'livekit-out/callee-404': { cause: 'number-unobtainable', by: 'carrier', sipStatus: 404 },
  'livekit-out/callee-404-passed-on': { cause: 'number-unobtainable', by: 'carrier', sipStatus: 404 },
  'livekit-out/callee-480': { cause: 'no-answer', by: 'carrier', sipStatus: 480 },
  'livekit-out/callee-486': { cause: 'busy', by: 'carrier', sipStatus: 486 },
  'livekit-out/callee-486-no-wait': { cause: 'busy', by: 'carrier', sipStatus: 486 },
  'livekit-out/callee-503-passed-on': { cause: 'carrier-failed', by: 'carrier', sipStatus: 503 },
  'livekit-out/callee-603': { cause: 'declined', by: 'carrier', sipStatus: 603 },
  'livekit-out/callee-603-passed-on': { cause: 'declined', by: 'carrier', sipStatus: 603 },
  'livekit-out/dtmf': { cause: 'callee-hung-up', by: 'callee' },
  'livekit-out/no-answer-jambonz-timeout': { cause: 'no-answer', by: 'carrier', sipStatus: 487 },
  'livekit-out/no-answer-livekit-timeout': { cause: 'agent-gave-up', by: 'agent', sipStatus: 487 },
  'livekit-out/refused-403': { cause: 'not-allowed', by: 'bridge', sipStatus: 403 },
  'livekit-out/room-deleted-while-connected': { cause: 'agent-hung-up', by: 'agent' },
  // The REFER was refused, and the call went on until the callee hung up.
  'livekit-out/transfer': { cause: 'callee-hung-up', by: 'callee' },
  'auth-trunk/answered': { cause: 'callee-hung-up', by: 'callee' },
  'auth-trunk/answered-udp': { cause: 'callee-hung-up', by: 'callee' },
  'auth-trunk/busy-passed-on': { cause: 'busy', by: 'carrier', sipStatus: 486 },
  'auth-trunk/forged-headers': { cause: 'callee-hung-up', by: 'callee' },
  'auth-trunk/refused-403': { cause: 'not-allowed', by: 'bridge', sipStatus: 403 }
}

/** Nothing of these came to the bridge, or it did not answer. */
const WITHOUT_CALL = ['auth-trunk/address-is-an-ip', 'auth-trunk/wrong-password', 'livekit-out/hook-500']

const recordings = readAgentRecordings().filter(({ name }) => !WITHOUT_CALL.includes(name))

/** Folds what was heard of a recorded call to its end. */
function fold ({ callSid, start }: AgentRecording, events: readonly CallEvent[]): Call | undefined {
  const driver = createDriver({
    callSid: callSid!,
    rules: rulesWith({ retentionS: 100_000 }),
    start,
    world: { look: () => ({ exists: false }), perform: () => 'done' }
  })
  for (const { at, ...event } of events) {
    driver.pass(Math.max(0, at - driver.now))
    driver.feed(event as Untimed)
  }
  // Longer than a call may last.
  driver.pass(8_000_000)
  return driver.call
}

const causeOf = (recording: AgentRecording, events: readonly CallEvent[]): Cause | undefined =>
  fold(recording, events)?.end?.cause

await t.test('every recorded call of an agent ends with its cause', async t => {
  t.same(recordings.map(({ name }) => name).sort(), Object.keys(TRUTH).sort())
  for (const recording of recordings) {
    const call = fold(recording, recording.events)!
    t.match(call.end, TRUTH[recording.name]!, recording.name)
    t.equal(call.facts.direction, 'agent')
    t.notMatch(call.end?.detail ?? '', /\bway\b/, 'who was called is no way of a route')
    t.same(call.duties, [], 'nothing is owed: the room is not ours')
  }
})

await t.test('the statuses alone, or /action alone, tell the same', async t => {
  for (const recording of recordings) {
    const { name, events } = recording
    const { cause } = TRUTH[name]!
    t.equal(causeOf(recording, events.filter(({ kind }) => kind !== 'status')), cause, `${name}: without statuses`)
    t.equal(causeOf(recording, events.filter(({ kind }) => kind !== 'action')), cause, `${name}: without /action`)
  }
})

await t.test('hooks may overtake each other', async t => {
  for (const recording of recordings) {
    const { name, events } = recording
    for (let i = 2; i < events.length; i++) {
      const [one, other] = [events[i - 1]!, events[i]!]
      const swapped = [...events.slice(0, i - 1), { ...other, at: one.at }, { ...one, at: other.at }]
      t.equal(causeOf(recording, [...swapped, ...events.slice(i + 1)]), TRUTH[name]!.cause, `${name}: ${i}`)
    }
  }
})

await t.test('a bridge that was not there for the call hook tells the same of a dialled call', async t => {
  for (const recording of recordings) {
    const { name, events: [hook, ...later] } = recording
    const isDialled = hook?.kind === 'call-hook' && hook.refuse === undefined
    const call = fold(recording, later)!
    t.equal(call.end?.cause, isDialled ? TRUTH[name]!.cause : 'lost', name)
    t.equal(call.facts.direction, 'agent', name)
  }
})

await t.test('a CANCEL of LiveKit names both of its reasons', async t => {
  const timedOut = recordings.find(({ name }) => name === 'livekit-out/no-answer-livekit-timeout')!
  t.match(fold(timedOut, timedOut.events)!.end!.detail, /ringing timeout.*removed/)
})

const agents = { facts: { direction: 'agent' as const, from: '+15551230000', to: '+15550004444' } }
const route = { ways: [{ strategy: 'phone' as const, number: '+15550004444', carrier: 'MyCarrier' }] }

await t.test('what is not recorded', async t => {
  const calling = () => {
    const story = tell(agents)
    story.hook({ route })
    story.agent('trying', 100)
    story.agent('ringing', 180)
    return story
  }
  for (
    const [callStatus, sipStatus, cause] of [
      ['failed', 403, 'declined'],
      ['failed', 410, 'number-unobtainable'],
      ['failed', 484, 'number-unobtainable'],
      ['failed', 607, 'declined'],
      ['failed', 608, 'declined'],
      ['failed', 500, 'carrier-failed'],
      ['failed', 408, 'no-answer'],
      ['busy', 600, 'busy']
    ] as const
  ) {
    const story = calling()
    story.agent(callStatus, sipStatus)
    story.action(callStatus, sipStatus)
    story.caller('failed', sipStatus)
    story.pass(5000)
    t.equal(story.cause, cause, `${sipStatus}`)
  }
  const unreachable = tell(agents)
  unreachable.hook({ route })
  unreachable.agent('failed', 408)
  unreachable.action('failed', 408)
  unreachable.caller('failed', 408)
  unreachable.pass(5000)
  t.equal(unreachable.cause, 'carrier-failed', 'the carrier said nothing at all')

  const stopped = calling()
  stopped.answered()
  stopped.feed({ kind: 'hangup' })
  stopped.caller('completed', 200, 'jambonz')
  stopped.pass(5000)
  t.match(stopped.it.end, { cause: 'operator-hung-up', by: 'operator' })
})

await t.test('LiveKit alone says that the call is over', async t => {
  const story = tell(agents)
  story.hook({ route })
  story.pass(1000)
  story.feed({ kind: 'leg-left', reason: 'USER_UNAVAILABLE' })
  t.equal(story.it.phase, 'received', 'Jambonz may still say why')
  story.pass(10_000)
  t.match(story.it, { phase: 'ended', end: { cause: 'lost' } }, 'it waits for nothing that could last for hours')

  const busy = tell(agents)
  busy.hook({ route })
  busy.agent('trying', 100)
  busy.feed({ kind: 'leg-left', reason: 'USER_REJECTED' })
  busy.agent('busy', 486)
  busy.action('busy', 486)
  busy.caller('failed', 486)
  busy.pass(10_000)
  t.equal(busy.cause, 'busy', 'what Jambonz says of it counts')
})

await t.test('LiveKit gets the status of the callee, and never one of our own legs', async t => {
  const replyTo = (callStatus: 'failed' | 'busy' | 'no-answer', sipStatus: number, reason?: string) => {
    const story = tell(agents)
    story.hook({ route })
    story.agent('ringing', 180)
    story.agent(callStatus, sipStatus, { reason })
    return story.action(callStatus, sipStatus)
  }
  t.same(replyTo('busy', 486), { kind: 'decline', status: 486, reason: 'Busy Here' })
  t.same(replyTo('failed', 603), { kind: 'decline', status: 603, reason: 'Decline' })
  t.same(replyTo('failed', 404), { kind: 'decline', status: 404, reason: 'Not Found' })
  t.same(replyTo('failed', 503), { kind: 'decline', status: 503, reason: 'Service Unavailable' })
  t.same(replyTo('failed', 480, 'Asleep'), { kind: 'decline', status: 480, reason: 'Asleep' }, 'in its own words')
  t.same(replyTo('failed', 480, 'Two\r\nLines'), { kind: 'decline', status: 480, reason: 'Not Connected' })
  t.same(replyTo('failed', 499), { kind: 'decline', status: 499, reason: 'Not Connected' })
  t.same(replyTo('no-answer', 487), { kind: 'decline', status: 480, reason: 'No Answer' }, 'our own CANCEL')
  t.match(replyTo('failed', 407), { status: 480, reason: 'Not Connected' }, 'the carrier did not take our credentials')
})
