import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { createMemoryEventQueue } from '../../../src/calls/store/memory-event-queue.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { REMEMBERED_MS } from '../../../src/calls/store/event-queue.ts'
import { eventQueueContract, sketchEvent } from '../../fixtures/event-queue-contract.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { NOW } from '../../fixtures/registry-contract.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

await t.test('in memory', async t => {
  await eventQueueContract(t, async () => createMemoryEventQueue())

  await t.test('an id is forgotten after a while', async t => {
    const queue = createMemoryEventQueue()
    await queue.add(sketchEvent('a:1'), ['r1'], { now: NOW, most: 10 })
    await queue.done({ id: 'a:1', receiver: 'r1' })
    const { receivers } = await queue.add(sketchEvent('a:1'), ['r1'], { now: NOW + REMEMBERED_MS, most: 10 })
    t.same(receivers, ['r1'])
  })
})

await t.test('in Redis', { skip: withoutRedis }, async t => {
  const { port, url } = await startRedis(t)
  let queues = 0
  const open = async (t: Test, keyPrefix = `bridge:events:${++queues}`) => {
    // On a clock that stands still no answer is late, however busy the machine is.
    const clock = createTestClock()
    const connection = await connectRedis(url, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix, clock })
    t.teardown(() => registry.close())
    return registry.events
  }

  await eventQueueContract(t, t => open(t))

  await t.test('the keys share one hash slot, end by themselves, and go with what was delivered', async t => {
    const queue = await open(t, 'bridge:keys')
    const redis = new Redis(port, '127.0.0.1')
    t.teardown(() => redis.disconnect())
    await queue.add(sketchEvent('a:1'), ['r1', 'r2'], { now: NOW, most: 10 })
    await queue.take({ receiver: 'r1', now: NOW, leaseMs: 1000, lease: 'x', limit: 1 })
    const keys = await redis.keys('*bridge:keys*')
    t.equal(keys.length, 8)
    for (const key of keys) {
      t.match(key, /^\{bridge:keys\}:events:/)
      t.ok(await redis.pttl(key) > 0, key)
    }
    for (const receiver of ['r1', 'r2']) await queue.done({ id: 'a:1', receiver })
    t.same((await redis.keys('*bridge:keys*')).map(key => key.replace(/.*:events:/, '')).sort(), ['known:a:1'])
    t.ok(await redis.pttl('{bridge:keys}:events:known:a:1') <= REMEMBERED_MS)
  })

  await t.test('two processes share the events', async t => {
    const [one, two] = [await open(t, 'bridge:shared'), await open(t, 'bridge:shared')]
    await one.add(sketchEvent('a:1'), ['r1'], { now: NOW, most: 10 })
    const options = { receiver: 'r1', now: NOW, leaseMs: 1000, limit: 1 }
    const taken = await Promise.all([one, two].map((queue, i) => queue.take({ ...options, lease: String(i) })))
    t.equal(taken.flatMap(({ events }) => events).length, 1)
  })

  await t.test('a store that is gone rejects', async t => {
    const server = await startRedis(t)
    const clock = createTestClock()
    const connection = await connectRedis(server.url, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix: 'bridge:gone', clock })
    t.teardown(() => registry.close())
    await server.kill()
    await t.rejects(registry.events.add(sketchEvent('a:1'), ['r1'], { now: NOW, most: 10 }), {
      code: 'BRIDGE_STORE_UNAVAILABLE'
    })
  })
})
