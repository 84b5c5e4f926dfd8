import { createHmac, hkdfSync, randomBytes } from 'node:crypto'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'

/**
 * Makes the function that derives the SIP user of a call's nth attempt: `c` and 26 base32 characters. These are 130
 * bits that nobody can guess without the secret, and they are the same on every replica and after a restart. The user
 * begins with a letter and is lower case, because LiveKit compares it as it is and takes an all-digit user for a phone
 * number.
 */
export function createTokenOf (apiSecret: string): (callSid: string, attempt: number) => string {
  const key = Buffer.from(hkdfSync('sha256', apiSecret, '', 'jambonz-livekit-bridge token v1', 32))
  return (callSid, attempt) =>
    `c${base32(createHmac('sha256', key).update(`${callSid}:${attempt}`).digest()).slice(0, 26)}`
}

/** Makes the SIP user of a room that has no call yet: like that of an attempt, but random. */
export const randomToken = (): string => `c${base32(randomBytes(17)).slice(0, 26)}`

/** RFC 4648 base32 in lower case, without padding. */
function base32 (bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += BASE32[(value >>> bits) & 31]
    }
    value &= (1 << bits) - 1
  }
  return bits > 0 ? text + BASE32[(value << (5 - bits)) & 31] : text
}
