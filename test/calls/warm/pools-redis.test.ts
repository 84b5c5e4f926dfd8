import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openRedisRegistry } from '../../../src/calls/store/redis-open.ts'
import { WARM_TIMES } from '../../../src/calls/warm/times.ts'
import { systemClock } from '../../../src/clock.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import type { TestClock } from '../../fixtures/test-clock.ts'
import { buildStage, poolWith, wish } from './stage.ts'

/** The time that goes by itself. A claim waits longer than for a caller: this machine may be busy. */
const clock: TestClock = {
  ...systemClock,
  schedule: (ms, fn) => systemClock.schedule(ms === WARM_TIMES.claim ? 10_000 : ms, fn),
  pass: ms => sleep(ms)
}

async function until (isSo: () => Promise<boolean>): Promise<void> {
  while (!await isSo()) await clock.pass(20)
}

await t.test('two replicas share a pool in Redis', { skip: withoutRedis, timeout: 60_000 }, async t => {
  const { url } = await startRedis(t)
  const registries = await Promise.all([1, 2].map(() => openRedisRegistry(url, { keyPrefix: 'pools:' })))
  t.teardown(() => Promise.all(registries.map(registry => registry.close())))
  const stores = registries.map(({ warmRooms }) => warmRooms)
  const { livekit, replica, rooms } = buildStage(t, [poolWith(10)], stores[0], clock)
  livekit.joinMs = 50
  const perS = 25
  const [one, other] = stores.map(store => replica({ store, perS }))
  await until(async () => (await rooms('ready')).length === 10)
  const pauses = livekit.made.slice(1).map(({ at }, i) => at - livekit.made[i]!.at)
  // LiveKit is asked a moment after the store has counted. Without a common count it would take half the time.
  t.ok(pauses.reduce((sum, ms) => sum + ms, 0) >= 0.75 * 9 * (1000 / perS), `over both replicas: ${pauses.join()}`)

  const claims = await Promise.all(Array.from({ length: 30 }, (_, n) => (n % 2 ? one! : other!).claim(wish())))
  const taken = claims.filter(claim => typeof claim === 'object')
  t.ok(taken.length >= 10, `those that were there, and those that came meanwhile: ${taken.length}`)
  t.equal(new Set(taken.map(({ room }) => room)).size, taken.length, 'each for one call')
  for (const room of taken) livekit.callerJoins(room.room)
  await Promise.all(taken.map((room, n) => (claims.indexOf(room) % 2 ? one! : other!).settle(room, n > 0)))
  await until(async () => (await rooms('ready')).length === 10)

  await one!.close()
  t.ok((await rooms('ready')).length >= 10, 'the other one goes on')
  await other!.close()
  const calls = taken.slice(1).map(({ room }) => room)
  t.same([...livekit.open.keys()].sort(), calls.sort(), 'nothing is left but the rooms of calls')
})
