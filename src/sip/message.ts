import { SipParseError } from './parse-error.ts'

/** One header line. The name keeps its spelling; look-ups ignore case and know the compact forms. */
export interface SipHeader {
  name: string
  value: string
}

export interface SipRequest {
  kind: 'request'
  method: string
  uri: string
  headers: SipHeader[]
  body: string
}
export interface SipResponse {
  kind: 'response'
  status: number
  reason: string
  headers: SipHeader[]
  body: string
  /**
   * Set when the response was never on the wire: the error code of the system or of OpenSSL ('' when there is none),
   * and the error's text.
   */
  local?: { code: string, message: string }
}
export type SipMessage = SipRequest | SipResponse

/** The most bytes that the start line and the headers may have. */
export const MAX_HEAD_BYTES = 32 * 1024
/** The most bytes that a body may have. */
export const MAX_BODY_BYTES = 64 * 1024
const MAX_HEADERS = 256

/** The compact forms of RFC 3261 20 and of later RFCs. */
const COMPACT: Readonly<Record<string, string>> = {
  c: 'content-type',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  o: 'event',
  r: 'refer-to',
  b: 'referred-by',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires'
}

function canonical (name: string): string {
  const lower = name.toLowerCase()
  return lower.length === 1 ? COMPACT[lower] ?? lower : lower
}

/** The first header of that name, compact forms included. */
export function header (message: SipMessage, name: string): string | undefined {
  const wanted = canonical(name)
  return message.headers.find(h => canonical(h.name) === wanted)?.value
}

/**
 * All values of a header that may be repeated or contain a comma list (Via, Route, Record-Route, Contact, Allow), in
 * order.
 */
export function headerList (message: SipMessage, name: string): string[] {
  const wanted = canonical(name)
  return message.headers.filter(h => canonical(h.name) === wanted).flatMap(h => splitList(h.value))
}

/** All headers as one object with long names in lower case. Repeated headers are joined with a comma. */
export function headersObject (message: SipMessage): Record<string, string> {
  const all: Record<string, string> = {}
  for (const { name, value } of message.headers) {
    const key = canonical(name)
    all[key] = Object.hasOwn(all, key) ? `${all[key]}, ${value}` : value
  }
  return all
}

/** `headers` with `extra` added. A header that exists already keeps its place and gets the new value. */
export function withHeaders (headers: SipHeader[], extra: Record<string, string> = {}): SipHeader[] {
  const result = [...headers]
  for (const [name, value] of Object.entries(extra)) {
    const at = result.findIndex(h => canonical(h.name) === canonical(name))
    if (at < 0) result.push({ name, value })
    else result[at] = { name, value }
  }
  return result
}

/** Splits a comma list. Commas inside quotes and angle brackets do not separate. */
export function splitList (value: string): string[] {
  const parts: string[] = []
  let quoted = false
  let angle = false
  let start = 0
  for (let i = 0; i < value.length; i++) {
    const char = value[i]
    if (quoted) {
      if (char === '\\') i++
      else if (char === '"') quoted = false
    } else if (char === '"') quoted = true
    else if (char === '<') angle = true
    else if (char === '>') angle = false
    else if (char === ',' && !angle) {
      parts.push(value.slice(start, i).trim())
      start = i + 1
    }
  }
  parts.push(value.slice(start).trim())
  return parts.filter(part => part !== '')
}

/** The number and the method of `CSeq`. @throws SipParseError when it is missing or malformed */
export function cseq (message: SipMessage): { number: number, method: string } {
  const match = /^(\d{1,10})\s+(\S+)$/.exec(header(message, 'cseq') ?? '')
  if (!match) throw new SipParseError('missing or malformed CSeq')
  return { number: Number(match[1]), method: match[2] ?? '' }
}

/**
 * Reads one whole message, as in a UDP packet. The body has the length that `Content-Length` gives; without that header
 * it is the rest of the packet.
 *
 * @throws SipParseError for anything that is not a complete SIP/2.0 message within the size limits
 */
export function parseMessage (input: Buffer | string): SipMessage {
  const data = typeof input === 'string' ? Buffer.from(input) : input
  const end = data.indexOf('\r\n\r\n')
  if (end < 0) throw new SipParseError('no end of headers')
  const message = parseHead(data, end)
  const rest = data.length - end - 4
  const length = contentLength(message) ?? rest
  if (length > rest) throw new SipParseError('body is shorter than Content-Length')
  if (length > MAX_BODY_BYTES) throw new SipParseError('body too large')
  message.body = data.toString('utf8', end + 4, end + 4 + length)
  return message
}

/** Control characters are not allowed in a head, because they would reach logs, terminals and other messages. */
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f]+/g
const oneLine = (text: string): string => text.replace(CONTROLS, ' ')

/** Reads the start line and the headers. Control characters in values become spaces. */
function parseHead (data: Buffer, end: number): SipMessage {
  if (end > MAX_HEAD_BYTES) throw new SipParseError('headers too large')
  // A line that begins with white space continues the header before it (RFC 3261 7.3.1).
  const [start = '', ...lines] = data.toString('utf8', 0, end).replace(/\r\n[ \t]+/g, ' ').split('\r\n')
  if (lines.length > MAX_HEADERS) throw new SipParseError('too many headers')
  const headers = lines.map(line => {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).trim()
    if (colon < 1 || !/^[\w\-.!%*+`'~]+$/.test(name)) throw new SipParseError('malformed header line')
    return { name, value: oneLine(line.slice(colon + 1)).trim() }
  })
  const response = /^SIP\/2\.0 ([1-6]\d\d)(?: (.*))?$/s.exec(start)
  if (response) {
    return { kind: 'response', status: Number(response[1]), reason: oneLine(response[2] ?? ''), headers, body: '' }
  }
  const request = /^([A-Za-z\d\-.!%*_+`'~]+) (\S+) SIP\/2\.0$/.exec(start)
  if (!request || oneLine(start) !== start) throw new SipParseError('malformed start line')
  return { kind: 'request', method: request[1] ?? '', uri: request[2] ?? '', headers, body: '' }
}

function contentLength (message: SipMessage): number | undefined {
  const values = new Set(message.headers.filter(h => canonical(h.name) === 'content-length').map(h => h.value))
  if (values.size === 0) return undefined
  const [value = ''] = values
  if (values.size > 1 || !/^\d{1,9}$/.test(value)) throw new SipParseError('malformed Content-Length')
  return Number(value)
}

/** The message as bytes, with a `Content-Length` that fits its body. */
export function serializeMessage (message: SipMessage): Buffer {
  const body = Buffer.from(message.body)
  const start = message.kind === 'request'
    ? `${message.method} ${message.uri} SIP/2.0`
    : `SIP/2.0 ${message.status} ${message.reason}`
  const lines = message.headers
    .filter(h => canonical(h.name) !== 'content-length')
    // Otherwise a line break in a value would begin a header that the value's author chose.
    .map(h => `${h.name}: ${oneLine(h.value)}`)
  const head = [oneLine(start), ...lines, `Content-Length: ${body.length}`, '', ''].join('\r\n')
  return Buffer.concat([Buffer.from(head), body])
}

/** Cuts a byte stream into messages (RFC 3261 18.3). */
export interface Framer {
  /**
   * Takes the next bytes and returns the messages that they complete.
   *
   * @throws SipParseError when the stream cannot be read any further; the connection must be closed
   */
  push(chunk: Buffer): SipMessage[]
}

/**
 * Creates a framer for one TCP or TLS connection. It skips CRLF keep-alives between messages (RFC 5626 3.5.1). Its time
 * is linear in the number of bytes, however small the chunks are, because it copies and reads each head once.
 */
export function createFramer (): Framer {
  let chunks: Buffer[] = []
  let size = 0
  /** A head whose body is incomplete, and the size of the whole message. */
  let pending: { message: SipMessage, bodyAt: number, size: number } | undefined
  /** The last bytes before the newest chunk, which may contain the beginning of the end of a head. */
  let tail: Buffer = Buffer.alloc(0)

  function gathered (): Buffer {
    if (chunks.length > 1) chunks = [Buffer.concat(chunks)]
    return chunks[0] ?? Buffer.alloc(0)
  }

  function keep (rest: Buffer): void {
    chunks = rest.length > 0 ? [rest] : []
    size = rest.length
  }

  function skipKeepAlives (): void {
    const buffer = gathered()
    let start = 0
    while (buffer[start] === 13 || buffer[start] === 10) start++
    if (start > 0) keep(buffer.subarray(start))
  }

  function next (): SipMessage | undefined {
    if (!pending) {
      skipKeepAlives()
      const buffer = gathered()
      const end = buffer.indexOf('\r\n\r\n')
      if (end < 0) return undefined
      const message = parseHead(buffer, end)
      const length = contentLength(message) ?? 0
      if (length > MAX_BODY_BYTES) throw new SipParseError('body too large')
      pending = { message, bodyAt: end + 4, size: end + 4 + length }
    }
    if (size < pending.size) return undefined

    const { message, bodyAt, size: whole } = pending
    const buffer = gathered()
    message.body = buffer.toString('utf8', bodyAt, whole)
    pending = undefined
    keep(buffer.subarray(whole))
    return message
  }

  /** Whether the chunk can complete a head or a body. Other chunks are only stored. */
  function completes (chunk: Buffer): boolean {
    if (pending) return size >= pending.size
    const seam = Buffer.concat([tail, chunk])
    tail = seam.subarray(-3)
    return seam.includes('\r\n\r\n')
  }

  return {
    push (chunk) {
      chunks.push(chunk)
      size += chunk.length
      if (!completes(chunk)) {
        if (!pending && size > MAX_HEAD_BYTES) {
          skipKeepAlives()
          if (size > MAX_HEAD_BYTES) throw new SipParseError('headers too large')
        }
        return []
      }
      const messages: SipMessage[] = []
      for (let message = next(); message; message = next()) messages.push(message)
      tail = pending ? Buffer.alloc(0) : gathered().subarray(-3)
      if (!pending && size > MAX_HEAD_BYTES) throw new SipParseError('headers too large')
      return messages
    }
  }
}
