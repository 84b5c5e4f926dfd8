import type { Finding } from '../../finding.ts'
import { header, type SipMessage } from '../../sip/message.ts'
import type { Keep } from '../keep.ts'
import type { RtpCounts } from '../seen.ts'
import type { ByteSource } from './byte-source.ts'
import { captureFindings } from './capture-findings.ts'
import { knowsLink } from './decoders.ts'
import { endpointText, type Endpoint } from './endpoint.ts'
import type { CaptureNotes, Frame } from './frame.ts'
import { PacketDecoder, type Packet } from './packet.ts'
import { isPcap, readPcap } from './pcap.ts'
import { isPcapng, readPcapng } from './pcapng.ts'
import { looksLikeSip, parseLeniently } from './sip-bytes.ts'
import { isSnoop, readSnoop } from './snoop.ts'
import type { CarriedSip } from './stream-cutter.ts'
import { TcpStreams } from './tcp-streams.ts'

export const isCapture = (start: Buffer): boolean => isPcap(start) || isPcapng(start) || isSnoop(start)

function framesOf (start: Buffer, source: ByteSource, notes: CaptureNotes): AsyncGenerator<Frame> {
  if (isPcap(start)) return readPcap(source, notes)
  return isPcapng(start) ? readPcapng(source, notes) : readSnoop(source, notes)
}

/**
 * Reads a capture frame by frame, keeps its SIP and counts its RTP. The memory that it needs does not grow with the
 * length of the file.
 * @param start the file's first bytes, which `source` still has
 */
export async function readCapture (file: string, start: Buffer, source: ByteSource, keep: Keep): Promise<Finding[]> {
  const notes: CaptureNotes = { truncated: false }
  const reader = new CaptureReader(file, keep)
  for await (const frame of framesOf(start, source, notes)) reader.take(frame)
  return reader.finish(notes)
}

/** SIP uses 5060 for UDP and TCP and 5061 for TLS (RFC 3261 18); carriers also use the ports next to them. */
const isSipPort = (port: number): boolean => port >= 5060 && port <= 5091
/** Receivers whose RTP is counted. */
const MAX_RTP_FLOWS = 8192

class CaptureReader {
  readonly #file: string
  readonly #keep: Keep
  readonly #decoder = new PacketDecoder()
  readonly #streams = new TcpStreams()
  readonly #unknownLinks = new Set<number>()
  #frames = 0
  /** When the last frame was captured. */
  #at: number | undefined
  #sip = 0
  #cutSip = 0
  #incompleteSip = 0

  constructor (file: string, keep: Keep) {
    this.#file = file
    this.#keep = keep
  }

  take (frame: Frame): void {
    this.#frames++
    this.#at = frame.at ?? this.#at
    if (!knowsLink(frame.link)) {
      this.#unknownLinks.add(frame.link)
      return
    }
    const packet = this.#decoder.decode(frame.link, frame.data, frame.cut)
    if (!packet) return

    const isCut = packet.protocol === 'udp' && looksLikeSip(packet.payload) && (packet.cut || frame.cut)
    if (isCut) this.#cutSip++
    this.#takePacket(packet, isCut)
  }

  finish (notes: CaptureNotes): Finding[] {
    for (const packet of this.#decoder.finish()) {
      if (packet.protocol === 'udp' && looksLikeSip(packet.payload)) this.#incompleteSip++
      this.#takePacket(packet)
    }
    for (const carried of this.#streams.finish()) this.#addSip({ transport: 'tcp', ...carried })
    return captureFindings({
      file: this.#file,
      notes,
      frames: this.#frames,
      unknownLinks: [...this.#unknownLinks],
      sip: this.#sip,
      cutSip: this.#cutSip,
      incompleteSip: this.#incompleteSip,
      tcp: this.#streams.counts,
      unreadable: this.#decoder.unreadable,
      hasRtp: this.#keep.rtp.size > 0
    })
  }

  #takePacket (packet: Packet, isCut = false): void {
    if (packet.protocol === 'tcp') {
      this.#takeTcp(packet)
      return
    }
    const { payload, source, destination, whole } = packet
    if (!looksLikeSip(payload)) {
      countRtp(packet, this.#keep.rtp, this.#at ?? 0)
      return
    }
    const message = parseLeniently(payload)
    if (!message) return

    if (whole) this.#addSip({ message, source, destination, ...whole })
    else if (isCut && header(message, 'call-id') === undefined) this.#addCut({ message, source, destination })
    else this.#addSip({ message, source, destination, transport: 'udp' }, payload.length)
  }

  #takeTcp (packet: Packet): void {
    const { source, destination, payload, tcp } = packet
    if (tcp?.rst && payload.length === 0 && isSipPort(source.port)) {
      // The one who resets is the one who was called.
      this.#keep.add({ kind: 'refused', ...this.#here(), source: destination, destination: source })
    }
    for (const carried of this.#streams.push(packet)) {
      this.#addSip({ source, destination, transport: 'tcp', ...carried })
    }
  }

  /** @param bytes size of the UDP datagram */
  #addSip (
    { message, source, destination, transport = '', at }: CarriedSip & { source: Endpoint, destination: Endpoint },
    bytes?: number
  ): void {
    this.#sip++
    this.#keep.add({
      kind: 'sip',
      ...this.#here(),
      ...(at !== undefined && { at }),
      message,
      source,
      destination,
      transport,
      ...(bytes !== undefined && { bytes })
    })
  }

  /** A message without its Call-ID: what it belongs to follows from its ends, as in a list of packets. */
  #addCut (carried: { message: SipMessage, source: Endpoint, destination: Endpoint }): void {
    this.#sip++
    this.#keep.add({ kind: 'sip', ...this.#here(), ...carried, transport: 'udp', startLineOnly: true, cut: true })
  }

  #here () {
    return { place: { file: this.#file, at: this.#frames }, at: this.#at }
  }
}

/** RTP is known by its version (RFC 3550 5.1). RTCP, packet types 200 to 207, is not counted (RFC 5761 4). */
function countRtp ({ payload, destination, source }: Packet, counts: RtpCounts, at: number): void {
  const version = (payload[0] ?? 0) >> 6
  const type = payload[1] ?? 0
  const isRtcp = type >= 200 && type <= 207
  if (payload.length < 12 || version !== 2 || isRtcp || isSipPort(source.port)) return

  const receiver = endpointText(destination)
  const count = counts.get(receiver)
  if (count) {
    count.packets++
    count.last = at
  } else if (counts.size < MAX_RTP_FLOWS) {
    counts.set(receiver, { packets: 1, first: at, last: at })
  }
}
