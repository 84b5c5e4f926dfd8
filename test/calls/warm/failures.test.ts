import t from 'tap'
import type { Rooms } from '../../../src/livekit/rooms.ts'
import { buildStage, poolWith, taken, wish } from './stage.ts'
import { createUnsteadyStore } from './unsteady-store.ts'

await t.test('where no agent comes, one room at a time is tried, with longer and longer pauses', async t => {
  const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(40)])
  livekit.joinMs = undefined
  const pools = replica()
  await clock.pass(19_000)
  const first = livekit.made.length
  t.ok(first <= 22, `those of the first five seconds: ${first}`)
  await clock.pass(400_000)
  t.ok(livekit.made.length - first < 14, `then one in each pause: ${livekit.made.length - first}`)
  t.same(new Set(seen.left), new Set(['no-agent']))
  t.same(seen.troubles, ['no-agent'])
  t.match(await pools.views(), [{ size: 40, ready: 0, trouble: 'no-agent' }])
  livekit.joinMs = 300
  await clock.pass(60_000)
  t.equal((await rooms('ready')).length, 40)
  t.same(seen.troubles, ['no-agent', undefined])
  await clock.pass(60_000)
  t.equal(livekit.open.size, 40, 'no room of the failures is left')
})

await t.test('rooms that fail together count once', async t => {
  const { clock, replica, livekit, rooms } = buildStage(t, [poolWith(10)])
  livekit.joinMs = undefined
  replica()
  await clock.pass(25_000)
  livekit.joinMs = 300
  await clock.pass(23_000)
  t.ok((await rooms('ready')).length > 0, 'the next one is tried soon')
})

await t.test('an agent that takes its time is waited for, and the pool is filled all the same', async t => {
  const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(10)])
  livekit.joinMs = 15_000
  replica()
  await clock.pass(60_000)
  t.equal((await rooms('ready')).length, 10)
  t.same([seen.left, seen.troubles], [[], []])
})

await t.test('while LiveKit fails it is asked less and less often, and the pool is filled when it works', async t => {
  for (const failure of ['unreachable', 'timeout', 'failed', 'refused', 'refused-key'] as const) {
    const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(10)])
    livekit.failure = failure
    replica()
    await clock.pass(300_000)
    const pauses = livekit.made.length
    t.equal(pauses, 0, 'no room was made')
    const asked = livekit.log.filter(line => line.startsWith('create')).length
    t.ok(asked > 5 && asked < 18, `${failure}: ${asked} requests`)
    t.same(seen.troubles, ['livekit'])
    t.same(new Set(seen.left), new Set(['failed']))
    livekit.failure = undefined
    await clock.pass(45_000)
    t.equal((await rooms('ready')).length, 10, failure)
    t.same(seen.troubles, ['livekit', undefined])
    await clock.pass(90_000)
    t.equal(livekit.open.size, 10)
    t.same(await rooms('leaving'), [], 'nothing is left to do')
  }
})

await t.test('agents join and leave soon: fewer and fewer rooms are made, and the operator learns why', async t => {
  for (const stayMs of [200, 10_000]) {
    const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(10)])
    livekit.stayMs = stayMs
    const pools = replica()
    await clock.pass(120_000)
    const first = livekit.made.length
    t.ok(first <= 30, `after ${stayMs} ms: ${first} rooms in the first two minutes`)
    await clock.pass(300_000)
    t.ok(livekit.made.length - first <= 12, `then one in each pause: ${livekit.made.length - first}`)
    t.same(seen.troubles, ['agent-leaves'])
    t.match(await pools.views(), [{ trouble: 'agent-leaves' }])
    livekit.stayMs = undefined
    await clock.pass(90_000)
    t.equal((await rooms('ready')).length, 10)
    t.same(seen.troubles, ['agent-leaves', undefined])
  }
})

await t.test('a worker that is restarted: its pool is filled again as fast as at first', async t => {
  const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(20)])
  replica()
  await clock.pass(300_000)
  // One has just come, in the place of another that a call has.
  livekit.agentLeaves((await rooms('ready'))[0]!)
  await clock.pass(3000)
  for (const room of await rooms('ready')) livekit.agentLeaves(room)
  await clock.pass(12_500)
  t.equal((await rooms('ready')).length, 20, 'two a second, after a pause of one')
  t.same(seen.troubles, [])
})

await t.test('agents that calls use at once need not show that they stay', async t => {
  const { clock, replica, livekit, seen } = buildStage(t, [poolWith(2)])
  const pools = replica()
  livekit.stayMs = 100
  await clock.pass(10_000)
  livekit.stayMs = undefined
  while (typeof await pools.claim(wish()) === 'string') await clock.pass(100)
  await clock.pass(2000)
  t.same(seen.troubles, ['agent-leaves', undefined])
})

await t.test('a claim waits 50 ms for the store, and a room that comes later goes back', async t => {
  const clock = { schedule: (_ms: number, _fn: () => void): unknown => undefined }
  const { store, state } = createUnsteadyStore((ms, fn) => clock.schedule(ms, fn))
  const stage = buildStage(t, [poolWith(1)], store)
  clock.schedule = stage.clock.schedule
  const pools = stage.replica()
  await stage.clock.pass(3000)
  state.slowMs = 70
  const claiming = pools.claim(wish())
  let settledAt: number | undefined
  claiming.then(() => {
    settledAt = stage.clock.now()
  }, () => {})
  const askedAt = stage.clock.now()
  await stage.clock.pass(60)
  t.equal(await claiming, 'store')
  t.equal(settledAt! - askedAt, 50)
  state.slowMs = 0
  await stage.clock.pass(100)
  t.equal((await stage.rooms('ready')).length, 1)
  state.slowMs = 40
  const second = pools.claim(wish())
  await stage.clock.pass(60)
  taken(await second)
})

await t.test('while the store is gone calls start cold; afterwards its rooms are looked at first', async t => {
  const { store, state } = createUnsteadyStore(() => {})
  const { clock, replica, livekit, rooms, seen } = buildStage(t, [poolWith(2)], store)
  const pools = replica()
  await clock.pass(3000)
  const [dead] = await rooms('ready')
  state.mode = 'gone'
  t.equal(await pools.claim(wish()), 'store')
  await clock.pass(5000)
  livekit.agentLeaves(dead!)
  await clock.pass(5000)
  state.mode = 'ok'
  t.equal(await pools.claim(wish()), 'store', 'nobody knows who has left meanwhile')
  const looks = livekit.log.length
  while ((await rooms('ready')).length === 2) await clock.pass(50)
  while ((await rooms('ready')).length === 0) await clock.pass(50)
  t.ok(livekit.log.slice(looks).some(line => line.startsWith('look')))
  const room = taken(await pools.claim(wish()))
  t.not(room.room, dead)
  await clock.pass(60_000)
  t.notOk(livekit.open.has(dead!))
  t.same(seen.troubles, ['store', undefined])
})

await t.test('a claim that could not be settled is settled when the store is back', async t => {
  const { store, state } = createUnsteadyStore(() => {})
  const { clock, replica, livekit, rooms } = buildStage(t, [poolWith(2)], store)
  const pools = replica()
  await clock.pass(3000)
  const [one, other] = [taken(await pools.claim(wish())), taken(await pools.claim(wish()))]
  const missed: unknown[] = []
  pools.onMissed(event => missed.push(event))
  livekit.agentLeaves(one.room)
  await clock.pass(3)
  state.mode = 'gone'
  t.equal(await pools.settle(one, true), undefined)
  await pools.settle(other, false)
  livekit.callerJoins(one.room)
  await clock.pass(60_000)
  state.mode = 'ok'
  await clock.pass(10_000)
  t.same(await rooms('claimed'), [])
  t.match(missed, [{ kind: 'livekit', room: one.room, what: 'participant_left' }], 'its call learns of it')
  t.ok(livekit.open.has(one.room), 'the call goes on')
  t.equal((await rooms('ready')).length, 2)
})

await t.test('a claim of a replica that was killed: the room is deleted, unless it is a call\'s', async t => {
  const { clock, replica, livekit, rooms, calls, seen } = buildStage(t, [poolWith(3)])
  const killed = replica()
  replica()
  await clock.pass(5000)
  const [known, here, nobody] = [
    taken(await killed.claim(wish())),
    taken(await killed.claim(wish())),
    taken(await killed.claim(wish()))
  ]
  calls.set(known.room, 'call')
  livekit.callerJoins(here.room)
  await clock.pass(14_000)
  t.equal((await rooms('claimed')).length, 3, 'the call hook may still be at work')
  await clock.pass(10_000)
  t.ok(livekit.open.has(known.room) && livekit.open.has(here.room), 'calls go on')
  t.notOk(livekit.open.has(nobody.room))
  t.same(seen.left, ['unused'])
  calls.set(here.room, 'call')
  await clock.pass(60_000)
  t.same(await rooms('claimed'), [])
  t.ok(livekit.open.has(known.room) && livekit.open.has(here.room))
})

await t.test('while LiveKit does not say who is in a room, it is not deleted for want of a call', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(1)])
  const killed = replica()
  replica()
  await clock.pass(5000)
  const room = taken(await killed.claim(wish()))
  killed.kill()
  livekit.callerJoins(room.room)
  livekit.failure = 'timeout'
  await clock.pass(20_000)
  livekit.failure = undefined
  await clock.pass(60_000)
  t.ok(livekit.open.has(room.room))
})

await t.test('without LiveKit\'s events the agents are looked for, and looked after', async t => {
  const { clock, replica, livekit, rooms, seen } = buildStage(t, [poolWith(2)])
  livekit.sendsEvents = false
  const pools = replica()
  await clock.pass(3000)
  t.equal((await rooms('ready')).length, 2)
  const room = taken(await pools.claim(wish()))
  t.match(room, { events: false, agent: { identity: /^agent-/, audioAt: Number } })
  await pools.settle(room, true)
  livekit.agentLeaves((await rooms('ready'))[0]!)
  await clock.pass(12_000)
  t.same(seen.left, ['agent-left'])
})

await t.test('with LiveKit\'s events a ready room is looked at every 15 s', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(1)])
  replica()
  await clock.pass(305_000)
  t.equal(livekit.log.filter(line => line.startsWith('look')).length, 21)
})

await t.test('a claim that has just been made is left alone, whatever was due about the room', async t => {
  const { clock, replica, livekit, rooms } = buildStage(t, [poolWith(1)])
  livekit.sendsEvents = false
  const pools = replica()
  await clock.pass(3000)
  // The next look is due in a moment.
  await clock.pass(7900)
  const room = taken(await pools.claim(wish()))
  await clock.pass(14_000)
  t.same(await rooms('claimed'), [room.room])
  t.ok(livekit.open.has(room.room))
})

await t.test('after a crash of all replicas the rooms are looked at before they are claimed', async t => {
  const { clock, replica, livekit, rooms, seen } = buildStage(t, [poolWith(2)])
  const killed = replica()
  await clock.pass(3000)
  const [dead, alive] = await rooms('ready')
  killed.kill()
  livekit.agentLeaves(dead!)
  await clock.pass(30_000)
  const look: Rooms['look'] = async (...room) => {
    await new Promise<void>(resolve => clock.schedule(200, resolve))
    return livekit.rooms.look(...room)
  }
  const next = replica({ rooms: { ...livekit.rooms, look } })
  t.equal(await next.claim(wish()), 'store')
  await clock.pass(100)
  t.equal(await next.claim(wish()), 'empty', 'LiveKit has not answered yet')
  await clock.pass(200)
  t.equal(taken(await next.claim(wish())).room, alive)
  t.same(seen.left, ['agent-left'])
  await clock.pass(30_000)
  t.notOk(livekit.open.has(dead!))
})

await t.test('while another replica listens, a new one claims rooms at once', async t => {
  const { clock, replica } = buildStage(t, [poolWith(2)])
  replica()
  await clock.pass(3000)
  const next = replica()
  await clock.pass(0)
  taken(await next.claim(wish()))
})

await t.test('one room that is gone without an event has all others looked at: LiveKit may have crashed', async t => {
  const { clock, replica, livekit, rooms, seen } = buildStage(t, [poolWith(10)])
  replica()
  await clock.pass(30_000)
  livekit.open.clear()
  t.equal((await rooms('ready')).length, 10)
  await clock.pass(32_200)
  t.same(seen.left, Array(10).fill('room-gone'), 'the first look is due after a minute')
  await clock.pass(10_000)
  t.equal((await rooms('ready')).length, 10)
})

await t.test('when a room is gone without an event, no other one is claimed before it was looked at', async t => {
  const { clock, replica, livekit, rooms, seen } = buildStage(t, [poolWith(3)])
  const slow = { is: false }
  const look: Rooms['look'] = async (...room) => {
    if (slow.is) await new Promise<void>(resolve => clock.schedule(3000, resolve))
    return livekit.rooms.look(...room)
  }
  const pools = replica({ rooms: { ...livekit.rooms, look } })
  await clock.pass(10_000)
  const [gone, ...others] = await rooms('ready')
  livekit.open.delete(gone!)
  while (seen.left.length === 0) await clock.pass(10)
  slow.is = true
  await clock.pass(1100)
  const claimed = await pools.claim(wish())
  t.notOk(typeof claimed === 'object' && others.includes(claimed.room))
  await clock.pass(10_000)
  t.same((await rooms('ready')).filter(room => others.includes(room)).length, 2, 'they are there')
})

await t.test('after LiveKit was away the rooms are looked at before they are claimed', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(2)])
  const pools = replica()
  await clock.pass(5000)
  livekit.failure = 'unreachable'
  await pools.settle(taken(await pools.claim(wish())), true)
  await clock.pass(5000)
  // LiveKit is started again, without its rooms.
  livekit.open.clear()
  livekit.failure = undefined
  await clock.pass(5000)
  const room = taken(await pools.claim(wish()))
  t.ok(livekit.open.has(room.room))
})
