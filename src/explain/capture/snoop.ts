import type { ByteSource } from './byte-source.ts'
import { MAX_FRAME_BYTES, type CaptureNotes, type Frame } from './frame.ts'

const MAGIC = 'snoop\0\0\0'
/** Link-layer types by the datalink types of RFC 1761 and of Solaris' <sys/dlpi.h>. */
const LINKS: ReadonlyMap<number, number> = new Map([
  // Ethernet
  [4, 1],
  // IPoIB and loopback have an IP packet
  [26, 101]
])

export const isSnoop = (start: Buffer): boolean => start.toString('latin1', 0, MAGIC.length) === MAGIC

/** The frames of a capture of Solaris' snoop (RFC 1761): a header, then records with 24 bytes in front of the data. */
export async function * readSnoop (source: ByteSource, notes: CaptureNotes): AsyncGenerator<Frame> {
  const header = await source.take(16)
  if (!header) {
    notes.truncated = true
    return
  }
  const datalink = header.readUInt32BE(12)
  const link = LINKS.get(datalink) ?? datalink
  while ((await source.peek(1)).length > 0) {
    const record = await source.take(24)
    const captured = record?.readUInt32BE(4) ?? 0
    const whole = record?.readUInt32BE(8) ?? 0
    if (captured > MAX_FRAME_BYTES || whole > MAX_FRAME_BYTES || (record && whole < 24 + captured)) {
      notes.broken = `a record claims ${Math.max(captured, whole)} bytes`
      return
    }
    const data = record && await source.take(whole - 24)
    if (!record || !data) {
      notes.truncated = true
      return
    }
    yield {
      at: record.readUInt32BE(16) * 1000 + record.readUInt32BE(20) / 1000,
      link,
      data: data.subarray(0, captured),
      cut: record.readUInt32BE(0) > captured
    }
  }
}
