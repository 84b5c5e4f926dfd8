import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { connectRedis, RedisStartError } from '../../../src/calls/store/redis-client.ts'
import { systemClock } from '../../../src/clock.ts'
import { openRedisRegistry } from '../../../src/calls/store/redis-open.ts'
import { sketch } from '../../fixtures/registry-contract.ts'
import { freePort, startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { fixture } from '../../fixtures/paths.ts'

/** How long a start may wait for Redis. What is refused at once does not wait: the runner would end this file. */
const PATIENT = 600_000
const keyPrefix = 'bridge:start'
const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** The store does not open, says why, and says nothing else of its URL. */
async function refuses (t: Test, url: string, message: RegExp, waitMs = PATIENT) {
  const error = await openRedisRegistry(url, { keyPrefix, waitMs }).then(async registry => {
    await registry.close()
  }, error => error)
  t.ok(error instanceof RedisStartError, String(error))
  t.match(error?.message, message)
  t.notMatch(error?.message, /s3cret|somebody/)
}

async function works (t: Test, url: string) {
  const registry = await openRedisRegistry(url, { keyPrefix, waitMs: PATIENT })
  await registry.update('a', () => sketch('a'))
  t.equal((await registry.get('a'))?.callSid, 'a')
  await registry.update('a', () => undefined)
  await registry.close()
}

async function listening (t: Test, server: Server): Promise<string> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

await t.test('URLs that are none', async t => {
  for (
    const url of [
      '',
      'localhost:6379',
      'http://localhost',
      'redis://',
      'redis://somebody:s3cret@',
      'redis://somebody:s3cret#x@localhost',
      'redis://localhost/calls',
      'redis://localhost?db=1',
      'redis://:s3cret%@localhost',
      'redis://localhost:99999'
    ]
  ) {
    await refuses(t, url, /REDIS_URL has the wrong form.*redis:\/\/user:password@host:6379\/0/)
  }
})

await t.test('there is no such host', async t => {
  await refuses(
    t,
    'redis://somebody:s3cret@no-such-host.invalid',
    /^Redis at no-such-host\.invalid:6379 cannot be used: (unknown host\. Correct the host name|the name server does not answer)/,
    3000
  )
})

await t.test('nobody listens', async t => {
  await refuses(
    t,
    `redis://somebody:s3cret@127.0.0.1:${await freePort()}/2`,
    /^Redis at 127\.0\.0\.1:\d+, database 2, cannot be used: connection refused\. Start it/,
    200
  )
})

await t.test('somebody else listens', async t => {
  const web = await listening(t, createHttpServer((_request, response) => response.end()))
  await refuses(t, `redis://${web}`, /does not speak the Redis protocol/)
  const silent = await listening(t, createServer())
  await refuses(t, `redis://${silent}`, /no answer/, 300)
  await refuses(t, `rediss://${silent}`, /no answer/, 300)
  const closing = await listening(t, createServer(socket => socket.end()))
  await refuses(t, `redis://${closing}`, /(not connected|connection lost)/, 300)
})

await t.test('a Redis that still loads its data is waited for', async t => {
  let refusals = 0
  const loading = (most: number) =>
    createServer(socket => {
      socket.on('data', data => {
        for (const command of String(data).match(/ping|setname/gi) ?? []) {
          if (command.toLowerCase() === 'setname') socket.write('+OK\r\n')
          else if (refusals++ < most) socket.write('-LOADING Redis is loading the dataset in memory\r\n')
          else socket.write('+PONG\r\n')
        }
      })
    })
  await refuses(t, `redis://${await listening(t, loading(Infinity))}`, /still loading its data/, 150)
  refusals = 0
  const connection = await connectRedis(`redis://${await listening(t, loading(2))}`, {
    clock: systemClock,
    waitMs: PATIENT
  })
  t.equal(connection.trouble(), undefined)
  t.ok(refusals > 2)
  await connection.close()
})

await t.test('a real one', { skip: withoutRedis }, async t => {
  await t.test('comes up while it is waited for', async t => {
    const server = await startRedis(t)
    await server.kill()
    const opened = works(t, server.url)
    await server.start()
    await opened
  })

  await t.test('wants a password', async t => {
    const { port } = await startRedis(t, '--requirepass', 'right')
    await refuses(t, `redis://127.0.0.1:${port}`, /wrong or missing credentials/)
    await refuses(t, `redis://:s3cret@127.0.0.1:${port}`, /wrong or missing credentials/)
    await refuses(t, `redis://somebody:s3cret@127.0.0.1:${port}`, /wrong or missing credentials/)
    await works(t, `redis://:right@127.0.0.1:${port}`)
    await works(t, `redis://default:right@127.0.0.1:${port}/3`)
    await refuses(t, `redis://:right@127.0.0.1:${port}/99`, /there is no such database/)
  })

  await t.test('wants none, and is given one', async t => {
    const { port } = await startRedis(t)
    await works(t, `redis://:s3cret@127.0.0.1:${port}`)
  })

  await t.test('has a user with few permissions', async t => {
    const { port } = await startRedis(t)
    const admin = new Redis(port, '127.0.0.1')
    t.teardown(() => admin.disconnect())
    const needed = [
      'eval evalsha ping get getrange exists set del pttl pexpire hget hmget hset hdel hincrby lindex lrem rpush',
      'zadd zcard zrem zrange zscore zlexcount zrangebylex zrangebyscore'
    ].join(' ').split(' ').map(name => `+${name}`)
    const user = (...rules: string[]) => admin.acl('SETUSER', 'somebody', 'reset', 'on', '>p@ss/w#rd', ...rules)
    const url = `redis://somebody:${encodeURIComponent('p@ss/w#rd')}@127.0.0.1:${port}`
    await user('~{bridge:*', ...needed)
    await works(t, url)
    await user('~{bridge:*', '+@connection', '+@read', '+@write', '+@scripting')
    await works(t, url)
    t.same(await admin.keys('*'), [], 'trying it out leaves nothing')
    for (const missing of ['+zadd', '+eval', '+zscore', '+exists', '+zrem', '+ping', '+rpush', '+hincrby']) {
      await user('~{bridge:*', ...needed.filter(rule => rule !== missing))
      await refuses(t, url, /the user lacks permissions\. Grant it/)
    }
    await user('~{bridge:*}:[^w]*', '~{bridge:*}:warm:pool:*', ...needed)
    await refuses(t, url, /the user lacks permissions/)
    await user('~other:*', ...needed)
    await refuses(t, url, /the user lacks permissions/)
  })

  await t.test('is a replica', async t => {
    const server = await startRedis(t, '--replicaof', '127.0.0.1 1')
    await refuses(t, server.url, /a read-only replica/)
  })

  await t.test('is a node of a cluster', async t => {
    const server = await startRedis(t, '--cluster-enabled', 'yes')
    await refuses(t, server.url, /its cluster is down|a node of a Redis Cluster/)
  })

  await t.test('speaks TLS', async t => {
    const tlsPort = await freePort()
    const [cert, key] = [fileURLToPath(fixture('tls/cert.pem')), fileURLToPath(fixture('tls/key.pem'))]
    const { port, url } = await startRedis(
      t,
      '--tls-port',
      String(tlsPort),
      '--tls-cert-file',
      cert,
      '--tls-key-file',
      key,
      '--tls-ca-cert-file',
      cert,
      '--tls-auth-clients',
      'no'
    )
    await refuses(t, `rediss://127.0.0.1:${tlsPort}`, /TLS failed.*NODE_EXTRA_CA_CERTS/)
    await refuses(
      t,
      `redis://127.0.0.1:${tlsPort}`,
      /(does not speak the Redis protocol|not connected|connection lost)/,
      500
    )
    await refuses(t, `rediss://127.0.0.1:${port}`, /TLS|no answer/, 500)
    const child = spawn(process.execPath, [
      file('../../fixtures/redis-contender.js'),
      `rediss://localhost:${tlsPort}`,
      keyPrefix,
      'a',
      '2'
    ], { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_EXTRA_CA_CERTS: cert } })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    const registry = await openRedisRegistry(url, { keyPrefix })
    await registry.update('a', () => sketch('a'))
    child.stdin.write('go\n')
    await ended
    t.equal((await registry.get('a'))?.eventsDropped, 2, 'with a certificate that is trusted')
    await registry.close()
  })
})
