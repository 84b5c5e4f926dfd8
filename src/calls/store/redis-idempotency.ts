import { createHash } from 'node:crypto'
import { KEY_LIVES_MS, type Claimed, type IdempotencyKeys, type KeyName } from './idempotency.ts'
import type { RedisConnection } from './redis-client.ts'
import type { Keys } from './redis-keys.ts'
import type { Scripts } from './redis-scripts.ts'

/** Remembers the keys in Redis, for any number of replicas: one hash for each, which expires by itself. */
export function createRedisIdempotency (
  connection: RedisConnection,
  scripts: Pick<Scripts, 'bridgeClaim' | 'bridgeClaimed'>,
  keys: Pick<Keys, 'idempotency'>
): IdempotencyKeys {
  const keyOf = ({ caller, key }: KeyName): string =>
    keys.idempotency + createHash('sha256').update(`${caller}\0${key}`).digest('base64url')

  function ofOrder (name: KeyName, orderId: string, state: 'confirmed' | 'placed' | 'free', callSid = '') {
    connection.gather()
    return connection.bounded(connection.ask(scripts.bridgeClaimed(keyOf(name), orderId, state, callSid)))
  }

  return {
    async claim (claim) {
      const { hash, orderId, now, leaseMs, instead = '' } = claim
      connection.gather()
      const reply = await connection.bounded(connection.ask(
        scripts.bridgeClaim(keyOf(claim), hash, orderId, now, leaseMs, KEY_LIVES_MS, instead)
      ))
      return claimedOf(reply)
    },
    confirm: async (name, orderId) => await ofOrder(name, orderId, 'confirmed') === 1,
    async placed (name, orderId, callSid) {
      await ofOrder(name, orderId, 'placed', callSid)
    },
    async free (name, orderId) {
      await ofOrder(name, orderId, 'free')
    }
  }
}

/** @param reply the outcome, then what belongs to it */
function claimedOf ([outcome, one, two]: string[]): Claimed {
  switch (outcome) {
    case 'known':
      return { outcome, orderId: one!, ...(two ? { callSid: two } : {}) }
    case 'under-way':
      return { outcome, retryInMs: Number(one) }
    case 'other-body':
      return { outcome }
    default:
      return { outcome: 'claimed' }
  }
}
