import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import { PUBLICATIONS } from '../../src/calls/fold/publications.ts'
import { EVENT_SCHEMAS, EVENT_TYPES, type CallEventPayload } from '../../src/events/event-schemas.ts'
import { ENDED, EVENT_EXAMPLES } from '../../src/events/examples.ts'
import { eventId, eventOf, readEventId } from '../../src/events/payload.ts'
import { exampleCall } from '../fixtures/event-example.ts'
import { tell } from '../fixtures/events.ts'
import { folded } from '../fixtures/folded.ts'
import { tellOrder } from '../fixtures/order-story.ts'
import { readRecordings } from '../fixtures/recordings.ts'

const ajv = new Ajv2020({ schemas: EVENT_SCHEMAS as object[], strict: false, allErrors: true })
addFormats.default(ajv)

/** What of an event does not fit its schema. */
function misfits (event: CallEventPayload): unknown[] {
  const { schemaId } = EVENT_TYPES[event.type]
  const sent = JSON.parse(JSON.stringify(event)) as object
  return ajv.validate(schemaId, sent) ? [] : ajv.errors ?? []
}

/** All keys of a value, also those of what is in it. */
const keysOf = (value: object): string[] => Object.keys(JSON.parse(JSON.stringify(value)) as object).sort()

await t.test('the documented example is the end of a recorded call', async t => {
  t.same(ENDED, eventOf(exampleCall(), 'call.ended'))
})

await t.test('every example fits its schema', async t => {
  for (const type of PUBLICATIONS) t.same(misfits(EVENT_EXAMPLES[type]), [], type)
})

await t.test('every recording: what is sent fits its schema, and has the same keys', async t => {
  for (const recording of readRecordings()) {
    const call = folded({ ...recording, rules: { ...recording.rules, publishes: true } })
    for (const name of call.published!) {
      const event = eventOf(call, name)
      t.same(misfits(event), [], `${recording.name} ${name}`)
      t.same(keysOf(event.data), keysOf(ENDED.data))
      t.equal(event.id, `${call.callSid}:${name}`)
      t.equal(event.data.end?.cause, call.end?.cause)
    }
  }
})

await t.test('an inbound call', async t => {
  const story = tell({ rules: { publishes: true } })
  story.connect()
  t.match(eventOf(story.it, 'call.started').data, {
    callSid: 'call-1',
    orderId: null,
    record: 1,
    direction: 'inbound',
    carrier: 'MyCarrier',
    agent: 'demo-agent',
    times: { received: String, answered: null, ended: null },
    talkSeconds: null,
    end: null
  })
  story.answered()
  story.pass(60_000)
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.agent('completed', 200)
  story.pass(2000)
  const { timestamp, data } = eventOf(story.it, 'call.ended')
  t.equal(timestamp, data.times.ended)
  t.match(data.end, { cause: 'caller-hung-up', by: 'caller', sipStatus: null, summary: /^The caller hung up after 60 s/ })
  t.equal(data.talkSeconds, (Date.parse(data.times.ended!) - Date.parse(data.times.answered!)) / 1000)
  t.equal(eventOf(story.it, 'call.answered').timestamp, data.times.answered)
  t.equal(eventOf(story.it, 'call.started').timestamp, data.times.received)
})

await t.test('when the end was not heard, nobody knows how long the talk was', async t => {
  const story = tell()
  story.connect()
  story.answered()
  const lost: Call = {
    ...story.it,
    phase: 'ended',
    end: { cause: 'lost', by: 'unknown', waitingOn: 'none' },
    at: { ...story.it.at, ended: story.now }
  }
  t.equal(eventOf(lost, 'call.ended').data.talkSeconds, null)
})

await t.test('an outbound call has what was ordered', async t => {
  const story = tellOrder({ order: { onMachine: 'continue' } })
  story.rings()
  story.answers()
  story.calleeHook()
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'agent', reason: 'greeting' })
  story.caller('completed', 200, 'caller')
  story.pass(20_000)
  const event = eventOf(story.it, 'call.dial_finished')
  t.match(event.data, {
    callSid: 'call-1',
    orderId: story.order.id,
    reference: 'user-1',
    placedBy: 'crm',
    direction: 'outbound',
    to: '+15550002222',
    carrier: 'MyCarrier',
    metadata: '{"campaign":"autumn"}',
    voicemail: { verdict: 'machine', by: 'agent', reason: 'greeting' }
  })
  t.equal(event.id, 'call-1:call.dial_finished')
  t.equal(eventOf(story.it, 'call.ended').id, 'call-1:call.ended')
  t.same(misfits(event), [])
})

await t.test('of an order that Jambonz never named, the call has no call_sid', async t => {
  const { order } = tellOrder()
  const call = { ...tellOrder().it, callSid: order.id, order, phase: 'ended' as const }
  t.equal(eventOf(call, 'call.dial_finished').data.callSid, null)
})

await t.test('an event of an earlier record shows that record, and each transfer event its own transfer', async t => {
  const story = tell({ rules: { publishes: true } })
  story.connect()
  story.answered()
  story.refer({ hash: 'one' })
  story.referComplete(202, 486, { hash: 'refused' })
  story.answered('leg-2')
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.agent('completed', 200)
  story.pass(2000)
  const first = eventOf(story.it, 'call.ended')
  story.hook({ hash: 'back', answered: true, redirected: true })
  story.made('created', 2)
  story.answered('leg-3')
  story.refer({ hash: 'two' })
  story.referComplete(202, 200, { hash: 'taken' })
  story.pass(20_000)
  const again = eventOf(story.it, 'call.ended')
  t.equal(again.id, first.id)
  t.same(again.data.times, first.data.times)
  t.equal(again.data.record, 1)
  t.match(again.data.end, { cause: 'caller-hung-up', summary: /./ })
  t.match(eventOf(story.it, 'call.ended:2').data, { record: 2, end: { cause: 'transferred' } })
  t.match(eventOf(story.it, 'call.transfer_finished').data, {
    transfer: { result: 'failed', sipStatus: 486, returned: true },
    transfers: { length: 2 }
  })
  t.match(eventOf(story.it, 'call.transfer_finished:2').data.transfer, { result: 'transferred', sipStatus: 200 })
  t.equal(again.data.transfer, null)
  for (const name of ['call.ended:3', 'call.transfer_finished:3', 'call.hung_up', '']) {
    t.throws(() => eventOf(story.it, name), TypeError, name)
  }
})

await t.test('ids are read back', async t => {
  const { it: call } = tellOrder()
  for (const name of ['call.started', 'call.ended:2', 'call.dial_finished']) {
    t.same(readEventId(eventId(call, name)), { callSid: call.callSid, name })
  }
  t.same(readEventId('a:b:call.ended'), { callSid: 'a:b', name: 'call.ended' })
  for (const text of ['', 'a', 'call.ended', ':call.ended', 'a:call.x', 'a:call.ended:0']) {
    t.equal(readEventId(text), undefined, text)
  }
})
