import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { KEY_LIVES_MS } from '../../../src/calls/store/idempotency.ts'
import { createMemoryIdempotency } from '../../../src/calls/store/memory-idempotency.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { idempotencyContract } from '../../fixtures/idempotency-contract.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { NOW } from '../../fixtures/registry-contract.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

const claimOf = (key: string, orderId = key, now = NOW) =>
  ({ caller: 'shop', key, hash: 'body', orderId, now, leaseMs: 10_000 })

await t.test('in memory', async t => {
  await idempotencyContract(t, async () => createMemoryIdempotency())

  await t.test('a key is forgotten after a day', async t => {
    const keys = createMemoryIdempotency()
    await keys.claim(claimOf('a'))
    await keys.confirm({ caller: 'shop', key: 'a' }, 'a')
    t.match(await keys.claim(claimOf('a', 'b', NOW + KEY_LIVES_MS - 1)), { outcome: 'known' })
    t.same(await keys.claim(claimOf('a', 'b', NOW + KEY_LIVES_MS)), { outcome: 'claimed' })
  })

  await t.test('of more keys than there may be the oldest is forgotten', async t => {
    const keys = createMemoryIdempotency(3)
    for (const key of ['a', 'b', 'c', 'd']) {
      await keys.claim(claimOf(key))
      await keys.confirm({ caller: 'shop', key }, key)
    }
    for (const key of ['b', 'c', 'd']) t.same(await keys.claim(claimOf(key)), { outcome: 'known', orderId: key })
    t.same(await keys.claim(claimOf('a')), { outcome: 'claimed' })
  })
})

await t.test('in Redis', { skip: withoutRedis }, async t => {
  const { port, url } = await startRedis(t)
  const raw = new Redis(port, '127.0.0.1')
  t.teardown(() => raw.disconnect())
  let stores = 0
  const open = async (t: Test, keyPrefix = `bridge:keys:${++stores}`) => {
    const clock = createTestClock()
    const connection = await connectRedis(url, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix, clock })
    t.teardown(() => registry.close())
    return registry.idempotency
  }

  await idempotencyContract(t, t => open(t))

  await t.test('replicas share the keys', async t => {
    const [one, two] = [await open(t, 'bridge:shared'), await open(t, 'bridge:shared')]
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? one : two).claim(claimOf('a', `order-${i}`))))
    t.equal(all.filter(({ outcome }) => outcome === 'claimed').length, 1)
  })

  await t.test('a key lives for a day, whatever becomes of it, and its text is not in Redis', async t => {
    const keys = await open(t, 'bridge:lives')
    const name = { caller: 'shop', key: 'my-secret-key' }
    const livesFor = async () => {
      const [key, ...more] = await raw.keys('*bridge:lives*')
      t.same(more, [])
      t.match(key, /^\{bridge:lives\}:idempotency:/)
      t.notMatch(`${key} ${JSON.stringify(await raw.hgetall(key!))}`, 'my-secret')
      return raw.pttl(key!)
    }
    await keys.claim(claimOf(name.key, 'a'))
    t.ok(await livesFor() > KEY_LIVES_MS - 60_000)
    await raw.pexpire((await raw.keys('*bridge:lives*'))[0]!, 50_000)
    await keys.confirm(name, 'a')
    await keys.placed(name, 'a', 'sid')
    const left = await livesFor()
    t.ok(left > 0 && left <= 50_000, 'no longer than it was claimed for')
  })

  await t.test('a store that is gone rejects', async t => {
    const server = await startRedis(t)
    const clock = createTestClock()
    const connection = await connectRedis(server.url, { clock, waitMs: 60_000 })
    const { idempotency: keys } = new RedisRegistry({ connection, keyPrefix: 'bridge:gone', clock })
    t.teardown(() => connection.close())
    await server.kill()
    const gone = { code: 'BRIDGE_STORE_UNAVAILABLE' }
    const name = { caller: 'shop', key: 'a' }
    await t.rejects(keys.claim(claimOf('a')), gone)
    await t.rejects(keys.confirm(name, 'a'), gone)
    await t.rejects(keys.placed(name, 'a', 'sid'), gone)
    await t.rejects(keys.free(name, 'a'), gone)
  })
})
