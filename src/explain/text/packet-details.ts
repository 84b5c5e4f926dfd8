import type { Endpoint } from '../capture/endpoint.ts'
import { parseLeniently } from '../capture/sip-bytes.ts'
import type { Place, SipSeen } from '../seen.ts'

/*
 * Packets with their details, as tshark -V prints them and Wireshark exports them as plain text: a tree with four
 * spaces for each level.
 */

const FRAME = /^Frame \d+: \d+ bytes on wire/
const EPOCH = /^ {4}Epoch (?:Arrival )?Time: (\d{1,10}\.\d{1,9}) seconds/
const IP = /^Internet Protocol(?: Version \d)?, Src: (\S{2,255})(?: \([^)]*\))?, Dst: (\S{2,255})/
const PORTS = /^(User Datagram|Transmission Control) Protocol, Src Port: (?:[\w-]+ \()?(\d{1,5})\)?(?: \(\d+\))?, Dst Port: (?:[\w-]+ \()?(\d{1,5})/
const SIP = /^Session Initiation Protocol\b/
const START = /^ {4}(?:Request-Line|Status-Line): (.{1,1200})$/
const SECTION = /^ {4}Message (Header|Body)/
/** Wireshark cuts long lines, and says so in front of them. */
const HEADER = /^ {8}(?:\[truncated\]\s?)?([A-Za-z][\w.!%*+`'~-]*[ \t]*: .*)$/
const SDP = /^ {8,32}[A-Z][^:()]{1,60}\(([a-z])\): (.*)$/
/** The progress of a transfer, in a NOTIFY. */
const FRAGMENT = /^ {8,16}(SIP\/2\.0 \d{3} .{0,200})$/

/** One frame, as far as it has been read. */
export interface FrameDetails {
  place: Place
  at?: number
  source?: Endpoint
  destination?: Endpoint
  transport?: 'udp' | 'tcp'
  sip?: SipDetails
}

interface SipDetails {
  start?: string
  section?: 'Header' | 'Body'
  headers: string[]
  body: string[]
}

/** Lines of one message that are read. */
const MAX_LINES = 400

export const beginsFrame = (line: string): boolean => FRAME.test(line)

/** Whether a line can be a part of the details of a frame: a layer, what is below it, a dump of the bytes. */
export const isDetail = (line: string): boolean =>
  line === '' || line.startsWith('    ') || /^[A-Z][\w .(/-]{2,60}(?:[),:]|$)/.test(line) || /^[\da-f]{4,8} {2}/.test(line)

/** Takes the next line of a frame. Returns the message that it completes: a frame may have several. */
export function takeDetail (frame: FrameDetails, line: string): SipSeen | undefined {
  if (!line.startsWith(' ')) return takeLayer(frame, line)

  const epoch = EPOCH.exec(line)
  if (epoch) frame.at = Number(epoch[1]) * 1000
  if (frame.sip) takeSipLine(frame.sip, line)
  return undefined
}

function takeLayer (frame: FrameDetails, line: string): SipSeen | undefined {
  const ip = IP.exec(line)
  if (ip) {
    frame.source = { address: withoutComma(ip[1]), port: 0 }
    frame.destination = { address: withoutComma(ip[2]), port: 0 }
  }
  const ports = PORTS.exec(line)
  if (ports && frame.source && frame.destination) {
    frame.transport = ports[1] === 'User Datagram' ? 'udp' : 'tcp'
    frame.source.port = Number(ports[2])
    frame.destination.port = Number(ports[3])
  }
  if (!SIP.test(line)) return undefined

  const before = sipOfFrame(frame)
  frame.sip = { headers: [], body: [] }
  return before
}

const withoutComma = (text = ''): string => text.replace(/,$/, '')

function takeSipLine (sip: SipDetails, line: string): void {
  const start = START.exec(line)
  if (start && sip.start === undefined) sip.start = start[1]!.replace(/(?:\\r\\n)?\s*$/, '')

  const section = SECTION.exec(line)
  if (section) sip.section = section[1] as 'Header' | 'Body'
  if (sip.headers.length + sip.body.length > MAX_LINES) return

  if (sip.section === 'Header') {
    const header = HEADER.exec(line)
    if (header) sip.headers.push(header[1]!.replace(/\\r\\n$/, ''))
    return
  }
  if (sip.section !== 'Body') return
  const sdp = SDP.exec(line)
  if (sdp) sip.body.push(`${sdp[1]}=${sdp[2]}`)
  const fragment = FRAGMENT.exec(line)
  if (fragment) sip.body.push(fragment[1]!)
}

/** The last message of a frame; undefined where it has none, or was exported with its tree collapsed. */
export function sipOfFrame ({ place, at, source, destination, transport, sip }: FrameDetails): SipSeen | undefined {
  if (sip?.start === undefined) return undefined

  const head = [sip.start, ...sip.headers].join('\r\n')
  const message = parseLeniently(`${head}\r\n\r\n${sip.body.map(line => `${line}\r\n`).join('')}`)
  return message && {
    kind: 'sip',
    place,
    ...(at !== undefined && { at }),
    message,
    ...(source && { source }),
    ...(destination && { destination }),
    ...(transport && { transport }),
    ...(sip.headers.length === 0 && { startLineOnly: true as const })
  }
}
