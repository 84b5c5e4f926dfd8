import type { Finding } from '../../finding.ts'
import { shellWord } from '../shell-word.ts'
import type { CaptureNotes } from './frame.ts'
import { linkName } from './link-layer.ts'
import type { TcpCounts } from './tcp-stream.ts'

/** What was noticed while a capture was read. */
interface CaptureFacts {
  file: string
  notes: CaptureNotes
  frames: number
  /** Link-layer types that the decoder does not know. */
  unknownLinks: readonly number[]
  /** SIP messages that were read. */
  sip: number
  /** SIP messages of which the capture kept only the beginning. */
  cutSip: number
  /** SIP messages of which IP fragments are missing. */
  incompleteSip: number
  tcp: TcpCounts
  /** Packets of tunnels that only their ends can read, by the name of the tunnel. */
  unreadable: ReadonlyMap<string, number>
  hasRtp: boolean
}

const CAPTURE_COMMAND = 'tcpdump -s 0 -i any -w call.pcap port 5060'
const AVOID_TLS = 'For a test, dial LiveKit over TCP (LIVEKIT_SIP_TRANSPORT=tcp), or use the SIP log of the SBC ' +
  'instead of a capture'

/** What was wrong with a capture. */
export const captureFindings = (facts: CaptureFacts): Finding[] => [
  ...damageFindings(facts),
  ...gapFindings(facts),
  ...facts.sip === 0 ? [noSipFinding(facts)] : [...encryptedFindings(facts), ...tunnelFindings(facts)]
]

function damageFindings ({ file, notes, frames, cutSip }: CaptureFacts): Finding[] {
  const found: Finding[] = []
  if (notes.broken !== undefined) {
    found.push({
      code: 'capture-damaged',
      severity: 'warning',
      seen: `${file} is damaged after frame ${frames}: ${notes.broken}. Everything before that was read.`,
      todo: 'Take the capture again, or repair the file and explain the repaired one',
      command: `pcapfix ${shellWord(file)}`
    })
  } else if (notes.truncated) {
    found.push({
      code: 'capture-truncated',
      severity: 'warning',
      seen: `${file} ends in the middle of frame ${frames + 1}: the end of the call may be missing.`,
      todo: 'Stop the capture with Ctrl-C or SIGTERM before you copy the file, so that its end is written'
    })
  }
  if (cutSip > 0) {
    found.push({
      code: 'capture-cut-frames',
      severity: 'warning',
      seen: `${cutSip} SIP messages in ${file} are cut off: the capture kept only the beginning of each packet.`,
      todo: 'Capture whole packets',
      command: CAPTURE_COMMAND
    })
  }
  return found
}

function gapFindings ({ file, tcp, incompleteSip }: CaptureFacts): Finding[] {
  const found: Finding[] = []
  if (tcp.gaps > 0) {
    found.push({
      code: 'capture-gaps',
      severity: 'warning',
      seen: `Segments are missing in ${tcp.gaps} places of the TCP connections in ${file}: messages may be missing.`,
      todo: 'Capture on the SBC itself with a larger buffer',
      command: 'tcpdump -B 16384 -s 0 -i any -w call.pcap port 5060'
    })
  }
  if (incompleteSip > 0) {
    found.push({
      code: 'capture-gaps',
      severity: 'warning',
      seen: `${incompleteSip} SIP messages in ${file} came in IP fragments, and some fragments are missing: only the ` +
        'beginnings of these messages were read. A capture filtered by port has only the first fragment of each.',
      todo: 'Capture the other fragments too',
      command: "tcpdump -s 0 -i any -w call.pcap 'port 5060 or ip[6:2] & 0x1fff != 0'"
    })
  }
  return found
}

function encryptedFindings ({ file, tcp }: CaptureFacts): Finding[] {
  if (tcp.encrypted === 0) return []
  return [{
    code: 'sip-encrypted',
    severity: 'warning',
    seen: `${tcp.encrypted} TLS connections in ${file} cannot be read: legs over TLS are missing below.`,
    todo: AVOID_TLS
  }]
}

const CAPTURE_INSIDE = 'Capture where the packets leave the tunnel, on the interface inside it (ip link lists them), ' +
  'or use the SIP log of the SBC'

function tunnelFindings ({ file, unreadable }: CaptureFacts): Finding[] {
  if (unreadable.size === 0) return []
  return [{
    code: 'capture-tunnel',
    severity: 'warning',
    seen: `${tunnelsText(unreadable)} in ${file} cannot be read: legs that went through it are missing below.`,
    todo: CAPTURE_INSIDE
  }]
}

/** `12 packets of IPsec (ESP) and 3 packets of WireGuard` */
const tunnelsText = (unreadable: ReadonlyMap<string, number>): string =>
  [...unreadable].map(([name, packets]) => `${packets} packets of ${name}`).join(' and ')

/** Why there is no SIP in a capture. */
function noSipFinding ({ file, frames, unknownLinks, tcp, unreadable, hasRtp }: CaptureFacts): Finding {
  if (unknownLinks.length > 0) {
    return {
      code: 'capture-unknown-link',
      severity: 'failed',
      seen: `${file} was captured on a kind of link that bridge explain does not know (link type ${
        unknownLinks.map(linkName).join('; ')
      }).`,
      todo: 'Capture on an Ethernet interface or on `any`',
      command: CAPTURE_COMMAND
    }
  }
  if (tcp.encrypted > 0) {
    return {
      code: 'sip-encrypted',
      severity: 'failed',
      seen: `${file} has ${tcp.encrypted} TLS connections and no readable SIP.`,
      todo: AVOID_TLS
    }
  }
  if (unreadable.size > 0) {
    return {
      code: 'capture-tunnel',
      severity: 'failed',
      seen: `${file} has no readable SIP, but ${tunnelsText(unreadable)}, which only the ends of the tunnel can read.`,
      todo: CAPTURE_INSIDE,
      command: CAPTURE_COMMAND
    }
  }
  return {
    code: 'no-sip',
    severity: 'failed',
    seen: frames === 0 ? `${file} is a capture without any frames.` : withoutSip(file, frames, hasRtp),
    todo: 'Capture the signalling ports of the SBC while you make the call',
    command: CAPTURE_COMMAND
  }
}

function withoutSip (file: string, frames: number, hasRtp: boolean): string {
  const rtp = hasRtp ? ', but there is RTP: the audio of a call without the signalling that says whose it is' : ''
  return `None of the ${frames} frames in ${file} holds SIP${rtp}.`
}
