/** What a frame carries over UDP or TCP. */
export interface Packet {
  protocol: 'udp' | 'tcp'
  source: Endpoint
  destination: Endpoint
  payload: Buffer
  /** Bytes are missing at its end. */
  cut: boolean
  tcp?: { seq: number, syn: boolean, ack: boolean, fin: boolean, rst: boolean }
}

export interface Endpoint {
  address: string
  port: number
}

export const endpointText = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

interface Fragments {
  parts: Array<{ offset: number, data: Buffer }>
  total?: number
  protocol: number
  from: string
  to: string
}

export interface Decoder {
  /** Undefined for what carries neither UDP nor TCP, and for a fragment that is not the last one to come. */
  decode(link: number, data: Buffer, cut: boolean): Packet | undefined
  /** The capture is over: the beginnings of datagrams whose other fragments never came. */
  finish(): Packet[]
}

/** Datagrams that wait for more fragments. */
const MAX_PENDING = 256
/** A datagram of 64 KiB in the smallest packets that IPv4 knows has no more (RFC 791 3.2 asks for 576 bytes). */
const MAX_PARTS = 128
const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd

/** Decodes frames; remembers fragments of IP datagrams, as large INVITEs over UDP come in them. */
export function createDecoder (): Decoder {
  const pending = new Map<string, Fragments>()

  return {
    decode (link, data, cut) {
      return whole(() => {
        const ip = ipOf(link, data)
        return ip && decodeIp(ip, cut)
      })
    },
    finish () {
      return [...pending.values()].flatMap(({ parts: [first], protocol, from, to }) =>
        (first?.offset === 0 && whole(() => transport(protocol, first.data, from, to, true))) || []
      )
    }
  }

  function decodeIp (ip: Buffer, cut: boolean): Packet | undefined {
    const version = ip.readUInt8(0) >> 4
    if (version === 4) return decodeIpv4(ip, cut)
    return version === 6 ? decodeIpv6(ip, cut) : undefined
  }

  /** RFC 791 3.1 */
  function decodeIpv4 (ip: Buffer, cut: boolean): Packet | undefined {
    const header = (ip.readUInt8(0) & 15) * 4
    // Offloading network cards capture 0 as the length.
    const total = ip.readUInt16BE(2) || ip.length
    const flags = ip.readUInt16BE(6)
    const [from, to] = [ipv4(ip, 12), ipv4(ip, 16)]
    const payload = ip.subarray(header, Math.max(header, Math.min(total, ip.length)))
    const protocol = ip.readUInt8(9)
    const short = cut || total > ip.length
    const more = (flags & 0x2000) !== 0
    const offset = (flags & 0x1fff) * 8
    if (!more && offset === 0) return transport(protocol, payload, from, to, short)
    const datagram = join(`${from}>${to}#${ip.readUInt16BE(4)}/${protocol}`, { offset, data: payload }, more, {
      protocol,
      from,
      to
    })
    return datagram && transport(protocol, datagram, from, to, short)
  }

  /** RFC 8200 3 and 4 */
  function decodeIpv6 (ip: Buffer, cut: boolean): Packet | undefined {
    const total = 40 + ip.readUInt16BE(4)
    const [from, to] = [ipv6(ip, 8), ipv6(ip, 24)]
    const short = cut || total > ip.length
    let next = ip.readUInt8(6)
    let at = 40
    let fragment: { offset: number, more: boolean, id: number } | undefined
    while ([0, 43, 44, 60, 51].includes(next)) {
      const kind = next
      next = ip.readUInt8(at)
      if (kind === 44) {
        const field = ip.readUInt16BE(at + 2)
        fragment = { offset: field & 0xfff8, more: (field & 1) === 1, id: ip.readUInt32BE(at + 4) }
        at += 8
      } else at += kind === 51 ? (ip.readUInt8(at + 1) + 2) * 4 : (ip.readUInt8(at + 1) + 1) * 8
    }
    const payload = ip.subarray(at, Math.max(at, Math.min(total === 40 ? ip.length : total, ip.length)))
    if (!fragment || (!fragment.more && fragment.offset === 0)) return transport(next, payload, from, to, short)
    const datagram = join(`${from}>${to}#${fragment.id}`, { offset: fragment.offset, data: payload }, fragment.more, {
      protocol: next,
      from,
      to
    })
    return datagram && transport(next, datagram, from, to, short)
  }

  function join (
    key: string,
    part: { offset: number, data: Buffer },
    more: boolean,
    ends: Omit<Fragments, 'parts' | 'total'>
  ): Buffer | undefined {
    const known = pending.get(key) ?? { parts: [], ...ends }
    // The oldest goes: its missing part was not captured.
    if (!pending.has(key) && pending.size >= MAX_PENDING) pending.delete(pending.keys().next().value!)
    pending.set(key, known)
    if (known.parts.length < MAX_PARTS && !known.parts.some(({ offset }) => offset === part.offset)) {
      known.parts.push({ offset: part.offset, data: Buffer.from(part.data) })
    }
    if (!more) known.total = part.offset + part.data.length
    known.parts.sort((a, b) => a.offset - b.offset)
    let end = 0
    for (const { offset, data } of known.parts) {
      if (offset > end) return undefined
      end = Math.max(end, offset + data.length)
    }
    if (known.total === undefined || end < known.total || known.total > 0xffff) return undefined
    pending.delete(key)
    const datagram = Buffer.alloc(known.total)
    for (const { offset, data } of known.parts) data.copy(datagram, offset)
    return datagram
  }
}

/** Undefined for a frame that was cut within its headers. */
function whole<T> (read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

/** The IP packet in a frame, by link type (tcpdump.org/linktypes.html). */
function ipOf (link: number, data: Buffer): Buffer | undefined {
  switch (link) {
    case 1:
      return behindEtherType(data, 12)
    // BSD loopback: the address family in the byte order of the machine that captured.
    case 0:
    case 108:
      return data.subarray(4)
    case 12:
    case 14:
    case 101:
    case 228:
    case 229:
      return data
    case 113:
      return behindEtherType(data, 14)
    case 276:
      return behindEtherType(data, 0, 20)
    default:
      return undefined
  }
}

/** Link types that {@link createDecoder} reads. */
export const knowsLink = (link: number): boolean => [0, 1, 12, 14, 101, 108, 113, 228, 229, 276].includes(link)

function behindEtherType (data: Buffer, at: number, start = at + 2): Buffer | undefined {
  let type = data.readUInt16BE(at)
  let begin = start
  // IEEE 802.1Q and 802.1ad tags
  while (type === 0x8100 || type === 0x88a8 || type === 0x9100) {
    type = data.readUInt16BE(begin + 2)
    begin += 4
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? data.subarray(begin) : undefined
}

function transport (protocol: number, data: Buffer, from: string, to: string, cut: boolean): Packet | undefined {
  if (protocol !== 17 && protocol !== 6) return undefined
  const source = { address: from, port: data.readUInt16BE(0) }
  const destination = { address: to, port: data.readUInt16BE(2) }
  if (protocol === 17) {
    // RFC 768; the length may be 0 where the network card fills it in.
    const length = data.readUInt16BE(4) || data.length
    return {
      protocol: 'udp',
      source,
      destination,
      payload: data.subarray(8, Math.max(8, length)),
      cut: cut || length > data.length
    }
  }
  // RFC 9293 3.1
  const header = (data.readUInt8(12) >> 4) * 4
  const flags = data.readUInt8(13)
  const bit = (mask: number): boolean => (flags & mask) !== 0
  return {
    protocol: 'tcp',
    source,
    destination,
    payload: data.subarray(header),
    cut,
    tcp: { seq: data.readUInt32BE(4), fin: bit(1), syn: bit(2), rst: bit(4), ack: bit(16) }
  }
}

const ipv4 = (data: Buffer, at: number): string =>
  `${data.readUInt8(at)}.${data.readUInt8(at + 1)}.${data.readUInt8(at + 2)}.${data.readUInt8(at + 3)}`

/** RFC 5952: the longest run of zero groups becomes `::`. */
function ipv6 (data: Buffer, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => data.readUInt16BE(at + i * 2).toString(16))
  const runs = [...groups.join(':').matchAll(/\b0(?::0)+\b/g)]
  const longest = runs.sort((a, b) => b[0].length - a[0].length)[0]
  if (!longest) return groups.join(':')
  const text = groups.join(':')
  return `${text.slice(0, longest.index).replace(/:$/, '')}::${
    text.slice(longest.index + longest[0].length).replace(/^:/, '')
  }`
}
