import t from 'tap'
import type { EventOf } from '../../../src/calls/fold/events.ts'
import { buildStage, poolWith, taken, wish } from './stage.ts'

await t.test('a pool is filled one room after another, and stays as large as it is to be', async t => {
  const { livekit, clock, replica, rooms, seen } = buildStage(t, [poolWith(5)])
  replica()
  await clock.pass(1900)
  t.equal(livekit.made.length, 4, 'two a second')
  await clock.pass(60_000)
  t.equal(livekit.made.length, 5)
  t.equal((await rooms('ready')).length, 5)
  t.same(seen, { made: Array(5).fill('created'), left: [], troubles: [], failed: [] })
})

await t.test('a large pool is filled faster, or as fast as the settings say', async t => {
  for (const [perS, made] of [[undefined, 41], [1, 11]] as const) {
    const { livekit, clock, replica } = buildStage(t, [poolWith(40)])
    replica({ perS })
    await clock.pass(10_100)
    t.equal(livekit.made.length, Math.min(40, made))
  }
})

await t.test('a call gets a room with its agent, and another one takes its place', async t => {
  const { livekit, clock, replica, store, rooms } = buildStage(t, [poolWith(2)])
  const pools = replica()
  await clock.pass(3000)
  const room = taken(await pools.claim(wish()))
  t.match(room, { room: /^jb_c/, agentName: 'desk', departureS: 10, events: true, agent: { identity: /^agent-/ } })
  t.ok(room.agent.audioAt! > room.agent.joinedAt, 'the agent publishes audio')
  t.equal(`jb_${room.token}`, room.room)
  t.equal(await pools.settle(room, true), undefined)
  t.equal(await store.get(room.room), undefined, 'it is the call\'s now')
  await clock.pass(3000)
  t.equal((await rooms('ready')).length, 2)
  t.ok(livekit.open.has(room.room), 'and nobody deletes it')
})

await t.test('the room that takes the place of another is asked for after the reply', async t => {
  const { livekit, clock, replica } = buildStage(t, [poolWith(1)])
  const pools = replica()
  await clock.pass(3000)
  await pools.claim(wish())
  await clock.pass(99)
  t.equal(livekit.made.length, 1)
  await clock.pass(100)
  t.equal(livekit.made.length, 2)
})

await t.test('no room is handed out twice, and without one the call starts cold', async t => {
  const { clock, replica } = buildStage(t, [poolWith(3)])
  const pools = replica()
  t.equal(pools.any(), true)
  t.equal(replica({ pools: () => [] }).any(), false)
  t.equal(await pools.claim(wish('nobody')), 'no-pool')
  await clock.pass(5000)
  const claims = await Promise.all(Array.from({ length: 5 }, () => pools.claim(wish())))
  const names = claims.filter(claim => typeof claim === 'object').map(({ room }) => room)
  t.equal(new Set(names).size, 3)
  t.same(claims.filter(claim => typeof claim === 'string'), ['empty', 'empty'])
})

await t.test('a room whose call did not take it goes back to its pool', async t => {
  const { clock, replica, rooms } = buildStage(t, [poolWith(1)])
  const pools = replica()
  await clock.pass(3000)
  const room = taken(await pools.claim(wish()))
  await pools.settle(room, false)
  t.same(await rooms('ready'), [room.room])
  t.equal(taken(await pools.claim(wish())).room, room.room)
  await pools.settle(room, false)
  await pools.settle(room, false)
  const again = taken(await pools.claim(wish()))
  await pools.settle(room, true)
  await pools.settle(room, false)
  t.same(await rooms('ready'), [], 'what was settled once is not settled again')
  t.equal(again.room, room.room)
})

await t.test('a pool grows with its calls, and shrinks when they stay away', async t => {
  const { clock, replica, rooms, seen, livekit } = buildStage(t, [poolWith(2, 10)])
  const pools = replica()
  await clock.pass(5000)
  t.equal((await rooms('ready')).length, 2)
  for (let n = 0; n < 8; n++) await pools.claim(wish())
  await clock.pass(12_000)
  t.equal((await rooms('ready')).length, 8)
  await clock.pass(270_000)
  t.equal((await rooms('ready')).length, 8)
  await clock.pass(50_000)
  t.equal((await rooms('ready')).length, 2)
  t.same(new Set(seen.left), new Set(['unused', 'surplus']), 'nobody settled the two claims')
  await clock.pass(60_000)
  t.equal(livekit.open.size, 2)
})

await t.test('rooms are renewed before LiveKit closes them, and the pool is full all the time', async t => {
  const { clock, replica, rooms, livekit, seen, store } = buildStage(t, [poolWith(5)])
  replica()
  await clock.pass(10_000)
  let fewest = Infinity
  let most = 0
  for (let s = 0; s < 1800; s += 5) {
    await clock.pass(5000)
    const ready = await rooms('ready')
    fewest = Math.min(fewest, ready.length)
    most = Math.max(most, livekit.open.size)
    for (const name of ready) {
      const { endsAt } = (await store.get(name))!
      t.ok(endsAt > clock.now(), 'LiveKit has not closed it')
    }
  }
  t.equal(fewest, 5)
  t.ok(most <= 7, `never more than the renewals: ${most}`)
  t.same(new Set(seen.left), new Set(['renewed']))
})

await t.test('a room that nobody could replace is not claimed in its last 15 seconds', async t => {
  const { clock, replica, livekit, seen } = buildStage(t, [poolWith(1)])
  const pools = replica()
  await clock.pass(3000)
  livekit.failure = 'unreachable'
  await clock.pass(580_000)
  const room = taken(await pools.claim(wish()))
  await pools.settle(room, false)
  await clock.pass(2500)
  t.equal(await pools.claim(wish()), 'empty')
  t.ok(seen.left.includes('renewed') && !seen.left.includes('room-gone'), 'before LiveKit closes it')
  livekit.failure = undefined
  await clock.pass(60_000)
  t.equal(livekit.open.size, 1, 'it is deleted when LiveKit is back, and there is another one')
})

await t.test('a room whose agent leaves is out of its pool at once', async t => {
  const { clock, replica, rooms, livekit, seen } = buildStage(t, [poolWith(1)])
  const pools = replica()
  await clock.pass(3000)
  const [name] = await rooms('ready')
  livekit.agentLeaves(name!)
  await clock.pass(3)
  t.equal(await pools.claim(wish()), 'empty')
  t.same(seen.left, ['agent-left'])
  await clock.pass(50)
  t.notOk(livekit.open.has(name!), 'its room is deleted')
  await clock.pass(10_000)
  t.equal((await rooms('ready')).length, 1)
})

await t.test('the call learns that the agent left between claim and settlement', async t => {
  const { clock, replica, livekit, store } = buildStage(t, [poolWith(1)])
  const pools = replica()
  await clock.pass(3000)
  const room = taken(await pools.claim(wish()))
  livekit.agentLeaves(room.room)
  await clock.pass(3)
  t.match(await pools.settle(room, true), {
    kind: 'livekit',
    room: room.room,
    what: 'participant_left',
    participant: { kind: 'AGENT', identity: room.agent.identity },
    at: clock.now() - 1
  })
  t.equal(await store.get(room.room), undefined)
})

await t.test('an event about a claimed room is for its call too, one about another room of a pool is not', async t => {
  const { clock, replica, rooms } = buildStage(t, [poolWith(2)])
  const pools = replica()
  await clock.pass(3000)
  const { room, agent } = taken(await pools.claim(wish()))
  const left = (room: string): EventOf<'livekit'> => ({
    kind: 'livekit',
    room,
    what: 'participant_left',
    participant: { sid: 'PA_1', identity: agent.identity, kind: 'AGENT' },
    at: clock.now()
  })
  t.equal(await pools.hear(left(room)), false)
  t.match(await pools.settle({ room }, true), { what: 'participant_left', room }, 'it is noted all the same')
  t.equal(await pools.hear(left(room)), false, 'it is no room of a pool any more')
  const [other] = await rooms('ready')
  t.equal(await pools.hear(left(other!)), true)
  t.equal(await pools.hear({ ...left(other!), room: 'jb_call' }), false)
})

await t.test('the call learns that the agent published audio between claim and settlement', async t => {
  const { clock, replica, livekit, rooms } = buildStage(t, [poolWith(1)])
  const pools = replica()
  while ((await rooms('ready')).length === 0) await clock.pass(1)
  const room = taken(await pools.claim(wish()))
  t.equal(room.agent.audioAt, undefined)
  await clock.pass(100)
  t.match(await pools.settle(room, true), { what: 'track_published', track: 'AUDIO' })
  t.ok(livekit.open.has(room.room))
})

await t.test('a room that is about to end is not claimed, also where nobody has looked after the pool', async t => {
  const { clock, replica, store } = buildStage(t, [poolWith(1)])
  const hangs = { list: false }
  const list = (id: string) => hangs.list ? new Promise<never>(() => {}) : store.list(id)
  const pools = replica({ store: { ...store, list } })
  await clock.pass(3000)
  hangs.list = true
  await clock.pass(581_900)
  const room = taken(await pools.claim(wish()))
  await pools.settle(room, false)
  await clock.pass(200)
  t.equal(await pools.claim(wish()), 'empty')
})

await t.test('replicas share the looks at their rooms', async t => {
  const { clock, replica, livekit } = buildStage(t, [poolWith(1)])
  replica()
  replica()
  replica()
  await clock.pass(305_000)
  t.equal(livekit.log.filter(line => line.startsWith('look')).length, 21)
})
