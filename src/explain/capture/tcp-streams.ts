import { endpointText, type Endpoint } from './endpoint.ts'
import type { Packet } from './packet.ts'
import type { CarriedSip } from './stream-cutter.ts'
import { TcpStream, type TcpCounts } from './tcp-stream.ts'

/** Directions that are followed at a time; the one that was quiet longest is given up first. */
const MAX_STREAMS = 1024

/** Puts the TCP segments of a capture back in order and cuts what they carry into SIP messages. */
export class TcpStreams {
  readonly counts: TcpCounts = { encrypted: 0, gaps: 0 }
  /** By both ends, the one that was heard last at the end. */
  readonly #streams = new Map<string, TcpStream>()

  /** Takes a TCP packet. Returns the messages that it completes. */
  push (packet: Packet): CarriedSip[] {
    const { source, destination, payload, cut, tcp } = packet
    if (!tcp) return []

    const key = `${endpointText(source)}>${endpointText(destination)}`
    if (tcp.syn) {
      this.#streams.delete(key)
      this.#streamOf(key, packet).open(tcp.seq)
      return []
    }

    const stream = this.#streamOf(key, packet)
    const messages = payload.length > 0 ? stream.push(tcp.seq, payload, cut) : []
    if (!tcp.fin && !tcp.rst) return messages

    this.#streams.delete(key)
    return [...messages, ...stream.flush()]
  }

  /** The capture is over. Returns what waited for missing segments. */
  finish (): Array<CarriedSip & { source: Endpoint, destination: Endpoint }> {
    return [...this.#streams.values()].flatMap(stream => {
      const { source, destination } = stream
      return stream.finish().map(carried => ({ source, destination, ...carried }))
    })
  }

  #streamOf (key: string, packet: Packet): TcpStream {
    const stream = this.#streams.get(key) ?? new TcpStream(packet, this.counts)
    this.#streams.delete(key)
    this.#streams.set(key, stream)
    if (this.#streams.size > MAX_STREAMS) this.#streams.delete(this.#streams.keys().next().value!)
    return stream
  }
}
