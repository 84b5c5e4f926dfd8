import fc from 'fast-check'
import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import type { Transfer } from '../../src/calls/fold/transfers.ts'
import { newCall } from '../../src/calls/fold/new-call.ts'
import { createPlanSeal } from '../../src/livekit/plan-seal.ts'
import { createRoomFormat } from '../../src/livekit/room-format.ts'
import { agentControls, attemptWith, callTokens, factsWith, roomFormat, START } from '../fixtures/events.ts'
import { orderWith } from '../fixtures/orders.ts'
import { requestWith } from '../fixtures/transfer-stage.ts'
import { poolWith, warmAttemptWith, warmRoomWith, WARM_NAME, WARM_TOKEN } from '../fixtures/warm-attempts.ts'

const APP = { agent: 'demo-agent', metadata: 'x' }
const callWith = (extra: Partial<Call> = {}): Call => ({
  ...newCall('call-1', START, factsWith({ headers: { 'X-Customer-Id': '4711' } }), APP),
  route: { name: 'sales', ways: [] },
  ...extra
})
const endedTransfer: Transfer = {
  at: START,
  attempt: 1,
  request: requestWith('consult'),
  outcome: { at: START, result: 'returned', reason: 'busy' },
  returned: true
}
const metadataOf = (call: Call) => roomFormat.request(call, warmAttemptWith()).metadata
const read = (text: string) => roomFormat.readMetadata(text)

await t.test('the request for a warm room', async t => {
  const ends = warmRoomWith({ endsAt: START + 240_000, departureS: 25 })
  const { agent, metadata, ...room } = roomFormat.warmRequest(ends, poolWith())
  t.same(room, { name: WARM_NAME, emptyTimeoutS: 300, departureTimeoutS: 25 })
  t.equal(agent.name, 'demo-agent')
  const job = JSON.parse(agent.metadata)
  t.same(job, {
    v: 1,
    mode: 'warm',
    app: '{"tenant":"acme"}',
    control: { base: 'https://bridge.example.com/calls', token: job.control.token }
  })
  t.equal(callTokens.read(job.control.token)?.callSid, `room:${WARM_TOKEN}`)
  t.same(Object.keys(JSON.parse(metadata)), ['v', 'warm', 'agent', 'madeAt', 'departureS', 'seal'])
  t.notMatch(metadata, /tenant|jlb_call_/, 'the room tells nothing that is for the agent alone')
})

await t.test('a room is a pool\'s until a call has it', async t => {
  const { metadata } = roomFormat.warmRequest(warmRoomWith(), poolWith())
  t.ok(roomFormat.isWarmRoom(WARM_NAME, metadata))
  t.same(roomFormat.readWarmRoom(WARM_NAME, metadata), { agent: 'demo-agent', madeAt: START - 60_000, departureS: 60 })
  t.equal(read(metadata), undefined, 'it tells of no call')
  t.notOk(roomFormat.isWarmRoom(WARM_NAME, metadataOf(callWith())))
  t.notOk(roomFormat.isWarmRoom(WARM_NAME, roomFormat.request(callWith(), attemptWith()).metadata))
})

await t.test('nobody else can make a room a pool\'s, or another room than the sealed one', async t => {
  const { metadata } = roomFormat.warmRequest(warmRoomWith(), poolWith())
  const written = JSON.parse(metadata)
  t.notOk(roomFormat.isWarmRoom(`jb_c${'a'.repeat(26)}`, metadata))
  const { agent, madeAt, departureS } = written
  const sealed = { name: WARM_NAME, agent, madeAt, departureS }
  const claimed = JSON.parse(metadataOf(callWith()))
  const forged = [
    '', '{', 'null', '{}', '[]',
    { ...written, seal: undefined }, { ...written, seal: '' }, { ...written, seal: 7 }, { ...written, v: 1 },
    { ...written, agent: 'another-agent' }, { ...written, madeAt: madeAt + 1 }, { ...written, departureS: 3600 },
    { ...written, agent: undefined }, { ...written, warm: false }, { ...written, warm: {} },
    { ...written, seal: claimed.seal },
    { ...written, seal: createPlanSeal('another-secret').sealRoom(sealed) }
  ]
  for (const text of forged.map(one => typeof one === 'string' ? one : JSON.stringify(one))) {
    t.notOk(roomFormat.isWarmRoom(WARM_NAME, text), text)
  }
  t.notOk(roomFormat.isWarmRoom(WARM_NAME, `${metadata}${' '.repeat(65_536)}`), 'nor is any amount of text read')
})

await t.test('once a call has it, its room says what the job metadata of a cold call say', async t => {
  const call = callWith()
  const attempt = warmAttemptWith()
  const { metadata, agent, ...room } = roomFormat.request(call, attempt)
  t.match(room, { name: WARM_NAME, departureTimeoutS: 60 })
  const written = JSON.parse(metadata)
  const job = JSON.parse(agent.metadata)
  t.same(written.call, job.call, 'who calls')
  t.same(written.control, { url: job.control.url })
  t.notOk('lastTransfer' in written)
  t.notMatch(metadata, /jlb_call_|"app"/, 'but no token, and nothing that is for the agent alone')
  t.notOk('mode' in job, 'an agent that is dispatched to it again need not wait')
})

await t.test('how the last transfer ended is said too', async t => {
  const call = callWith({ transfer: endedTransfer })
  const { metadata, agent } = roomFormat.request(call, warmAttemptWith())
  t.match(JSON.parse(metadata).lastTransfer, { mode: 'consult', result: 'returned', reason: 'busy' })
  t.same(JSON.parse(metadata).lastTransfer, JSON.parse(agent.metadata).lastTransfer)
  t.notMatch(metadata, endedTransfer.request!.to, 'but not who was called')
})

await t.test('such a room names its call, and itself', async t => {
  const text = metadataOf(callWith({ plan: [{ strategy: 'phone', number: '+15551230009' }] }))
  t.match(read(text), {
    callSid: 'call-1',
    attempt: 1,
    route: 'sales',
    ways: [{ strategy: 'room', agent: 'demo-agent' }, { strategy: 'phone', number: '+15551230009' }],
    warm: { room: WARM_NAME, madeAt: START - 60_000, departureS: 60 }
  })
  t.notOk('warm' in read(roomFormat.request(callWith(), attemptWith()).metadata)!, 'a cold one does not')
})

/** Parts of metadata that an agent may have seen anywhere, and what it may put in their place. */
const SEALED = ['callSid', 'attempt', 'route', 'way', 'plan', 'order', 'warm', 'seal'] as const
const piece = fc.oneof(
  fc.constant(undefined),
  fc.jsonValue(),
  fc.constantFrom('call-1', 'call-2', 1, 2, true, WARM_NAME),
  fc.record({ room: fc.constantFrom('jb_other', WARM_NAME), madeAt: fc.nat(), departureS: fc.nat(600) })
)

await t.test('whatever an agent changes of what is sealed, the room names no warm room any more', async t => {
  const honest = JSON.parse(metadataOf(callWith()))
  const parts = fc.dictionary(fc.constantFrom(...SEALED), piece, { minKeys: 1 })
  fc.assert(fc.property(parts, changes => {
    const forged = JSON.stringify({ ...honest, ...changes })
    const found = read(forged)?.warm
    const isHonest = SEALED.every(name => JSON.stringify(JSON.parse(forged)[name]) === JSON.stringify(honest[name]))
    return found === undefined || isHonest
  }), { numRuns: 300 })
  t.ok(read(JSON.stringify(honest))?.warm)
})

await t.test('so it is with each part of it alone', async t => {
  const honest = JSON.parse(metadataOf(callWith()))
  const { warm } = honest
  const changes = [
    { warm: { ...warm, room: 'jb_other' } },
    { warm: { ...warm, madeAt: warm.madeAt + 1 } },
    { warm: { ...warm, departureS: 3600 } },
    { warm: undefined },
    { callSid: 'call-2' },
    { attempt: 2 },
    { route: 'vip' },
    { order: orderWith({}) },
    { plan: [{ strategy: 'phone', number: '+19005551234' }] },
    { way: { strategy: 'room', agent: 'another-agent' } },
    { seal: '' }
  ]
  for (const change of changes) {
    t.notOk(read(JSON.stringify({ ...honest, ...change }))?.warm, JSON.stringify(change))
  }
})

await t.test('parts of other rooms make no new one', async t => {
  const other = { ...warmAttemptWith(), n: 2, room: 'jb_other', token: 'other' }
  const seen = [
    JSON.parse(metadataOf(callWith())),
    JSON.parse(roomFormat.request(callWith({ callSid: 'call-2' }), other).metadata),
    JSON.parse(roomFormat.request(callWith({ callSid: 'call-3' }), attemptWith()).metadata),
    JSON.parse(roomFormat.warmRequest(warmRoomWith({ room: 'jb_third' }), poolWith()).metadata)
  ]
  const mixed = fc.record(
    Object.fromEntries(SEALED.map(name => [name, fc.constantFrom(...seen.map(one => one[name]))]))
  )
  fc.assert(fc.property(mixed, parts => {
    const found = read(JSON.stringify({ ...seen[0], ...parts }))
    if (found?.warm === undefined) return true
    return seen.some(one => one.warm?.room === found.warm!.room && one.callSid === found.callSid)
  }), { numRuns: 300 })
  t.pass('for all of them')
})

await t.test('with another secret nothing is read', async t => {
  const other = createRoomFormat({
    dialTimeoutS: 40,
    seal: createPlanSeal('another-secret'),
    control: agentControls
  })
  t.notOk(other.readMetadata(metadataOf(callWith()))?.warm)
})

await t.test('cold rooms and jobs are what they always were, byte by byte', async t => {
  const { metadata, agent } = roomFormat.request(callWith(), attemptWith())
  t.equal(agent.metadata, JSON.stringify({
    v: 1,
    call: {
      callSid: 'call-1',
      direction: 'inbound',
      from: '+15550001111',
      to: '+15551230000',
      callerName: 'Alice',
      trunk: 'MyCarrier',
      route: 'sales',
      attempt: 1,
      headers: { 'X-Customer-Id': '4711' }
    },
    app: 'x',
    control: {
      url: 'https://bridge.example.com/calls/call-1',
      token: 'jlb_call_Y2FsbC0x.tous54.F7GePYuxngGCWPNniTL8ezpjQDmSPidjHw2SMx-NU8c'
    }
  }))
  t.equal(metadata, JSON.stringify({
    v: 2,
    callSid: 'call-1',
    attempt: 1,
    route: 'sales',
    way: { strategy: 'room', agent: 'demo-agent' },
    plan: [],
    seal: '6dx6X1Zui2nwOgXdy4M6dqsqiWg6f9nYmorGVoEiw7w',
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    withheld: false,
    applicationSid: 'app-1',
    agent: 'demo-agent',
    receivedAt: START,
    openedAt: START
  }))
})

await t.test('and so is the seal of an order', async t => {
  const call = callWith({ plan: [{ strategy: 'phone', number: '+15551230009' }], order: orderWith({}) })
  const { seal } = JSON.parse(roomFormat.request(call, attemptWith()).metadata)
  t.equal(seal, '1-Vuu3a2YwTkk6BJOEHSi3phAKs-1uXFwKXDT2nEt9Y')
})
