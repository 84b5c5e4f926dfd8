import { Redis } from 'ioredis'
import t from 'tap'
import { keyPrefixOf } from '../../src/calls/store/redis-keys.ts'
import { openRedisRegistry } from '../../src/calls/store/redis-open.ts'
import { readInfo, redisCheck, redisFindings } from '../../src/doctor/redis.ts'
import { codes, contextWith, run } from '../fixtures/doctor-check.ts'
import { freePort, startRedis, withoutRedis } from '../fixtures/redis-server.ts'
import { sketch } from '../fixtures/registry-contract.ts'

const look = (url: string) => run(redisCheck, contextWith({ REDIS_URL: url }))

await t.test('without REDIS_URL there is nothing to look at', async t => {
  t.match(await run(redisCheck, contextWith()), [{ code: 'redis-unused', severity: 'skipped', seen: /one replica/ }])
})

await t.test('what cannot be used says why, and nothing of the credentials', async t => {
  const findings = await look(`redis://somebody:s3cret@127.0.0.1:${await freePort()}/2`)
  t.match(findings, [{
    code: 'redis-unusable',
    severity: 'failed',
    seen: /^Redis at 127\.0\.0\.1:\d+, database 2, cannot be used: connection refused\. Start it/
  }])
  t.notMatch(JSON.stringify(findings), /somebody|s3cret/)
  t.match(await look('redis://localhost/calls'), [{ code: 'redis-unusable', seen: /wrong form/ }])
})

await t.test('what INFO tells', async t => {
  t.same(
    readInfo(
      '# Server\r\nredis_version:7.2.4\r\nvalkey_version:8.1.0\r\ncluster_enabled:0\r\nmaxmemory:100\r\n' +
      'maxmemory_policy:allkeys-lru\r\n'
    ),
    { name: 'Valkey 8.1.0', version: '7.2.4', cluster: false, maxMemory: 100, policy: 'allkeys-lru' }
  )
  t.same(readInfo(''), { cluster: false, maxMemory: 0 })
  const with_ = (facts: Partial<Parameters<typeof redisFindings>[0]>) =>
    codes(redisFindings({ pingMs: 1, calls: 0, name: 'Redis 7.4.1', version: '7.4.1', ...facts })).slice(1)
  t.same(with_({}), [])
  t.same(with_({ version: '6.0.16' }), ['redis-old'])
  t.same(with_({ cluster: true }), ['redis-cluster'])
  t.same(with_({ policy: 'allkeys-lru' }), [], 'without a limit nothing is evicted')
  t.same(with_({ policy: 'allkeys-lru', maxMemory: 1 }), ['redis-evicts'])
  t.same(with_({ policy: 'noeviction', maxMemory: 1 }), [])
  t.same(with_({ pingMs: 150 }), ['redis-slow'])
})

await t.test('a real one', { skip: withoutRedis }, async t => {
  await t.test('in use: how many calls it holds; nothing is changed', async t => {
    const { url, port } = await startRedis(t)
    const context = contextWith({ REDIS_URL: url })
    const registry = await openRedisRegistry(url, { keyPrefix: keyPrefixOf(context.settings) })
    t.after(() => registry.close())
    await registry.update('a', () => sketch('a'))
    const admin = new Redis(port, '127.0.0.1')
    t.after(() => admin.disconnect())
    const before = await admin.keys('*')
    const changes = /rdb_changes_since_last_save:(\d+)/
    const dirty = changes.exec(await admin.info())![1]
    t.match(await run(redisCheck, context), [{
      code: 'redis-ok',
      severity: 'ok',
      seen: /^(Redis|Valkey) [\d.]+ can be used: PING [\d.]+ ms, 1 calls kept$/
    }])
    t.same((await admin.keys('*')).sort(), before.sort())
    t.equal(changes.exec(await admin.info())![1], dirty)
    await admin.config('SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru')
    t.match(await run(redisCheck, context), [{ code: 'redis-ok' }, {
      code: 'redis-evicts',
      severity: 'warning',
      command: /noeviction/
    }])
  })

  await t.test('wants another password', async t => {
    const { port } = await startRedis(t, '--requirepass', 'right')
    t.match(await look(`redis://:s3cret@127.0.0.1:${port}`), [{
      code: 'redis-unusable',
      seen: /wrong or missing credentials/
    }])
    t.same(codes(await look(`redis://:right@127.0.0.1:${port}`)), ['redis-ok'])
  })

  await t.test('has a user with few permissions', async t => {
    const { port } = await startRedis(t)
    const admin = new Redis(port, '127.0.0.1')
    t.after(() => admin.disconnect())
    const as = async (...rules: string[]) => {
      await admin.acl('SETUSER', 'somebody', 'reset', 'on', '>s3cret', ...rules)
      return await look(`redis://somebody:s3cret@127.0.0.1:${port}`)
    }
    t.match(await as('~{bridge:*', '+@connection', '+@read', '+@write', '+@scripting'), [{
      code: 'redis-ok',
      seen: /INFO not permitted/
    }])
    t.match(await as('~other:*', '+@all'), [{ code: 'redis-unusable', seen: /the user lacks permissions/ }])
    t.match(await as('~{bridge:*', '+@connection', '+@read', '+@write'), [{
      code: 'redis-unusable',
      seen: /the user lacks permissions/
    }], 'no scripts')
    t.match(await as('~{bridge:*', '+@connection', '+@read', '+@scripting'), [{
      code: 'redis-unusable',
      seen: /the user lacks permissions/
    }], 'no writes')
  })

  await t.test('is a replica, or a node of a cluster', async t => {
    t.match(await look((await startRedis(t, '--replicaof', '127.0.0.1 1')).url), [{
      code: 'redis-unusable',
      seen: /a read-only replica/
    }])
    t.match(await look((await startRedis(t, '--cluster-enabled', 'yes')).url), [{
      code: 'redis-unusable',
      seen: /its cluster is down|a node of a Redis Cluster/
    }])
  })

  await t.test('stops answering, and the doctor is interrupted', async t => {
    const server = await startRedis(t)
    server.pause()
    t.match(await look(server.url), [{ code: 'redis-unusable', seen: /no answer/ }])
    const stop = new AbortController()
    const looking = run(redisCheck, contextWith({ REDIS_URL: server.url }), stop.signal)
    stop.abort()
    t.same(await looking, [])
    server.resume()
  })
})
