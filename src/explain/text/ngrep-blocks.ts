import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from '../../sip/message.ts'
import { parseLeniently } from '../capture/sip-bytes.ts'
import type { SipSeen } from '../seen.ts'
import type { LineReader } from './line-reader.ts'
import { preambleOf, type Preamble } from './sip-preamble.ts'

/** `U 2026/01/31 10:00:00.001000 192.0.2.1:5060 -> 192.0.2.2:5060 #1` */
const PACKET = /^[UT]\s(?:[+-]?\d|\[).{0,120}\s->\s/
/** The first line of a message whose line ends are shown as dots. */
const START = /^ {0,4}(?:[A-Z]{3,12} sips?:|SIP\/2\.0 \d{3})/
/** A line that may have been wrapped before its first dots. */
const WRAPPED = 70
const MAX_CHARACTERS = MAX_HEAD_BYTES + MAX_BODY_BYTES

/**
 * What ngrep prints without -W byline: a message as one text that is wrapped at the width of the terminal, where every
 * carriage return and every line feed is a dot.
 */
export function createNgrepBlocks (file: string): LineReader {
  let packet: Preamble | undefined
  let block: string[] | undefined
  let size = 0

  function finish (): SipSeen[] {
    const text = block?.join('').replaceAll('..', '\r\n')
    const before = packet
    block = undefined
    packet = undefined
    size = 0
    if (text === undefined || !before) return []

    const message = parseLeniently(text.includes('\r\n\r\n') ? text : `${text}\r\n\r\n`)
    const { line: at, isSure, isPart, ...known } = before
    return message ? [{ kind: 'sip', place: { file, at }, ...known, message }] : []
  }

  return {
    push (line, number) {
      if (block && line.startsWith('  ') && size < MAX_CHARACTERS) {
        block.push(line.slice(2))
        size += line.length
        return { seen: [], taken: true }
      }
      const seen = block ? finish() : []
      if (PACKET.test(line)) {
        packet = preambleOf(line, number)
        return { seen, taken: false }
      }
      if (packet?.line === number - 1 && START.test(line) && (line.includes('..') || line.length >= WRAPPED)) {
        block = [line.replace(/^ {2}/, '')]
        return { seen, taken: true }
      }
      packet = undefined
      return { seen, taken: false }
    },
    end: finish
  }
}
