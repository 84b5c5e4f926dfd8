import t from 'tap'
import type { ClaimedRoom } from '../../../src/calls/fold/warm.ts'
import { buildStage, poolWith, wish } from './stage.ts'

const taken = (claimed: unknown): ClaimedRoom => {
  if (typeof claimed !== 'object') throw new Error(`cold: ${claimed}`)
  return claimed as ClaimedRoom
}

await t.test('a pool is filled one room after another, and stays as large as it is to be', async t => {
  const { livekit, clock, replica, rooms, seen } = buildStage(t, [poolWith(5)])
  replica()
  await clock.pass(1900)
  t.equal(livekit.made.length, 4, 'two a second')
  await clock.pass(60_000)
  t.equal(livekit.made.length, 5)
  t.equal((await rooms('ready')).length, 5)
  const pauses = livekit.made.map(({ at }, i) => at - (livekit.made[i - 1]?.at ?? -Infinity)).slice(1)
  t.ok(pauses.every(ms => ms >= 500), `never faster: ${pauses.join()}`)
  t.same(seen, { made: Array(5).fill('created'), left: [], troubles: [], failed: [] })
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

await t.test('no room is handed out twice, and without one the call starts cold', async t => {
  const { clock, replica } = buildStage(t, [poolWith(3)])
  const pools = replica()
  t.equal(await pools.claim(wish('nobody')), 'no-pool')
  await clock.pass(5000)
  const claims = await Promise.all(Array.from({ length: 5 }, () => pools.claim(wish())))
  const names = claims.filter(claim => typeof claim === 'object').map(({ room }) => room)
  t.equal(new Set(names).size, 3)
  t.same(claims.filter(claim => typeof claim === 'string'), ['empty', 'empty'])
})
