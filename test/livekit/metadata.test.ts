import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { Attempt, Call } from '../../src/calls/fold/call.ts'
import { newCall } from '../../src/calls/fold/new-call.ts'
import * as format from '../../src/livekit/metadata.ts'
import { createPlanSeal } from '../../src/livekit/plan-seal.ts'
import type { Way } from '../../src/calls/fold/way.ts'
import { attemptWith, callTokens, controlOf, factsWith, planSeal, roomFormat, START } from '../fixtures/events.ts'
import { orderWith } from '../fixtures/orders.ts'
import { project } from '../fixtures/paths.ts'

const { jobMetadata } = roomFormat
const roomMetadata = (call: Call, attempt: Attempt, seal = planSeal) =>
  format.roomMetadata(call, attempt, seal, controlOf(call, attempt))
const readRoomMetadata = (text: string) => format.readRoomMetadata(text, planSeal)

const attempt = attemptWith()
const callWith = (facts: Parameters<typeof factsWith>[0] = {}, metadata = '') =>
  ({
    ...newCall('call-1', START, factsWith(facts), { agent: 'demo-agent', metadata }),
    route: { name: 'sales by day', ways: [] }
  })
const job = (facts?: Parameters<typeof factsWith>[0], metadata?: string) =>
  JSON.parse(jobMetadata(callWith(facts, metadata), attempt)) as {
    v: number
    call: Record<string, unknown>
    app?: string
    control: { url: string, token: string }
  }

await t.test('the job metadata, version 1', async t => {
  t.same(job({ headers: { 'X-Customer-Id': '4711' } }, '{"tenant":"acme"}'), {
    v: 1,
    call: {
      callSid: 'call-1',
      direction: 'inbound',
      from: '+15550001111',
      to: '+15551230000',
      callerName: 'Alice',
      trunk: 'MyCarrier',
      route: 'sales by day',
      attempt: 1,
      headers: { 'X-Customer-Id': '4711' }
    },
    app: '{"tenant":"acme"}',
    control: controlOf(callWith(), attempt)
  })
})

await t.test('is what agent authors were promised', async t => {
  const text = readFileSync(project('docs/agents.md'), 'utf8')
  const promised = JSON.parse(/## Job metadata, version 1[\s\S]*?```json\n([\s\S]*?)```/.exec(text)![1]!) as {
    v: number
    call: Record<string, unknown>
  }
  const route = { name: 'sales', ways: [] }
  const real = JSON.parse(jobMetadata({ ...callWith({}, 'x'), route }, attempt))
  t.equal(real.v, promised.v)
  t.same(Object.keys(real).sort(), Object.keys(promised).sort())
  t.same(Object.keys(real.call).sort(), Object.keys(promised.call).sort())
  for (const [name, value] of Object.entries(promised.call)) t.equal(typeof real.call[name], typeof value, name)
})

await t.test('the agent can reach its own call', async t => {
  const { url, token } = job().control
  t.equal(url, 'https://bridge.example.com/calls/call-1')
  t.equal(callTokens.read(token)?.callSid, 'call-1')
})

await t.test('a withheld number is not in it', async t => {
  t.match(job({ from: 'anonymous', callerName: '', withheld: true }).call, { from: 'anonymous', callerName: '' })
})

await t.test('a trunk that is not known is left out', async t => {
  t.notOk('trunk' in job({ trunk: undefined }).call)
})

await t.test("the application's own metadata is passed word for word", async t => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), metadata => job({}, metadata).app === metadata))
  t.pass('for all of them')
})

await t.test('later attempts say so', async t => {
  t.equal((JSON.parse(jobMetadata(callWith(), { ...attempt, n: 3 })) as { call: { attempt: number } }).call.attempt, 3)
})

await t.test('a room says whose it is', async t => {
  t.match(JSON.parse(roomMetadata(callWith(), attempt)), {
    v: 2,
    callSid: 'call-1',
    attempt: 1,
    direction: 'inbound',
    agent: 'demo-agent',
    way: { strategy: 'room', agent: 'demo-agent' },
    plan: [],
    receivedAt: START
  })
})

const OWN: Way = { strategy: 'room', agent: 'demo-agent' }

await t.test('the route and the ways that are left come back in their order', async t => {
  const plan: Way[] = [
    { strategy: 'phone', number: '+15551230009' },
    { strategy: 'room', agent: 'second-agent' }
  ]
  const text = roomMetadata({ ...callWith(), plan, route: { name: 'sales', ways: [] } }, attempt)
  t.match(readRoomMetadata(text), { route: 'sales', ways: [OWN, ...plan] })
})

await t.test('any plan comes back as it was, whatever it says', async t => {
  const text = fc.string({ unit: 'binary', minLength: 1 })
  const way = fc.oneof(
    fc.record({ strategy: fc.constant('phone' as const), number: text, carrier: text, ringS: fc.nat() }),
    fc.record({
      strategy: fc.constant('sip' as const),
      uri: text,
      auth: fc.record({ username: text, password: text })
    }),
    fc.record({ strategy: fc.constant('say' as const), text, language: text }),
    fc.record({ strategy: fc.constant('decline' as const), status: fc.nat(), reason: text })
  )
  fc.assert(fc.property(fc.array(way, { maxLength: 15 }), plan => {
    t.same(readRoomMetadata(roomMetadata({ ...callWith(), plan }, attempt))?.ways, [OWN, ...plan])
  }), { numRuns: 50 })
})

await t.test('a plan that an agent changed, or that has no seal, does not count', async t => {
  const plan: Way[] = [{ strategy: 'phone', number: '+15551230009' }]
  const text = roomMetadata({ ...callWith(), plan }, attempt)
  const changed = (change: object) => JSON.stringify({ ...JSON.parse(text), ...change })
  for (
    const [what, forged] of [
      ['another number', text.replace('+15551230009', '+19005551234')],
      ['another address', changed({ plan: [{ strategy: 'sip', uri: 'sip:x@evil.example' }] })],
      ['no plan', changed({ plan: undefined })],
      ['no seal', changed({ seal: undefined })],
      ['an empty seal', changed({ seal: '' })],
      ['another route', changed({ route: 'vip' })],
      ['another call', changed({ callSid: 'call-2' })],
      ['another attempt', changed({ attempt: 2 })],
      ['an older version', changed({ v: 1, plan: undefined, way: undefined, fallbackNumber: '+15551230009' })]
    ] as const
  ) {
    const read = readRoomMetadata(forged)
    t.same(read?.ways, [OWN], what)
    t.equal(read?.route, undefined)
  }
  const other = createPlanSeal('another-secret')
  t.same(readRoomMetadata(roomMetadata({ ...callWith(), plan }, attempt, other))?.ways, [OWN])
})

await t.test('a room does not say what the application told its agent', async t => {
  t.notMatch(
    roomMetadata(callWith({ headers: { 'X-Secret': 'top-secret' } }, 'confidential'), attempt),
    /confidential|top-secret|control|jlb_call_/
  )
})

await t.test('a room does not say what only the agent of a later way may know', async t => {
  const plan: Way[] = [
    { strategy: 'room', agent: 'second-agent', metadata: 'confidential' },
    {
      strategy: 'retell',
      agent: 'agent_1',
      key: 'RETELL_API_KEY',
      metadata: '{"note":"confidential"}',
      variables: { name: 'confidential' }
    }
  ]
  const text = roomMetadata({ ...callWith(), plan }, attempt)
  t.notMatch(text, /confidential/)
  t.equal(readRoomMetadata(text)?.ways.length, 3)
})

await t.test('a long plan is read again too', async t => {
  const plan: Way[] = Array.from({ length: 15 }, () => ({ strategy: 'say', text: 'x'.repeat(2000) }))
  t.equal(readRoomMetadata(roomMetadata({ ...callWith(), plan }, attempt))?.ways.length, 16)
})

await t.test('a room says which order its call is placed for, and nobody else can', async t => {
  const order = orderWith({ reference: 'user-1', metadata: 'for the agent', headers: { 'X-Case': '4711' } })
  const text = roomMetadata({ ...callWith({ direction: 'outbound' }), order }, attempt)
  t.notMatch(text, 'for the agent')
  t.notMatch(text, '4711')
  const { metadata: _metadata, headers: _headers, ...open } = order
  t.same(readRoomMetadata(text)?.order, open)

  const written = JSON.parse(text) as { order: object }
  const forged = { ...written, order: { ...written.order, reference: 'user-2' } }
  t.notOk(readRoomMetadata(JSON.stringify(forged))?.order)
  const { order: _order, ...without } = written
  t.notOk(readRoomMetadata(JSON.stringify(without))?.route, 'the seal covers that there is an order')
  t.notOk(readRoomMetadata(JSON.stringify({ ...JSON.parse(roomMetadata(callWith(), attempt)), order: open }))?.order)
})
