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
  /** Bytes that are kept of each frame; 0: all. */
  snap: number
  ticksPerMs: number
  offsetMs: number
}

/** A file may consist of several sections, each with a byte order and interfaces of its own. */
interface Section {
  u16: (buffer: Buffer, at: number) => number
  u32: (buffer: Buffer, at: number) => number
  i64: (buffer: Buffer, at: number) => bigint
  interfaces: Interface[]
}

/** Type and length of the block that comes next. */
interface BlockHeader {
  type: number
  length: number
}

export const isPcapng = (start: Buffer): boolean => start.length >= 4 && start.readUInt32LE(0) === SECTION_HEADER

/** The frames of a pcapng file. Blocks that hold none are skipped. */
export async function * readPcapng (source: ByteSource, notes: CaptureNotes): AsyncGenerator<Frame> {
  let section = littleEndian()
  for (;;) {
    const start = await source.peek(12)
    if (start.length === 0) return
    if (start.length < 12) {
      notes.truncated = true
      return
    }

    if (isPcapng(start)) {
      const next = sectionOf(start)
      if (!next) {
        notes.broken = 'a section without byte order'
        return
      }
      section = next
    }
    const block: BlockHeader = { type: section.u32(start, 0), length: section.u32(start, 4) }
    if (isImpossible(block)) {
      notes.broken = `a block claims ${block.length} bytes`
      return
    }

    const body = await bodyOf(block, source)
    if (body === 'ended') {
      notes.truncated = true
      return
    }
    const frame = body && frameIn(block.type, body, section)
    if (frame) yield frame
  }
}

const littleEndian = (): Section => ({
  u16: (buffer, at) => buffer.readUInt16LE(at),
  u32: (buffer, at) => buffer.readUInt32LE(at),
  i64: (buffer, at) => buffer.readBigInt64LE(at),
  interfaces: []
})

const bigEndian = (): Section => ({
  u16: (buffer, at) => buffer.readUInt16BE(at),
  u32: (buffer, at) => buffer.readUInt32BE(at),
  i64: (buffer, at) => buffer.readBigInt64BE(at),
  interfaces: []
})

/** A section header's type reads the same in both byte orders, and its magic number says which one follows. */
function sectionOf (header: Buffer): Section | undefined {
  if (header.readUInt32LE(8) === BYTE_ORDER_MAGIC) return littleEndian()
  return header.readUInt32BE(8) === BYTE_ORDER_MAGIC ? bigEndian() : undefined
}

const isFrame = (type: number): boolean => type === ENHANCED_PACKET || type === SIMPLE_PACKET || type === PACKET

/** Options may follow a frame, so a block may be somewhat longer than a frame can be. */
const isImpossible = ({ type, length }: BlockHeader): boolean =>
  length < 12 || length % 4 !== 0 || ((isFrame(type) || type === INTERFACE) && length > 2 * MAX_FRAME_BYTES)

/** The body of the next block; undefined for a block that is skipped. */
async function bodyOf ({ type, length }: BlockHeader, source: ByteSource): Promise<Buffer | undefined | 'ended'> {
  if (!isFrame(type) && type !== INTERFACE) return await source.skip(length) ? undefined : 'ended'

  const block = await source.take(length)
  return block ? block.subarray(8, length - 4) : 'ended'
}

/** The frame in a block. An interface description is added to its section. */
function frameIn (type: number, body: Buffer, section: Section): Frame | undefined {
  if (type === SIMPLE_PACKET) return simpleFrame(body, section)
  if (type !== INTERFACE) return enhancedFrame(body, type, section)

  const { interfaces } = section
  if (body.length >= 8 && interfaces.length < MAX_INTERFACES) interfaces.push(interfaceIn(body, section))
  return undefined
}

function interfaceIn (body: Buffer, { u16, u32, i64 }: Section): Interface {
  const described: Interface = { link: u16(body, 0), snap: u32(body, 4), ticksPerMs: 1e3, offsetMs: 0 }
  for (let at = 8; at + 4 <= body.length;) {
    const code = u16(body, at)
    const size = u16(body, at + 2)
    if (code === 0 || at + 4 + size > body.length) break

    if (code === IF_TSRESOL && size >= 1) described.ticksPerMs = ticksPerSecond(body[at + 4] ?? 6) / 1000
    if (code === IF_TSOFFSET && size >= 8) described.offsetMs = Number(i64(body, at + 4)) * 1000
    // Options are padded to a multiple of four bytes.
    at += 4 + size + (4 - size % 4) % 4
  }
  return described
}

/** The highest bit says whether the rest is a power of two or of ten (section 4.2). */
const ticksPerSecond = (resolution: number): number =>
  resolution & 0x80 ? 2 ** (resolution & 0x7f) : 10 ** resolution

function enhancedFrame (body: Buffer, type: number, { u16, u32, interfaces }: Section): Frame | undefined {
  if (body.length < 20) return undefined

  const from = interfaces[type === PACKET ? u16(body, 0) : u32(body, 0)]
  const captured = u32(body, 12)
  if (!from || captured > body.length - 20) return undefined

  const ticks = u32(body, 4) * 2 ** 32 + u32(body, 8)
  return {
    at: ticks / from.ticksPerMs + from.offsetMs,
    link: from.link,
    data: body.subarray(20, 20 + captured),
    cut: u32(body, 16) > captured
  }
}

/** A frame without a time, of the section's first interface. */
function simpleFrame (body: Buffer, { u32, interfaces: [from] }: Section): Frame | undefined {
  if (!from || body.length < 4) return undefined

  const original = u32(body, 0)
  const captured = Math.min(original, body.length - 4, from.snap || Infinity)
  return { link: from.link, data: body.subarray(4, 4 + captured), cut: original > captured }
}
