import type { Endpoint } from './endpoint.ts'
import { DECODERS, knowsLayer } from './decoders.ts'
import { readHep, type HepPacket } from './hep.ts'
import { IpFragments } from './ip-fragments.ts'
import { parseIp, type IpPacket } from './ip.ts'
import { layer, type Decoded, type Layer } from './layer.ts'
import { looksLikeSip } from './sip-bytes.ts'

/** What a frame carries over UDP or TCP. */
export interface Packet {
  protocol: 'udp' | 'tcp'
  source: Endpoint
  destination: Endpoint
  payload: Buffer
  /** Bytes are missing at its end. */
  cut: boolean
  tcp?: { seq: number, syn: boolean, ack: boolean, fin: boolean, rst: boolean }
  /** Somebody else put the payload together, and names its transport and maybe its time. */
  whole?: { transport: string, at?: number }
}

const TCP = 6
const UDP = 17

/** Layers that one frame may have. Real ones have ten at most: a mirrored packet of a tunnel in a tunnel. */
const MAX_LAYERS = 32

/**
 * Decodes the frames of one capture, through tunnels and mirrors. It remembers fragments, so that it finds the
 * datagrams that came in several.
 */
export class PacketDecoder {
  /** Packets of tunnels that nobody else can read, by the name of the tunnel. */
  readonly unreadable = new Map<string, number>()
  readonly #fragments = new IpFragments()

  /** Undefined for what carries neither UDP nor TCP, and for a fragment that does not complete its datagram. */
  decode (link: number, frame: Buffer, cut: boolean): Packet | undefined {
    return unlessCut(() => this.#follow(layer(`link:${link}`, frame), cut))
  }

  /** The capture is over. Returns the beginnings of the datagrams whose other fragments never came. */
  finish (): Packet[] {
    return this.#fragments.finish().flatMap(ip =>
      unlessCut(() => {
        const transport = transportIn(ip)
        return transport && 'kind' in transport ? this.#follow(transport, true) : this.#packetOf(transport)
      }) ?? []
    )
  }

  /** Decodes layer by layer, up to the innermost packet. */
  #follow (outermost: Layer, cut: boolean): Packet | undefined {
    let next: Decoded = outermost
    for (let depth = 0; next && 'kind' in next; depth++) {
      if (depth === MAX_LAYERS) return undefined
      const { kind, data }: Layer = next
      next = kind === 'ip' ? this.#insideIp(data, cut) : DECODERS.get(kind)?.(data)
    }
    return this.#packetOf(next)
  }

  #packetOf (decoded: Exclude<Decoded, Layer>): Packet | undefined {
    if (!decoded) return undefined
    if ('packet' in decoded) return decoded.packet

    this.unreadable.set(decoded.unreadable, (this.unreadable.get(decoded.unreadable) ?? 0) + 1)
    return undefined
  }

  #insideIp (data: Buffer, cut: boolean): Decoded {
    const packet = parseIp(data, cut)
    if (!packet?.fragment) return packet && transportIn(packet)

    const datagram = this.#fragments.add(packet, packet.fragment)
    return datagram && transportIn(datagram)
  }
}

/** Undefined for a frame that was cut off within its headers. */
function unlessCut<T> (read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function transportIn (packet: IpPacket): Decoded {
  if (packet.protocol === UDP) return insideUdp(parseUdp(packet))
  if (packet.protocol === TCP) return { packet: parseTcp(packet) }
  return layer(`ip-protocol:${packet.protocol}`, packet.payload)
}

/** A tunnel is known by its port, and what only looks like one is a packet. */
function insideUdp (packet: Packet): Decoded {
  const { source, destination, payload } = packet
  if (looksLikeSip(payload)) return { packet }

  for (const { port } of [destination, source]) {
    const decode = DECODERS.get(`udp-port:${port}`)
    const inner = decode && unlessCut(() => decode(payload))
    if (inner && !('kind' in inner && !knowsLayer(inner.kind))) return inner
  }
  const hep = unlessCut(() => readHep(payload))
  return { packet: hep ? packetOfHep(hep, packet.cut) : packet }
}

const packetOfHep = ({ payload, source, destination, transport, at }: HepPacket, cut: boolean): Packet => ({
  protocol: 'udp',
  source,
  destination,
  payload,
  cut,
  whole: { transport, ...(at !== undefined && { at }) }
})

/** RFC 768 */
function parseUdp (packet: IpPacket): Packet {
  const { payload: data, cut } = packet
  // The length is 0 where the network card fills it in after the capture.
  const length = data.readUInt16BE(4) || data.length
  return {
    protocol: 'udp',
    ...endsOf(packet),
    payload: data.subarray(8, Math.max(8, length)),
    cut: cut || length > data.length
  }
}

/** RFC 9293 3.1 */
function parseTcp (packet: IpPacket): Packet {
  const { payload: data, cut } = packet
  const header = (data.readUInt8(12) >> 4) * 4
  const flags = data.readUInt8(13)
  const has = (mask: number): boolean => (flags & mask) !== 0
  return {
    protocol: 'tcp',
    ...endsOf(packet),
    payload: data.subarray(header),
    cut,
    tcp: { seq: data.readUInt32BE(4), fin: has(1), syn: has(2), rst: has(4), ack: has(16) }
  }
}

/** UDP and TCP begin with the two ports. */
const endsOf = ({ from, to, payload }: IpPacket): Pick<Packet, 'source' | 'destination'> => ({
  source: { address: from, port: payload.readUInt16BE(0) },
  destination: { address: to, port: payload.readUInt16BE(2) }
})
