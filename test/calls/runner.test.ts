import t from 'tap'
import type { Test } from 'tap'
import { createCalls } from '../../src/calls/calls.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { createRunner } from '../../src/calls/runner.ts'
import type { CallControl } from '../../src/calls/ports.ts'
import { factsWith, roomFormat, rulesWith, tokenOf } from '../fixtures/events.ts'
import { createFakeRegistrar } from '../fixtures/fake-registrar.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { sketch } from '../fixtures/registry-contract.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const ROOM = `jb_${tokenOf('call-1', 1)}`

function build (
  t: Test,
  { runners = 1, registry = createMemoryRegistry() as Registry, rest, start }: {
    runners?: number
    registry?: Registry
    rest?: CallControl
    start?: number
  } = {}
) {
  const clock = createTestClock(start)
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
    rules: rulesWith({ callControl: rest !== undefined }),
    rooms,
    roomFormat,
    clock,
    registrar: createFakeRegistrar(),
    prepareTimeoutMs: 3000,
    callHookDeadlineMs: 6000,
    handOverMs: 0,
    maxCalls: 0,
    capacityStatus: 486,
    observer
  })
  const all = Array.from(
    { length: runners },
    () => createRunner({ registry, calls, rooms, roomFormat, rest, clock, observer })
  )
  for (const runner of all) runner.start().catch(() => {})
  t.teardown(async () => {
    rooms.release()
    await Promise.all(all.map(runner => runner.stop()))
  })
  const status = (
    leg: 'caller' | 'agent',
    callStatus: 'trying' | 'ringing' | 'in-progress' | 'completed',
    by?: 'caller'
  ) =>
    calls.apply('call-1', {
      kind: 'status',
      at: clock.now(),
      callSid: 'call-1',
      facts: factsWith(),
      leg,
      legSid: leg === 'caller' ? 'call-1' : 'b1',
      callStatus,
      by
    })
  return {
    calls,
    clock,
    rooms,
    registry,
    failures,
    runners: all,
    status,
    deletes: () => rooms.log.filter(line => line === `delete ${ROOM}`).length,
    async connect () {
      await calls.receive({
        callSid: 'call-1',
        hash: 'h',
        at: clock.now(),
        facts: factsWith(),
        answered: false,
        redirected: false
      })
      for (const callStatus of ['trying', 'ringing', 'in-progress'] as const) await status('agent', callStatus)
      rooms.present = () => ({
        sip: { sid: 'PA_sip1', callStatus: 'active' },
        agent: { identity: 'agent-1', audio: true }
      })
    },
    async hangUp () {
      await status('caller', 'completed', 'caller')
      await calls.apply('call-1', {
        kind: 'action',
        callSid: 'call-1',
        hash: 'a',
        at: clock.now(),
        facts: factsWith(),
        attempt: 1,
        dialCallStatus: 'completed',
        dialSipStatus: 200,
        dialCallSid: 'b1',
        rang: true,
        callerStatus: 'completed',
        callerEndedBy: 'caller'
      })
    }
  }
}

await t.test('the room of an ended call is deleted, and its deletion confirmed', async t => {
  const { clock, rooms, connect, hangUp, deletes } = build(t)
  await connect()
  t.ok(rooms.open.has(ROOM))
  await hangUp()
  await clock.pass(2000)
  t.notOk(rooms.open.has(ROOM))
  await clock.pass(70_000)
  t.equal(deletes(), 4)
})

await t.test('a room that an agent makes again after its deletion is deleted again', async t => {
  const { clock, rooms, connect, hangUp, registry } = build(t)
  await connect()
  const request = rooms.open.get(ROOM)!
  await hangUp()
  await clock.pass(600)
  t.notOk(rooms.open.has(ROOM))
  rooms.open.set(ROOM, { ...request, metadata: '' })
  await clock.pass(3000)
  t.notOk(rooms.open.has(ROOM), 'without a word from LiveKit')
  rooms.open.set(ROOM, { ...request, metadata: '' })
  await clock.pass(25_000)
  t.notOk(rooms.open.has(ROOM), 'also when the agent comes back some 15 s later')
  await clock.pass(90_000)
  const call = await registry.get('call-1')
  t.same(call?.duties, [])
  t.ok(call?.events.some(({ what }) => what === 'room came back, delete-room done'))
  t.equal(call?.events.at(-1)?.what, 'room gone')
})

await t.test('everybody is removed from a room that LiveKit cannot delete', async t => {
  const { clock, rooms, connect, hangUp, registry } = build(t)
  await connect()
  await hangUp()
  rooms.undeletable.add(ROOM)
  rooms.occupants.set(ROOM, ['agent-1', 'agent-2'])
  await clock.pass(1000)
  t.same(rooms.occupants.get(ROOM), [])
  await clock.pass(240_000)
  t.same((await registry.get('call-1'))?.duties, [], 'an empty room is as good as none')
})

await t.test('however many runners there are', async t => {
  const { clock, runners, connect, hangUp, deletes } = build(t, { runners: 4 })
  await connect()
  await hangUp()
  await Promise.all(runners.flatMap(runner => [runner.run('call-1'), runner.run('call-1')]))
  await clock.pass(70_000)
  t.equal(deletes(), 4)
})

await t.test('deleting is tried again, ever later, until LiveKit is back', async t => {
  const { clock, rooms, connect, hangUp, deletes, registry, failures } = build(t)
  await connect()
  await hangUp()
  rooms.mode = 'unreachable'
  await clock.pass(10_000)
  const early = deletes()
  t.ok(early >= 3, 'soon at first')
  await clock.pass(120_000)
  const later = deletes() - early
  t.ok(later >= 3 && later <= 10, `then seldom: ${later} times in two minutes`)
  t.ok(rooms.open.has(ROOM))
  t.ok(failures.includes('delete-room'))
  t.equal((await registry.get('call-1'))?.duties.length, 1)
  rooms.mode = 'ok'
  await clock.pass(31_000)
  t.notOk(rooms.open.has(ROOM))
  await clock.pass(90_000)
  t.same((await registry.get('call-1'))?.duties, [])
})

await t.test("what a runner took and never finished is another one's after the lease", async t => {
  const { clock, rooms, runners, connect, hangUp, deletes } = build(t, { runners: 2 })
  await connect()
  await hangUp()
  rooms.mode = 'hang'
  runners[0]!.run('call-1').catch(() => {})
  runners[0]!.stop().catch(() => {})
  await clock.pass(14_000)
  t.equal(deletes(), 1)
  rooms.mode = 'ok'
  await clock.pass(2000)
  t.equal(deletes(), 2)
  t.notOk(rooms.open.has(ROOM))
})

await t.test('an ended call is forgotten after its retention', async t => {
  const { clock, connect, hangUp, registry } = build(t)
  await connect()
  await hangUp()
  await clock.pass(890_000)
  t.ok(await registry.get('call-1'))
  await clock.pass(80_000)
  t.equal(await registry.get('call-1'), undefined)
})

await t.test('a connected call is looked at every minute, and ends when nobody is there', async t => {
  const { clock, rooms, connect, registry } = build(t)
  await connect()
  await clock.pass(305_000)
  t.equal(rooms.log.filter(line => line.startsWith('look')).length, 5)
  t.equal((await registry.get('call-1'))?.phase, 'connected')
  rooms.present = () => ({})
  await clock.pass(70_000)
  t.equal((await registry.get('call-1'))?.phase, 'ended')
  t.notOk(rooms.open.has(ROOM))
})

await t.test('LiveKit away for an hour does not end a connected call', async t => {
  const { clock, rooms, connect, registry } = build(t)
  await connect()
  rooms.mode = 'unreachable'
  await clock.pass(3600_000)
  t.equal((await registry.get('call-1'))?.phase, 'connected')
})

await t.test("an operator's hang-up goes to Jambonz and LiveKit", async t => {
  const asked: string[] = []
  let down = true
  const rest: CallControl = {
    async hangUp (callSid, status) {
      asked.push(`${callSid} ${status}`)
      if (down) throw new Error('down')
      return true
    },
    redirect: async () => true
  }
  const { calls, clock, rooms, connect } = build(t, { rest })
  await connect()
  await calls.apply('call-1', { kind: 'hangup', at: clock.now() })
  await clock.pass(300)
  t.same(asked, ['call-1 completed'])
  t.notOk(rooms.open.has(ROOM))
  down = false
  await clock.pass(2000)
  t.same(asked, ['call-1 completed', 'call-1 completed'], 'a failure is tried again')
})

await t.test('a registry that fails for a while stops nothing', async t => {
  const memory = createMemoryRegistry()
  let down = false
  const registry: Registry = {
    ...memory,
    async update (callSid, fn) {
      if (down) throw new Error('down')
      return memory.update(callSid, fn)
    },
    async due (now, limit) {
      if (down) throw new Error('down')
      return memory.due(now, limit)
    }
  }
  const { clock, rooms, connect, hangUp, failures } = build(t, { registry })
  await connect()
  await hangUp()
  down = true
  await clock.pass(60_000)
  t.ok(failures.includes('duties'))
  t.ok(rooms.open.has(ROOM))
  down = false
  await clock.pass(31_000)
  t.notOk(rooms.open.has(ROOM))
})

await t.test('a runner that is stopped finishes what it does and begins nothing more', async t => {
  const { clock, rooms, runners: [runner], connect, hangUp, deletes } = build(t)
  await connect()
  await hangUp()
  rooms.mode = 'hang'
  await clock.pass(300)
  t.equal(deletes(), 1)
  let stopped = false
  const stopping = runner!.stop().then(() => {
    stopped = true
  })
  await settle()
  t.notOk(stopped, 'it waits')
  rooms.release()
  await stopping
  t.notOk(rooms.open.has(ROOM))
  const { length } = rooms.log
  await clock.pass(60_000)
  t.equal(rooms.log.length, length)
})

await t.test('a run tells when what was owed is done', async t => {
  const { rooms, runners: [runner], connect, hangUp } = build(t)
  await connect()
  await hangUp()
  await runner!.run('call-1')
  t.notOk(rooms.open.has(ROOM))
})

await t.test('running a call that is not known is nothing', async t => {
  const { runners: [runner], rooms } = build(t)
  await runner!.run('nobody')
  t.same(rooms.log, [])
})

await t.test(
  'a LiveKit that hangs is asked a bounded number of things at once, and time goes on for every ' +
    'call',
  async t => {
    const { calls, clock, rooms, registry } = build(t)
    const callSids = Array.from({ length: 100 }, (_, i) => `many-${i}`)
    for (const callSid of callSids) {
      await calls.receive({
        callSid,
        hash: callSid,
        at: clock.now(),
        facts: factsWith(),
        answered: false,
        redirected: false
      })
    }
    rooms.mode = 'hang'
    const before = rooms.log.length
    for (const callSid of callSids) {
      await calls.apply(callSid, {
        kind: 'status',
        at: clock.now(),
        callSid,
        facts: factsWith(),
        leg: 'caller',
        legSid: callSid,
        callStatus: 'failed',
        sipStatus: 480
      })
    }
    await clock.pass(3000)
    t.ok(rooms.log.length - before <= 40, "no more than the runner's bound")
    t.equal((await registry.stats()).phases.ended, 100, 'every call has ended in time')
    rooms.mode = 'ok'
    rooms.release()
    await clock.pass(60_000)
    t.same([...rooms.open.keys()], [], 'and every room is deleted in the end')
  }
)

await t.test('calls that had to wait for others are next, without waiting for a poll', async t => {
  const { runners: [runner], rooms, clock, registry } = build(t)
  const callSids = Array.from({ length: 40 }, (_, i) => `many-${i}`)
  for (const callSid of callSids) {
    await registry.update(callSid, () => sketch(callSid, { phase: 'ended', wake: clock.now(), duties: 1 }))
  }
  rooms.mode = 'hang'
  const running = callSids.map(callSid => runner!.run(callSid))
  await settle()
  const deletes = () => rooms.log.filter(line => line.startsWith('delete ')).length
  const atOnce = deletes()
  t.ok(atOnce > 0 && atOnce < callSids.length, `${atOnce} at once`)
  rooms.mode = 'ok'
  rooms.release()
  await Promise.all(running)
  await settle()
  t.equal(deletes(), callSids.length)
})

await t.test('a duty whose outcome cannot be written down does not end the wait for the others', async t => {
  const memory = createMemoryRegistry()
  const lacking = new Set<string>()
  const registry: Registry = {
    ...memory,
    update: (callSid, fn, limit) => memory.update(callSid, (call, full) => {
      const next = fn(call, full)
      const claimed = call?.duties.some(({ id, claim }) => lacking.has(id) && claim !== undefined)
      const gone = claimed && !next?.duties.some(({ id, claim }) => lacking.has(id) && claim !== undefined)
      if (gone) throw new StoreUnavailableError('Redis: no answer')
      return next
    }, limit)
  }
  const { runners, rooms, clock } = build(t, { registry })
  // Both are due at once: r0 and r1.
  await memory.update('call-1', () => sketch('call-1', { phase: 'ended', wake: clock.now(), duties: 2 }))
  lacking.add('d0')
  const fake = rooms.delete
  let release = () => {}
  rooms.delete = room => room === 'r1'
    ? new Promise(resolve => {
      release = () => resolve(true)
    })
    : fake(room)
  let over = false
  const running = runners[0]!.run('call-1').then(() => {
    over = true
  })
  await settle()
  t.equal(over, false, 'the other room is still being deleted')
  release()
  await running
  const owed = (await memory.get('call-1'))!.duties.map(({ id }) => id)
  t.ok(owed.includes('d0'), 'to be tried again')
  t.notOk(owed.includes('d1'), 'done')
})

await t.test('a process that starts after nobody listened tells every open call of the gap', async t => {
  const memory = createMemoryRegistry()
  let listened: { at: number, process: number } | undefined
  let current = 1
  const registry: Registry = {
    ...memory,
    shared: true,
    async listening (now) {
      const before = listened
      listened = { at: now, process: current }
      return before && { at: before.at, self: before.process === current }
    }
  }
  const first = build(t, { registry })
  await first.connect()
  await first.clock.pass(2000)
  await first.runners[0]!.stop()
  const from = listened!.at
  current = 2
  const second = build(t, { registry, start: from + 8000 })
  await second.clock.pass(1000)
  const call = await registry.get('call-1')
  t.match(call?.away, [{ from, to: from + 8000 }])
  t.equal(call?.events.filter(({ what }) => what === 'nobody listened').length, 1)

  // A third process joins the second one, which goes on listening.
  current = 3
  const third = build(t, { registry, start: second.clock.now() })
  await third.clock.pass(150)
  current = 2
  await registry.listening(third.clock.now())
  current = 3
  await third.clock.pass(1000)
  t.equal((await registry.get('call-1'))?.away?.length, 1, 'somebody listened all the time')
})

await t.test('a gap is told once the store can be written, not forgotten', async t => {
  const memory = createMemoryRegistry()
  const first = build(t, { registry: memory })
  await first.connect()
  await first.runners[0]!.stop()
  const from = first.clock.now()
  let broken = true
  const registry: Registry = {
    ...memory,
    shared: true,
    listening: async now => now === from + 8000 ? { at: from, self: false } : { at: now - 500, self: true },
    async list (filter, page) {
      if (broken) throw new Error('broken')
      return memory.list(filter, page)
    }
  }
  const second = build(t, { registry, start: from + 8000 })
  await second.clock.pass(100)
  t.notOk((await memory.get('call-1'))?.away)
  broken = false
  await second.clock.pass(2000)
  t.equal((await memory.get('call-1'))?.away?.length, 1)
})
