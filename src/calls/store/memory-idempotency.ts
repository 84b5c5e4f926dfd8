import { KEY_LIVES_MS, type Claim, type Claimed, type IdempotencyKeys, type KeyName } from './idempotency.ts'

interface Used {
  hash: string
  orderId: string
  /** Of a claim that was not confirmed yet: it holds until then, milliseconds since the epoch. */
  claimedUntil?: number
  callSid?: string
  /** Milliseconds since the epoch. */
  forgetAt: number
}

/** How many keys are remembered. When there are more, the oldest is forgotten before its time. */
const MOST_KEYS = 100_000

/** Remembers the keys in the memory of this process: for a single replica. */
export function createMemoryIdempotency (mostKeys = MOST_KEYS): IdempotencyKeys {
  // Every key lives equally long, so the first one is always the oldest.
  const used = new Map<string, Used>()

  function forgetOld (now: number): void {
    for (const [name, { forgetAt }] of used) {
      if (forgetAt > now && used.size <= mostKeys) return
      used.delete(name)
    }
  }

  function write (name: string, { hash, orderId, now, leaseMs }: Claim): Claimed {
    used.delete(name)
    used.set(name, { hash, orderId, claimedUntil: now + leaseMs, forgetAt: now + KEY_LIVES_MS })
    forgetOld(now)
    return { outcome: 'claimed' }
  }

  /** The key, if it belongs to the order. */
  function ofOrder (name: KeyName, orderId: string): Used | undefined {
    const key = used.get(nameOf(name))
    return key?.orderId === orderId ? key : undefined
  }

  return {
    async claim (claim) {
      const { now, hash, instead } = claim
      const name = nameOf(claim)
      forgetOld(now)
      const key = used.get(name)
      if (!key || key.orderId === instead || (key.claimedUntil ?? Infinity) <= now) return write(name, claim)

      if (key.hash !== hash) return { outcome: 'other-body' }
      if (key.claimedUntil !== undefined) return { outcome: 'under-way', retryInMs: key.claimedUntil - now }
      const { orderId, callSid } = key
      return { outcome: 'known', orderId, ...(callSid === undefined ? {} : { callSid }) }
    },
    async confirm (name, orderId) {
      const key = ofOrder(name, orderId)
      if (key) delete key.claimedUntil
      return key !== undefined
    },
    async placed (name, orderId, callSid) {
      const key = ofOrder(name, orderId)
      if (!key) return
      delete key.claimedUntil
      key.callSid = callSid
    },
    async free (name, orderId) {
      if (ofOrder(name, orderId)) used.delete(nameOf(name))
    }
  }
}

const nameOf = ({ caller, key }: KeyName): string => `${caller}\0${key}`
