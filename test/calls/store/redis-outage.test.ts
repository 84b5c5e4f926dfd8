import type { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { ANSWER_WITHIN, connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import type { Registry } from '../../../src/calls/store/registry.ts'
import { StoreUnavailableError } from '../../../src/errors.ts'
import { sketch } from '../../fixtures/registry-contract.ts'
import { startRedis, withoutRedis, type RedisServer } from '../../fixtures/redis-server.ts'
import { createTestClock, type TestClock } from '../../fixtures/test-clock.ts'

async function open (t: Test, { url }: RedisServer, silenceMs?: number) {
  const clock = createTestClock()
  const connection = await connectRedis(url, { clock, silenceMs, waitMs: 60_000 })
  const registry = new RedisRegistry({ connection, keyPrefix: 'bridge:outage', clock })
  t.teardown(() => registry.close())
  return { registry, redis: connection.redis, clock }
}

const asks = (registry: Registry): Record<string, () => Promise<unknown>> => ({
  update: () => registry.update('a', () => sketch('a')),
  get: () => registry.get('a'),
  findByName: () => registry.findByName('room'),
  list: () => registry.list({}, { limit: 10 }),
  due: () => registry.due(Date.now(), 10),
  stats: () => registry.stats()
})

/** Everything that a registry is asked, several times at once, fails within its limit, as something that may pass. */
async function failsInTime (t: Test, registry: Registry, clock: TestClock, times = 1) {
  const all = Array.from({ length: times }, () => Object.entries(asks(registry))).flat()
  const errors = all.map(async ([name, ask]) => {
    const error = await ask().then(() => undefined, error => error)
    t.ok(error instanceof StoreUnavailableError, `${name}: ${error?.message}`)
    t.match(error, { code: 'BRIDGE_STORE_UNAVAILABLE', statusCode: 503 })
  })
  await clock.pass(ANSWER_WITHIN)
  await Promise.all(errors)
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
    const { registry, redis, clock } = await open(t, server)
    await works(registry)
    const closed = next(redis, 'close')
    await server.kill()
    await failsInTime(t, registry, clock)
    await closed
    await next(redis, 'reconnecting')
    await failsInTime(t, registry, clock)
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
    const { registry, clock } = await open(t, server)
    await registry.update('a', () => sketch('a'))
    server.pause()
    await failsInTime(t, registry, clock)
    t.equal(registry.trouble(), 'Redis: no answer')
    // None waits longer because others are waiting already.
    await failsInTime(t, registry, clock, 2)
    server.resume()
    await works(registry)
    await registry.update('a', call => ({ ...call!, phase: 'ringing' }))
    t.equal((await registry.stats()).phases.ringing, 1)
    t.equal(registry.trouble(), undefined)
  })

  await t.test('a connection on which nothing comes back is given up', async t => {
    const server = await startRedis(t)
    const { registry, redis, clock } = await open(t, server, 1500)
    server.pause()
    const closed = next(redis, 'close')
    await t.rejects(registry.get('a'), StoreUnavailableError)
    await closed
    await failsInTime(t, registry, clock)
    server.resume()
    await next(redis, 'ready')
    await works(registry)
    t.equal(registry.trouble(), undefined)
  })

  await t.test('an update that is given up is not made later', async t => {
    const server = await startRedis(t)
    const { registry, clock } = await open(t, server)
    await registry.update('a', () => sketch('a'))
    await registry.get('a')
    server.pause()
    const first = registry.update('a', call => ({ ...call!, eventsDropped: 1 }))
    const second = registry.update('a', call => ({ ...call!, eventsDropped: 2 }))
    const refused = [t.rejects(first, StoreUnavailableError), t.rejects(second, StoreUnavailableError)]
    await clock.pass(ANSWER_WITHIN)
    await Promise.all(refused)
    server.resume()
    t.equal((await registry.update('a', call => call))?.eventsDropped, 1, 'only what was sent before')
  })

  await t.test('it takes no writes for lack of memory', async t => {
    const server = await startRedis(t)
    const { registry, redis, clock } = await open(t, server)
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
    await failsInTime(t, well.registry, well.clock)
    t.equal(well.registry.trouble(), undefined, 'that is no trouble')
    const hanging = await open(t, server)
    const gone = await open(t, server)
    server.pause()
    await hanging.registry.close()
    const reconnecting = next(gone.redis, 'reconnecting')
    await server.kill()
    await reconnecting
    await gone.registry.close()
    await failsInTime(t, gone.registry, gone.clock)
  })
})
