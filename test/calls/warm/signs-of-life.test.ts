import t from 'tap'
import type { Test } from 'tap'
import { buildStage, poolWith, taken, wish, type Stage } from './stage.ts'

/** How often LiveKit was asked something. */
const asked = ({ livekit }: Stage, operation: string): number =>
  livekit.log.filter(line => line.startsWith(`${operation} `)).length

async function filledStage (t: Test, size: number) {
  const stage = buildStage(t, [poolWith(size)])
  const pools = stage.replica()
  await stage.clock.pass(size * 500 + 5000)
  t.equal((await stage.rooms('ready')).length, size)
  return { stage, pools, ...stage }
}

await t.test('a call learns that its agent answers when it is asked for a sign of life', async t => {
  const { clock, replica } = buildStage(t, [poolWith(1)])
  const pools = replica()
  await clock.pass(2200)
  const soon = taken(await pools.claim(wish()))
  t.equal(soon.agent.answers, undefined, 'it has not been asked')
  await pools.settle(soon, false)
  await clock.pass(300)
  t.equal(taken(await pools.claim(wish())).agent.answers, true)
})

await t.test('a room whose agent has died leaves its pool, long before LiveKit says so', async t => {
  const { clock, livekit, seen, rooms } = await filledStage(t, 2)
  const [dead] = await rooms('ready')
  livekit.agentDies(dead!)
  await clock.pass(16_100)
  t.same(seen.left, ['agent-left'])
  t.notOk(livekit.open.has(dead!))
  t.equal((await rooms('ready')).length, 2)
})

await t.test('when one agent is lost the others are looked at at once: they may have had the same worker', async t => {
  const { clock, livekit, seen, pools, rooms } = await filledStage(t, 20)
  await clock.pass(60_000)
  const ready = await rooms('ready')
  for (const room of ready.slice(0, 15)) livekit.agentDies(room)
  livekit.agentLeaves(ready[15]!)
  await clock.pass(3)
  taken(await pools.claim(wish()))
  await clock.pass(2200)
  t.ok(seen.left.length >= 15, `two rounds of eight, each for a second: ${seen.left.length}`)
  t.same(new Set(seen.left), new Set(['agent-left']))
})

await t.test('of agents that are lost one after another, the others are looked at once a second', async t => {
  const { stage, clock, livekit, rooms } = await filledStage(t, 20)
  await clock.pass(60_000)
  const before = asked(stage, 'look')
  for (const room of (await rooms('ready')).slice(0, 10)) {
    livekit.agentLeaves(room)
    await clock.pass(50)
  }
  await clock.pass(300)
  const looks = asked(stage, 'look') - before
  t.ok(looks >= 10 && looks <= 25, `one round, and what was due: ${looks}`)
})

await t.test('no more than eight rooms of a pool are looked at at once', async t => {
  const stage = buildStage(t, [poolWith(20)])
  let [now, most] = [0, 0]
  const { livekit, clock } = stage
  const look: typeof livekit.rooms.look = async (...args) => {
    most = Math.max(most, ++now)
    await new Promise<void>(resolve => clock.schedule(100, resolve))
    now--
    return livekit.rooms.look(...args)
  }
  stage.replica({ rooms: { ...livekit.rooms, look } })
  await clock.pass(15_000)
  livekit.agentLeaves((await stage.rooms('ready'))[0]!)
  await clock.pass(1000)
  t.equal(most, 8)
})

await t.test('agents with an old SDK wait as well, and are not asked for ever', async t => {
  const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(2)])
  livekit.answersRpc = false
  const pools = replica()
  await clock.pass(120_000)
  const asked = livekit.log.filter(line => line.startsWith('answers')).length
  t.ok(asked > 0 && asked <= 10, `some times in the first minute: ${asked}`)
  t.equal((await rooms('ready')).length, 2)
  t.same(seen.left, [])
  t.equal(taken(await pools.claim(wish())).agent.answers, undefined)
})

await t.test('where LiveKit does not know the question, nothing is concluded', async t => {
  const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(2)])
  replica({ rooms: { ...livekit.rooms, answers: async () => undefined } })
  await clock.pass(120_000)
  t.equal((await rooms('ready')).length, 2)
  t.same(seen.left, [])
  t.notOk(livekit.log.some(line => line.startsWith('is-hosted')), 'nor is LiveKit asked more')
})

await t.test('rooms of a LiveKit node that crashed remain listed, and leave the pool all the same', async t => {
  const { clock, livekit, seen } = await filledStage(t, 3)
  for (const room of livekit.open.values()) room.isOrphan = true
  await clock.pass(25_000)
  t.same(seen.left, ['room-gone', 'room-gone', 'room-gone'])
})

await t.test('the same with agents that have an old SDK, once LiveKit was away', async t => {
  const { clock, replica, livekit, seen, rooms } = buildStage(t, [poolWith(3)])
  livekit.answersRpc = false
  const pools = replica()
  await clock.pass(70_000)
  t.notOk(livekit.log.some(line => line.startsWith('is-hosted')), 'ordinary looks ask no more than before')
  const old = await rooms('ready')
  livekit.failure = 'unreachable'
  await pools.settle(taken(await pools.claim(wish())), true)
  await clock.pass(5000)
  for (const room of livekit.open.values()) room.isOrphan = true
  livekit.failure = undefined
  await clock.pass(20_000)
  t.same(seen.left.filter(why => why === 'room-gone').length, 2)
  t.notOk((await rooms('ready')).some(room => old.includes(room)))
})

await t.test('a room that two agents have joined is given to no call', async t => {
  const { clock, livekit, seen, rooms, pools } = await filledStage(t, 1)
  const [room] = await rooms('ready')
  await pools.hear({
    kind: 'livekit',
    room: room!,
    what: 'participant_joined',
    participant: { sid: 'PA_2', identity: 'agent-AJ_second', kind: 'AGENT' },
    at: clock.now()
  })
  t.equal(await pools.claim(wish()), 'empty')
  await clock.pass(3000)
  t.same(seen.left, ['more-agents'])
  t.notOk(livekit.open.has(room!))
})

await t.test('LiveKit did not answer once: the rooms that are there may be claimed, and are looked at', async t => {
  const { stage, clock, livekit, pools } = await filledStage(t, 3)
  livekit.failure = 'timeout'
  await pools.settle(taken(await pools.claim(wish())), true)
  await clock.pass(1000)
  livekit.failure = undefined
  const looks = asked(stage, 'look')
  // Until LiveKit has answered, and then at every moment.
  for (let ms = 0; ms < 3000; ms += 20) {
    await clock.pass(20)
    const room = taken(await pools.claim(wish()))
    await pools.settle(room, false)
  }
  t.ok(asked(stage, 'look') > looks)
})

await t.test('a room that LiveKit does not delete: its agent is removed', async t => {
  const { stage, clock, livekit, rooms } = await filledStage(t, 1)
  const [room] = await rooms('ready')
  livekit.open.get(room!)!.isStuck = true
  stage.wanted = []
  await clock.pass(120_000)
  t.ok(livekit.log.includes(`evict ${room}`))
  t.equal(livekit.open.get(room!)!.agent, undefined)
})

await t.test('the rooms of a large pool are looked at one after another, at most ten a second', async t => {
  const stage = buildStage(t, [poolWith(200)])
  stage.replica()
  await stage.clock.pass(60_000)
  t.equal((await stage.rooms('ready')).length, 200)
  const before = asked(stage, 'look')
  await stage.clock.pass(30_000)
  const looks = asked(stage, 'look') - before
  t.ok(looks <= 310, `${looks} looks in 30 s`)
  t.ok(looks >= 200, `each room has its turn: ${looks}`)
})
