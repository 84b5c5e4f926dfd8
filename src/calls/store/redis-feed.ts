import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { RedisConnection } from './redis-client.ts'
import type { Feed, FeedListener } from './feed.ts'

/** Largest text that is told, in characters. Redis cuts listeners off that are behind by 32 MB. */
const LONGEST_TEXT = 1_000_000

/**
 * A feed over one channel of Redis. The connection that listens is only there while somebody does.
 * A Redis user needs the commands publish and subscribe for it, and the channel: `&{bridge:*`.
 */
export function createRedisFeed (connection: RedisConnection, channel: string): Feed & { close(): void } {
  // Redis sends to whoever listens, also what they told themselves.
  const mine = `${randomUUID()} `
  const listeners = new Set<FeedListener>()
  let subscriber: Redis | undefined

  function receive (_channel: string, text: string): void {
    if (text.startsWith(mine)) return
    const message = text.slice(mine.length)
    for (const listener of listeners) listener.message(message)
  }

  function connect (): Redis {
    const redis = connection.redis.duplicate({ enableOfflineQueue: false, lazyConnect: true, socketTimeout: undefined })
    redis.on('error', () => {})
    redis.on('message', receive)
    redis.on('ready', () => {
      redis.subscribe(channel).then(() => {
        for (const listener of listeners) listener.gap()
      }, error => {
        // A lost connection is made again, and then there is another try.
        if (redis.status === 'ready') for (const listener of listeners) listener.failed(error)
      })
    })
    redis.connect().catch(() => {})
    return redis
  }

  function close (): void {
    listeners.clear()
    subscriber?.disconnect()
    subscriber = undefined
  }

  return {
    async tell (text) {
      if (text.length > LONGEST_TEXT) return undefined
      try {
        return await connection.redis.publish(channel, mine + text)
      } catch {
        // The connection itself says elsewhere that it is not well. A missing permission costs only freshness.
        return undefined
      }
    },
    listen (listener) {
      listeners.add(listener)
      subscriber ??= connect()
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) close()
      }
    },
    close
  }
}
