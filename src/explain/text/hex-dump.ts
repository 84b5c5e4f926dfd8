import { PacketDecoder } from '../capture/packet.ts'
import { looksLikeSip, parseLeniently } from '../capture/sip-bytes.ts'
import type { SipSeen } from '../seen.ts'
import type { LineReader } from './line-reader.ts'
import { timeIn } from './times.ts'

/** tcpdump -x and -X: `0x0010:  c633 6407 …`; tshark -x: `0010  c6 33 64 07 …`. */
const TCPDUMP = /^\s{0,8}0x([\da-f]{4,8}):  ?((?:[\da-f]{2,4} ){0,8}[\da-f]{2,4})(?:\s|$)/i
const TSHARK = /^\s{0,8}([\da-f]{4,8})  ?((?:[\da-f]{2}  ?){0,15}[\da-f]{2})(?:\s|$)/i
const ETHERNET = 1
const RAW_IP = 101
const MAX_BYTES = 64 * 1024
/** Lines between the one with the time and the bytes. */
const NEAR = 4

/** Packets whose bytes are printed in hexadecimal. */
export function createHexDump (file: string): LineReader {
  const decoder = new PacketDecoder()
  let rows: Buffer[] = []
  let size = 0
  let begin = 0
  let time: { at: number, line: number } | undefined

  function finish (): SipSeen[] {
    const frame = Buffer.concat(rows)
    const number = begin
    rows = []
    size = 0
    const packet = frame.length < 28 ? undefined : decoder.decode(linkOf(frame), frame, false)
    const message = packet && looksLikeSip(packet.payload) ? parseLeniently(packet.payload) : undefined
    if (!packet || !message) return []

    const at = time && number - time.line <= NEAR ? time.at : undefined
    return [{
      kind: 'sip',
      place: { file, at: number },
      ...(at !== undefined && { at }),
      message,
      source: packet.source,
      destination: packet.destination,
      transport: packet.protocol
    }]
  }

  return {
    push (line, number) {
      const match = TCPDUMP.exec(line) ?? TSHARK.exec(line)
      const offset = parseInt(match?.[1] ?? '', 16)
      // The first row, or the one that follows: anything else only looks like one.
      const fits = match !== null && (offset === 0 || (offset === size && size < MAX_BYTES))
      const seen = rows.length > 0 && (!fits || offset === 0) ? finish() : []
      if (!fits) {
        const at = timeIn(line)
        if (at !== undefined) time = { at, line: number }
        return { seen, taken: false }
      }
      if (offset === 0) begin = number
      const bytes = Buffer.from(match[2]!.replaceAll(' ', ''), 'hex')
      rows.push(bytes)
      size += bytes.length
      return { seen, taken: true }
    },
    end: finish
  }
}

/** tcpdump leaves the link layer out, unless it is asked for it with -xx or -XX. */
function linkOf (frame: Buffer): number {
  const isIpv4 = frame[0]! >> 4 === 4 && frame.readUInt16BE(2) <= frame.length
  const isIpv6 = frame[0]! >> 4 === 6 && frame.readUInt16BE(4) + 40 <= frame.length
  return isIpv4 || isIpv6 ? RAW_IP : ETHERNET
}
