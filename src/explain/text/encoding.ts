import { StringDecoder } from 'node:string_decoder'

export type Encoding = 'utf8' | 'utf16le' | 'utf16be'

/** Share of the high bytes that are zero in a Western text in UTF-16. */
const MOST = 0.7
const FEW = 0.05
/** Bytes that tell a text without a byte order mark. */
const ENOUGH = 16

/** How a text is encoded, by its first bytes; undefined for what is no text. */
export function encodingOf (start: Buffer): Encoding | undefined {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf16le'
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf16be'
  if (!start.includes(0)) return 'utf8'
  if (start.length < ENOUGH) return undefined

  // PowerShell writes UTF-16, and parts of such a file have no mark.
  const pairs = Math.floor(start.length / 2)
  const zeros = (offset: 0 | 1): number => {
    let count = 0
    for (let i = offset; i < pairs * 2; i += 2) if (start[i] === 0) count++
    return count / pairs
  }
  const [even, odd] = [zeros(0), zeros(1)]
  if (odd > MOST && even < FEW) return 'utf16le'
  if (even > MOST && odd < FEW) return 'utf16be'
  // A log that was cut while its program wrote it begins with zeros (logrotate, copytruncate).
  if (/^\0+[\t\n\r -~]{16}[^\0]*$/.test(start.toString('latin1'))) return 'utf8'
  return undefined
}

interface Decoder {
  write(chunk: Buffer): string
}

export function createDecoder (encoding: Encoding): Decoder {
  if (encoding !== 'utf16be') return new StringDecoder(encoding)

  const decoder = new StringDecoder('utf16le')
  let half: Buffer = Buffer.alloc(0)
  return {
    write (chunk) {
      const bytes = Buffer.concat([half, chunk])
      const whole = bytes.length - bytes.length % 2
      half = bytes.subarray(whole)
      return decoder.write(Buffer.from(bytes.subarray(0, whole)).swap16())
    }
  }
}
