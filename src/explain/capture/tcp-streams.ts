import type { SipMessage } from '../../sip/message.ts'
import { endpointText, type Endpoint, type Packet } from './packet.ts'
import { createStreamCutter, looksLikeSip, type StreamCutter } from './sip-bytes.ts'

interface Stream {
  source: Endpoint
  destination: Endpoint
  cutter: StreamCutter
  /** Sequence number of the next byte; undefined until the first segment. */
  next?: number
  /** Segments that came before what is in front of them. */
  early: Map<number, Buffer>
  earlyBytes: number
  /** Bytes without any SIP: something else is spoken here. */
  strange: number
}

export interface TcpStreams {
  /** The messages that a segment completes. */
  push(packet: Packet): SipMessage[]
  /** The capture is over: what waited for missing segments, with the packet's ends. */
  finish(): Array<{ message: SipMessage, source: Endpoint, destination: Endpoint }>
  /** Connections that begin as TLS does: what they carry cannot be read. */
  readonly encrypted: number
  /** Places where segments are missing in connections that carry SIP. */
  readonly gaps: number
}

/** Connections that are followed at a time; the one that was quiet longest goes first. */
const MAX_STREAMS = 1024
const MAX_EARLY_BYTES = 64 * 1024
/** After so many bytes without SIP a direction is no longer kept, only looked at. */
const MAX_STRANGE_BYTES = 64 * 1024

/** Puts TCP segments back in order (RFC 9293 3.4) and cuts what they carry into SIP messages. */
export function createTcpStreams (): TcpStreams {
  const streams = new Map<string, Stream>()
  let encrypted = 0
  let gaps = 0

  function streamOf (key: string, { source, destination }: Packet): Stream {
    const stream = streams.get(key) ??
      { source, destination, cutter: createStreamCutter(), early: new Map(), earlyBytes: 0, strange: 0 }
    streams.delete(key)
    streams.set(key, stream)
    if (streams.size > MAX_STREAMS) streams.delete(streams.keys().next().value!)
    return stream
  }

  function feed (stream: Stream, data: Buffer): SipMessage[] {
    stream.next = (stream.next! + data.length) >>> 0
    if (stream.strange > MAX_STRANGE_BYTES && !looksLikeSip(data)) return []
    const messages = stream.cutter.push(data)
    stream.strange = messages.length > 0 ? 0 : stream.strange + data.length
    return messages
  }

  /** Takes what had come early, as far as it follows now. */
  function drain (stream: Stream): SipMessage[] {
    const messages: SipMessage[] = []
    for (let found = true; found;) {
      found = false
      for (const [seq, data] of stream.early) {
        const behind = (stream.next! - seq) | 0
        if (behind < 0) continue
        stream.early.delete(seq)
        stream.earlyBytes -= data.length
        if (behind < data.length) messages.push(...feed(stream, data.subarray(behind)))
        found = true
        break
      }
    }
    return messages
  }

  /** What is missing will not come any more: goes on behind it. */
  function jump (stream: Stream): SipMessage[] {
    const nearest = [...stream.early.keys()].sort((a, b) => ((a - stream.next!) | 0) - ((b - stream.next!) | 0))[0]
    if (nearest === undefined) return []
    stream.cutter.gap()
    stream.next = nearest
    if (stream.strange <= MAX_STRANGE_BYTES) gaps++
    return drain(stream)
  }

  function flush (stream: Stream): SipMessage[] {
    const messages: SipMessage[] = []
    while (stream.early.size > 0) messages.push(...jump(stream))
    return messages
  }

  return {
    get encrypted () {
      return encrypted
    },
    get gaps () {
      return gaps
    },
    finish () {
      return [...streams.values()].flatMap(stream => {
        const messages = flush(stream)
        const part = stream.cutter.end()
        return [...messages, ...part ? [part] : []].map(message => ({
          message,
          source: stream.source,
          destination: stream.destination
        }))
      })
    },
    push (packet) {
      const { source, destination, payload, cut, tcp } = packet
      if (!tcp) return []
      const key = `${endpointText(source)}>${endpointText(destination)}`
      if (tcp.syn) {
        streams.delete(key)
        streamOf(key, packet).next = (tcp.seq + 1) >>> 0
        return []
      }
      const stream = streamOf(key, packet)
      const messages: SipMessage[] = []
      if (payload.length > 0) {
        // A TLS handshake record (RFC 8446 5.1).
        if (payload[0] === 22 && payload[1] === 3 && stream.strange === 0) encrypted++
        stream.next ??= tcp.seq
        const behind = (stream.next - tcp.seq) | 0
        if (behind >= payload.length) return []
        if (behind >= 0) messages.push(...feed(stream, payload.subarray(behind)), ...drain(stream))
        else if (stream.strange > MAX_STRANGE_BYTES) {
          // No SIP so far: its gaps are nobody's business.
          stream.next = tcp.seq
          messages.push(...feed(stream, payload))
        } else {
          const known = stream.early.get(tcp.seq)
          if (!known || known.length < payload.length) {
            stream.earlyBytes += payload.length - (known?.length ?? 0)
            stream.early.set(tcp.seq, Buffer.from(payload))
          }
          if (stream.earlyBytes > MAX_EARLY_BYTES || stream.early.size > 64) messages.push(...jump(stream))
        }
        if (cut) {
          const part = stream.cutter.end()
          if (part) messages.push(part)
          stream.cutter.gap()
        }
      }
      if (tcp.fin || tcp.rst) {
        messages.push(...flush(stream))
        streams.delete(key)
      }
      return messages
    }
  }
}
