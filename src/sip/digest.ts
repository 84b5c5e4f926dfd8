import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** The fields of a `WWW-Authenticate` or `Proxy-Authenticate` header. */
export interface DigestChallenge {
  realm: string
  nonce: string
  algorithm?: string
  qop?: string[]
  opaque?: string
  stale?: boolean
}

/** The fields of an `Authorization` or `Proxy-Authorization` header. */
export interface DigestAnswer {
  username: string
  realm: string
  nonce: string
  uri: string
  response: string
  qop?: string
  nc?: string
  cnonce?: string
}

const md5 = (text: string) => createHash('md5').update(text).digest('hex')

/**
 * The `response` value of RFC 2617 3.2.2 with the algorithm MD5, without qop or with `qop=auth`. SIP trunks use MD5,
 * and LiveKit's challenge asks for it. It protects the password, and not the call. /
 */
export function digestResponse (input: {
  username: string
  realm: string
  password: string
  method: string
  uri: string
  nonce: string
  qop?: string | undefined
  nc?: string | undefined
  cnonce?: string | undefined
}): string {
  const ha1 = md5(`${input.username}:${input.realm}:${input.password}`)
  const ha2 = md5(`${input.method}:${input.uri}`)
  return input.qop
    ? md5([ha1, input.nonce, input.nc, input.cnonce, input.qop, ha2].join(':'))
    : md5(`${ha1}:${input.nonce}:${ha2}`)
}

function parseDigest (value: string): Record<string, string> | undefined {
  const scheme = /^digest\s+/i.exec(value)
  if (!scheme) return undefined
  const fields: Record<string, string> = {}
  for (
    const match of value.slice(scheme[0].length).matchAll(/(?<![\w-])([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g)
  ) {
    const name = (match[1] ?? '').toLowerCase()
    if (name !== '__proto__') fields[name] = match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? ''
  }
  return fields
}

/** Reads a challenge. Undefined when it is not Digest or lacks realm or nonce. */
export function parseChallenge (value: string): DigestChallenge | undefined {
  const fields = parseDigest(value)
  if (fields?.realm === undefined || fields.nonce === undefined) return undefined
  return {
    realm: fields.realm,
    nonce: fields.nonce,
    ...(fields.algorithm !== undefined && { algorithm: fields.algorithm }),
    ...(fields.qop !== undefined && { qop: fields.qop.split(',').map(q => q.trim().toLowerCase()) }),
    ...(fields.opaque !== undefined && { opaque: fields.opaque }),
    ...(fields.stale !== undefined && { stale: fields.stale.toLowerCase() === 'true' })
  }
}

/** Reads an answer. Undefined when it is not Digest or lacks a required field. */
export function parseAnswer (value: string): DigestAnswer | undefined {
  const fields = parseDigest(value)
  if (!fields) return undefined
  const { username, realm, nonce, uri, response, qop, nc, cnonce } = fields
  if (
    username === undefined || realm === undefined || nonce === undefined || uri === undefined || response === undefined
  ) return undefined
  return {
    username,
    realm,
    nonce,
    uri,
    response,
    ...(qop !== undefined && { qop }),
    ...(nc !== undefined && { nc }),
    ...(cnonce !== undefined && { cnonce })
  }
}

const quote = (text: string) => `"${text.replace(/["\\]/g, '\\$&')}"`

/**
 * The `Authorization` value that answers a challenge, with `qop=auth` when the challenge offers it. Undefined for an
 * algorithm other than MD5, and for a qop without `auth`.
 */
export function answerChallenge (
  challenge: DigestChallenge,
  input: { username: string, password: string, method: string, uri: string, cnonce?: string }
): string | undefined {
  if (challenge.algorithm !== undefined && challenge.algorithm.toUpperCase() !== 'MD5') return undefined
  if (challenge.qop !== undefined && !challenge.qop.includes('auth')) return undefined
  const { realm, nonce, opaque } = challenge
  const { username, password, method, uri } = input
  const withQop = challenge.qop
    ? { qop: 'auth', nc: '00000001', cnonce: input.cnonce ?? randomBytes(8).toString('hex') }
    : undefined
  const response = digestResponse({ username, password, realm, method, uri, nonce, ...withQop })
  const fields = [
    `username=${quote(username)}`,
    `realm=${quote(realm)}`,
    `nonce=${quote(nonce)}`,
    `uri=${quote(uri)}`,
    `response=${quote(response)}`,
    'algorithm=MD5'
  ]
  if (withQop) fields.push(`qop=${withQop.qop}`, `nc=${withQop.nc}`, `cnonce=${quote(withQop.cnonce)}`)
  if (opaque !== undefined) fields.push(`opaque=${quote(opaque)}`)
  return `Digest ${fields.join(', ')}`
}

/** The value of a challenge header with MD5: LiveKit writes it without qop, and Jambonz with `qop="auth"`. */
export function formatChallenge ({ realm, nonce, qop }: { realm: string, nonce: string, qop?: string[] }): string {
  const challenge = `Digest realm=${quote(realm)}, nonce=${quote(nonce)}, algorithm=MD5`
  return qop === undefined ? challenge : `${challenge}, qop=${quote(qop.join(','))}`
}

/**
 * Whether an answer fits these credentials, this method and the nonce of the challenge. Compares in constant time.
 */
export function verifyAnswer (
  answer: DigestAnswer,
  expected: { username: string, password: string, realm: string, nonce: string, method: string }
): boolean {
  if (answer.qop !== undefined && answer.qop !== 'auth') return false
  const { username, password, realm, nonce, method } = expected
  const response = digestResponse({
    username,
    password,
    realm,
    nonce,
    method,
    uri: answer.uri,
    qop: answer.qop,
    nc: answer.nc,
    cnonce: answer.cnonce
  })
  const fits = [
    same(answer.username, username),
    same(answer.realm, realm),
    same(answer.nonce, nonce),
    same(answer.response.toLowerCase(), response)
  ]
  return fits.every(Boolean)
}

function same (a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
