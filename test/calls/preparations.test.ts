import t, { type Test } from 'tap'
import { CallRegistrar } from '../../src/calls/call-registrar.ts'
import { createCalls, type CallsOptions } from '../../src/calls/calls.ts'
import { newCall } from '../../src/calls/fold/new-call.ts'
import type { Way } from '../../src/calls/fold/way.ts'
import type { RegistrationFailure } from '../../src/calls/ports.ts'
import { Preparations } from '../../src/calls/preparations.ts'
import { RoomMaker } from '../../src/calls/room-maker.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { noWarmPools } from '../../src/calls/warm/pools.ts'
import { attemptWith, factsWith, roomFormat, rulesWith } from '../fixtures/events.ts'
import { createFakeRegistrar } from '../fixtures/fake-registrar.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const RETELL = { strategy: 'retell' as const, agent: 'agent_0123', key: 'RETELL_API_KEY' }
const PHONE: Way = { strategy: 'phone', number: '+15551230009' }
const roomWay = (agent: string): Way => ({ strategy: 'room', agent })

function build (t: Test, options: Partial<CallsOptions> = {}) {
  const clock = createTestClock()
  const rooms = createFakeRooms()
  const registrar = createFakeRegistrar()
  const failures: string[] = []
  const calls = createCalls({
    registry: createMemoryRegistry(),
    rules: rulesWith(),
    rooms,
    roomFormat,
    registrar,
    clock,
    prepareTimeoutMs: 3000,
    callHookDeadlineMs: 6000,
    handOverMs: 0,
    maxCalls: 0,
    capacityStatus: 486,
    observer: {
      changed () {},
      store () {},
      failed: (_callSid, operation) => failures.push(operation)
    },
    ...options
  })
  t.teardown(() => rooms.release())
  const receive = (...ways: Way[]) =>
    calls.receive({
      callSid: 'call-1',
      hash: 'h',
      at: clock.now(),
      facts: factsWith(),
      answered: false,
      route: { ways }
    })

  return { calls, clock, rooms, registrar, failures, receive }
}

await t.test('a call is registered with Retell once, and dialled by the id that Retell gave', async t => {
  const { receive, registrar } = build(t)
  const { call, reply } = await receive(RETELL, PHONE)
  t.same(reply, { kind: 'dial', attempt: 1 })
  t.match(call?.attempts[0], { strategy: 'retell', token: 'call_1', made: 'created' })
  t.same(registrar.log, ['call-1 1'])
})

const FAILURES: RegistrationFailure[] = ['key-missing', 'key-refused', 'no-balance', 'no-agent', 'too-many', 'failed']
for (const failure of FAILURES) {
  await t.test(`Retell: ${failure}. The next way is dialled, and the attempt says why`, async t => {
    const { receive, registrar, failures } = build(t)
    registrar.mode = failure
    const { call, reply } = await receive(RETELL, PHONE)
    t.same(reply, { kind: 'dial', attempt: 2 })
    t.match(call?.attempts[0]?.end, { cause: 'retell-failed', detail: failure })
    t.ok(failures.includes('registration'))
  })
}

await t.test('what was forgotten is done again', async t => {
  const clock = createTestClock()
  const rooms = createFakeRooms()
  const registrar = createFakeRegistrar()
  const observer = { changed () {}, store () {}, failed () {} }
  const preparations = new Preparations({
    presence: { check: async () => ({ kind: 'presence', outcome: 'there' }) },
    maker: new RoomMaker({ rooms, warmPools: noWarmPools, roomFormat, clock, observer, onSettled () {} }),
    registrar: new CallRegistrar({ registrar, clock, observer }),
    timeoutMs: 3000
  })
  const call = newCall('call-1', clock.now(), factsWith(), rulesWith().app)
  for (const attempt of [attemptWith(), attemptWith({ strategy: 'retell', way: RETELL, room: undefined })]) {
    await preparations.prepare(call, attempt, 6000)
    await preparations.prepare(call, attempt, 6000)
    preparations.forget(call, attempt)
    await preparations.prepare(call, attempt, 6000)
  }
  t.equal(rooms.log.length, 2)
  t.equal(registrar.log.length, 2)
})

await t.test('Retell alone, and it fails: the caller is declined', async t => {
  const { receive, registrar } = build(t)
  registrar.mode = 'failed'
  const { call, reply } = await receive(RETELL)
  t.match(reply, { kind: 'decline', status: 480 })
  t.equal(call?.end?.cause, 'retell-failed')
})

await t.test('Retell that hangs costs what LiveKit may cost, and the next way is dialled', async t => {
  const { receive, registrar, clock } = build(t)
  registrar.mode = 'hang'
  const answered = receive(RETELL, PHONE)
  await clock.pass(2999)
  t.equal(await Promise.race([answered, settle()]), undefined, 'not yet')
  await clock.pass(1)
  t.match(await answered, { reply: { kind: 'dial', attempt: 2 } })
})

await t.test('however many ways cannot be prepared, the caller gets the one that can, in time', async t => {
  const { receive, rooms, registrar, clock } = build(t)
  rooms.mode = 'hang'
  registrar.mode = 'hang'
  const start = clock.now()
  let tookMs = Infinity
  const ways = [roomWay('a'), RETELL, roomWay('b'), RETELL, roomWay('c'), RETELL, roomWay('d'), RETELL, PHONE]
  const answered = receive(...ways).then(answer => {
    tookMs = clock.now() - start
    return answer
  })
  await clock.pass(6000)
  const { call, reply } = await answered
  t.same(reply, { kind: 'dial', attempt: 9 })
  t.ok(tookMs < 6000, `${tookMs} ms`)
  t.same(call?.attempts.map(({ end }) => end?.cause), [
    'livekit-failed',
    'retell-failed',
    'livekit-failed',
    'retell-failed',
    'livekit-failed',
    'retell-failed',
    'livekit-failed',
    'retell-failed',
    undefined
  ])
})

await t.test('the last way to be prepared may take the time that is left', async t => {
  const { receive, rooms, registrar, clock } = build(t)
  rooms.mode = 'hang'
  registrar.mode = 'hang'
  const answered = receive(roomWay('a'), RETELL, PHONE)
  await clock.pass(5800)
  t.equal(await Promise.race([answered, settle()]), undefined)
  await clock.pass(100)
  t.match(await answered, { reply: { kind: 'dial', attempt: 3 } })
})

await t.test('a Retell agent that cannot be registered leaves time for another one', async t => {
  const { receive, rooms, registrar, clock } = build(t)
  rooms.mode = 'hang'
  registrar.mode = 'hang'
  const answered = receive(roomWay('a'), RETELL, RETELL)
  await clock.pass(3000)
  t.same(registrar.log, ['call-1 2'])
  registrar.mode = 'ok'
  await clock.pass(1800)
  t.match(await Promise.race([answered, settle()]), { reply: { kind: 'dial', attempt: 3 } })
})

await t.test('a way that is the last to be prepared may take all the time that the settings give', async t => {
  const { receive, rooms, clock } = build(t)
  rooms.mode = 'hang'
  const answered = receive(PHONE, roomWay('demo-agent'))
  t.match(await answered, { reply: { kind: 'dial', attempt: 1 } }, 'and nothing is prepared before its time')
  t.same(rooms.log, [])
  const degraded = build(t)
  degraded.rooms.mode = 'hang'
  const late = degraded.receive(roomWay('demo-agent'), PHONE)
  await degraded.clock.pass(2999)
  t.equal(await Promise.race([late, settle()]), undefined)
  await degraded.clock.pass(1)
  t.match(await late, { reply: { kind: 'dial', attempt: 1 }, call: { attempts: [{ degraded: true }] } })
  await clock.pass(0)
})

for (const newer of [{ ...RETELL, agent: 'agent_new' }, { ...RETELL, key: 'RETELL_NEW_KEY' }]) {
  const what = newer.agent === 'agent_new' ? 'agent' : 'key'
  await t.test(`a replica began the call with another ${what}: its registration is dialled`, async t => {
    const memory = createMemoryRegistry()
    const elsewhere = build(t, { registry: memory })
    elsewhere.registrar.mode = 'hang'
    elsewhere.receive(newer).catch(() => {})
    await settle()
    // The update is tried first on what turns out to be out of date.
    const late: Registry = {
      ...memory,
      update: (callSid, fn, limit) => memory.update(callSid, (call, full) => {
        fn(undefined, false)
        return fn(call, full)
      }, limit)
    }
    const { receive } = build(t, {
      registry: late,
      registrar: { register: async (_call, { way }) => 'key' in way ? `of ${way.agent} with ${way.key}` : '' }
    })
    const { call, reply } = await receive(RETELL)
    t.same(reply, { kind: 'dial', attempt: 1 })
    t.same(call?.attempts[0]?.way, newer)
    t.equal(call?.attempts[0]?.token, `of ${newer.agent} with ${newer.key}`)
  })
}
