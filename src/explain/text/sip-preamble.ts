import type { Endpoint } from '../capture/endpoint.ts'
import { timeIn } from './times.ts'

/** What a log says in front of a message: when, and from where to where. */
export interface Preamble {
  at?: number
  source?: Endpoint
  destination?: Endpoint
  transport?: string
  line: number
  /** Such a line stands only in front of a SIP message. */
  isSure?: true
  /** One of several lines that name one thing each. */
  isPart?: true
}

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
/**
 * The log of one party names only the other one. sofia and drachtio: `recv 1093 bytes from udp/[10.0.0.1]:5060`.
 * Asterisk: `<--- Transmitting SIP response (9 bytes) to UDP:10.0.0.1:5060 --->`.
 */
const SURE_SIDE = new RegExp(
  String.raw`(?:\b(?:recv|send|sent)\s{1,4}\d{1,7} bytes|<--- .{0,80}?) ?\b(to|from)\b` +
  String.raw`\s{1,4}(udp|tcp|tls|wss?)[:/]\[?([\d.]{7,15}|[\da-f:.]{2,45})\]?:(\d{1,5})`, 'i'
)
/**
 * Everybody else's. pjsip: `.TX 1093 bytes Request msg INVITE/cseq=1 (tdta0x7f) to UDP 10.0.0.1:5060:`. Linphone:
 * `message sent to [UDP://10.0.0.1:5060], size: [1093] bytes`. chan_sip: `Reliably Transmitting (NAT) to 10.0.0.1:5060:`.
 * AudioCodes: `---- Outgoing SIP Message to 10.0.0.1:5060 from SIPInterface #0`. CUCM: `Outgoing SIP UDP message to
 * 10.0.0.1 on port 5060`.
 */
const SIDE = new RegExp(
  String.raw`\b(to|from)\b[ :\[]{1,3}(?:(udp|tcp|tls|wss?)\b[ :/\[]{1,4})?` +
  String.raw`\[?([\d.]{7,15}|[\da-f:.]{3,45}(?=\])|${NAME})\]?(?::| on port )(\d{1,5})\b`, 'i'
)
const OF_MESSAGE = /\b(?:bytes|messages?|msg|packet|(?:re)?transmitting)\b/i
/** Oracle's sipmsg.log: `On [0:0]10.0.0.1:5060 sent to 10.0.0.2:5060` */
const ORACLE = new RegExp(String.raw`\bOn \[\d{1,5}:\d{1,5}\]${HOST}${PORT} (sent to|received from) ${HOST}${PORT}`)
/** Kamailio's sipdump has a line for each of these. */
const LABELLED = /^(time|srcip|srcport|dstip|dstport): ([\da-f.:]{1,45})$/i

/** What a line says of the message that may follow it; undefined where it says nothing. */
export function preambleOf (line: string, number: number): Preamble | undefined {
  const text = line.slice(0, 400)
  const labelled = LABELLED.exec(text)
  if (labelled) return partOf(labelled[1] ?? '', labelled[2] ?? '', number)

  const at = timeIn(text)
  const timed = { ...(at !== undefined && { at }), line: number }
  const ends = endsIn(text)
  if (ends) return { ...timed, ...ends }
  return at === undefined ? undefined : timed
}

function endsIn (text: string): Omit<Preamble, 'line'> | undefined {
  const oracle = ORACLE.exec(text)
  if (oracle) {
    const own = endpoint(oracle[1], oracle[2])
    const other = endpoint(oracle[4], oracle[5])
    const [source, destination] = oracle[3] === 'sent to' ? [own, other] : [other, own]
    return { source, destination, isSure: true }
  }
  const arrow = ARROW.exec(text)
  if (arrow) {
    const transport = transportIn(text)
    const ends = { source: endpoint(arrow[1], arrow[2]), destination: endpoint(arrow[3], arrow[4]) }
    return { ...ends, ...(transport && { transport }), isSure: true }
  }
  const sure = SURE_SIDE.exec(text)
  const side = sure ?? (OF_MESSAGE.test(text) ? SIDE.exec(text) : null)
  if (!side) return undefined

  const [, word = '', transport, host, port] = side
  const other = endpoint(host, port)
  return {
    ...(word.toLowerCase() === 'from' ? { source: other } : { destination: other }),
    ...(transport && { transport: transport.toLowerCase() }),
    ...(sure && { isSure: true as const })
  }
}

function partOf (label: string, value: string, line: number): Preamble {
  const part = { line, isPart: true as const }
  switch (label.toLowerCase()) {
    case 'srcip':
      return { ...part, source: endpoint(value) }
    case 'srcport':
      return { ...part, source: endpoint('', value) }
    case 'dstip':
      return { ...part, destination: endpoint(value) }
    case 'dstport':
      return { ...part, destination: endpoint('', value) }
    default:
      return { ...part, at: Number(value) * 1000 }
  }
}

/** Lines that may stand between the parts of one preamble: Kamailio's date and protocol. */
const NEAR = 3

/** Two lines of one preamble. tcpdump -v has the time in one line, and the ends in the next. */
export function joined (before: Preamble | undefined, next: Preamble): Preamble {
  if (!before || next.line - before.line > NEAR) return next
  if (before.isPart && next.isPart) {
    return {
      ...before,
      ...next,
      ...(before.source && { source: endOf(before.source, next.source) }),
      ...(before.destination && { destination: endOf(before.destination, next.destination) })
    }
  }
  if (before.isPart) return next.source || next.destination ? next : { ...before, line: next.line }

  const isTime = before.at !== undefined && !before.source && !before.destination
  return isTime && next.at === undefined && next.line === before.line + 1 ? { ...next, at: before.at } : next
}

const endOf = (known: Endpoint, next: Endpoint | undefined): Endpoint => ({
  address: next?.address || known.address,
  port: next?.port || known.port
})

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
