import t from 'tap'
import type { Test } from 'tap'
import { createCalls, type CallsOptions, type ReceivedHook } from '../../src/calls/calls.ts'
import type { EventOf } from '../../src/calls/fold/events.ts'
import type { ClaimedRoom, ColdReason } from '../../src/calls/fold/warm.ts'
import { createRunner } from '../../src/calls/runner.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { noWarmPools, type WarmPools, type WarmWish } from '../../src/calls/warm/pools.ts'
import { claimedRoom, factsWith, roomFormat, rulesWith, START, tokenOf, WARM_ROOM } from '../fixtures/events.ts'
import { createFakeRegistrar } from '../fixtures/fake-registrar.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

interface Pools {
  port: WarmPools
  readonly wishes: WarmWish[]
  readonly settled: Array<{ room: string, taken: boolean }>
  /** Rooms to hand out, in order. */
  ready: ClaimedRoom[]
  /** What is said when there are none. */
  otherwise: ColdReason
  /** What LiveKit told between claim and settling. */
  missed: EventOf<'livekit'> | undefined
  /** Names of rooms that no call has yet. */
  ours: string[]
}

/** Pools that hand out what they are given, and remember what became of it. */
function createPools (): Pools {
  const wishes: WarmWish[] = []
  const settled: Pools['settled'] = []
  const pools: Pools = {
    wishes,
    settled,
    ready: [],
    otherwise: 'empty',
    missed: undefined,
    ours: [],
    port: {
      ...noWarmPools,
      async claim (wish) {
        wishes.push(wish)
        return pools.ready.shift() ?? pools.otherwise
      },
      async settle ({ room }, taken) {
        settled.push({ room, taken })
        return taken ? pools.missed : undefined
      },
      hear: async ({ room }) => pools.ours.includes(room)
    }
  }
  return pools
}

function build (t: Test, registry: Registry = createMemoryRegistry()) {
  const clock = createTestClock()
  const rooms = createFakeRooms()
  const pools = createPools()
  const observer = { changed () {}, store () {}, failed () {} }
  const onDue = (callSid: string) => {
    runner.run(callSid).catch(() => {})
  }
  const options: CallsOptions = {
    registry,
    rules: rulesWith({ app: { agent: 'demo-agent', metadata: '{"tenant":"acme"}' } }),
    rooms,
    roomFormat,
    warmPools: pools.port,
    clock,
    registrar: createFakeRegistrar(),
    prepareTimeoutMs: 3000,
    callHookDeadlineMs: 6000,
    handOverMs: 0,
    maxCalls: 0,
    capacityStatus: 486,
    observer
  }
  /** One more replica. */
  const bridge = () => {
    const calls = createCalls(options)
    calls.onDue(onDue)
    return calls
  }
  const calls = bridge()
  const runner = createRunner({ registry, calls, rooms, roomFormat, clock, observer })
  t.teardown(async () => {
    rooms.release()
    await runner.stop()
  })
  const hook = (extra: Partial<ReceivedHook> = {}): ReceivedHook => ({
    callSid: 'call-1',
    hash: 'hash-1',
    at: clock.now(),
    facts: factsWith(),
    answered: false,
    redirected: false,
    ...extra
  })
  return { calls, bridge, runner, registry, rooms, pools, clock, hook }
}

const coldRoom = (callSid: string, n = 1) => `jb_${tokenOf(callSid, n)}`
const second = 'jb_csecondsecondsecondsecond2'
/** A room that stands in LiveKit, as the pool made it. */
const standing = (name: string) => ({
  name,
  emptyTimeoutS: 600,
  departureTimeoutS: 10,
  metadata: '',
  agent: { name: 'demo-agent', metadata: '' }
})

await t.test('a call with a waiting agent is answered without one request to LiveKit', async t => {
  const { calls, runner, rooms, pools, hook } = build(t)
  pools.ready = [claimedRoom()]
  rooms.open.set(WARM_ROOM, standing(WARM_ROOM))
  const { call, reply } = await calls.receive(hook())
  t.same(reply, { kind: 'dial', attempt: 1 })
  t.same(rooms.log, [])
  t.equal(call?.attempts[0]?.room, WARM_ROOM)
  t.same(pools.wishes, [{ callSid: 'call-1', agent: 'demo-agent', metadata: '{"tenant":"acme"}' }])
  await settle()
  t.same(pools.settled, [{ room: WARM_ROOM, taken: true }])

  await runner.run('call-1')
  t.same(rooms.log, [`set-metadata ${WARM_ROOM}`], 'after the reply the agent is told who calls')
  t.match(rooms.open.get(WARM_ROOM)?.metadata, '+15550001111')
})

await t.test('the metadata of a route say which agents may take the call', async t => {
  const { calls, pools, hook } = build(t)
  const ways = [{ strategy: 'room' as const, agent: 'sales', metadata: 'of the route' }]
  await calls.receive(hook({ route: { ways } }))
  t.same(pools.wishes, [{ callSid: 'call-1', agent: 'sales', metadata: 'of the route' }])
})

await t.test('no agent waits: the room is made, and the call says why it was', async t => {
  const { calls, rooms, pools, hook } = build(t)
  for (const [otherwise, cold] of [['empty', 'empty'], ['store', 'store'], ['no-pool', undefined]] as const) {
    const callSid = `call-${otherwise}`
    pools.otherwise = otherwise
    const { call } = await calls.receive(hook({ callSid, hash: callSid }))
    t.equal(rooms.log.at(-1), `create ${coldRoom(callSid)}`)
    t.equal(call?.attempts[0]?.cold, cold)
    t.equal(call?.attempts[0]?.warm, undefined)
  }
  t.same(pools.settled, [])
})

await t.test('the same hook twice at once takes one room', async t => {
  const { calls, pools, hook } = build(t)
  pools.ready = [claimedRoom(), claimedRoom({ room: second, token: second.slice(3) })]
  const replies = await Promise.all([calls.receive(hook()), calls.receive(hook())])
  t.same(replies.map(({ reply }) => reply.kind), ['dial', 'dial'])
  await settle()
  t.equal(pools.wishes.length, 1)
  t.ok(pools.settled.every(({ room, taken }) => taken && room === WARM_ROOM))
})

await t.test('two replicas get the hook: one room is taken, the other one goes back to the pool', async t => {
  const { calls, bridge, pools, registry, hook } = build(t)
  pools.ready = [claimedRoom(), claimedRoom({ room: second, token: second.slice(3) })]
  const replies = await Promise.all([calls.receive(hook()), bridge().receive(hook())])
  t.same(replies.map(({ reply }) => reply), [{ kind: 'dial', attempt: 1 }, { kind: 'dial', attempt: 1 }])
  await settle()
  const room = (await registry.get('call-1'))!.attempts[0]!.room
  t.same(pools.settled.find(({ taken }) => taken), { room, taken: true })
  const other = room === WARM_ROOM ? second : WARM_ROOM
  t.same(pools.settled.filter(({ taken }) => !taken), [{ room: other, taken: false }])
})

await t.test('one replica finds an agent, the other one makes a room: that one is deleted', async t => {
  const { calls, bridge, pools, rooms, registry, hook } = build(t)
  pools.ready = [claimedRoom()]
  rooms.open.set(WARM_ROOM, standing(WARM_ROOM))
  await Promise.all([calls.receive(hook()), bridge().receive(hook())])
  await settle()
  const call = await registry.get('call-1')
  if (call!.attempts[0]!.room === WARM_ROOM) {
    t.ok(rooms.log.includes(`delete ${coldRoom('call-1')}`), rooms.log.join(', '))
    t.same(pools.settled, [{ room: WARM_ROOM, taken: true }])
  } else {
    t.same(pools.settled, [{ room: WARM_ROOM, taken: false }])
  }
})

await t.test('a call that is declined gives its room back', async t => {
  const { calls, pools, hook } = build(t)
  pools.ready = [claimedRoom()]
  calls.drain()
  t.match((await calls.receive(hook())).reply, { kind: 'decline' })
  await settle()
  t.notOk(pools.settled.some(({ taken }) => taken))
})

await t.test('an ordered call asks for no waiting agent', async t => {
  const { calls, pools, registry, hook } = build(t)
  pools.ready = [claimedRoom()]
  const order = {
    id: 'order-1',
    to: '+15552220000',
    from: '+15551230000',
    agent: 'demo-agent',
    agentAt: 'answer' as const,
    ringS: 30,
    longestS: 60,
    voicemail: 'off' as const,
    onMachine: 'continue' as const,
    placedBy: 'crm',
    orderedAt: START
  }
  await calls.apply('order-1', { kind: 'ordered', order, at: START })
  await calls.named('call-1', { id: 'order-1' })
  const facts = factsWith({ direction: 'outbound' })
  await calls.receive(hook({ answered: true, facts, order: { id: 'order-1' } }))
  await settle()
  t.same(pools.wishes, [])
  t.ok((await registry.get('call-1'))?.order)
})

await t.test('what LiveKit told of the agent before the call had its room, the call hears afterwards', async t => {
  const { calls, pools, registry, clock, rooms, hook } = build(t)
  rooms.open.set(WARM_ROOM, standing(WARM_ROOM))
  pools.ready = [claimedRoom()]
  pools.missed = {
    kind: 'livekit',
    room: WARM_ROOM,
    what: 'participant_left',
    at: clock.now(),
    participant: { sid: '', identity: 'agent-1', kind: 'AGENT' }
  }
  await calls.receive(hook())
  await settle()
  t.ok((await registry.get('call-1'))?.attempts[0]?.view.agent?.left)
  t.same(rooms.dispatched.map(({ room }) => room), [WARM_ROOM], 'another agent is called at once')
})

await t.test('an event about a room of a pool is about no call until a call has the room', async t => {
  const { calls, pools, clock, hook } = build(t)
  const event: EventOf<'livekit'> = { kind: 'livekit', room: WARM_ROOM, what: 'room_started', at: clock.now() }
  pools.ours = [WARM_ROOM]
  t.equal(await calls.hear(event, undefined), 'pool')
  pools.ready = [claimedRoom()]
  await calls.receive(hook())
  t.same(await calls.hear(event, undefined), { callSid: 'call-1' })
})

await t.test('the room was closed just before: it is made again under its name, with the whole job', async t => {
  const { calls, runner, pools, rooms, hook } = build(t)
  pools.ready = [claimedRoom()]
  await calls.receive(hook())
  await runner.run('call-1')
  const made = rooms.open.get(WARM_ROOM)
  t.match(made?.agent, { name: 'demo-agent', metadata: '+15550001111' })
  t.notMatch(made?.agent.metadata, '"mode"')
})

await t.test('LiveKit cannot be reached for that: it is tried again until it can', async t => {
  const { calls, runner, pools, rooms, clock, hook } = build(t)
  rooms.open.set(WARM_ROOM, standing(WARM_ROOM))
  rooms.mode = 'unreachable'
  pools.ready = [claimedRoom()]
  t.match((await calls.receive(hook())).reply, { kind: 'dial' })
  await runner.run('call-1')
  rooms.mode = 'ok'
  await clock.pass(1500)
  await runner.run('call-1')
  t.match(rooms.open.get(WARM_ROOM)?.metadata, '+15550001111')
})

const whoAnswers = { identity: 'agent-1', joinedAt: START - 59_000, audioAt: START - 58_900, answers: true as const }

await t.test('a waiting agent whose process is dead is removed, and another one is called', async t => {
  const { calls, runner, pools, rooms, registry, hook } = build(t)
  rooms.open.set(WARM_ROOM, standing(WARM_ROOM))
  rooms.present = () => ({ agent: { identity: 'agent-1', audio: true }, sip: { sid: 'PA_1', callStatus: 'active' } })
  rooms.alive = () => false
  pools.ready = [claimedRoom({ agent: whoAnswers })]
  await calls.receive(hook())
  await runner.run('call-1')
  await settle()
  await runner.run('call-1')
  t.ok(rooms.log.includes(`answers ${WARM_ROOM}`))
  t.ok(rooms.log.some(line => line.startsWith('remove ')), rooms.log.join(', '))
  t.same(rooms.dispatched.map(({ room }) => room), [WARM_ROOM])
  t.match((await registry.get('call-1'))?.attempts[0]?.view.agent?.left, { reason: 'DEAD' })
})

await t.test('an agent that is alive, or of which that cannot be told, stays', async t => {
  for (const [alive, answers] of [[true, true], [undefined, true], [false, undefined]] as const) {
    const { calls, runner, pools, rooms, hook } = build(t)
    rooms.open.set(WARM_ROOM, standing(WARM_ROOM))
    rooms.present = () => ({ agent: { identity: 'agent-1', audio: true }, sip: { sid: 'PA_1', callStatus: 'active' } })
    rooms.alive = () => alive
    const { answers: _answers, ...silent } = whoAnswers
    pools.ready = [claimedRoom({ agent: answers ? whoAnswers : silent })]
    await calls.receive(hook())
    await runner.run('call-1')
    await settle()
    t.same(rooms.dispatched, [], `${alive} ${answers}`)
    t.equal(rooms.log.includes(`answers ${WARM_ROOM}`), answers === true, 'one that never answered is not asked')
  }
})
