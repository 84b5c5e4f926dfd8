import { createHash } from 'node:crypto'
import { CAPS, DAY_MS, MINUTE_MS, type CapCounter, type Reserved } from './caps.ts'
import type { RedisConnection } from './redis-client.ts'
import type { Keys } from './redis-keys.ts'
import type { Scripts } from './redis-scripts.ts'

/** Counts in Redis, for any number of replicas: a sorted set of dials for each cap that limits them. */
export function createRedisCaps (
  connection: RedisConnection,
  scripts: Pick<Scripts, 'bridgeReserve'>,
  keys: Pick<Keys, 'caps'>
): CapCounter {
  return {
    async reserve ({ id, caller, limits, now, livesMs }) {
      const { concurrent, perMinute, perDay, perCallerPerDay } = limits
      const ofCaller = caller === undefined ? undefined : perCallerPerDay
      const [index, retryInMs] = await connection.bounded(connection.ask(scripts.bridgeReserve(
        ...keys.caps(callerKey(caller)),
        ...[id, now, livesMs, MINUTE_MS, DAY_MS],
        ...[concurrent, perMinute, perDay, ofCaller].map(limit => limit ?? '')
      )))
      return reserved(index, retryInMs)
    },
    async release (id) {
      const [open] = keys.caps('')
      await connection.bounded(connection.ask(connection.redis.zrem(open, id)))
    },
    async withdraw ({ id, caller }) {
      const gone = keys.caps(callerKey(caller)).map(key => connection.ask(connection.redis.zrem(key, id)))
      await connection.bounded(Promise.all(gone))
    }
  }
}

/** A caller's number is not part of a key. */
const callerKey = (caller: string | undefined): string =>
  caller === undefined ? '' : createHash('sha256').update(caller).digest('base64url')

/**
 * @param index of the cap that is reached, from 1; 0: none is; -1: none is, as the id is known
 * @param retryInMs -1: not known
 */
function reserved (index: number, retryInMs: number): Reserved {
  const cap = CAPS[index - 1]
  if (cap === undefined) return { granted: true, isNew: index === 0 }
  return { granted: false, cap, ...(retryInMs < 0 ? {} : { retryInMs }) }
}
