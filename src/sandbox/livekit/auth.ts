import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Json } from './json.ts'
import { isJson } from './json.ts'

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const mac = (text: string, secret: string) => createHmac('sha256', secret).update(text).digest()

/** The clock difference that is allowed, in seconds. */
const LEEWAY_S = 60

/** A JWT, signed with HS256. */
export function signJwt (claims: Json, secret: string): string {
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`
  return `${text}.${mac(text, secret).toString('base64url')}`
}

/** The `Authorization` of a webhook: a JWT without "Bearer" that contains the hash of the raw body. */
export function webhookToken (body: string, key: string, secret: string, now: number): string {
  const at = Math.floor(now / 1000)
  return signJwt({
    iss: key,
    exp: at + 300,
    nbf: at,
    iat: at,
    sha256: createHash('sha256').update(body).digest('base64')
  }, secret)
}

export type TokenCheck = { ok: true, claims: Json } | { ok: false, message: string }

/**
 * Checks an `Authorization` header as livekit-server does. A request without the header passes here and fails at the
 * grants. The refusal contains the token, as LiveKit's does.
 */
export function checkToken (
  authorization: string | undefined,
  apiKey: string,
  apiSecret: string,
  now: number
): TokenCheck {
  if (authorization === undefined) return { ok: true, claims: {} }
  if (!authorization.startsWith('Bearer ')) {
    return { ok: false, message: 'invalid authorization header. Must start with Bearer ' }
  }
  const token = authorization.slice(7)
  const [header = '', payload = '', signature = '', ...more] = token.split('.')
  const head = decode(header)
  const claims = decode(payload)
  if (!head || !claims || more.length > 0) return { ok: false, message: 'invalid authorization token' }
  if (claims.iss !== apiKey) return { ok: false, message: `invalid API key: ${String(claims.iss)}` }
  const refuse = (why: string): TokenCheck => ({ ok: false, message: `invalid token: ${token}, error: ${why}` })
  const expected = mac(`${header}.${payload}`, apiSecret)
  const given = Buffer.from(signature, 'base64url')
  if (head.alg !== 'HS256' || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return refuse('token signature is invalid: signature is invalid')
  }
  const at = now / 1000
  if (typeof claims.exp !== 'number' || at > claims.exp + LEEWAY_S) {
    return refuse('token has invalid claims: token is expired')
  }
  if (typeof claims.nbf === 'number' && at < claims.nbf - LEEWAY_S) {
    return refuse('token has invalid claims: token is not valid yet')
  }
  return { ok: true, claims }
}

function decode (part: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isJson(value) ? value : undefined
  } catch {
    return undefined
  }
}

export type Grant = 'roomCreate' | 'roomList' | 'roomAdmin' | 'sip.admin' | 'sip.call'

/** Whether the claims contain a grant. `roomAdmin` is a grant for one room. */
export function hasGrant (claims: Json, grant: Grant, room = ''): boolean {
  const video = isJson(claims.video) ? claims.video : {}
  const sip = isJson(claims.sip) ? claims.sip : {}
  switch (grant) {
    case 'roomCreate':
      return video.roomCreate === true
    case 'roomList':
      return video.roomList === true
    case 'roomAdmin':
      return video.roomAdmin === true && (video.room ?? '') === room
    case 'sip.admin':
      return sip.admin === true
    case 'sip.call':
      return sip.call === true
  }
}
