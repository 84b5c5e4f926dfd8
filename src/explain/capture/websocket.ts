import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from '../../sip/message.ts'
import { looksLikeSip, parseLeniently } from './sip-bytes.ts'
import type { CarriedSip, WrappedCutter } from './stream-cutter.ts'

/** A frame of RFC 6455 5.2. */
interface FrameHeader {
  /** The last frame of its message. */
  fin: boolean
  opcode: number
  mask: Buffer | undefined
  /** Offset of the payload. */
  at: number
  length: number
}

const CONTINUATION = 0
const TEXT = 1
const BINARY = 2
/** Close, ping and pong. */
const CONTROL: readonly number[] = [8, 9, 10]
const MAX_MESSAGE_BYTES = MAX_HEAD_BYTES + MAX_BODY_BYTES

/** The header of the frame that the data begin with; undefined while it is incomplete, `lost` for other data. */
function frameHeader (data: Buffer): FrameHeader | 'lost' | undefined {
  if (data.length < 2) return undefined

  const first = data.readUInt8(0)
  const opcode = first & 15
  const isKnown = [CONTINUATION, TEXT, BINARY, ...CONTROL].includes(opcode)
  // The reserved bits mark extensions; RFC 7118 defines none.
  if (!isKnown || (first & 0x70) !== 0) return 'lost'

  const short = data.readUInt8(1) & 0x7f
  const masked = data.readUInt8(1) >> 7 === 1
  const maskAt = 2 + lengthBytes(short)
  const at = maskAt + (masked ? 4 : 0)
  if (data.length < at) return undefined

  const length = lengthOf(data, short)
  if (length > MAX_MESSAGE_BYTES) return 'lost'
  return { fin: first >> 7 === 1, opcode, mask: masked ? data.subarray(maskAt, at) : undefined, at, length }
}

function lengthBytes (short: number): number {
  if (short === 127) return 8
  return short === 126 ? 2 : 0
}

function lengthOf (data: Buffer, short: number): number {
  if (short === 127) return Number(data.readBigUInt64BE(2))
  return short === 126 ? data.readUInt16BE(2) : short
}

/** Client frames are masked (RFC 6455 5.3). */
function unmasked (payload: Buffer, mask: Buffer | undefined): Buffer {
  if (!mask) return payload

  const plain = Buffer.from(payload)
  for (let i = 0; i < plain.length; i++) plain[i]! ^= mask[i & 3]!
  return plain
}

/** Enough of a message to see that it is SIP. */
const SIP_WORDS = /^(?:SIP\/2\.0 \d|[A-Z]{3,12} (?:sips?|tel):)/
const WORD_BYTES = 24

/** Whether data begin with a frame that has a SIP message, or the beginning of one (RFC 7118 5). */
export function startsWebSocket (data: Buffer): boolean {
  const frame = frameHeader(data)
  if (frame === undefined || frame === 'lost') return false
  if (frame.opcode !== TEXT && frame.opcode !== BINARY) return false

  const words = data.subarray(frame.at, frame.at + Math.min(frame.length, WORD_BYTES))
  return SIP_WORDS.test(unmasked(words, frame.mask).toString('latin1'))
}

/** Cuts one direction of a WebSocket connection into SIP messages. */
export function createWebSocketCutter (): WrappedCutter {
  let buffer: Buffer = Buffer.alloc(0)
  /** Frames of a message whose last one has not come. */
  let parts: Buffer[] = []
  let size = 0
  let isLost = false

  function take ({ fin, opcode, mask, at, length }: FrameHeader): CarriedSip[] {
    const payload = unmasked(buffer.subarray(at, at + length), mask)
    if (CONTROL.includes(opcode)) return []
    if (opcode !== CONTINUATION) clear()

    parts.push(payload)
    size += payload.length
    if (size > MAX_MESSAGE_BYTES) isLost = true
    if (!fin) return []

    const whole = sipIn(Buffer.concat(parts))
    clear()
    return whole ? [whole] : []
  }

  function clear (): void {
    parts = []
    size = 0
  }

  return {
    get isLost () {
      return isLost
    },
    push (data) {
      buffer = buffer.length === 0 ? data : Buffer.concat([buffer, data])
      const messages: CarriedSip[] = []
      for (let frame = frameHeader(buffer); frame !== undefined; frame = frameHeader(buffer)) {
        isLost ||= frame === 'lost'
        if (frame === 'lost' || isLost || buffer.length < frame.at + frame.length) break
        messages.push(...take(frame))
        buffer = buffer.subarray(frame.at + frame.length)
      }
      return messages
    },
    gap () {
      isLost = true
    },
    end () {
      const frame = frameHeader(buffer)
      const part = frame === undefined || frame === 'lost' ? [] : [unmasked(buffer.subarray(frame.at), frame.mask)]
      return sipIn(Buffer.concat([...parts, ...part]))
    }
  }
}

function sipIn (data: Buffer): CarriedSip | undefined {
  const message = looksLikeSip(data) ? parseLeniently(data) : undefined
  return message && { message, transport: 'ws' }
}
