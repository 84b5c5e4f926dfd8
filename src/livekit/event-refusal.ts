import { TokenVerifier } from 'livekit-server-sdk'
import { isHashOf } from './events.ts'

/**
 * Why a webhook of LiveKit was refused: `unsigned` has no JWT, `other-key` is signed with another API key,
 * `other-secret` with another secret of the same key, `clock` is signed well and not valid at this machine's time, and
 * the JWT of `changed-body` fits another body.
 */
export const EVENT_REFUSALS = ['unsigned', 'other-key', 'other-secret', 'clock', 'changed-body'] as const
export type EventRefusal = typeof EVENT_REFUSALS[number]

/** Two clocks that are a century apart still count as a matter of clocks, seconds. */
const ANY_TIME_S = 100 * 365 * 24 * 3600

/** Makes the function that says why an event that was refused was refused. Nothing of what it says proves a sender. */
export function createRefusalReader (
  apiKey: string,
  apiSecret: string
): (rawBody: string, authorization: string | undefined) => Promise<EventRefusal> {
  const verifier = new TokenVerifier(apiKey, apiSecret)
  return async (rawBody, authorization) => {
    if (!authorization) return 'unsigned'
    const token = authorization.replace(/^Bearer /i, '')
    if (issuerOf(token) !== apiKey) return 'other-key'
    const claims = await verifier.verify(token, ANY_TIME_S).catch(() => undefined)
    if (!claims) return 'other-secret'
    return isHashOf(claims.sha256 ?? '', rawBody) ? 'clock' : 'changed-body'
  }
}

/** The key that a JWT names; undefined for what is no JWT. */
function issuerOf (token: string): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { iss?: unknown }
    return typeof claims.iss === 'string' ? claims.iss : undefined
  } catch {
    return undefined
  }
}
