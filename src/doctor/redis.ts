import { randomUUID } from 'node:crypto'
import { connectRedis, RedisStartError, type RedisConnection } from '../calls/store/redis-client.ts'
import { keyPrefixOf, redisKeys } from '../calls/store/redis-keys.ts'
import { RedisRegistry } from '../calls/store/redis-registry.ts'
import { StoreUnavailableError } from '../errors.ts'
import type { Finding } from '../finding.ts'
import type { Check, DoctorContext } from './check.ts'
import { isOlder } from './runtime.ts'

/** A Redis that is not there is not waited for, milliseconds. */
const WAIT_MS = 3000
const OLDEST = '6.2.0'
/** A call hook asks several times, and gives up what takes longer than 400 ms. */
const SLOW_MS = 100
const PINGS = 3

/** The store of calls, by the bridge's own connection: same address, TLS, user and commands. Nothing is written. */
export const redisCheck: Check = {
  name: 'redis',
  title: 'Can the calls be kept in Redis?',
  readOnly: true,
  limitMs: 10_000,
  async run (context, signal) {
    const url = context.settings.REDIS_URL
    if (url === undefined) {
      return [{
        code: 'redis-unused',
        severity: 'skipped',
        seen: 'REDIS_URL is not set: calls are kept in the memory of one process, so only one replica may run',
        todo: 'Set REDIS_URL to run several replicas'
      }]
    }
    let connection: RedisConnection
    try {
      connection = await connectRedis(url, { clock: context.clock, waitMs: WAIT_MS })
    } catch (error) {
      if (signal.aborted) return []
      if (!(error instanceof RedisStartError)) throw error
      return [unusable(error.message)]
    }
    const close = () => {
      connection.close().catch(() => {})
    }
    signal.addEventListener('abort', close, { once: true })
    try {
      return await look(connection, context)
    } catch (error) {
      if (signal.aborted) return []
      if (!(error instanceof StoreUnavailableError)) throw error
      return [unusable(connection.startError().message)]
    } finally {
      signal.removeEventListener('abort', close)
      await connection.close()
    }
  }
}

/** The message names place, reason and remedy, and no credentials. */
const unusable = (seen: string): Finding => ({
  code: 'redis-unusable',
  severity: 'failed',
  seen: seen.replace(/\.$/, ''),
  todo: 'Until then calls are connected from what each process knows, and nothing is shared or outlives it; a bridge ' +
    'does not start'
})

async function look (connection: RedisConnection, { settings, clock }: DoctorContext): Promise<Finding[]> {
  const { redis, ask } = connection
  const pings: number[] = []
  for (let i = 0; i < PINGS; i++) {
    const began = performance.now()
    await ask(redis.ping())
    pings.push(performance.now() - began)
  }
  const keyPrefix = keyPrefixOf(settings)
  // Scripts and reads, as the bridge does them.
  const { phases } = await new RedisRegistry({ connection, keyPrefix, clock }).stats()
  // A write that changes nothing: a replica and a user who may only read refuse it.
  await ask(redis.del(redisKeys(`${keyPrefix}:trial:${randomUUID()}`).record))
  const facts = readInfo(await redis.info().catch(() => ''))
  const calls = Object.values(phases).reduce((sum, n) => sum + n, 0)
  return redisFindings({ ...facts, pingMs: Math.min(...pings), calls })
}

/** What `INFO` says, which a user with few permissions may not ask. */
export interface RedisFacts {
  name?: string
  version?: string
  cluster?: boolean
  maxMemory?: number
  policy?: string
}

/** Reads the reply of `INFO` (lines of `name:value`). */
export function readInfo (text: string): RedisFacts {
  const of = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(text)?.[1]
  const valkey = of('valkey_version')
  const version = of('redis_version')
  const policy = of('maxmemory_policy')
  return {
    ...(version !== undefined && { name: valkey === undefined ? `Redis ${version}` : `Valkey ${valkey}`, version }),
    cluster: of('cluster_enabled') === '1',
    maxMemory: Number(of('maxmemory') ?? 0),
    ...(policy !== undefined && { policy })
  }
}

/** Of a Redis that can be used. Pure. */
export function redisFindings (
  { name, version, cluster, maxMemory = 0, policy, pingMs, calls }: RedisFacts & { pingMs: number, calls: number }
): Finding[] {
  const ping = `${pingMs.toFixed(1)} ms`
  const wrong: Finding[] = []
  if (version !== undefined && isOlder(version, OLDEST)) {
    wrong.push({
      code: 'redis-old',
      severity: 'failed',
      seen: `${name} is older than 6.2`,
      todo: 'Use Redis 6.2 or newer, or Valkey'
    })
  }
  if (cluster) {
    wrong.push({
      code: 'redis-cluster',
      severity: 'warning',
      seen: 'This Redis is a node of a cluster; the bridge talks to one node and follows no redirection, so it stops ' +
        'working when the keys move',
      todo: 'Give a Redis without cluster mode in REDIS_URL'
    })
  }
  if (maxMemory > 0 && policy !== undefined && policy !== 'noeviction') {
    wrong.push({
      code: 'redis-evicts',
      severity: 'warning',
      seen:
        `Redis removes keys when its memory is full (maxmemory-policy ${policy}): calls under way would be forgotten`,
      todo: 'Set the policy to noeviction',
      command: 'redis-cli config set maxmemory-policy noeviction'
    })
  }
  if (pingMs > SLOW_MS) {
    wrong.push({
      code: 'redis-slow',
      severity: 'warning',
      seen: `PING takes ${ping}. A call hook asks Redis several times, and gives up what takes longer than 400 ms`,
      todo: 'Use a Redis in the same data centre'
    })
  }
  return [{
    code: 'redis-ok',
    severity: 'ok',
    seen: `${name ?? 'Redis (INFO not permitted: version unknown)'} can be used: PING ${ping}, ${calls} calls kept`
  }, ...wrong]
}
