import { MAX_BODY_BYTES, MAX_HEAD_BYTES, parseMessage, type SipMessage } from '../../sip/message.ts'
import { SipParseError } from '../../sip/parse-error.ts'
import type { CarriedSip, StreamCutter } from './stream-cutter.ts'

/** How every SIP/2.0 message begins (RFC 3261 7.1, 7.2). */
const START = /^(?:SIP\/2\.0 [1-6]\d\d[ \r\n]|[A-Z]{3,12} (?:sips?|tel):[^\s]{1,1024} SIP\/2\.0\r?\n)/
/** Enough of a start line to know it by. */
const START_BYTES = 1100
const WORDS = 'SIP/2.0'

export const looksLikeSip = (data: Buffer): boolean => START.test(data.toString('latin1', 0, START_BYTES))

/**
 * Reads a message of which the end may be missing, or whose line ends were changed: what is there is the body, whatever
 * Content-Length says. Undefined for what is no SIP.
 */
export function parseLeniently (data: Buffer | string): SipMessage | undefined {
  const text = typeof data === 'string' ? data : data.toString('utf8')
  const end = text.indexOf('\r\n\r\n')
  // Without the end of the headers the last line may be half a line.
  const head = end >= 0 ? text.slice(0, end) : text.slice(0, Math.max(0, text.lastIndexOf('\r\n')))
  const body = end >= 0 ? text.slice(end + 4, end + 4 + MAX_BODY_BYTES) : ''
  try {
    return parseMessage(`${head.replace(/\r\n(?:content-length|l)[ \t]*:[^\r\n]*/gi, '')}\r\n\r\n${body}`)
  } catch (error) {
    if (error instanceof SipParseError) return undefined
    throw error
  }
}

/**
 * Cuts one direction of a TCP connection into messages (RFC 3261 18.3). It never holds more than one message can be
 * long.
 */
export function createSipCutter (): StreamCutter {
  let buffer: Buffer = Buffer.alloc(0)
  /** Bytes that the message at the beginning of the buffer has, once its head is complete. */
  let needed = 0

  /** Drops what is in front of the next start line; true when there is one. */
  function findStart (): boolean {
    if (looksLikeSip(buffer)) return true
    // Each message has these words in its first line, and hardly anything else has.
    for (let at = buffer.indexOf(WORDS); at >= 0; at = buffer.indexOf(WORDS, at + 1)) {
      const before = Math.max(0, at - START_BYTES)
      const line = before + buffer.subarray(before, at).lastIndexOf(10) + 1
      if (!looksLikeSip(buffer.subarray(line))) continue
      buffer = buffer.subarray(line)
      return true
    }
    // The beginning of a start line may be at the very end.
    if (buffer.length > START_BYTES) buffer = buffer.subarray(buffer.length - START_BYTES)
    return false
  }

  function next (): SipMessage | undefined {
    if (buffer.length < needed) return undefined
    needed = 0
    while (buffer.length > 0 && findStart()) {
      const end = buffer.indexOf('\r\n\r\n')
      if (end < 0) {
        if (buffer.length > MAX_HEAD_BYTES) buffer = buffer.subarray(1)
        return undefined
      }
      const length = end > MAX_HEAD_BYTES
        ? undefined
        : /\r\n(?:content-length|l)[ \t]*:[ \t]*(\d{1,6})[ \t]*\r\n/i.exec(buffer.toString('latin1', 0, end + 2))
      const whole = end + 4 + Math.min(Number(length?.[1] ?? 0), MAX_BODY_BYTES)
      if (buffer.length < whole) {
        needed = whole
        return undefined
      }
      const message = end > MAX_HEAD_BYTES ? undefined : parseLeniently(buffer.subarray(0, whole))
      // What does not parse is passed over, up to the next start line.
      buffer = buffer.subarray(message ? whole : 1)
      if (message) return message
    }
    return undefined
  }

  return {
    push (data) {
      buffer = buffer.length === 0 ? data : Buffer.concat([buffer, data])
      const messages: CarriedSip[] = []
      for (let message = next(); message; message = next()) messages.push({ message })
      return messages
    },
    gap () {
      buffer = Buffer.alloc(0)
      needed = 0
    },
    end () {
      const message = buffer.length > 0 && looksLikeSip(buffer) ? parseLeniently(buffer) : undefined
      return message && { message }
    }
  }
}
