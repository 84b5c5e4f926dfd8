import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from '../../sip/message.ts'
import { parseLeniently } from '../capture/sip-bytes.ts'
import type { Place, SipSeen } from '../seen.ts'
import type { LineReader } from './line-reader.ts'
import type { Origin } from './origin.ts'
import { likePrefix, type RemovePrefix } from './prefix-shape.ts'
import { joined, preambleOf, type Preamble } from './sip-preamble.ts'
import { METHODS } from './sip-methods.ts'
import { bestTime } from './times.ts'

/**
 * A start line, maybe behind something of the log's own; ngrep shows the carriage return as a dot. With -A, tcpdump
 * shows the bytes of the IP header directly in front of it.
 */
const REQUEST = new RegExp(
  String.raw`(?:(?:^|[\s>])(?=[A-Z]{3,12} )|(?=(?:${METHODS}) ))` +
  String.raw`([A-Z]{3,12} (?:sips?|tel):\S{1,1024} SIP/2\.0)(\.?)$`
)
const RESPONSE = /(?:^|[^"'=])(SIP\/2\.0 [1-6]\d\d(?: [^\r\n]{0,200}?)?)(\.?)$/
const HEADER = /^[A-Za-z][\w.!%*+`'~-]*[ \t]*:/
const SDP = /^[a-z]=/
/** A collector that drops empty lines drops the one in front of the body, too. */
const SDP_START = /^(?:v=0\s*$|m=audio \d)/

/** Collects the lines of SIP messages out of a log. */
export function createSipLog (file: string): LineReader {
  let preamble: Preamble | undefined
  let open: {
    lines: string[]
    body: string[] | undefined
    size: number
    /** Takes away what stands in front of each line. */
    withoutPrefix: RemovePrefix
    dotted: boolean
    /** Blank lines since the last other one, of a text with one behind each line. */
    blanks: number | undefined
    place: Place
    /** When the line was collected. */
    collectedAt: number | undefined
    preamble?: Preamble
  } | undefined

  function finish (): SipSeen[] {
    if (!open) return []
    const { lines, body = [], place, collectedAt, preamble: before } = open
    open = undefined
    if (lines.length < 2) {
      // tcpdump's line about a packet repeats the start line that follows.
      preamble = before
      return []
    }
    const message = parseLeniently(`${lines.join('\r\n')}\r\n\r\n${body.map(line => `${line}\r\n`).join('')}`)
    if (!message) return []
    const { line: _, isSure, isPart, ...known } = before ?? { line: 0, at: undefined }
    const at = bestTime(known.at, collectedAt)
    return [{ kind: 'sip', place, message, ...known, ...(at !== undefined && { at }) }]
  }

  function start (line: string, number: number, origin: Origin | undefined): boolean {
    const match = REQUEST.exec(line) ?? RESPONSE.exec(line)
    if (!match) return false
    const inline = line.slice(0, match.index + match[0].length - (match[1]?.length ?? 0) - (match[2]?.length ?? 0))
    // A time, or the ends, may stand in front of the start line itself, or a few lines above.
    const own = inline.trim() === '' ? undefined : preambleOf(inline, number)
    const recent = preamble && number - preamble.line <= 4 ? preamble : undefined
    const known = own ? { ...recent, ...own } : recent
    preamble = undefined
    open = {
      lines: [match[1] ?? ''],
      body: undefined,
      size: 0,
      withoutPrefix: likePrefix(inline),
      dotted: match[2] === '.',
      blanks: undefined,
      place: { file, at: number },
      collectedAt: origin?.at,
      ...(known && { preamble: known })
    }
    return true
  }

  /** A blank line that stands behind each line, because somebody made two line ends of one. */
  function isSpacing (text: string): boolean {
    if (!open) return false
    if (text.trim() !== '') {
      if (open.blanks !== undefined) open.blanks = 0
      return false
    }
    if (open.lines.length === 1) open.blanks ??= 0
    if (open.blanks === undefined) return false
    open.blanks++
    return open.blanks === 1
  }

  return {
    push (line, number, origin) {
      if (open) {
        // Some print the headers indented below the start line.
        const indent = open.lines.length === 1 ? /^[ \t]+(?=\S)/.exec(line)?.[0] : undefined
        if (indent !== undefined && open.withoutPrefix(line) === undefined) open.withoutPrefix = likePrefix(indent)
        const bare = open.withoutPrefix(line) ?? line
        const text = open.dotted ? bare.replace(/\.$/, '') : bare
        open.size += text.length
        if (isSpacing(text)) return { seen: [], taken: true }
        const fits = open.size <= (open.body ? MAX_BODY_BYTES : MAX_HEAD_BYTES)
        if (fits && !open.body) {
          if (text.trim() === '') {
            open.body = []
            return { seen: [], taken: true }
          }
          if (SDP_START.test(text)) {
            open.body = [text]
            return { seen: [], taken: true }
          }
          // A line that begins with white space goes on with the header before it (RFC 3261 7.3.1).
          if (HEADER.test(text) || (/^[ \t]/.test(text) && open.lines.length > 1)) {
            open.lines.push(text)
            return { seen: [], taken: true }
          }
        } else if (fits && open.body && SDP.test(text)) {
          open.body.push(text)
          return { seen: [], taken: true }
        } else if (fits && open.body?.length === 0 && /^SIP\/2\.0 \d{3}\b/.test(text) && isNotify(open.lines)) {
          open.body.push(text)
          return { seen: [], taken: true }
        }
        const seen = finish()
        const taken = this.push(line, number, origin).taken
        return { seen, taken }
      }
      if (start(line, number, origin)) return { seen: [], taken: true }
      const before = preambleOf(line, number)
      if (before) preamble = joined(preamble, withTime(before, origin))
      return { seen: [], taken: before?.isSure === true }
    },
    end: finish
  }
}

/** The time of the line with the ends may have been taken for a prefix. */
const withTime = (preamble: Preamble, origin: Origin | undefined): Preamble =>
  preamble.isSure && origin?.at !== undefined ? { at: origin.at, ...preamble } : preamble

/** A transfer's progress comes as the start line of a response in a NOTIFY (message/sipfrag, RFC 3515 2.4.5). */
const isNotify = ([start = '']: string[]): boolean => start.startsWith('NOTIFY ')
