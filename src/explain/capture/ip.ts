/** An IP packet, or a fragment of one. */
export interface IpPacket {
  from: string
  to: string
  /** What the payload is: 6 is TCP, 17 is UDP (IANA protocol numbers). */
  protocol: number
  payload: Buffer
  /** Bytes are missing at its end. */
  cut: boolean
  /** Present when this is only a part of a datagram. */
  fragment?: Fragment
}

export interface Fragment {
  /** Equal for all fragments of one datagram. */
  datagram: string
  /** Bytes of the datagram in front of this fragment. */
  offset: number
  /** Further fragments follow. */
  more: boolean
}

/** IPv6 extension headers that may stand in front of the payload (RFC 8200 4.1; RFC 4302). */
const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const AUTHENTICATION = 51
const DESTINATION = 60
const EXTENSIONS: readonly number[] = [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION]

/**
 * Reads an IP packet; undefined for other versions than 4 and 6.
 * @param cut the capture kept only the beginning of the frame
 * @throws {RangeError} when it ends within its header
 */
export function parseIp (ip: Buffer, cut: boolean): IpPacket | undefined {
  const version = ip.readUInt8(0) >> 4
  if (version === 4) return parseIpv4(ip, cut)
  return version === 6 ? parseIpv6(ip, cut) : undefined
}

/** RFC 791 3.1 */
function parseIpv4 (ip: Buffer, cut: boolean): IpPacket {
  const header = (ip.readUInt8(0) & 15) * 4
  // The length is 0 where the network card splits packets after the capture (segmentation offload).
  const total = ip.readUInt16BE(2) || ip.length
  const flags = ip.readUInt16BE(6)
  const from = ipv4Address(ip, 12)
  const to = ipv4Address(ip, 16)
  const protocol = ip.readUInt8(9)
  const more = (flags & 0x2000) !== 0
  const offset = (flags & 0x1fff) * 8
  return {
    from,
    to,
    protocol,
    payload: ip.subarray(header, Math.max(header, Math.min(total, ip.length))),
    cut: cut || total > ip.length,
    ...((more || offset > 0) && {
      fragment: { datagram: `${from}>${to}#${ip.readUInt16BE(4)}/${protocol}`, offset, more }
    })
  }
}

/** RFC 8200 3 and 4 */
function parseIpv6 (ip: Buffer, cut: boolean): IpPacket {
  const length = ip.readUInt16BE(4)
  const total = 40 + length
  const from = ipv6Address(ip, 8)
  const to = ipv6Address(ip, 24)
  const { protocol, at, fragment } = skipExtensions(ip)
  const end = Math.min(length === 0 ? ip.length : total, ip.length)
  return {
    from,
    to,
    protocol,
    payload: ip.subarray(at, Math.max(at, end)),
    cut: cut || total > ip.length,
    ...(fragment && (fragment.more || fragment.offset > 0) && {
      fragment: { datagram: `${from}>${to}#${fragment.id}`, offset: fragment.offset, more: fragment.more }
    })
  }
}

interface Extensions {
  protocol: number
  /** Offset of the payload. */
  at: number
  fragment?: { offset: number, more: boolean, id: number }
}

function skipExtensions (ip: Buffer): Extensions {
  const result: Extensions = { protocol: ip.readUInt8(6), at: 40 }
  while (EXTENSIONS.includes(result.protocol)) {
    const kind = result.protocol
    const { at } = result
    result.protocol = ip.readUInt8(at)
    if (kind === FRAGMENT) {
      const field = ip.readUInt16BE(at + 2)
      result.fragment = { offset: field & 0xfff8, more: (field & 1) === 1, id: ip.readUInt32BE(at + 4) }
      result.at += 8
    } else if (kind === AUTHENTICATION) {
      result.at += (ip.readUInt8(at + 1) + 2) * 4
    } else {
      result.at += (ip.readUInt8(at + 1) + 1) * 8
    }
  }
  return result
}

export const ipv4Address = (data: Buffer, at: number): string =>
  [0, 1, 2, 3].map(i => data.readUInt8(at + i)).join('.')

/** RFC 5952: the longest run of zero groups becomes `::`. */
export function ipv6Address (data: Buffer, at: number): string {
  const text = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(at + i * 2).toString(16)).join(':')
  const runs = [...text.matchAll(/\b0(?::0)+\b/g)]
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0]
  if (!longest) return text

  const before = text.slice(0, longest.index).replace(/:$/, '')
  const behind = text.slice(longest.index + longest[0].length).replace(/^:/, '')
  return `${before}::${behind}`
}
