import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { CapLimits } from '../../../src/calls/store/caps.ts'
import { createMemoryCaps } from '../../../src/calls/store/memory-caps.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { capsContract } from '../../fixtures/caps-contract.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { NOW } from '../../fixtures/registry-contract.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

await t.test('in memory', t => capsContract(t, async () => createMemoryCaps()))

await t.test('in Redis', { skip: withoutRedis }, async t => {
  const { port, url } = await startRedis(t)
  let counters = 0
  const open = async (t: Test, keyPrefix = `bridge:caps:${++counters}`) => {
    // On a clock that stands still no answer is late, however busy the machine is.
    const clock = createTestClock()
    const connection = await connectRedis(url, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix, clock })
    t.teardown(() => registry.close())
    return registry.caps
  }

  await capsContract(t, t => open(t))

  await t.test('the keys share one hash slot, end by themselves, and hold no number', async t => {
    const caps = await open(t, 'bridge:keys')
    const limits = { concurrent: 1, perMinute: 1, perDay: 1, perCallerPerDay: 1 }
    await caps.reserve({ id: 'a', caller: '+15550001111', limits, now: NOW, livesMs: 60_000 })
    const redis = new Redis(port, '127.0.0.1')
    t.teardown(() => redis.disconnect())
    const keys = await redis.keys('*bridge:keys*')
    t.equal(keys.length, 4)
    for (const key of keys) {
      t.match(key, /^\{bridge:keys\}:caps:/)
      t.notMatch(key, '15550001111')
      t.ok(await redis.pttl(key) > 0, key)
    }
  })

  await t.test('only what is limited is written', async t => {
    const redis = new Redis(port, '127.0.0.1')
    t.teardown(() => redis.disconnect())
    const written = async (prefix: string, caller: string | undefined, limits: CapLimits) => {
      const caps = await open(t, prefix)
      await caps.reserve({ id: 'a', ...(caller === undefined ? {} : { caller }), limits, now: NOW, livesMs: 60_000 })
      return (await redis.keys(`*${prefix}*`)).map(key => key.replace(/.*:caps:/, '').replace(/:.*/, '')).sort()
    }
    t.same(await written('bridge:none', 'alice', {}), [])
    t.same(await written('bridge:open', 'alice', { concurrent: 1 }), ['open'])
    t.same(await written('bridge:windows', 'alice', { perMinute: 1, perDay: 1 }), ['day', 'minute'])
    t.same(await written('bridge:caller', 'alice', { perCallerPerDay: 1 }), ['caller'])
    t.same(await written('bridge:nobody', undefined, { perCallerPerDay: 1 }), [])
  })

  await t.test('a short call does not end the counting of a long one', async t => {
    const caps = await open(t, 'bridge:long')
    await caps.reserve({ id: 'long', limits: { concurrent: 9 }, now: NOW, livesMs: 3_600_000 })
    await caps.reserve({ id: 'short', limits: { concurrent: 9 }, now: NOW, livesMs: 1000 })
    const redis = new Redis(port, '127.0.0.1')
    t.teardown(() => redis.disconnect())
    for (const key of await redis.keys('*bridge:long*')) t.ok(await redis.pttl(key) > 3_000_000, key)
  })

  await t.test('two processes together get what the cap allows, and a shared id counts once', async t => {
    const contender = fileURLToPath(new URL('../../fixtures/caps-contender.js', import.meta.url))
    const [dials, limit] = [400, 300]
    const processes = ['one', 'two'].map(name =>
      spawn(process.execPath, [contender, url, 'bridge:contended', name, String(dials), String(limit)], {
        stdio: ['pipe', 'pipe', 'inherit']
      }))
    const ends = Promise.all(processes.map(child => once(child, 'exit')))
    await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
    const texts = processes.map(async ({ stdout }) => {
      let text = ''
      for await (const chunk of stdout) text += String(chunk)
      return text
    })
    for (const { stdin } of processes) stdin.write('go\n')
    const [one, two] = (await Promise.all(texts)).map(text => JSON.parse(text) as string[]) as [string[], string[]]
    await ends
    t.equal(new Set([...one, ...two]).size, limit, 'exactly as many as the cap allows')
    t.ok(one.some(id => two.includes(id)), 'what both asked for, both were granted')
  })

  await t.test('a store that is gone rejects', async t => {
    const server = await startRedis(t)
    const clock = createTestClock()
    const connection = await connectRedis(server.url, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix: 'bridge:gone', clock })
    t.teardown(() => registry.close())
    await server.kill()
    await t.rejects(registry.caps.reserve({ id: 'a', limits: { perDay: 1 }, now: NOW, livesMs: 1000 }), {
      code: 'BRIDGE_STORE_UNAVAILABLE'
    })
  })
})
