import type { ByteSource } from './byte-source.ts'
import { MAX_FRAME_BYTES, type CaptureNotes, type Frame } from './frame.ts'

/** Block types of draft-ietf-opsawg-pcapng, section 4. */
const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE = 1
const PACKET = 2
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
/** Options of an interface description (section 4.2). */
const IF_TSRESOL = 9
const IF_TSOFFSET = 14
/** Interfaces of one section that are remembered. */
const MAX_INTERFACES = 4096

interface Interface {
  link: number
  snap: number /** Ticks a millisecond. */
  ticks: number
  offsetMs: number
}

export const isPcapng = (start: Buffer): boolean => start.length >= 4 && start.readUInt32LE(0) === SECTION_HEADER

/** The frames of a pcapng file. Blocks that hold none are passed over unread. */
export async function * readPcapng (source: ByteSource, notes: CaptureNotes): AsyncGenerator<Frame> {
  let little = true
  let interfaces: Interface[] = []
  const u16 = (buffer: Buffer, at: number): number => little ? buffer.readUInt16LE(at) : buffer.readUInt16BE(at)
  const u32 = (buffer: Buffer, at: number): number => little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at)

  for (;;) {
    const start = await source.peek(12)
    if (start.length === 0) return
    if (start.length < 12) {
      notes.truncated = true
      return
    }
    // A section header reads the same in both byte orders and tells which one follows.
    if (start.readUInt32LE(0) === SECTION_HEADER) {
      little = start.readUInt32LE(8) === BYTE_ORDER_MAGIC
      if (!little && start.readUInt32BE(8) !== BYTE_ORDER_MAGIC) {
        notes.broken = 'a section without byte order'
        return
      }
      interfaces = []
    }
    const type = u32(start, 0)
    const length = u32(start, 4)
    if (length < 12 || length % 4 !== 0) {
      notes.broken = `a block claims ${length} bytes`
      return
    }
    const isPacket = type === ENHANCED_PACKET || type === SIMPLE_PACKET || type === PACKET
    if (!isPacket && type !== INTERFACE) {
      if (!await source.skip(length)) {
        notes.truncated = true
        return
      }
      continue
    }
    // Options may follow a frame, so a block is somewhat longer than its frame.
    if (length > 2 * MAX_FRAME_BYTES) {
      notes.broken = `a block claims ${length} bytes`
      return
    }
    const block = await source.take(length)
    if (!block) {
      notes.truncated = true
      return
    }
    const body = block.subarray(8, length - 4)
    if (type === INTERFACE) {
      if (body.length >= 8 && interfaces.length < MAX_INTERFACES) interfaces.push(interfaceOf(body))
      continue
    }
    const frame = type === SIMPLE_PACKET ? simple(body) : enhanced(body, type)
    if (frame) yield frame
  }

  function interfaceOf (body: Buffer): Interface {
    const face: Interface = { link: u16(body, 0), snap: u32(body, 4), ticks: 1e3, offsetMs: 0 }
    for (let at = 8; at + 4 <= body.length;) {
      const [code, size] = [u16(body, at), u16(body, at + 2)]
      if (code === 0 || at + 4 + size > body.length) break
      if (code === IF_TSRESOL && size >= 1) {
        const value = body[at + 4] ?? 6
        face.ticks = (value & 0x80 ? 2 ** (value & 0x7f) : 10 ** value) / 1000
      }
      if (code === IF_TSOFFSET && size >= 8) {
        face.offsetMs = Number(little ? body.readBigInt64LE(at + 4) : body.readBigInt64BE(at + 4)) * 1000
      }
      at += 4 + size + (4 - size % 4) % 4
    }
    return face
  }

  function enhanced (body: Buffer, type: number): Frame | undefined {
    if (body.length < 20) return undefined
    const face = interfaces[type === PACKET ? u16(body, 0) : u32(body, 0)]
    const [high, low, captured, original] = [u32(body, 4), u32(body, 8), u32(body, 12), u32(body, 16)]
    if (!face || captured > body.length - 20) return undefined
    return {
      at: (high * 2 ** 32 + low) / face.ticks + face.offsetMs,
      link: face.link,
      data: body.subarray(20, 20 + captured),
      cut: original > captured
    }
  }

  function simple (body: Buffer): Frame | undefined {
    const face = interfaces[0]
    if (!face || body.length < 4) return undefined
    const original = u32(body, 0)
    const captured = Math.min(original, body.length - 4, face.snap || Infinity)
    return { link: face.link, data: body.subarray(4, 4 + captured), cut: original > captured }
  }
}
