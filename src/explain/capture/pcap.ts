import type { ByteSource } from './byte-source.ts'
import { MAX_FRAME_BYTES, type CaptureNotes, type Frame } from './frame.ts'

const MICROSECONDS = 0xa1b2c3d4
const NANOSECONDS = 0xa1b23c4d
/** Alexey Kuznetzov's version of libpcap, which old Linux distributions had: records of 24 bytes. */
const MODIFIED = 0xa1b2cd34
const MAGICS: readonly number[] = [MICROSECONDS, NANOSECONDS, MODIFIED]

/** Whether a file begins as a pcap file does, in either byte order. */
export function isPcap (start: Buffer): boolean {
  if (start.length < 4) return false
  return [start.readUInt32LE(0), start.readUInt32BE(0)].some(magic => MAGICS.includes(magic))
}

/** The frames of a classic pcap file (draft-ietf-opsawg-pcap): a 24 byte header, then records of 16 bytes and data. */
export async function * readPcap (source: ByteSource, notes: CaptureNotes): AsyncGenerator<Frame> {
  const header = await source.take(24)
  if (!header) {
    notes.truncated = true
    return
  }
  const little = MAGICS.includes(header.readUInt32LE(0))
  const u32 = (buffer: Buffer, at: number): number => little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at)
  const recordBytes = u32(header, 0) === MODIFIED ? 24 : 16
  const perMs = u32(header, 0) === NANOSECONDS ? 1e6 : 1e3
  // The upper bits may tell the length of frame check sequences.
  const link = u32(header, 20) & 0xffff
  while ((await source.peek(1)).length > 0) {
    const record = await source.take(recordBytes)
    if (!record) {
      notes.truncated = true
      return
    }
    const length = u32(record, 8)
    if (length > MAX_FRAME_BYTES) {
      notes.broken = `a record claims ${length} bytes`
      return
    }
    const data = await source.take(length)
    if (!data) {
      notes.truncated = true
      return
    }
    yield { at: u32(record, 0) * 1000 + u32(record, 4) / perMs, link, data, cut: u32(record, 12) > length }
  }
}
