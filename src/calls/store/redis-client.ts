import { Redis, type RedisOptions } from 'ioredis'
import type { Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../../errors.ts'
import { faultOf, isReadOnly, NO_ANSWER, NOT_CONNECTED, type RedisFault } from './redis-errors.ts'

/** Nothing that is asked of Redis may take longer, milliseconds: whoever asks has a caller waiting. */
export const ANSWER_WITHIN = 400
const LONGEST_PAUSE = 1000
/** So long after a failed write the store counts as not well, milliseconds, whatever can be read. */
const WRITES_IN_DOUBT = 10_000

/** Thrown at start when Redis cannot be used; says why and what to do, without the credentials. */
export class RedisStartError extends Error {
  readonly reason: string
  /** It may pass by itself. */
  readonly passing: boolean
  constructor (where: string, { reason, remedy }: RedisFault) {
    super(`${where} cannot be used: ${reason}. ${remedy ?? 'Start it, or correct REDIS_URL.'}`)
    this.name = 'RedisStartError'
    this.reason = reason
    this.passing = remedy === undefined
  }
}

/** A connection that is kept up, and what is known of how it is. */
export interface RedisConnection {
  redis: Redis
  /** Before a command that many may give at once. */
  gather(): void
  /**
   * Waits for what a command gives.
   * @throws {StoreUnavailableError} when Redis does not do it
   */
  ask<T>(command: Promise<T>): Promise<T>
  /**
   * Waits for work of one or several commands, at most {@link ANSWER_WITHIN}; the work itself goes on.
   * @throws {StoreUnavailableError} when that was not enough
   */
  bounded<T>(work: Promise<T>): Promise<T>
  /** Calls `late` when the answer to something asked now is late; the returned function takes that back. */
  deadline(late: (error: Error) => void): () => void
  /** Why Redis is not well at the moment. */
  trouble(): string | undefined
  /** What is to be said when the process cannot start because of that. */
  startError(): RedisStartError
  /** Ends the connection, also one that hangs. Never rejects. */
  close(): Promise<void>
}

export interface ConnectOptions {
  clock: Clock
  /** How long to wait for a Redis that is not there yet, milliseconds. */
  waitMs?: number
  /** How long connecting may take, milliseconds. */
  connectMs?: number
  /**
   * A connection on which nothing comes back for so long is given up, milliseconds: TCP alone would wait for a quarter
   * of an hour.
   */
  silenceMs?: number
}

/**
 * Connects to Redis and resolves when it answers; from then on the connection is kept up for good.
 * @param url `redis://` or, with TLS, `rediss://[user:password@]host[:port][/database]`, the credentials
 *   percent-encoded
 * @throws {RedisStartError} at once for what will not pass by itself (credentials, unknown host, TLS, database); for a
 *   Redis
 *   that is not up yet after `waitMs`
 */
export async function connectRedis (
  url: string,
  { clock, waitMs = 10_000, connectMs = 2000, silenceMs = 3000 }: ConnectOptions
): Promise<RedisConnection> {
  const address = parseRedisUrl(url)
  const redis = new Redis({
    ...address,
    // Anybody may list the clients: they should see whose connection this is.
    connectionName: 'jambonz-livekit-bridge',
    disableClientInfo: true,
    // The ready check asks for INFO, which users with few permissions may not, and complains on the console.
    enableReadyCheck: false,
    protocol: 2,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: connectMs,
    socketTimeout: silenceMs,
    disconnectTimeout: ANSWER_WITHIN,
    retryStrategy: times => Math.min(LONGEST_PAUSE, 25 * 2 ** Math.min(times, 10)) * (0.5 + Math.random() / 2),
    reconnectOnError: isReadOnly
  })
  const connection = watch(redis, locationOf(address), clock)
  if (await answers(connection, waitMs)) return connection
  const error = connection.startError()
  await connection.close()
  throw error
}

/** Whether Redis answers before `waitMs` are over, or before it is clear that it will not. */
function answers ({ redis, ask, startError }: RedisConnection, waitMs: number): Promise<boolean> {
  return new Promise(resolve => {
    let again: NodeJS.Timeout | undefined
    const end = (answered: boolean) => {
      clearTimeout(timer)
      clearTimeout(again)
      redis.off('error', failed)
      redis.off('ready', ping)
      resolve(answered)
    }
    const failed = () => {
      if (!startError().passing) end(false)
    }
    const ping = () => {
      ask(redis.ping()).then(() => end(true), () => {
        failed()
        // A lost connection is made again, and is ready again; one that is refused for now has to be asked again.
        again = setTimeout(() => {
          if (redis.status === 'ready') ping()
        }, 100)
      })
    }
    const timer = setTimeout(() => end(false), waitMs)
    redis.on('error', failed)
    redis.on('ready', ping)
    redis.connect().catch(() => {})
  })
}

function watch (redis: Redis, where: string, clock: Clock): RedisConnection {
  let ill: RedisFault & { at: number } | undefined
  let closed = false
  const failed = (fault: RedisFault) => {
    ill = { ...fault, at: clock.now() }
  }
  const worked = () => {
    if (ill && !(ill.writesOnly && clock.now() - ill.at < WRITES_IN_DOUBT)) ill = undefined
  }
  redis.on('error', error => failed(faultOf(error)))
  redis.on('close', () => {
    if (!closed) failed(ill ?? { reason: 'connection lost' })
  })
  redis.on('ready', () => {
    redis.ping().then(worked, error => failed(faultOf(error)))
  })

  function refused (error: unknown) {
    const fault = faultOf(error)
    if (fault !== NOT_CONNECTED || !ill) failed(fault)
    return new StoreUnavailableError(closed ? 'Redis: closed' : `Redis: ${ill!.reason}`)
  }

  function deadline (late: (error: Error) => void): () => void {
    // After a pause of this process the answer may be here, unread: it is read before setImmediate.
    let look: NodeJS.Immediate | undefined
    const cancel = clock.schedule(ANSWER_WITHIN, () => {
      look = setImmediate(() => {
        failed({ reason: 'no answer' })
        late(new StoreUnavailableError('Redis: no answer'))
      })
    })
    return () => {
      cancel()
      if (look) clearImmediate(look)
    }
  }

  /**
   * What is asked in one turn of the event loop leaves in one write: a quarter less work where there are many calls.
   */
  function gather () {
    const { stream } = redis
    if (!stream || stream.writableCorked > 0) return
    stream.cork()
    setImmediate(() => stream.uncork())
  }

  return {
    redis,
    gather,
    deadline,
    async ask (command) {
      try {
        const reply = await command
        if (ill) worked()
        return reply
      } catch (error) {
        throw refused(error)
      }
    },
    bounded: work =>
      new Promise((resolve, reject) => {
        const cancel = deadline(reject)
        work.finally(cancel).then(resolve, reject)
      }),
    startError: () => new RedisStartError(where, ill ?? NO_ANSWER),
    trouble: () => ill && !closed ? `Redis: ${ill.reason}` : undefined,
    async close () {
      closed = true
      // Between two attempts to connect there is nothing that could end.
      const open = redis.status !== 'end' && redis.status !== 'reconnecting'
      const ended = new Promise(resolve => {
        redis.once('end', resolve)
      })
      redis.disconnect()
      if (open) await ended
    }
  }
}

type Address = Pick<RedisOptions, 'host' | 'port' | 'username' | 'password' | 'db' | 'tls'>

/** @throws {RedisStartError} when the text is no such URL; it is not repeated, because it may hold a password */
export function parseRedisUrl (text: string): Address {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const form = 'Its form is redis://user:password@host:6379/0 (rediss:// with TLS), special characters percent-encoded.'
  if (
    !url || !/^rediss?:$/.test(url.protocol) || !url.hostname || !/^\/?\d{0,5}$/.test(url.pathname) || url.search ||
    url.hash
  ) {
    throw new RedisStartError('Redis', { reason: 'REDIS_URL has the wrong form', remedy: form })
  }
  try {
    const [username, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
    return {
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port || 6379),
      db: Number(url.pathname.slice(1)),
      // Named, because a Redis without a password refuses one that comes without a name.
      ...(username || password ? { username: username || 'default', password } : {}),
      ...(url.protocol === 'rediss:' ? { tls: {} } : {})
    }
  } catch {
    throw new RedisStartError('Redis', { reason: 'REDIS_URL has the wrong form', remedy: form })
  }
}

const locationOf = ({ host = '', port, db }: Address): string =>
  `Redis at ${host.includes(':') ? `[${host}]` : host}:${port}${db ? `, database ${db},` : ''}`
