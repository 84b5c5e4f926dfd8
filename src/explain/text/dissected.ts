import { ipv4Address, ipv6Address } from '../capture/ip.ts'
import type { Endpoint } from '../capture/endpoint.ts'
import { looksLikeSip, parseLeniently } from '../capture/sip-bytes.ts'
import type { SipMessage } from '../../sip/message.ts'
import type { Place, SipSeen } from '../seen.ts'
import { timeIn } from './times.ts'

/** Values of Wireshark's fields in one packet, by names like `sip.Call-ID`. */
export interface DissectedPacket {
  /** All values of a field, in their order. */
  values(name: string): readonly string[]
  /** Bytes of a field or a protocol, as hexadecimal digits. */
  bytes(name: string): string | undefined
}

/** Headers that Wireshark has fields for, under their names (wireshark epan/dissectors/packet-sip.c). */
const HEADERS: readonly string[] = [
  'Via',
  'From',
  'To',
  'Call-ID',
  'CSeq',
  'Contact',
  'Route',
  'Record-Route',
  'User-Agent',
  'Server',
  'Reason',
  'Warning',
  'Refer-To',
  'Referred-By',
  'Content-Type',
  'Require',
  'Supported',
  'Allow',
  'Proxy-Authenticate',
  'WWW-Authenticate',
  'Proxy-Authorization',
  'Authorization'
]

/** Lines of a session description, by Wireshark's fields in the order of RFC 8866 5. */
const SDP_LINES: ReadonlyArray<[letter: string, field: string]> = [
  ['v', 'sdp.version'],
  ['o', 'sdp.owner'],
  ['s', 'sdp.session_name'],
  ['c', 'sdp.connection_info'],
  ['t', 'sdp.time'],
  ['m', 'sdp.media'],
  ['a', 'sdp.media_attr']
]

/** The SIP message of a packet that Wireshark or tshark has taken apart; undefined for a packet without SIP. */
export function sipInPacket (packet: DissectedPacket, place: Place): SipSeen | undefined {
  const whole = rawMessage(packet)
  const built = whole ? undefined : builtMessage(packet)
  const message = whole ?? built?.message
  if (!message) return undefined

  const transport = transportOf(packet)
  const at = timeOfPacket(packet)
  return {
    kind: 'sip',
    place,
    ...(at !== undefined && { at }),
    ...endsOf(packet, transport),
    ...(transport && { transport }),
    message,
    ...(built?.isPartial && { startLineOnly: true as const })
  }
}

/** The bytes of the message, from the protocol or from the payload of its datagram. */
function rawMessage (packet: DissectedPacket): SipMessage | undefined {
  const payload = packet.bytes('sip') ?? packet.bytes('udp.payload') ??
    packet.values('udp.payload')[0]?.replaceAll(':', '')
  const bytes = Buffer.from(payload ?? '', 'hex')
  return looksLikeSip(bytes) ? parseLeniently(bytes) : undefined
}

const text = (packet: DissectedPacket, name: string): string | undefined => {
  const [value] = packet.values(name)
  if (value !== undefined) return value
  const hex = packet.bytes(name)
  return hex === undefined ? undefined : Buffer.from(hex, 'hex').toString('utf8').trim()
}

/** A message that is put together from its fields. It is partial when the export was told to have some fields only. */
function builtMessage (packet: DissectedPacket): { message: SipMessage, isPartial: boolean } | undefined {
  const start = startLine(packet)
  if (start === undefined) return undefined

  const head = text(packet, 'sip.msg_hdr')
  const isWhole = head !== undefined && /^[\w-]+[ \t]*:/.test(head)
  const headers = isWhole
    ? head.replace(/\\r\\n|\r?\n/g, '\r\n').trim()
    : HEADERS.flatMap(name => packet.values(`sip.${name}`).map(value => `${name}: ${value}`)).join('\r\n')
  const sdp = SDP_LINES.flatMap(([letter, field]) => packet.values(field).map(value => `${letter}=${value}\r\n`))
  // Some versions of tshark have the body behind the headers.
  const rest = headers.includes('\r\n\r\n') ? headers : `${headers}${headers === '' ? '' : '\r\n'}\r\n${sdp.join('')}`
  const message = parseLeniently(`${start}\r\n${rest}`)
  return message && { message, isPartial: !isWhole && packet.values('sip.Via').length === 0 }
}

function startLine (packet: DissectedPacket): string | undefined {
  const line = text(packet, 'sip.Request-Line') ?? text(packet, 'sip.Status-Line')
  if (line !== undefined && line !== '') return line.replace(/(?:\\r\\n|\r?\n)$/, '').trim()

  const method = text(packet, 'sip.Method')
  const uri = text(packet, 'sip.r-uri')
  if (method && uri) return `${method} ${uri} SIP/2.0`
  const status = text(packet, 'sip.Status-Code')
  return status ? `SIP/2.0 ${status}` : undefined
}

function transportOf (packet: DissectedPacket): 'udp' | 'tcp' | undefined {
  if (text(packet, 'udp.srcport') !== undefined) return 'udp'
  return text(packet, 'tcp.srcport') === undefined ? undefined : 'tcp'
}

function endsOf (
  packet: DissectedPacket,
  transport = 'udp'
): { source?: Endpoint, destination?: Endpoint } {
  const source = endOf(packet, 'src', `${transport}.srcport`)
  const destination = endOf(packet, 'dst', `${transport}.dstport`)
  return { ...(source && { source }), ...(destination && { destination }) }
}

/** In a tunnel the innermost addresses come last. */
function endOf (packet: DissectedPacket, side: 'src' | 'dst', port: string): Endpoint | undefined {
  const address = packet.values(`ip.${side}`).at(-1) ?? packet.values(`ipv6.${side}`).at(-1) ??
    addressIn(packet.bytes(`ip.${side}`)) ?? addressIn(packet.bytes(`ipv6.${side}`))
  if (address === undefined || address === '') return undefined

  const [digits] = packet.values(port)
  const hex = packet.bytes(port)
  return { address, port: (digits === undefined ? parseInt(hex ?? '0', 16) : Number(digits)) || 0 }
}

function addressIn (hex: string | undefined): string | undefined {
  const bytes = Buffer.from(hex ?? '', 'hex')
  if (bytes.length === 4) return ipv4Address(bytes, 0)
  return bytes.length === 16 ? ipv6Address(bytes, 0) : undefined
}

/** Seconds since the epoch, or in newer versions of the JSON a date. */
function timeOfPacket (packet: DissectedPacket): number | undefined {
  const value = ['frame.time_epoch', 'frame.time', 'timestamp', 'frame.time_relative', '_ws.col.time']
    .map(name => packet.values(name)[0]).find(found => found !== undefined && found !== '')
  if (value === undefined) return undefined
  if (/^\d{1,10}(?:\.\d{1,9})?$/.test(value)) return Number(value) * 1000
  return /^\d{13}$/.test(value) ? Number(value) : timeIn(value)
}
