import type { Seen } from '../seen.ts'
import type { Collector } from './collector.ts'
import { groupsIn, numbersOf, openBlock, type Block, type BlockReader } from './blocks.ts'
import { escapedMessageIn } from './escaped.ts'
import { formIn } from './form-encoded.ts'
import { createHttpExchange, type HttpExchange } from './http-exchange.ts'
import { parsedJson } from './json.ts'
import { openKeyLines } from './key-lines.ts'
import type { LineReader } from './line-reader.ts'
import { zapLine } from './log-records.ts'
import { lenientValue } from './objects.ts'
import type { Origin } from './origin.ts'
import { pairsIn } from './pairs.ts'
import { openPinoPretty } from './pino-pretty.ts'
import { openProtoText, protoLine } from './proto-text.ts'
import { createSipLog } from './sip-log.ts'
import { timeIn } from './times.ts'
import { isException } from './tracebacks.ts'

/** A line as its program wrote it. */
export interface Plain {
  text: string
  origin: Origin
  /** How many wrappers were around it. */
  depth: number
  /** Is called when no reader knows the line. */
  left?: () => void
  /** How often it was taken for part of a block that was none. */
  replays?: number
}

/** Where a stream's records go. */
export interface Sink {
  readonly file: string
  add(seen: readonly Seen[]): void
  /** @returns whether the value is of a kind that is known */
  record(value: unknown, label: string, origin: Origin, depth: number, lineOf?: (record: object) => number): boolean
}

/** Longest text in front of the JSON of a line, characters. */
const MAX_PREFIX = 300
/** Longest line that is put together of parts, characters. */
const MAX_JOINED = 1024 * 1024
/** A line is tried this often as the beginning of a block. */
const MAX_REPLAYS = 2

/** Reads the lines of one writer. Lines of other writers that stand between them are in streams of their own. */
export class TextStream {
  readonly #sink: Sink
  readonly #readers: readonly LineReader[]
  readonly http: HttpExchange
  #block: { reader: BlockReader, lines: Plain[] } | undefined
  #collected: { reader: Collector, lines: Plain[] } | undefined
  /** A line that no reader knew: an object below it may be its fields. */
  #unknown: { text: string, number: number } | undefined
  /** The beginning of a line that its collector has cut in parts. */
  #held: Plain | undefined

  constructor (sink: Sink, readers: readonly LineReader[], http = createHttpExchange()) {
    this.http = http
    this.#sink = sink
    this.#readers = readers
  }

  /** A part of a line: the rest follows, or the stream ends. */
  hold (part: Plain): void {
    const before = this.#held?.text ?? ''
    if (before.length < MAX_JOINED) this.#held = { ...part, text: before + part.text }
  }

  /** A line, or the last part of one. */
  push (last: Plain): void {
    const line = this.#held ? { ...last, text: this.#held.text + last.text } : last
    this.#held = undefined
    if (this.#block) {
      this.#continueBlock(this.#block, line)
    } else if (!this.#take(line)) {
      this.#unknown = { text: line.text, number: line.origin.number }
      line.left?.()
    }
  }

  /** Nothing follows. */
  end (): void {
    if (this.#held) this.push({ ...this.#held, text: '' })
    while (this.#block) this.#breakBlock(this.#block)
    this.#endCollected()
    this.#endReaders()
  }

  #take (line: Plain): boolean {
    if (this.#collected?.reader.push(line.text)) {
      this.#collected.lines.push(line)
      return true
    }
    this.#endCollected()

    const isPretty = (line.replays ?? 0) === 0 && openPinoPretty(line.text) !== undefined
    if (!isPretty && this.#takeOneLine(line)) {
      // Nothing of a SIP message comes after a line of another kind.
      this.#endReaders()
      return true
    }
    if (this.http.push(line.text, line.origin.number)) return true
    if (this.#opens(line)) return true

    for (const reader of this.#readers) {
      const { seen, taken } = reader.push(line.text, line.origin.number, line.origin)
      this.#sink.add(seen)
      if (taken) return true
    }
    return false
  }

  /** Lines that are whole records. */
  #takeOneLine (line: Plain): boolean {
    const { text } = line
    const hasBrackets = text.includes('{') || text.startsWith('[')
    // A message of SIP in the fields of a line tells more than the line.
    if (!text.startsWith('{') && !HOOK.test(text) && this.#takeEscaped(line)) return true
    return (hasBrackets && this.#takeJson(line)) || (text.includes('SIP/2.0') && this.#takeEscaped(line)) ||
      (/[=:]/.test(text) && this.#takePairs(line))
  }

  #mayOpenBlock ({ text, replays = 0 }: Plain): boolean {
    return replays < MAX_REPLAYS && openBlock(text) !== undefined
  }

  #takeEscaped (line: Plain): boolean {
    const { text, origin } = line
    const lines = escapedMessageIn(text)
    // A webhook over many lines may have the whole INVITE in one of its fields.
    if (!lines || this.#mayOpenBlock(line)) return false

    const reader = createSipLog(this.#sink.file)
    const seen = [...lines.flatMap(each => reader.push(each, origin.number, origin).seen), ...reader.end()]
    this.#sink.add(seen)
    return seen.length > 0
  }

  #takeJson (line: Plain): boolean {
    const { text, origin, depth } = line
    // The fields may go on in the next line.
    if (this.#mayOpenBlock(line)) return false
    // A webhook that a logger wrote looks like a line of zap too.
    if (!HOOK.test(text) && this.#zap(text, origin)) return true

    const event = protoLine(text)
    if (event && this.#isKnown(event.record, event.label, origin, depth)) return true

    const whole = wholeIn(text)
    const isTaken = whole ? this.#isKnown(whole.value, whole.label, origin, depth) : this.#takeGroups(line)
    return isTaken || this.#zap(text, origin)
  }

  /** Objects and lists with other words between and behind them. */
  #takeGroups ({ text, origin, depth }: Plain): boolean {
    let isKnown = false
    let before = 0
    for (const [start, end] of groupsIn(text)) {
      const group = text.slice(start, end)
      const value = group.includes('{') ? unescaped(group) ?? lenientValue(group) : undefined
      if (typeof value !== 'object' || value === null) continue

      const label = text.slice(before, start)
      before = end
      if (label.length <= MAX_PREFIX && this.#isKnown(value, label, origin, depth)) isKnown = true
    }
    return isKnown
  }

  #isKnown (value: object, label: string, origin: Origin, depth: number, lineOf?: (record: object) => number): boolean {
    if (this.http.answered(value, origin.number)) return true

    const at = timeIn(label)
    return this.#sink.record(value, label, at === undefined ? origin : { ...origin, at }, depth, lineOf)
  }

  #zap (line: string, origin: Origin): boolean {
    const { file } = this.#sink
    // What stands behind the fields is a collector's.
    const end = line.lastIndexOf('}') + 1
    const text = end > 0 ? line.slice(0, end) : line
    const seen = zapLine(text, { file, at: origin.number }, timeIn(text) ?? origin.at)
    if (seen) this.#sink.add([seen])
    return seen !== undefined
  }

  /** A form, a query of an access log, or a line of key=value pairs. */
  #takePairs ({ text, origin, depth }: Plain): boolean {
    // An exception may have pairs in its message: it ends a traceback.
    if (isException(text)) return false

    const form = formIn(text)
    if (!form) {
      const pairs = pairsIn(text)
      return pairs !== undefined && this.#isKnown(pairs.fields, pairs.prefix, origin, depth)
    }
    const [, status] = /HTTP\/[\d.]{1,3}"? (\d{3})\b/.exec(form.rest) ?? []
    const record = status === undefined ? form.fields : { body: form.fields, res: { statusCode: Number(status) } }
    return this.#isKnown(record, form.prefix, origin, depth)
  }

  #opens (line: Plain): boolean {
    const replays = line.replays ?? 0
    const collector = replays === 0 ? collectorOf(line.text) : undefined
    if (collector) {
      this.#endReaders()
      this.#collected = { reader: collector, lines: [line] }
      return true
    }
    const block = replays < MAX_REPLAYS ? openBlock(line.text) : undefined
    if (block) this.#block = { reader: block, lines: [line] }
    return block !== undefined
  }

  #continueBlock (block: { reader: BlockReader, lines: Plain[] }, line: Plain): void {
    block.lines.push(line)
    const read = block.reader.push(line.text)
    if (read === 'more') return

    // What is in the block may come back as lines of this stream.
    this.#block = undefined
    if (read === 'broken' || !this.#takeBlock(read, block.lines)) {
      this.#breakBlock(block)
      return
    }
    this.#endReaders()
    if (/[[{]/.test(read.rest)) this.push({ ...line, text: read.rest.replace(/^[\s,]+/, '') })
  }

  #takeBlock ({ label: own, text, objectLines }: Block, lines: readonly Plain[]): boolean {
    const [{ origin, depth }] = lines as [Plain]
    const value = lenientValue(text)
    if (typeof value !== 'object' || value === null) return false

    const above = this.#unknown?.number === origin.number - 1 ? this.#unknown.text.slice(0, MAX_PREFIX) : ''
    const label = own.trim() === '' ? above : own
    if (label.trim() !== '' && this.#zap(label + JSON.stringify(value), origin)) return true
    const starts = objectLines.map(line => lines[line]?.origin.number ?? origin.number)
    return this.#isKnown(value, label, origin, depth, numbersOf(value, starts))
  }

  /** What began like a block is none: its lines are read one by one. */
  #breakBlock ({ lines }: { lines: readonly Plain[] }): void {
    this.#block = undefined
    lines.forEach((line, i) => this.push({
      ...line,
      replays: i === 0 ? MAX_REPLAYS : (line.replays ?? 0) + 1
    }))
  }

  #endCollected (): void {
    if (!this.#collected) return
    const { reader, lines } = this.#collected
    this.#collected = undefined
    const [first] = lines as [Plain]
    const read = reader.end()
    const from = { ...first.origin, ...(read?.service !== undefined && { service: read.service }) }
    if (read && this.#isKnown(read.record, read.label ?? '', from, first.depth)) return

    for (const line of lines) this.push({ ...line, replays: MAX_REPLAYS })
  }

  #endReaders (): void {
    for (const reader of this.#readers) this.#sink.add(reader.end())
  }
}

/** Forms that stand on several lines, by their first one. */
const collectorOf = (line: string): Collector | undefined => openPinoPretty(line) ??
  openKeyLines(line) ?? openProtoText(line)

/** The JSON that a line is, behind a label and in front of the comma of an array. */
function wholeIn (text: string): { label: string, value: object } | undefined {
  const isList = text.startsWith('[') && /\][\s,;]*$/.test(text.slice(-40))
  const start = isList ? 0 : text.indexOf('{')
  const end = text.lastIndexOf(isList ? ']' : '}') + 1
  if (start < 0 || start > MAX_PREFIX) return undefined

  const json = text.slice(start, end)
  const isAll = /^[\s,;\]"'`)]*$/.test(text.slice(end))
  const value = (isAll ? parsedJson(json) : undefined) ?? unescaped(json)
  return typeof value === 'object' && value !== null ? { label: text.slice(0, start), value } : undefined
}

/** JSON in a string of another language: its quotes and line ends are escaped. */
function unescaped (json: string): unknown {
  if (!/\\["n]/.test(json)) return undefined
  return parsedJson(json.replace(/\\(?:u([\da-fA-F]{4})|(.))/g, (_, code?: string, character = '') =>
    code === undefined ? ESCAPES.get(character) ?? character : String.fromCharCode(parseInt(code, 16))))
}

const ESCAPES: ReadonlyMap<string, string> = new Map([['n', '\n'], ['r', ''], ['t', '\t']])

/** Fields of webhooks. */
const HOOK = /\bcall_?sid\b|\bevent\b/i
