import { createHmac, createHash, timingSafeEqual } from 'node:crypto'

/** How old, or how far ahead, a signature's timestamp may be, seconds (as Jambonz's own SDKs have it). */
export const TOLERANCE_S = 300

/** `Jambonz-Signature` of a body, as Jambonz makes it. @param now milliseconds since the epoch */
export function signatureOf (body: string, secret: string, now: number): string {
  const time = Math.floor(now / 1000)
  return `t=${time},v1=${createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')}`
}

/**
 * Verifies `Jambonz-Signature: t=<unix seconds>,v1=<hex HMAC-SHA256(secret, "<t>." + body)>` over the body's raw bytes
 * (jambonz-feature-server lib/utils/base-requestor.js). Any of the secrets may have signed, so that they can be
 * rotated.
 * @param now milliseconds since the epoch
 */
export function verifySignature (
  header: string | undefined,
  body: Buffer,
  secrets: readonly string[],
  now: number
): boolean {
  const parts = (header ?? '').split(',').map(part => part.trim())
  const time = parts.find(part => /^t=\d{1,12}$/.test(part))?.slice(2)
  const signatures = parts.filter(part => /^v1=[0-9a-f]{64}$/i.test(part)).map(part =>
    Buffer.from(part.slice(3), 'hex')
  )
  if (time === undefined || Math.abs(now / 1000 - Number(time)) > TOLERANCE_S) return false
  return secrets.some(secret => {
    const expected = createHmac('sha256', secret).update(`${time}.`).update(body).digest()
    return signatures.some(signature => timingSafeEqual(signature, expected))
  })
}

/** Verifies HTTP Basic credentials, in constant time whatever their length. */
export function verifyBasic (header: string | undefined, username: string, password: string): boolean {
  const match = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')
  const given = Buffer.from(match?.[1] ?? '', 'base64')
  return timingSafeEqual(digest(given), digest(Buffer.from(`${username}:${password}`))) && match !== null
}

const digest = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest()
