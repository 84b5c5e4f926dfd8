import t from 'tap'
import type { Test } from 'tap'
import { createCalls, type Calls, type CallsOptions, type ReceivedHook } from '../../src/calls/calls.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { createRunner, type Runner } from '../../src/calls/runner.ts'
import type { LiveKitFailure } from '../../src/calls/ports.ts'
import { sketch } from '../fixtures/registry-contract.ts'
import { factsWith, roomFormat, rulesWith, tokenOf } from '../fixtures/events.ts'
import { createFakeRegistrar } from '../fixtures/fake-registrar.ts'
import { createFakeRooms, type FakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock, settle, type TestClock } from '../fixtures/test-clock.ts'

interface Bridge {
  calls: Calls
  runner: Runner
  registry: Registry
  rooms: FakeRooms
  clock: TestClock
  failures: string[]
  hook(extra?: Partial<ReceivedHook>): ReceivedHook
}

function build (t: Test, options: Partial<CallsOptions> = {}): Bridge {
  const clock = createTestClock()
  const registry = options.registry ?? createMemoryRegistry()
  const rooms = createFakeRooms()
  const failures: string[] = []
  const observer = {
    changed () {},
    store () {},
    failed (_callSid: string, what: string) {
      failures.push(what)
    }
  }
  const calls = createCalls({
    registry,
    rules: rulesWith(),
    rooms,
    roomFormat,
    clock,
    registrar: createFakeRegistrar(),
    prepareTimeoutMs: 3000,
    callHookDeadlineMs: 6000,
    handOverMs: 0,
    maxCalls: 0,
    capacityStatus: 486,
    observer,
    ...options
  })
  const runner = createRunner({ registry, calls, rooms, roomFormat, clock, observer })
  calls.onDue(callSid => {
    runner.run(callSid).catch(() => {})
  })
  runner.start().catch(() => {})
  t.teardown(async () => {
    rooms.release()
    await runner.stop()
  })
  let count = 0
  return {
    calls,
    runner,
    registry,
    rooms,
    clock,
    failures,
    hook: (extra = {}) => ({
      callSid: `call-${++count}`,
      hash: `hash-${count}`,
      at: clock.now(),
      facts: factsWith(),
      answered: false,
      redirected: false,
      ...extra
    })
  }
}

const roomOf = (callSid: string, n = 1) => `jb_${tokenOf(callSid, n)}`
const status = (
  clock: TestClock,
  callSid: string,
  callStatus: 'trying' | 'completed',
  applicationSid = 'app-1'
) => ({
  kind: 'status',
  at: clock.now(),
  callSid,
  facts: factsWith({ applicationSid }),
  leg: 'caller',
  legSid: callSid,
  callStatus
} as const)

await t.test('a call hook makes one room, with its agent, and is answered with a dial', async t => {
  const { calls, rooms, hook } = build(t)
  const { call, reply } = await calls.receive(hook())
  t.same(reply, { kind: 'dial', attempt: 1 })
  t.same(rooms.log, [`create ${roomOf('call-1')}`], 'one request to LiveKit, no more')
  const request = rooms.open.get(roomOf('call-1'))!
  t.equal(request.agent.name, 'demo-agent')
  t.equal(request.emptyTimeoutS, 100, 'dial timeout and 60 s')
  t.equal(request.departureTimeoutS, 10)
  t.equal(call?.attempts[0]?.room, roomOf('call-1'))
})

await t.test('the same call hook twice at once: one room, one reply', async t => {
  const { calls, rooms, hook, registry } = build(t)
  const one = hook()
  const replies = await Promise.all([calls.receive(one), calls.receive({ ...one }), calls.receive({ ...one })])
  for (const { reply } of replies) t.same(reply, { kind: 'dial', attempt: 1 })
  t.same(rooms.log, [`create ${roomOf('call-1')}`])
  t.same((await calls.receive(one)).reply, replies[0]!.reply, 'and so is a later repeat')
  t.equal(rooms.log.length, 1)
  t.equal((await registry.get('call-1'))?.attempts.length, 1)
})

await t.test('LiveKit does not answer: the call is dialled anyway after LIVEKIT_TIMEOUT_MS', async t => {
  const { calls, rooms, clock, hook, registry } = build(t)
  rooms.mode = 'hang'
  let replied = false
  const receiving = calls.receive(hook()).then(answer => {
    replied = true
    return answer
  })
  await clock.pass(2990)
  t.notOk(replied)
  await clock.pass(20)
  const { call, reply } = await receiving
  t.same(reply, { kind: 'dial', attempt: 1 })
  t.equal(call?.attempts[0]?.degraded, true)

  await t.test('the room that came into being later is deleted when the attempt is over', async t => {
    rooms.mode = 'ok'
    rooms.release()
    await settle()
    t.ok(rooms.open.has(roomOf('call-1')))
    t.notOk((await registry.get('call-1'))?.attempts[0]?.end, 'it is still dialled')
    await calls.apply('call-1', { ...status(clock, 'call-1', 'completed'), by: 'caller' })
    await clock.pass(3000)
    t.notOk(rooms.open.has(roomOf('call-1')))
  })
})

await t.test(
  "LiveKit does not answer for an agent of the application's own: its room is deleted as soon as it is " +
    'made',
  async t => {
    const { calls, rooms, clock, hook } = build(t)
    rooms.mode = 'hang'
    const receiving = calls.receive(hook({ app: { agent: 'other-agent' } }))
    await clock.pass(3000)
    t.match((await receiving).reply, { kind: 'decline', status: 480 })
    rooms.mode = 'ok'
    await clock.pass(2000)
    rooms.release()
    await clock.pass(500)
    t.equal(rooms.log.at(-1), `delete ${roomOf('call-1')}`)
    t.notOk(rooms.open.has(roomOf('call-1')))
  }
)

for (const mode of ['refused-key', 'refused', 'failed', 'unreachable', 'timeout'] as LiveKitFailure[]) {
  await t.test(`LiveKit: ${mode}`, async t => {
    const { calls, rooms, hook, failures } = build(t)
    rooms.mode = mode
    await t.test('the default agent is dialled, degraded', async t => {
      const { call, reply } = await calls.receive(hook())
      t.same(reply, { kind: 'dial', attempt: 1 })
      t.equal(call?.attempts[0]?.degraded, true)
      t.ok(failures.includes('createRoom'), 'and the failure is seen')
    })
    await t.test('another agent is not: next comes the fallback number', async t => {
      const { call, reply } = await calls.receive(
        hook({ app: { agent: 'other-agent', fallbackNumber: '+15551230009' } })
      )
      t.same(reply, { kind: 'dial', attempt: 2 })
      t.equal(call?.attempts[1]?.strategy, 'phone')
    })
    await t.test('and then nothing', async t => {
      const { call, reply } = await calls.receive(hook({ app: { agent: 'other-agent' } }))
      t.match(reply, { kind: 'decline', status: 480 })
      t.equal(call?.end?.cause, 'livekit-failed')
    })
  })
}

await t.test('a registry that hangs does not keep Jambonz waiting', async t => {
  let answer = () => {}
  const hanging = new Promise<void>(resolve => {
    answer = resolve
  })
  const memory = createMemoryRegistry()
  const registry: Registry = {
    ...memory,
    async update (callSid, fn, limit) {
      await hanging
      return memory.update(callSid, fn, limit)
    }
  }
  const { calls, clock, hook, failures } = build(t, { registry })
  let reply
  calls.receive(hook()).then(answer => {
    reply = answer.reply
  }, () => {})
  await clock.pass(5990)
  t.equal(reply, undefined)
  await clock.pass(20)
  t.match(reply, { kind: 'decline', status: 480 })
  t.ok(failures.includes('call hook'))
  await t.test('and when it is back nothing of the call is left over', async t => {
    answer()
    await clock.pass(1000)
    const call = await memory.get('call-1')
    t.equal(call?.end?.cause, 'bridge-error')
    await clock.pass(80_000)
    t.same((await memory.get('call-1'))?.duties, [])
  })
})

await t.test('a registry that fails costs a decline, never an error', async t => {
  const memory = createMemoryRegistry()
  const registry: Registry = {
    ...memory,
    async update () {
      throw new Error('down')
    }
  }
  const { calls, hook } = build(t, { registry })
  t.match((await calls.receive(hook())).reply, { kind: 'decline', status: 480 })
})

await t.test('the limit of calls', async t => {
  const { calls, clock, hook } = build(t, { maxCalls: 2, capacityStatus: 503 })
  const first = hook()
  t.equal((await calls.receive(first)).reply.kind, 'dial')
  t.equal((await calls.receive(hook())).reply.kind, 'dial')
  const third = await calls.receive(hook())
  t.match(third.reply, { kind: 'decline', status: 503 })
  t.equal(third.call?.end?.cause, 'capacity')
  t.equal((await calls.receive(first)).reply.kind, 'dial', 'a repeat is no new call')
  t.equal((await calls.receive({ ...first, hash: 'redirect', answered: true })).reply.kind, 'dial', 'nor is a redirect')
  await calls.apply('call-1', { ...status(clock, 'call-1', 'completed'), by: 'caller' })
  await clock.pass(3000)
  t.equal((await calls.receive(hook())).reply.kind, 'dial', 'and an ended call makes room for another')
})

await t.test('a LiveKit that hangs does not hold up the calls behind those that only it may know', async t => {
  const { calls, rooms, hook } = build(t, { maxCalls: 100 })
  rooms.mode = 'hang'
  for (let i = 0; i < 10; i++) {
    calls.receive(hook({ callSid: `moved-${i}`, redirected: true, answered: true })).catch(() => {})
  }
  await settle()
  t.equal(rooms.log.filter(line => line.startsWith('list ')).length, 10, 'LiveKit is asked for each of them')
  rooms.mode = 'ok'
  const { reply } = await calls.receive(hook())
  t.same(reply, { kind: 'dial', attempt: 1 }, 'and no time has passed')
})

await t.test('with a limit, a call that is one too many makes no room', async t => {
  const { calls, rooms, hook } = build(t, { maxCalls: 1 })
  await Promise.all([calls.receive(hook()), calls.receive(hook()), calls.receive(hook())])
  t.equal(rooms.log.length, 1)
  t.equal(rooms.open.size, 1)
})

await t.test('a place that was taken is given back when the call never came to be', async t => {
  const { calls, rooms, clock, hook } = build(t, { maxCalls: 1 })
  rooms.mode = 'hang'
  calls.receive(hook({ app: { agent: 'other-agent' } })).catch(() => {})
  await settle()
  t.match((await calls.receive(hook())).reply, { kind: 'decline', status: 486 })
  await clock.pass(3000)
  rooms.mode = 'ok'
  t.equal((await calls.receive(hook())).reply.kind, 'dial', 'the room of the first one was never made')
})

await t.test('the room of a proposal that was not written is deleted', async t => {
  const memory = createMemoryRegistry()
  let first = true
  const registry: Registry = {
    ...memory,
    async update (callSid, fn, limit) {
      // A store may try the update on what turns out to be out of date: here the call had been declined meanwhile.
      if (first) {
        first = false
        fn(undefined, false)
        await memory.update(callSid, call => fn(call, false))
        await memory.update(callSid, () => undefined)
        return undefined
      }
      return memory.update(callSid, fn, limit)
    }
  }
  const { calls, rooms, hook } = build(t, { registry })
  t.match((await calls.receive(hook())).reply, { kind: 'decline', status: 480 })
  await settle()
  t.same(rooms.log, [`create ${roomOf('call-1')}`, `delete ${roomOf('call-1')}`])
  t.equal(rooms.open.size, 0)
})

await t.test('such a room is deleted again when it comes back with its agent', async t => {
  const memory = createMemoryRegistry()
  const proposedFirst: Registry = {
    ...memory,
    update: (callSid, fn, limit) => memory.update(callSid, (call, full) => {
      // The update was tried on what turned out to be out of date: here the call had begun meanwhile, elsewhere.
      if (!call) fn(undefined, false)
      return fn(call ?? elsewhere, full)
    }, limit)
  }
  const { calls, rooms, hook, clock } = build(t, { registry: proposedFirst })
  const elsewhere = sketch('call-1', { phase: 'ended', rooms: ['jb_elsewhere'], wake: clock.now() + 3600_000 })
  await calls.receive(hook())
  const room = roomOf('call-1')
  await clock.pass(1000)
  t.equal(rooms.open.has(room), false, 'deleted')
  const agent = { name: 'demo-agent', metadata: '' }
  rooms.open.set(room, { name: room, emptyTimeoutS: 100, departureTimeoutS: 10, metadata: '', agent })
  await clock.pass(30_000)
  t.equal(rooms.open.has(room), false, 'deleted again')
})

await t.test('a REST-originated call that already counts is not declined for its own sake', async t => {
  const { calls, clock, hook } = build(t, { maxCalls: 1 })
  await calls.apply('out-1', { ...status(clock, 'out-1', 'trying'), facts: factsWith({ direction: 'outbound' }) })
  t.equal(
    (await calls.receive(hook({ callSid: 'out-1', answered: true, facts: factsWith({ direction: 'outbound' }) }))).reply
      .kind,
    'dial'
  )
})

await t.test('a process that is about to end declines', async t => {
  const { calls, hook } = build(t)
  const before = hook()
  await calls.receive(before)
  calls.drain()
  const { call, reply } = await calls.receive(hook())
  t.match(reply, { kind: 'decline', status: 480 })
  t.equal(call?.end?.cause, 'draining')
  t.equal((await calls.receive(before)).reply.kind, 'dial', 'a repeat of what was taken gets its reply')
})

await t.test('whether an application sends statuses is learnt from its calls', async t => {
  const { calls, clock } = build(t)
  t.equal(calls.sendsStatuses('app-1'), false)
  t.equal(calls.sendsStatuses(undefined), false)
  await calls.apply('call-1', status(clock, 'call-1', 'trying'))
  t.equal(calls.sendsStatuses('app-1'), true)
  t.equal(calls.sendsStatuses('app-2'), false)
})

await t.test('silence after the reply of an application that does send statuses was no success', async t => {
  const { calls, clock, hook, registry } = build(t)
  await calls.apply('other', status(clock, 'other', 'trying', 'app-1'))
  await calls.receive(hook({ facts: factsWith({ applicationSid: 'app-1' }) }))
  await calls.receive(hook({ facts: factsWith({ applicationSid: 'app-2' }) }))
  await clock.pass(20_000)
  t.equal((await registry.get('call-1'))?.end?.cause, 'reply-refused')
  t.equal((await registry.get('call-2'))?.end?.cause, 'lost')
})

await t.test('the caller is gone before the room is made: nothing stays behind', async t => {
  const { calls, rooms, clock, hook, registry } = build(t)
  rooms.mode = 'hang'
  const receiving = calls.receive(hook())
  await clock.pass(1000)
  await calls.apply('call-1', { ...status(clock, 'call-1', 'completed'), callStatus: 'no-answer', by: 'caller' })
  rooms.mode = 'ok'
  rooms.release()
  await clock.pass(100)
  t.match((await receiving).reply, { kind: 'decline' })
  t.match((await registry.get('call-1'))?.end, { cause: 'caller-gave-up', waitingOn: 'hook' })
  await clock.pass(16_000)
  t.notOk(rooms.open.has(roomOf('call-1')))
})

await t.test('other hooks are answered by the call as it is', async t => {
  const { calls, clock, hook } = build(t)
  await calls.receive(hook({ app: { fallbackNumber: '+15551230009' } }))
  const action = {
    kind: 'action',
    callSid: 'call-1',
    hash: 'a',
    at: clock.now(),
    facts: factsWith(),
    attempt: 1,
    dialCallStatus: 'busy',
    dialSipStatus: 486,
    dialCallSid: 'b1',
    rang: false,
    callerStatus: 'trying'
  } as const
  const answer = await calls.answer(action, 'call-1')
  t.same(answer?.reply, { kind: 'dial', attempt: 2 })
  t.same((await calls.answer(action, 'call-1'))?.reply, { kind: 'dial', attempt: 2 })
  t.equal(
    await calls.answer({ kind: 'refer-complete', hash: 'r', at: clock.now(), callerStatus: 'in-progress' }, 'unknown'),
    undefined
  )
})

await t.test("a room of the user's own is found by the header of our dial, and then by its name", async t => {
  const { calls, hook, clock, rooms } = build(t)
  const ways = [{ strategy: 'carrier' as const, carrier: 'LiveKit', number: '+15551230000' }]
  await calls.receive(hook({ route: { ways } }))
  const heard = (what: 'participant_joined' | 'participant_left', room: string, headers: boolean, callSid = 'call-1') =>
    calls.hear({
      kind: 'livekit',
      at: clock.now(),
      room,
      what,
      participant: { sid: 'PA_1', identity: 'sip_1', kind: 'SIP', sip: headers ? { callSid, dispatched: true } : {} }
    }, undefined)
  t.equal(await heard('participant_joined', 'their-room', false), undefined, 'without the header')
  t.equal(await heard('participant_joined', 'their-room', true, 'unknown'), undefined, 'of nobody we know')
  t.same(await heard('participant_joined', 'their-room', true), { callSid: 'call-1' })
  t.same(await heard('participant_left', 'their-room', false), { callSid: 'call-1' }, 'by its name')
  t.equal(await heard('participant_joined', 'another-room', true), undefined, 'only one')
  t.same(rooms.log.filter(line => line.startsWith('delete')), [])
})
