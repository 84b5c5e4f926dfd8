import type { SipSeen } from '../seen.ts'
import type { LineReader } from './line-reader.ts'
import { beginsFrame, isDetail, sipOfFrame, takeDetail, type FrameDetails } from './packet-details.ts'
import { listedPacket } from './packet-list.ts'

/**
 * What tshark prints and Wireshark exports as plain text: lists of packets, packets with their details, or a row of the
 * list in front of each packet's details.
 */
export function createWiresharkText (file: string): LineReader {
  /** A row that says the same as the details that may follow it. */
  let row: SipSeen | undefined
  let frame: FrameDetails | undefined

  function endFrame (): SipSeen[] {
    const seen = frame && sipOfFrame(frame)
    frame = undefined
    return seen ? [withEnds(seen, row), ...endRow(true)] : endRow(false)
  }

  function endRow (isKnown: boolean): SipSeen[] {
    const seen = row && !isKnown ? [row] : []
    row = undefined
    return seen
  }

  return {
    push (line, number) {
      if (beginsFrame(line)) {
        const seen = frame ? endFrame() : []
        frame = { place: { file, at: number } }
        return { seen, taken: true }
      }
      const listed = listedPacket(line, { file, at: number })
      if (listed) {
        const seen = frame ? endFrame() : endRow(false)
        row = listed
        return { seen, taken: true }
      }
      if (frame && isDetail(line)) {
        const before = takeDetail(frame, line)
        return { seen: before ? [before] : [], taken: true }
      }
      if (line.trim() === '') return { seen: [], taken: false }
      return { seen: frame ? endFrame() : endRow(false), taken: false }
    },
    end: () => endFrame()
  }
}

/** Details that were exported in part may lack the time or the ends, which the row has. */
const withEnds = (seen: SipSeen, row: SipSeen | undefined): SipSeen => ({
  ...(row?.at !== undefined && { at: row.at }),
  ...(row?.source && { source: row.source }),
  ...(row?.destination && { destination: row.destination }),
  ...seen
})
