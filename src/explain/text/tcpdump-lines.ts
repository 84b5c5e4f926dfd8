import type { SipSeen } from '../seen.ts'
import { parseLeniently } from '../capture/sip-bytes.ts'
import type { LineReader } from './line-reader.ts'
import { timeIn } from './times.ts'

/** `10:00:00.001000 IP 192.0.2.1.5060 > 192.0.2.2.5060: SIP: INVITE sip:… SIP/2.0` */
const ROW = /\bIP6? (\S{2,255})\.(\d{1,5}) > (\S{2,255})\.(\d{1,5}): (?:\S.{0,80} )?SIP(?:, length:? \d{1,6})?: (\S.{0,1200})$/

/**
 * What tcpdump prints of SIP when it prints one line for each packet. Where the packet itself follows (-A, -v, -X), the
 * line says nothing more, and is left to the other readers.
 */
export function createTcpdumpLines (file: string): LineReader {
  let row: SipSeen | undefined

  function finish (): SipSeen[] {
    const seen = row ? [row] : []
    row = undefined
    return seen
  }

  return {
    push (line, number) {
      const match = line.includes(' SIP') ? ROW.exec(line.slice(0, 2000)) : null
      const isRow = match !== null || /^(?:\d{4}-\d\d-\d\d )?[\d:.]{8,20} (?:IP6?|ARP)[ ,]/.test(line)
      if (!isRow) {
        if (line.trim() !== '') row = undefined
        return { seen: [], taken: false }
      }
      const seen = finish()
      row = match ? rowOf(match, line, { file, at: number }) : undefined
      return { seen, taken: false }
    },
    end: finish
  }
}

function rowOf (match: RegExpExecArray, line: string, place: SipSeen['place']): SipSeen | undefined {
  const [, from = '', fromPort, to = '', toPort, start = ''] = match
  const message = parseLeniently(`${start.trim()}\r\n\r\n`)
  const at = timeIn(line)
  return message && {
    kind: 'sip',
    place,
    ...(at !== undefined && { at }),
    message,
    source: { address: from, port: Number(fromPort) },
    destination: { address: to, port: Number(toPort) },
    startLineOnly: true
  }
}
