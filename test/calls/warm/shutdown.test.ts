import t from 'tap'
import { buildStage, poolWith, taken, wish, type Replica } from './stage.ts'
import type { WarmRoomStore } from '../../../src/calls/store/warm-rooms.ts'
import type { TestClock } from '../../fixtures/test-clock.ts'

/** Closes a replica while time passes; returns how long that took, milliseconds. */
async function close (replica: Replica, clock: TestClock): Promise<number> {
  const begun = clock.now()
  const state = { isOpen: true }
  const closed = replica.close().finally(() => {
    state.isOpen = false
  })
  while (state.isOpen) await clock.pass(100)
  await closed
  return clock.now() - begun
}

await t.test('the last replica deletes all rooms that no call has, or may have', async t => {
  const { clock, replica, livekit, calls, store } = buildStage(t, [poolWith(4), poolWith(2, 2, 'other')])
  const pools = replica()
  await clock.pass(5000)
  const [call, settled, young] = [
    taken(await pools.claim(wish())),
    taken(await pools.claim(wish())),
    taken(await pools.claim(wish()))
  ]
  await pools.settle(settled, true)
  calls.set(call.room, 'call')
  t.ok(await close(pools, clock) < 10_000)
  t.same([...livekit.open.keys()].sort(), [call.room, settled.room, young.room].sort())
  const records = (await Promise.all((await store.pools()).map(id => store.list(id)))).flat()
  t.same(records.filter(({ state }) => state === 'ready' || state === 'making'), [])
  await clock.pass(600_000)
  t.notOk(livekit.open.has(young.room), 'LiveKit closes it where there was no call')
})

await t.test('of old claims, the last replica leaves those rooms alone that a call or a caller has', async t => {
  const { clock, replica, livekit, calls } = buildStage(t, [poolWith(3)])
  const killed = replica()
  await clock.pass(5000)
  const [call, caller, nobody] = [
    taken(await killed.claim(wish())),
    taken(await killed.claim(wish())),
    taken(await killed.claim(wish()))
  ]
  calls.set(call.room, 'call')
  livekit.callerJoins(caller.room)
  killed.kill()
  await clock.pass(15_000)
  t.ok(livekit.open.has(nobody.room))
  await close(replica(), clock)
  t.same([...livekit.open.keys()].sort(), [call.room, caller.room].sort())
})

await t.test('a room whose agent is on its way is deleted again when the agent has made it again', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(2)])
  livekit.joinMs = 1500
  const pools = replica()
  await clock.pass(1000)
  t.equal(livekit.open.size, 2)
  await close(pools, clock)
  await clock.pass(10_000)
  t.equal(livekit.open.size, 0)
})

await t.test('emptying the pools is over in time, also while LiveKit hangs', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(4)])
  const pools = replica({ rooms: { ...livekit.rooms, delete: () => new Promise(() => {}) } })
  await clock.pass(5000)
  t.ok(await close(pools, clock) <= 10_100)
})

await t.test('a store that hangs does not hold it up', async t => {
  for (const method of ['keeping', 'pools', 'list'] as const) {
    const { clock, replica, store } = buildStage(t, [poolWith(2)])
    const hangs = { is: false }
    const slow: WarmRoomStore = new Proxy(store, {
      get: (target, name: keyof WarmRoomStore) => (...args: never[]) => {
        const ask = target[name] as (...args: never[]) => unknown
        return hangs.is && name === method ? new Promise(() => {}) : ask(...args)
      }
    })
    const pools = replica({ store: slow })
    await clock.pass(5000)
    hangs.is = true
    t.ok(await close(pools, clock) <= 10_100, method)
  }
})

await t.test('a look that hangs does not hold it up', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(2)])
  livekit.sendsEvents = false
  const pools = replica({ rooms: { ...livekit.rooms, look: () => new Promise(() => {}) } })
  await clock.pass(5000)
  t.ok(await close(pools, clock) <= 10_100)
  t.equal(livekit.open.size, 0)
})

await t.test('while others go on, their rooms stay, and they make no fewer', async t => {
  const { clock, replica, livekit, rooms } = buildStage(t, [poolWith(4)])
  const [one, other] = [replica(), replica()]
  await clock.pass(5000)
  const asked = livekit.log.length
  await close(one, clock)
  t.notOk(livekit.log.slice(asked).some(line => line.startsWith('delete')))
  t.equal((await rooms('ready')).length, 4)
  await close(other, clock)
  t.equal(livekit.open.size, 0)
})

await t.test('a replica that was killed does not count as one that goes on', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(4)])
  const [one, other] = [replica(), replica()]
  await clock.pass(5000)
  one.kill()
  await clock.pass(4000)
  await close(other, clock)
  t.equal(livekit.open.size, 0)
})

await t.test('a replica that drains makes no more rooms, but its calls may have those that are there', async t => {
  const { clock, replica, livekit, rooms } = buildStage(t, [poolWith(3)])
  const pools = replica()
  await clock.pass(5000)
  pools.drain()
  await pools.settle(taken(await pools.claim(wish())), true)
  await clock.pass(10_000)
  t.equal(livekit.made.length, 3)
  t.equal((await rooms('ready')).length, 2)
})

await t.test('a pool that vanishes from the routes is emptied, one that comes is filled', async t => {
  const stage = buildStage(t, [poolWith(3)])
  const { clock, livekit, rooms } = stage
  const pools = stage.replica()
  await clock.pass(5000)
  stage.wanted = [poolWith(2, 2, 'other')]
  t.equal(await pools.claim(wish()), 'no-pool')
  await clock.pass(5000)
  t.equal((await rooms('ready')).length, 5, 'the old ones are too young: another replica may still want them')
  await clock.pass(120_000)
  t.equal(livekit.open.size, 2)
  t.match(await pools.views(), [{ agent: 'other', ready: 2 }])
  t.equal((await pools.views()).length, 1)
})

await t.test('rooms that an earlier process had in its memory are deleted, unless a call has them', async t => {
  const { clock, livekit, replica, calls, seen } = buildStage(t, [poolWith(1)])
  const make = (name: string, metadata: string) => livekit.rooms.create({
    name,
    metadata,
    emptyTimeoutS: 600,
    departureTimeoutS: 10,
    agent: { name: 'desk', metadata: '' }
  })
  const token = (letter: string) => `jb_c${letter.repeat(26)}`
  await make(token('x'), 'warm')
  await make(token('y'), 'warm')
  await make(token('z'), 'the call that has it')
  await make(token('w'), 'warm')
  await make('other_room', 'warm')
  livekit.callerJoins(token('y'))
  calls.set(token('w'), 'call')
  livekit.failure = 'unreachable'
  const registry = { shared: false, findByName: async (name: string) => calls.get(name) }
  replica({ registry })
  await clock.pass(35_000)
  livekit.failure = undefined
  await clock.pass(60_000)
  const left = [...livekit.open.keys()].filter(name => livekit.made.slice(0, 5).some(({ room }) => room === name))
  t.same(left, [token('y'), token('z'), token('w'), 'other_room'])
  const own = livekit.made.slice(5).map(({ room }) => room)
  t.same([...livekit.open.keys()].filter(name => !left.includes(name)), own, 'nor are its own rooms deleted')
  t.notOk(seen.left.includes('room-gone'))
})

await t.test('rooms in a shared store are not taken for those of an earlier process', async t => {
  const { clock, livekit, replica } = buildStage(t, [poolWith(1)])
  replica()
  await clock.pass(60_000)
  t.notOk(livekit.log.some(line => line.startsWith('list')))
})
