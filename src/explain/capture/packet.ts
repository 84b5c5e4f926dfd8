import type { Endpoint } from './endpoint.ts'
import { IpFragments } from './ip-fragments.ts'
import { parseIp, type IpPacket } from './ip.ts'
import { ipPacketIn } from './link-layer.ts'

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

const TCP = 6
const UDP = 17

/** Decodes the frames of one capture. It remembers fragments, so that it finds the datagrams that came in several. */
export class PacketDecoder {
  readonly #fragments = new IpFragments()

  /** Undefined for what carries neither UDP nor TCP, and for a fragment that does not complete its datagram. */
  decode (link: number, frame: Buffer, cut: boolean): Packet | undefined {
    return unlessCut(() => {
      const ip = ipPacketIn(link, frame)
      const packet = ip && parseIp(ip, cut)
      if (!packet?.fragment) return packet && parseTransport(packet)

      const datagram = this.#fragments.add(packet, packet.fragment)
      return datagram && parseTransport(datagram)
    })
  }

  /** The capture is over. Returns the beginnings of the datagrams whose other fragments never came. */
  finish (): Packet[] {
    return this.#fragments.finish().flatMap(packet => unlessCut(() => parseTransport(packet)) ?? [])
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

function parseTransport (packet: IpPacket): Packet | undefined {
  if (packet.protocol === UDP) return parseUdp(packet)
  return packet.protocol === TCP ? parseTcp(packet) : undefined
}

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
