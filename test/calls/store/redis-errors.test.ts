import t from 'tap'
import { faultOf, isReadOnly } from '../../../src/calls/store/redis-errors.ts'
import { parseRedisUrl, RedisStartError } from '../../../src/calls/store/redis-client.ts'

const reply = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' })
const socket = (code: string, message = code) => Object.assign(new Error(message), { code })

await t.test('what is wrong, and whether waiting may help', async t => {
  const cases: Array<[Error, string, boolean]> = [
    [reply('LOADING Redis is loading the dataset in memory'), 'still loading its data', true],
    [reply("READONLY You can't write against a read only replica."), 'a read-only replica', true],
    [
      reply(
        "ERR Error running script (call to f_a1b2): @user_script:14: @user_script: 14: -READONLY You can't write " +
          'against a read only replica.'
      ),
      'a read-only replica',
      true
    ],
    [reply("OOM command not allowed when used memory > 'maxmemory'."), 'out of memory', true],
    [reply('MISCONF Redis is configured to save RDB snapshots'), 'it cannot save to disk', true],
    [reply('NOREPLICAS Not enough good replicas to write.'), 'too few replicas', true],
    [reply('MASTERDOWN Link with MASTER is down'), 'its master is down', true],
    [reply('BUSY Redis is busy running a script.'), 'busy with a script', true],
    [reply('NOAUTH Authentication required.'), 'wrong or missing credentials', false],
    [reply('WRONGPASS invalid username-password pair or user is disabled.'), 'wrong or missing credentials', false],
    [reply('ERR invalid password'), 'wrong or missing credentials', false],
    [reply("NOPERM this user has no permissions to run the 'eval' command"), 'the user lacks permissions', false],
    [
      reply("ERR The user executing the script can't run this command or subcommand script: a1b2, on @user_script:12."),
      'the user lacks permissions',
      false
    ],
    [reply('MOVED 3999 127.0.0.1:6381'), 'a node of a Redis Cluster', false],
    [reply('ERR DB index is out of range'), 'there is no such database', false],
    [reply("ERR unknown command 'GETRANGE'"), 'it refuses our commands', false],
    [socket('ECONNREFUSED'), 'connection refused', true],
    [socket('ECONNRESET'), 'connection lost', true],
    [socket('ETIMEDOUT', 'connect ETIMEDOUT'), 'no answer', true],
    [socket('EAI_AGAIN'), 'the name server does not answer', true],
    [socket('ENOTFOUND'), 'unknown host', false],
    [
      socket('ECONNRESET', 'Client network socket disconnected before secure TLS connection was established'),
      'connection lost while TLS was negotiated',
      true
    ],
    [socket('ERR_SSL_WRONG_VERSION_NUMBER'), 'TLS failed', false],
    [socket('DEPTH_ZERO_SELF_SIGNED_CERT'), 'TLS failed', false],
    [socket('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'TLS failed', false],
    [socket('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'TLS failed', false],
    [
      new Error('Unknown RESP type 72 "H". Please report this.'),
      'the other side does not speak the Redis protocol',
      false
    ],
    [new Error("Socket timeout. Expecting data, but didn't receive any in 3000ms."), 'no answer', true],
    [new Error('Connection is closed.'), 'not connected', true],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), 'not connected', true]
  ]
  for (const [error, reason, passing] of cases) {
    const fault = faultOf(error)
    t.same([fault.reason, fault.remedy === undefined], [reason, passing], error.message)
    t.equal(isReadOnly(error), reason === 'a read-only replica')
  }
})

await t.test('an error at start says where, why and what to do', async t => {
  t.equal(
    new RedisStartError('Redis at a:1', { reason: 'connection refused' }).message,
    'Redis at a:1 cannot be used: connection refused. Start it, or correct REDIS_URL.'
  )
  t.match(new RedisStartError('Redis', { reason: 'x', remedy: 'Do y.' }), {
    name: 'RedisStartError',
    reason: 'x',
    passing: false,
    message: 'Redis cannot be used: x. Do y.'
  })
})

await t.test('URLs', async t => {
  t.same(parseRedisUrl('redis://localhost'), { host: 'localhost', port: 6379, db: 0 })
  t.same(parseRedisUrl('redis://localhost:7000/'), { host: 'localhost', port: 7000, db: 0 })
  t.same(parseRedisUrl('redis://:p%40ss@localhost/12'), {
    host: 'localhost',
    port: 6379,
    db: 12,
    username: 'default',
    password: 'p@ss'
  })
  t.same(parseRedisUrl('redis://alice@localhost'), {
    host: 'localhost',
    port: 6379,
    db: 0,
    username: 'alice',
    password: ''
  })
  t.same(parseRedisUrl('rediss://alice:pw@[::1]:6380'), {
    host: '::1',
    port: 6380,
    db: 0,
    username: 'alice',
    password: 'pw',
    tls: {}
  })
})
