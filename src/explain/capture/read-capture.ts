import type { Finding } from '../../finding.ts'
import type { SipMessage } from '../../sip/message.ts'
import type { Keep } from '../keep.ts'
import { shellWord } from '../shell-word.ts'
import type { RtpCounts } from '../seen.ts'
import type { ByteSource } from './byte-source.ts'
import type { CaptureNotes, Frame } from './frame.ts'
import { createDecoder, endpointText, knowsLink, type Packet } from './packet.ts'
import { isPcap, readPcap } from './pcap.ts'
import { isPcapng, readPcapng } from './pcapng.ts'
import { looksLikeSip, parseLeniently } from './sip-bytes.ts'
import { createTcpStreams } from './tcp-streams.ts'

export const isCapture = (start: Buffer): boolean => isPcap(start) || isPcapng(start)

/** SIP over UDP, TCP (5060) and TLS (5061) by RFC 3261 18; carriers use neighbours of these too. */
const isSipPort = (port: number): boolean => port >= 5060 && port <= 5091
const MAX_RTP_FLOWS = 8192

/** Reads a capture frame by frame, keeps its SIP and counts its RTP. Memory stays the same however long the file is. */
export async function readCapture (file: string, start: Buffer, source: ByteSource, keep: Keep): Promise<Finding[]> {
  const notes: CaptureNotes = { truncated: false }
  const decoder = createDecoder()
  const streams = createTcpStreams()
  const unknownLinks = new Set<number>()
  let number = 0
  let at: number | undefined
  let sip = 0
  let cutSip = 0
  let incomplete = 0

  const add = (
    message: SipMessage,
    { source, destination }: Pick<Packet, 'source' | 'destination'>,
    transport: string,
    bytes?: number
  ): void => {
    sip++
    keep.add({
      kind: 'sip',
      place: { file, at: number },
      at,
      message,
      source,
      destination,
      transport,
      ...(bytes !== undefined && { bytes })
    })
  }

  for await (const frame of isPcap(start) ? readPcap(source, notes) : readPcapng(source, notes)) {
    number++
    at = frame.at ?? at
    if (!knowsLink(frame.link)) {
      unknownLinks.add(frame.link)
      continue
    }
    const packet = decoder.decode(frame.link, frame.data, frame.cut)
    if (packet) takePacket(packet, frame)
  }
  for (const packet of decoder.finish()) {
    if (packet.protocol === 'udp' && looksLikeSip(packet.payload)) incomplete++
    takePacket(packet)
  }
  for (const { message, ...ends } of streams.finish()) add(message, ends, 'tcp')
  return findings()

  function takePacket (packet: Packet, frame?: Frame): void {
    if (packet.protocol === 'tcp') {
      if (packet.tcp?.rst && packet.payload.length === 0 && isSipPort(packet.source.port)) {
        keep.add({
          kind: 'refused',
          place: { file, at: number },
          at,
          source: packet.destination,
          destination: packet.source
        })
      }
      for (const message of streams.push(packet)) add(message, packet, 'tcp')
      return
    }
    const { payload } = packet
    if (looksLikeSip(payload)) {
      const message = parseLeniently(payload)
      if (message) add(message, packet, 'udp', payload.length)
      if (frame && (packet.cut || frame.cut)) cutSip++
    } else countRtp(packet, keep.rtp, at ?? 0)
  }

  function findings (): Finding[] {
    const found: Finding[] = []
    if (notes.broken !== undefined) {
      found.push({
        code: 'capture-damaged',
        severity: 'warning',
        seen: `${file} is damaged after frame ${number}: ${notes.broken}. What is in front of that was read.`,
        todo: 'Take the capture again, or repair the file, and explain that',
        command: `pcapfix ${shellWord(file)}`
      })
    } else if (notes.truncated) {
      found.push({
        code: 'capture-truncated',
        severity: 'warning',
        seen: `${file} ends in the middle of frame ${number + 1}: the end of the call may be missing.`,
        todo: 'Stop the capture with Ctrl-C or SIGTERM, so that it is written to its end, before copying the file'
      })
    }
    if (cutSip > 0) {
      found.push({
        code: 'capture-cut-frames',
        severity: 'warning',
        seen: `${cutSip} SIP messages in ${file} are cut off: the capture kept only the beginning of each packet.`,
        todo: 'Capture whole packets',
        command: 'tcpdump -s 0 -i any -w call.pcap port 5060'
      })
    }
    if (streams.gaps > 0) {
      found.push({
        code: 'capture-gaps',
        severity: 'warning',
        seen:
          `Segments are missing in ${streams.gaps} places of the TCP connections in ${file}: messages may be missing.`,
        todo: 'Capture on the SBC itself with a larger buffer',
        command: 'tcpdump -B 16384 -s 0 -i any -w call.pcap port 5060'
      })
    }
    if (incomplete > 0) {
      found.push({
        code: 'capture-gaps',
        severity: 'warning',
        seen: `${incomplete} SIP messages in ${file} came in IP fragments of which some are missing: only their ` +
          'beginnings were read. A capture by port has only the first fragment of each.',
        todo: 'Capture the other fragments too',
        command: "tcpdump -s 0 -i any -w call.pcap 'port 5060 or ip[6:2] & 0x1fff != 0'"
      })
    }
    if (sip === 0) found.push(withoutSip())
    else if (streams.encrypted > 0) {
      found.push({
        code: 'sip-encrypted',
        severity: 'warning',
        seen: `${streams.encrypted} TLS connections in ${file} cannot be read: legs over TLS are missing below.`,
        todo:
          'For a test dial LiveKit over TCP (LIVEKIT_SIP_TRANSPORT=tcp), or take the SIP log of the SBC instead of ' +
          'a capture'
      })
    }
    return found
  }

  function withoutSip (): Finding {
    if (unknownLinks.size > 0) {
      return {
        code: 'capture-unknown-link',
        severity: 'failed',
        seen: `${file} was captured on a kind of link that is not known here (link type ${
          [...unknownLinks].join(', ')
        }).`,
        todo: 'Capture on an Ethernet interface or on `any`',
        command: 'tcpdump -s 0 -i any -w call.pcap port 5060'
      }
    }
    if (streams.encrypted > 0) {
      return {
        code: 'sip-encrypted',
        severity: 'failed',
        seen: `${file} has ${streams.encrypted} TLS connections and no SIP that can be read.`,
        todo:
          'For a test dial LiveKit over TCP (LIVEKIT_SIP_TRANSPORT=tcp), or take the SIP log of the SBC instead of ' +
          'a capture'
      }
    }
    return {
      code: 'no-sip',
      severity: 'failed',
      seen: number === 0
        ? `${file} is a capture without a single frame.`
        : `None of the ${number} frames in ${file} holds SIP${
          keep.rtp.size > 0 ? ', but RTP: it is the audio of a call, without the signalling that says whose' : ''
        }.`,
      todo: 'Capture the signalling ports of the SBC while the call is made',
      command: 'tcpdump -s 0 -i any -w call.pcap port 5060'
    }
  }
}

/** RTP by its version (RFC 3550 5.1); RTCP packet types 200 to 207 are left out (RFC 5761 4). */
function countRtp ({ payload, destination, source }: Packet, counts: RtpCounts, at: number): void {
  const type = payload[1] ?? 0
  if (payload.length < 12 || (payload[0] ?? 0) >> 6 !== 2 || (type >= 200 && type <= 207) || isSipPort(source.port)) {
    return
  }
  const key = endpointText(destination)
  const count = counts.get(key)
  if (count) {
    count.packets++
    count.last = at
  } else if (counts.size < MAX_RTP_FLOWS) counts.set(key, { packets: 1, first: at, last: at })
}
