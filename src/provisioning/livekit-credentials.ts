import { randomBytes } from 'node:crypto'

export interface TrunkCredentials {
  username: string
  password: string
}

/**
 * A pair that nobody guesses: 256 bits of password. Letters, digits, `-` and `_` alone, so that it needs no quotes in
 * `.env`, shells, YAML and SIP headers.
 */
export function generateCredentials (username = `jambonz-${randomBytes(4).toString('hex')}`): TrunkCredentials {
  return { username, password: randomBytes(32).toString('base64url') }
}
