import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { systemClock } from '../../../src/clock.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import type { Registry } from '../../../src/calls/store/registry.ts'
import { StoreUnavailableError } from '../../../src/errors.ts'
import { sketch } from '../../fixtures/registry-contract.ts'
import { startRedis, withoutRedis, type RedisServer } from '../../fixtures/redis-server.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

async function open (t: Test, { url }: RedisServer, clock = systemClock, silenceMs?: number) {
  const connection = await connectRedis(url, { clock, silenceMs })
  const registry = new RedisRegistry({ connection, keyPrefix: 'bridge:outage', clock })
  t.teardown(() => registry.close())
  return { registry, redis: connection.redis }
}

const asks = (registry: Registry): Record<string, () => Promise<unknown>> => ({
  update: () => registry.update('a', () => sketch('a')),
  get: () => registry.get('a'),
  findByRoom: () => registry.findByRoom('room'),
  list: () => registry.list({}, { limit: 10 }),
  due: () => registry.due(Date.now(), 10),
  stats: () => registry.stats()
})

/** All that a registry can be asked fails, in time, as something that may pass. */
async function failsInTime (t: Test, registry: Registry) {
  await Promise.all(
    Object.entries(asks(registry)).map(async ([name, ask]) => {
      const start = performance.now()
      const error = await ask().then(() => undefined, error => error)
      const ms = performance.now() - start
      t.ok(error instanceof StoreUnavailableError, `${name}: ${error?.message}`)
      t.match(error, { code: 'BRIDGE_STORE_UNAVAILABLE', statusCode: 503 })
      t.ok(ms < 500, `${name} after ${Math.round(ms)} ms`)
    })
  )
}

/** Errors come on the way; they are no reason to stop waiting. */
const next = (redis: Redis, event: string) =>
  new Promise(resolve => {
    redis.once(event, resolve)
  })

const works = (registry: Registry) => Promise.all(Object.values(asks(registry)).map(ask => ask()))

await t.test('Redis fails', { skip: withoutRedis }, async t => {
  await t.test('it is killed, and comes again without data', async t => {
    const server = await startRedis(t)
    const { registry, redis } = await open(t, server)
    await works(registry)
    const closed = next(redis, 'close')
    await server.kill()
    await failsInTime(t, registry)
    await closed
    await next(redis, 'reconnecting')
    await failsInTime(t, registry)
    t.match(registry.trouble(), /^Redis: connection (refused|lost)$/)
    await next(redis, 'close')
    t.equal(registry.trouble(), 'Redis: connection refused')
    const ready = next(redis, 'ready')
    await server.start()
    await ready
    t.same((await registry.stats()).phases.received, 0)
    await works(registry)
    t.equal(registry.trouble(), undefined)
    t.equal((await registry.get('a'))?.callSid, 'a')
  })

  await t.test('it hangs, and goes on', async t => {
    const server = await startRedis(t)
    const { registry } = await open(t, server)
    await registry.update('a', () => sketch('a'))
    server.pause()
    await failsInTime(t, registry)
    t.equal(registry.trouble(), 'Redis: no answer')
    // Behind one that is still under way, none waits longer.
    await Promise.all([failsInTime(t, registry), failsInTime(t, registry)])
    server.resume()
    await works(registry)
    await registry.update('a', call => ({ ...call!, phase: 'ringing' }))
    t.equal((await registry.stats()).phases.ringing, 1)
    t.equal(registry.trouble(), undefined)
  })

  await t.test('a connection on which nothing comes back is given up', async t => {
    const server = await startRedis(t)
    const { registry, redis } = await open(t, server, systemClock, 600)
    server.pause()
    const closed = next(redis, 'close')
    await t.rejects(registry.get('a'), StoreUnavailableError)
    await closed
    await failsInTime(t, registry)
    server.resume()
    await next(redis, 'ready')
    await works(registry)
    t.equal(registry.trouble(), undefined)
  })

  await t.test('an update that is given up is not made later', async t => {
    const server = await startRedis(t)
    const { registry } = await open(t, server)
    await registry.update('a', () => sketch('a'))
    await registry.get('a')
    server.pause()
    const first = registry.update('a', call => ({ ...call!, eventsDropped: 1 }))
    const second = registry.update('a', call => ({ ...call!, eventsDropped: 2 }))
    await t.rejects(first, StoreUnavailableError)
    await t.rejects(second, StoreUnavailableError)
    server.resume()
    t.equal((await registry.update('a', call => call))?.eventsDropped, 1, 'only what was sent before')
  })

  await t.test('it takes no writes for lack of memory', async t => {
    const server = await startRedis(t)
    const clock = createTestClock()
    const { registry, redis } = await open(t, server, clock)
    await registry.update('a', () => sketch('a'))
    await redis.config('SET', 'maxmemory', '1')
    await t.rejects(registry.update('b', () => sketch('b')), {
      code: 'BRIDGE_STORE_UNAVAILABLE',
      message: /out of memory/
    })
    t.equal((await registry.get('a'))?.callSid, 'a', 'reading works')
    t.equal(registry.trouble(), 'Redis: out of memory', 'and says nothing about writing')
    await redis.config('SET', 'maxmemory', '0')
    await registry.update('b', () => sketch('b'))
    await clock.pass(10_000)
    await works(registry)
    t.equal(registry.trouble(), undefined)
  })

  await t.test('it became a replica', async t => {
    const server = await startRedis(t)
    const { registry, redis } = await open(t, server)
    await redis.replicaof('127.0.0.1', 1)
    const closed = next(redis, 'close')
    await t.rejects(registry.update('b', () => sketch('b')), {
      code: 'BRIDGE_STORE_UNAVAILABLE',
      message: /read-only replica/
    })
    await closed
    t.equal(registry.trouble(), 'Redis: a read-only replica')
    await next(redis, 'ready')
    await redis.replicaof('NO', 'ONE')
    await registry.update('b', () => sketch('b'))
  })

  await t.test('closing does not depend on Redis', async t => {
    const server = await startRedis(t)
    const well = await open(t, server)
    await well.registry.close()
    await well.registry.close()
    await failsInTime(t, well.registry)
    t.equal(well.registry.trouble(), undefined, 'that is no trouble')
    const hanging = await open(t, server)
    const gone = await open(t, server)
    server.pause()
    await hanging.registry.close()
    const reconnecting = next(gone.redis, 'reconnecting')
    await server.kill()
    await reconnecting
    await gone.registry.close()
    await failsInTime(t, gone.registry)
  })
})
