import fc from 'fast-check'
import t, { type Test } from 'tap'
import { startOf } from '../../src/calls/attempt-start.ts'
import { createCalls } from '../../src/calls/calls.ts'
import type { Call, CallStatus } from '../../src/calls/fold/call.ts'
import type { SipAttributes } from '../../src/calls/fold/events.ts'
import { newCall } from '../../src/calls/fold/new-call.ts'
import { createRunner } from '../../src/calls/runner.ts'
import { noWarmPools } from '../../src/calls/warm/pools.ts'
import type { Rules } from '../../src/calls/fold/rules.ts'
import { attemptWith, factsWith, roomFormat, rulesWith, START, tokenOf } from '../fixtures/events.ts'
import { createFakeRegistrar } from '../fixtures/fake-registrar.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { personOrder } from '../fixtures/transfer-stage.ts'
import { createUnsteadyRegistry } from '../fixtures/unsteady-registry.ts'
import {
  poolWith,
  roomOfToken,
  warmAttemptWith,
  warmRoomWith,
  WARM_NAME,
  WARM_TOKEN
} from '../fixtures/warm-attempts.ts'

/*
 * A call in a room that was made before it, and a bridge that knows nothing of the two: LiveKit's room tells.
 */

const SID = 'call-1'
const OTHER_TOKEN = `c${'b'.repeat(26)}`
/** The caller's leg, as LiveKit shows it. */
const LEG: SipAttributes = { callSid: SID, called: WARM_TOKEN, dispatched: true, callStatus: 'active' }

const waiting = (token = WARM_TOKEN) =>
  roomFormat.warmRequest(warmRoomWith({ token, room: roomOfToken(token) }), poolWith({ agent: 'pool-agent' }))

/** The room once a call has it. */
function claimed (callSid = SID, token = WARM_TOKEN, n = 1) {
  const call: Call = {
    ...newCall(callSid, START, factsWith(), { agent: 'pool-agent', metadata: '' }),
    plan: [{ strategy: 'phone', number: '+15551230009' }]
  }
  const way = { strategy: 'room', agent: 'pool-agent' } as const
  const room = { room: roomOfToken(token), token, agent: 'pool-agent', way }
  return roomFormat.request(call, warmAttemptWith({ n, ...room }))
}

function build (t: Test, { hasPools = true, ...rules }: { hasPools?: boolean } & Partial<Rules> = {}) {
  const clock = createTestClock(START + 60_000)
  const registry = createUnsteadyRegistry()
  const rooms = createFakeRooms()
  const legs = new Map<string, SipAttributes[]>()
  const seen = { ...rooms, callers: async (room: string) => legs.get(room) ?? [] }
  const observer = { changed () {}, store () {}, failed () {} }
  const calls = createCalls({
    registry,
    rules: rulesWith(rules),
    rooms: seen,
    roomFormat,
    warmPools: { ...noWarmPools, any: () => hasPools },
    clock,
    registrar: createFakeRegistrar(),
    prepareTimeoutMs: 3000,
    callHookDeadlineMs: 6000,
    handOverMs: 0,
    maxCalls: 0,
    capacityStatus: 486,
    observer
  })
  const runner = createRunner({ registry, calls, rooms: seen, roomFormat, clock, observer })
  t.teardown(() => runner.stop())

  return {
    clock,
    rooms,
    registry,
    calls,
    legs,
    open: (request = claimed()) => rooms.open.set(request.name, request),
    get: (callSid = SID) => registry.get(callSid),
    status: (callStatus: CallStatus, dialled?: string, callSid = SID) => calls.apply(callSid, {
      kind: 'status',
      at: clock.now(),
      callSid,
      facts: factsWith(),
      leg: dialled === undefined ? 'caller' : 'agent',
      legSid: dialled === undefined ? callSid : 'leg-1',
      callStatus,
      ...(dialled === undefined ? {} : { dialled })
    }),
    async run (callSid = SID) {
      await runner.run(callSid)
    },
    join: (sip: SipAttributes, kind: 'SIP' | 'AGENT' = 'SIP', room = WARM_NAME, metadata = waiting().metadata) =>
      calls.hear({
        kind: 'livekit',
        at: clock.now(),
        room,
        what: 'participant_joined',
        participant: { sid: 'PA_1', identity: 'sip_1', kind, sip }
      }, metadata)
  }
}

const FOUND = {
  n: 1,
  found: true,
  token: WARM_TOKEN,
  room: WARM_NAME,
  agent: 'pool-agent',
  departureS: 60,
  warm: { madeAt: START - 60_000 }
}

await t.test('after a restart the call is followed in its warm room', async t => {
  const { calls, open, get } = build(t)
  open()
  await calls.recover()
  t.match(await get(), { facts: { from: '+15550001111' }, plan: [{ strategy: 'phone' }], attempts: [FOUND] })
})

await t.test('so it is when the room could not be told yet who calls: by the leg in it', async t => {
  const { calls, open, legs, get } = build(t)
  open(waiting())
  legs.set(WARM_NAME, [LEG])
  await calls.recover()
  t.match(await get(), { attempts: [FOUND] })
})

const FOREIGN_LEGS: Array<[string, SipAttributes[]]> = [
  ['that was dialled to another room', [{ ...LEG, called: OTHER_TOKEN }]],
  ['of which LiveKit does not say whom it dialled', [{ callSid: SID, dispatched: true }]],
  ['that an agent called', [{ ...LEG, dispatched: false }]],
  ['without our header', [{ called: WARM_TOKEN, dispatched: true }]],
  ['beside one of another call', [LEG, { ...LEG, callSid: 'call-2' }]]
]

for (const [what, found] of FOREIGN_LEGS) {
  await t.test(`a leg ${what} does not tell whose a warm room is`, async t => {
    const { calls, open, legs, get } = build(t)
    open(waiting())
    legs.set(WARM_NAME, found)
    await calls.recover()
    t.equal(await get(), undefined)
    t.equal(await get('call-2'), undefined)
  })
}

await t.test('nor does a leg in a room whose metadata somebody else wrote', async t => {
  const { calls, open, legs, get } = build(t)
  for (const metadata of ['', '{}', waiting(OTHER_TOKEN).metadata, claimed('call-2', OTHER_TOKEN).metadata]) {
    open({ ...waiting(), metadata })
    legs.set(WARM_NAME, [LEG])
    await calls.recover()
    t.equal(await get(), undefined, metadata)
  }
})

await t.test('a room that waits for a call is no call, and is left to its pool', async t => {
  const { calls, open, rooms, clock, join } = build(t)
  open(waiting())
  await calls.recover()
  t.equal(await join({}, 'AGENT'), undefined)
  rooms.log.length = 0
  await clock.pass(120_000)
  t.same(rooms.log, [], 'it is not even watched')
  t.ok(rooms.open.has(WARM_NAME))
})

await t.test('a room without metadata is deleted still: an agent made it again', async t => {
  const { calls, open, rooms, clock } = build(t)
  open({ ...waiting(), metadata: '' })
  await calls.recover()
  await clock.pass(120_000)
  t.notOk(rooms.open.has(WARM_NAME))
})

await t.test('a hook of an unknown call: its warm room is looked for in the list of all rooms', async t => {
  const { status, open, rooms, get } = build(t)
  open()
  open(claimed('call-2', OTHER_TOKEN))
  await status('in-progress')
  t.same(rooms.log.filter(line => line.startsWith('list')).map(line => line === 'list '), [false, true])
  t.match(await get(), { attempts: [FOUND] })
  t.equal(await get('call-2'), undefined, 'the others are not touched')
})

await t.test('of several rooms the latest attempt goes on', async t => {
  const { status, open, get } = build(t)
  open(claimed(SID, OTHER_TOKEN, 2))
  open()
  await status('in-progress')
  t.match(await get(), { attempts: [{ n: 2, token: OTHER_TOKEN }] })
})

await t.test('all rooms are listed only where pools are kept, and once for all who ask meanwhile', async t => {
  const all = (log: string[]) => log.filter(line => line === 'list ').length
  const without = build(t, { hasPools: false })
  without.open()
  await without.status('in-progress')
  t.equal(all(without.rooms.log), 0)

  const derived = build(t)
  const token = tokenOf(SID, 1)
  const cold = attemptWith({ token, room: roomOfToken(token) })
  derived.open(roomFormat.request(newCall(SID, START, factsWith(), rulesWith().app), cold))
  await derived.status('in-progress')
  t.equal(all(derived.rooms.log), 0, 'nor where a room with a derived name tells the call')

  const busy = build(t)
  busy.open()
  busy.open(claimed('call-2', OTHER_TOKEN))
  await Promise.all(['call-3', SID, 'call-2', 'call-4'].map(callSid =>
    busy.status('in-progress', undefined, callSid)))
  t.equal(all(busy.rooms.log), 1)
  t.match(await busy.get('call-2'), { attempts: [{ token: OTHER_TOKEN }] })
})

await t.test('LiveKit does not answer: the hook is not kept waiting for longer than a second', async t => {
  const { status, rooms, clock, get } = build(t)
  rooms.mode = 'hang'
  const done = status('in-progress')
  await clock.pass(1000)
  await done
  t.ok(await get())
  rooms.release()
})

await t.test('the token that was dialled leads to the room without any list', async t => {
  const { status, open, rooms, get } = build(t, { hasPools: false })
  open()
  await status('ringing', WARM_TOKEN)
  t.notOk(rooms.log.includes('list '))
  t.match(await get(), { attempts: [FOUND], legs: [{ attempt: 1 }] })
})

await t.test('so it does for a transfer that the agent asks for', async t => {
  const { calls, open, get, clock } = build(t, { hasPools: false })
  open()
  const refer = { kind: 'refer', callSid: SID, hash: 'h', facts: factsWith(), leg: 'agent', legSid: 'leg-1' } as const
  await calls.answer({ ...refer, dialled: WARM_TOKEN, referTo: '+15559998888', at: clock.now() }, SID)
  t.match(await get(), { phase: 'transferring', attempts: [FOUND] })
})

await t.test('and while the store is gone', async t => {
  const { calls, open, registry, status } = build(t, { hasPools: false })
  open()
  registry.gone = true
  await status('in-progress', WARM_TOKEN)
  t.match(calls.recent(SID), { attempts: [FOUND] })
})

await t.test('a number that was dialled is no name of a room', async t => {
  const { status, rooms } = build(t)
  await status('ringing', '+15551230009')
  t.notMatch(rooms.log.join(), '+15551230009')
})

await t.test("the token of another call's room is no room of this call: a person is dialled there", async t => {
  const { status, open, rooms, get, run, clock } = build(t)
  open(claimed('call-2'))
  await status('in-progress', WARM_TOKEN)
  const [attempt] = (await get())!.attempts
  t.match(attempt, { token: WARM_TOKEN, visits: WARM_NAME, room: undefined })
  await status('completed', WARM_TOKEN)
  await status('completed')
  await clock.pass(5000)
  await run()
  t.ok(rooms.open.has(WARM_NAME), 'the room of that call is not deleted with this one')
})

await t.test('a person who was consulted, and was dialled into a warm room: their call is found too', async t => {
  const { status, open, get } = build(t)
  open(claimed('call-2'))
  const token = tokenOf(SID, 1)
  const consult = attemptWith({ token, room: roomOfToken(token) })
  const call = { ...newCall(SID, START, factsWith(), rulesWith().app), order: personOrder('consult') }
  open(roomFormat.request(call, consult))
  await status('in-progress', WARM_TOKEN)
  t.match(await get(), { order: { transfer: { mode: 'consult' } }, attempts: [{ found: true, token }] })
})

await t.test('a warm room that comes second in the route is no attempt of the first way', async t => {
  const { status, rooms, get } = build(t, {
    guessRoute: () => ({ ways: [{ strategy: 'phone', number: '+15551230009' }, { strategy: 'room', agent: 'second' }] })
  })
  rooms.mode = 'unreachable'
  await status('ringing', WARM_TOKEN)
  t.match((await get())!.attempts, [{ n: 2, strategy: 'room', agent: 'second', visits: WARM_NAME }])
})

await t.test('LiveKit was away when the hook came: the room is taken once it shows itself', async t => {
  const { status, open, rooms, calls, get, run, clock } = build(t)
  rooms.mode = 'unreachable'
  await status('in-progress', WARM_TOKEN)
  const unsure = (await get())!
  t.match(unsure.attempts, [{ token: WARM_TOKEN, visits: WARM_NAME, room: undefined }], 'no other token')
  t.equal(startOf(unsure, unsure.attempts[0]!), undefined, 'nobody knows yet whether its agent had waited')
  rooms.mode = 'ok'
  open()
  await calls.recover()
  t.match((await get())!.attempts, [{ ...FOUND, visits: undefined }])
  await status('completed', WARM_TOKEN)
  await status('completed')
  await clock.pass(5000)
  await run()
  t.notOk(rooms.open.has(WARM_NAME), 'and deleted with its call')
})

await t.test('so it is when an event of LiveKit shows the room', async t => {
  const { status, rooms, join, get } = build(t)
  rooms.mode = 'unreachable'
  await status('in-progress', WARM_TOKEN)
  t.same(await join(LEG, 'AGENT'), undefined, 'what an agent says of itself proves nothing')
  t.match((await get())!.attempts, [{ room: undefined }])
  t.same(await join(LEG), { callSid: SID })
  t.match((await get())!.attempts, [{ token: WARM_TOKEN, room: WARM_NAME, view: { sip: { sid: 'PA_1' } } }])
})

/** What somebody in a room can do: write its metadata, of anything that was ever read, and have attributes. */
const sealed = [
  waiting(),
  waiting(OTHER_TOKEN),
  claimed(),
  claimed('call-2', OTHER_TOKEN),
  claimed('call-3', OTHER_TOKEN, 2)
].map(({ metadata }) => JSON.parse(metadata) as Record<string, unknown>)
const names = [...new Set(sealed.flatMap(one => Object.keys(one)))]
const part = fc.oneof(
  fc.constantFrom(...sealed.flatMap(one => Object.values(one))),
  fc.constantFrom(SID, 'call-2', 1, 2, true, undefined),
  fc.jsonValue()
)
const forged = fc.tuple(fc.constantFrom(...sealed), fc.dictionary(fc.constantFrom(...names), part))
  .map(([one, changes]) => JSON.stringify({ ...one, ...changes }))

await t.test("nobody in a room can make it another call's, whatever they write into its metadata", async t => {
  const owners = new Map([[WARM_NAME, [SID]], [roomOfToken(OTHER_TOKEN), ['call-2', 'call-3']]])
  const room = fc.constantFrom(...owners.keys(), `jb_c${'a'.repeat(26)}`)
  await fc.assert(fc.asyncProperty(room, forged, async (name, metadata) => {
    const { calls, open, get } = build(t)
    open({ ...waiting(), name, metadata })
    await calls.recover()
    for (const callSid of [SID, 'call-2', 'call-3']) {
      const call = await get(callSid)
      const isRight = call === undefined ||
        (owners.get(name)?.includes(callSid) === true && call.attempts.every(({ room }) => room === name))
      if (!isRight) throw new Error(`${callSid} in ${name} by ${metadata}`)
    }
  }), { numRuns: 300 })
  t.pass('for all of them')
})
