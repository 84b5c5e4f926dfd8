import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'

/*
 * The token of one call. The call's agent sends it to the API, and can do nothing with it in any other call. No record
 * holds a token: every replica derives it again from LIVEKIT_API_SECRET, also after a restart.
 */

/** How every token begins, so that scanners for secrets and filters of logs can find it. */
export const CALL_TOKEN_PREFIX = 'jlb_call_'

export interface CallTokens {
  /** @param expiresAt milliseconds since the epoch; a token holds whole seconds, rounded up */
  tokenOf(callSid: string, expiresAt: number): string
  /** @returns undefined when the text is not a token that was made with this secret */
  read(token: string): { callSid: string, expiresAt: number } | undefined
}

/** Longest token that is read, characters. Ours have about 120. */
const LONGEST_TOKEN = 1024

/** Makes and reads the tokens of everybody who has the API secret. */
export function createCallTokens (apiSecret: string): CallTokens {
  const key = Buffer.from(hkdfSync('sha256', apiSecret, '', 'jambonz-livekit-bridge call token v1', 32))

  function tokenOf (callSid: string, expiresAt: number): string {
    const name = Buffer.from(callSid).toString('base64url')
    const expiry = Math.ceil(expiresAt / 1000).toString(36)
    const seal = createHmac('sha256', key).update(`${name}.${expiry}`).digest('base64url')
    return `${CALL_TOKEN_PREFIX}${name}.${expiry}.${seal}`
  }

  return {
    tokenOf,
    read (token) {
      if (!token.startsWith(CALL_TOKEN_PREFIX) || token.length > LONGEST_TOKEN) return undefined
      const [name = '', expiry = ''] = token.slice(CALL_TOKEN_PREFIX.length).split('.')
      const callSid = Buffer.from(name, 'base64url').toString()
      const expiresAt = parseInt(expiry, 36) * 1000
      return isSame(token, tokenOf(callSid, expiresAt)) ? { callSid, expiresAt } : undefined
    }
  }
}

/** Compares in a time that depends on the lengths alone. */
function isSame (given: string, right: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}
