import { hep3Length, isHep3, readHep } from './hep.ts'
import { looksLikeSip, parseLeniently } from './sip-bytes.ts'
import type { CarriedSip, WrappedCutter } from './stream-cutter.ts'

/** Bytes of a HEP3 header, which tells the length of the packet. */
const HEADER = 6

/** Cuts one direction of a connection to Homer into the SIP messages that its packets report. */
export function createHepCutter (): WrappedCutter {
  let buffer: Buffer = Buffer.alloc(0)
  let isLost = false

  return {
    get isLost () {
      return isLost
    },
    push (data) {
      buffer = buffer.length === 0 ? data : Buffer.concat([buffer, data])
      const messages: CarriedSip[] = []
      while (buffer.length >= HEADER) {
        const length = hep3Length(buffer)
        isLost = !isHep3(buffer) || length <= HEADER
        if (isLost || buffer.length < length) break
        messages.push(...sipIn(buffer.subarray(0, length)))
        buffer = buffer.subarray(length)
      }
      return messages
    },
    gap () {
      isLost = true
    },
    end: () => undefined
  }
}

function sipIn (packet: Buffer): CarriedSip[] {
  try {
    const hep = readHep(packet)
    const message = hep && looksLikeSip(hep.payload) ? parseLeniently(hep.payload) : undefined
    if (!hep || !message) return []

    const { source, destination, transport, at } = hep
    return [{ message, source, destination, transport, ...(at !== undefined && { at }) }]
  } catch (error) {
    if (error instanceof RangeError) return []
    throw error
  }
}
