import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { newCall } from '../../src/calls/fold/new-call.ts'
import { jobMetadata, readRoomMetadata, roomMetadata } from '../../src/livekit/metadata.ts'
import type { Way } from '../../src/calls/fold/way.ts'
import { attemptWith, factsWith, START } from '../fixtures/events.ts'
import { project } from '../fixtures/paths.ts'

const attempt = attemptWith()
const callWith = (facts: Parameters<typeof factsWith>[0] = {}, metadata = '') =>
  newCall('call-1', START, factsWith(facts), { agent: 'demo-agent', metadata })
const job = (facts?: Parameters<typeof factsWith>[0], metadata?: string) =>
  JSON.parse(jobMetadata(callWith(facts, metadata), attempt)) as {
    v: number
    call: Record<string, unknown>
    app?: string
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
      attempt: 1,
      headers: { 'X-Customer-Id': '4711' }
    },
    app: '{"tenant":"acme"}'
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

await t.test('the ways that are left come back in their order, from rooms of version 1 too', async t => {
  const plan = [
    { strategy: 'phone' as const, number: '+15551230009' },
    { strategy: 'room' as const, agent: 'second-agent' }
  ]
  const text = roomMetadata({ ...callWith(), plan }, attempt)
  const own = { strategy: 'room', agent: 'demo-agent' }
  t.same(readRoomMetadata(text)?.ways, [own, ...plan])
  const { plan: _, way: _way, ...old } = JSON.parse(text)
  t.same(readRoomMetadata(JSON.stringify({ ...old, v: 1, fallbackNumber: '+15551230009' }))?.ways, [own, plan[0]])
  t.equal(readRoomMetadata(text.replace('+15551230009', 'sip:evil@example.com')), undefined, 'no number')
})

await t.test('a room does not say what the application told its agent', async t => {
  t.notMatch(
    roomMetadata(callWith({ headers: { 'X-Secret': 'top-secret' } }, 'confidential'), attempt),
    /confidential|top-secret/
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
