import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from '../../sip/message.ts'
import type { Endpoint } from '../capture/endpoint.ts'
import { parseLeniently } from '../capture/sip-bytes.ts'
import type { Place, SipSeen } from '../seen.ts'
import type { LineReader } from './line-reader.ts'
import type { Origin } from './origin.ts'
import { likePrefix, type RemovePrefix } from './prefix-shape.ts'
import { timeIn } from './times.ts'

/** What a log says in front of a message: when, and from where to where. */
export interface Preamble {
  at?: number
  source?: Endpoint
  destination?: Endpoint
  transport?: string
  line: number
}

const METHODS = 'INVITE|ACK|BYE|CANCEL|OPTIONS|REGISTER|PRACK|UPDATE|INFO|SUBSCRIBE|NOTIFY|PUBLISH|MESSAGE|REFER'
/**
 * A start line, maybe behind something of the log's own; ngrep shows the carriage return as a dot. With -A, tcpdump
 * shows the bytes of the IP header directly in front of it.
 */
const REQUEST = new RegExp(
  String.raw`(?:(?:^|[\s>])(?=[A-Z]{3,12} )|(?=(?:${METHODS}) ))` +
  String.raw`([A-Z]{3,12} (?:sips?|tel):\S{1,1024} SIP/2\.0)(\.?)$`
)
const RESPONSE = /(?:^|[^"'=])(SIP\/2\.0 [1-6]\d\d(?: [^\r\n]{0,200}?)?)(\.?)$/
const HEADER = /^[A-Za-z][\w.!%*+`'~-]*[ \t]*:/
const SDP = /^[a-z]=/

/** An IPv6 address without brackets has at least two colons: an IPv4 address in front of its port has none. */
const IPV6 = String.raw`(?:[0-9a-fA-F]{1,4}|:)(?::[0-9a-fA-F]{0,4}){1,7}`
const NAME = String.raw`[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}`
const HOST = String.raw`(\[[0-9a-fA-F:.]{2,45}\]|${IPV6}|\d{1,3}(?:\.\d{1,3}){3}|${NAME})`
/** Without -n, tcpdump has the name of the service. */
const PORT = String.raw`[:.](\d{1,5}|sips?)`
/** What some logs put in front of an address: `udp:10.0.0.1:5060`. */
const SCHEME = String.raw`(?:(?:udp|tcp|tls|wss?|sips?)[:/]{1,3})?`
/**
 * sngrep and ngrep: `10.0.0.1:5060 -> 10.0.0.2:5060`, with or without time and protocol in front. tcpdump:
 * `IP 10.0.0.1.5060 > 10.0.0.2.5060:`.
 */
const ARROW = new RegExp(String.raw`(?<![\w.])${HOST}${PORT}\s{0,8}-{0,8}>\s{0,8}${SCHEME}${HOST}${PORT}(?![\w])`)
/** sofia and drachtio: `recv 1093 bytes from udp/[10.0.0.1]:5060 at 10:00:00.123456:` */
const SOFIA = /\b(recv|send|sent)\s+\d+\s+bytes\s+(?:from|to)\s+(\w+)\/\[([^\]]+)\]:(\d{1,5})/i
/**
 * Asterisk: `<--- SIP read from UDP:10.0.0.1:5060 --->`, `<--- Transmitting SIP response (9 bytes) to UDP:10.0.0.1:5060
 * --->`
 */
const ASTERISK = /<--- .*?\b(from|to)\b (UDP|TCP|TLS):(\[[^\]]+\]|[\d.]+):(\d{1,5})/i

export function preambleOf (line: string, number: number): Preamble | undefined {
  const text = line.slice(0, 400)
  const at = timeIn(text)
  const timed = { ...(at !== undefined && { at }), line: number }
  const arrow = ARROW.exec(text)
  if (arrow) {
    const transport = transportIn(text)
    return {
      ...timed,
      source: endpoint(arrow[1], arrow[2]),
      destination: endpoint(arrow[3], arrow[4]),
      ...(transport && { transport })
    }
  }
  const sofia = SOFIA.exec(text)
  if (sofia) return side(timed, /^recv/i.test(sofia[1] ?? ''), endpoint(sofia[3], sofia[4]), sofia[2])
  const asterisk = ASTERISK.exec(text)
  if (asterisk) {
    return side(timed, asterisk[1]?.toLowerCase() === 'from', endpoint(asterisk[3], asterisk[4]), asterisk[2])
  }
  return at === undefined ? undefined : timed
}

/** ngrep begins its lines with U or T. */
function transportIn (text: string): string | undefined {
  if (text.startsWith('U ')) return 'udp'
  if (text.startsWith('T ')) return 'tcp'
  return /\b(UDP|TCP|TLS)\b/i.exec(text)?.[1]?.toLowerCase()
}

const SERVICES: Readonly<Record<string, number>> = { sip: 5060, sips: 5061 }

const endpoint = (host = '', port = '0'): Endpoint => ({
  address: host.replace(/^\[|\]$/g, ''),
  port: SERVICES[port] ?? Number(port)
})

/** The log of one party names only the other one. */
const side = (timed: Preamble, received: boolean, other: Endpoint, transport = ''): Preamble => ({
  ...timed,
  transport: transport.toLowerCase(),
  ...(received ? { source: other } : { destination: other })
})

/** Collects the lines of SIP messages out of a log. */
export function createSipLog (file: string): LineReader {
  let preamble: Preamble | undefined
  let open: {
    lines: string[]
    body: string[] | undefined
    size: number
    /** Takes away what stands in front of each line. */
    withoutPrefix: RemovePrefix
    dotted: boolean
    place: Place
    /** When the line was collected. */
    collectedAt: number | undefined
    preamble?: Preamble
  } | undefined

  function finish (): SipSeen[] {
    if (!open) return []
    const { lines, body = [], place, collectedAt: at, preamble: before } = open
    open = undefined
    if (lines.length < 2) {
      // tcpdump's line about a packet repeats the start line that follows.
      preamble = before
      return []
    }
    const message = parseLeniently(`${lines.join('\r\n')}\r\n\r\n${body.map(line => `${line}\r\n`).join('')}`)
    if (!message) return []
    const { line: _, ...known } = before ?? { line: 0 }
    return [{ kind: 'sip', place, message, ...(at !== undefined && { at }), ...known }]
  }

  function start (line: string, number: number, origin: Origin | undefined): boolean {
    const match = REQUEST.exec(line) ?? RESPONSE.exec(line)
    if (!match) return false
    const inline = line.slice(0, match.index + match[0].length - (match[1]?.length ?? 0) - (match[2]?.length ?? 0))
    // A time, or the ends, may stand in front of the start line itself, or a few lines above.
    const own = inline.trim() === '' ? undefined : preambleOf(inline, number)
    const recent = preamble && number - preamble.line <= 4 ? preamble : undefined
    const known = own ? { ...recent, ...own } : recent
    preamble = undefined
    open = {
      lines: [match[1] ?? ''],
      body: undefined,
      size: 0,
      withoutPrefix: likePrefix(inline),
      dotted: match[2] === '.',
      place: { file, at: number },
      collectedAt: origin?.at,
      ...(known && { preamble: known })
    }
    return true
  }

  return {
    push (line, number, origin) {
      if (open) {
        // Some print the headers indented below the start line.
        const indent = open.lines.length === 1 ? /^[ \t]+(?=\S)/.exec(line)?.[0] : undefined
        if (indent !== undefined && open.withoutPrefix(line) === undefined) open.withoutPrefix = likePrefix(indent)
        const bare = open.withoutPrefix(line) ?? line
        const text = open.dotted ? bare.replace(/\.$/, '') : bare
        open.size += text.length
        const fits = open.size <= (open.body ? MAX_BODY_BYTES : MAX_HEAD_BYTES)
        if (fits && !open.body) {
          if (text.trim() === '') {
            open.body = []
            return { seen: [], taken: true }
          }
          // A line that begins with white space goes on with the header before it (RFC 3261 7.3.1).
          if (HEADER.test(text) || (/^[ \t]/.test(text) && open.lines.length > 1)) {
            open.lines.push(text)
            return { seen: [], taken: true }
          }
        } else if (fits && open.body && SDP.test(text)) {
          open.body.push(text)
          return { seen: [], taken: true }
        } else if (fits && open.body?.length === 0 && /^SIP\/2\.0 \d{3}\b/.test(text) && isNotify(open.lines)) {
          open.body.push(text)
          return { seen: [], taken: true }
        }
        const seen = finish()
        const taken = this.push(line, number, origin).taken
        return { seen, taken }
      }
      if (start(line, number, origin)) return { seen: [], taken: true }
      const before = preambleOf(line, number)
      if (before) preamble = joined(preamble, before)
      return { seen: [], taken: before?.source !== undefined || before?.destination !== undefined }
    },
    end: finish
  }
}

/** tcpdump -v has the time in one line, and the ends in the next. */
const joined = (time: Preamble | undefined, ends: Preamble): Preamble =>
  time?.at !== undefined && !time.source && ends.at === undefined && ends.line === time.line + 1
    ? { ...ends, at: time.at }
    : ends

/** A transfer's progress comes as the start line of a response in a NOTIFY (message/sipfrag, RFC 3515 2.4.5). */
const isNotify = ([start = '']: string[]): boolean => start.startsWith('NOTIFY ')
