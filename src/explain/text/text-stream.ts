import type { Seen } from '../seen.ts'
import { numbersOf, openBlock, type Block, type BlockReader } from './blocks.ts'
import { escapedMessageIn } from './escaped.ts'
import { formIn, logfmtIn } from './form-encoded.ts'
import { createHttpExchange, type HttpExchange } from './http-exchange.ts'
import { objectOf, parsedJson, type Json } from './json.ts'
import type { LineReader } from './line-reader.ts'
import { zapLine } from './log-records.ts'
import { lenientValue } from './objects.ts'
import type { Origin } from './origin.ts'
import { openPinoPretty, type PinoPretty } from './pino-pretty.ts'
import { createSipLog } from './sip-log.ts'
import { timeIn } from './times.ts'

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
/** A line is tried this often as the beginning of a block. */
const MAX_REPLAYS = 2

/** Reads the lines of one writer. Lines of other writers that stand between them are in streams of their own. */
export class TextStream {
  readonly #sink: Sink
  readonly #readers: readonly LineReader[]
  readonly http: HttpExchange
  #block: { reader: BlockReader, lines: Plain[] } | undefined
  #pretty: { record: PinoPretty, origin: Origin, depth: number } | undefined
  /** The beginning of a line that its collector has cut in parts. */
  partial = ''

  constructor (sink: Sink, readers: readonly LineReader[], http = createHttpExchange()) {
    this.http = http
    this.#sink = sink
    this.#readers = readers
  }

  push (line: Plain): void {
    if (this.#block) this.#continueBlock(this.#block, line)
    else if (!this.#take(line)) line.left?.()
  }

  /** Nothing follows. */
  end (): void {
    while (this.#block) this.#breakBlock(this.#block)
    this.#endPretty()
    this.#endReaders()
  }

  #take (line: Plain): boolean {
    if (this.#pretty?.record.push(line.text)) return true
    this.#endPretty()

    if (this.#takeOneLine(line)) {
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
    return (text.includes('{') && this.#takeJson(line)) ||
      (text.includes('SIP/2.0') && this.#takeEscaped(line)) ||
      (text.includes('=') && this.#takePairs(line)) ||
      (text.startsWith('[') && this.#takeList(line))
  }

  #takeEscaped ({ text, origin }: Plain): boolean {
    const lines = escapedMessageIn(text)
    if (!lines) return false

    const reader = createSipLog(this.#sink.file)
    const seen = [...lines.flatMap(each => reader.push(each, origin.number, origin).seen), ...reader.end()]
    this.#sink.add(seen)
    return seen.length > 0
  }

  #takeJson ({ text, origin, depth }: Plain): boolean {
    const zap = this.#zap(text, origin)
    if (zap) return true

    // Behind the JSON stands the comma of an array.
    const brace = text.indexOf('{')
    const end = text.lastIndexOf('}') + 1
    if (brace > MAX_PREFIX || !/^[\s,\]"'`)]*$/.test(text.slice(end))) return false

    const json = jsonIn(text.slice(brace, end))
    return json !== undefined && this.#sink.record(json, text.slice(0, brace), origin, depth)
  }

  #zap (text: string, origin: Origin): boolean {
    const { file } = this.#sink
    const seen = zapLine(text, { file, at: origin.number }, timeIn(text) ?? origin.at)
    if (seen) this.#sink.add([seen])
    return seen !== undefined
  }

  #takeList ({ text, origin, depth }: Plain): boolean {
    const list = /[\]][\s,;]*$/.test(text) ? parsedJson(text.replace(/[\s,;]+$/, '')) : undefined
    if (!Array.isArray(list)) return false
    return this.http.answered(list, origin.number) || this.#sink.record(list, '', origin, depth)
  }

  /** A form, a query of an access log, or a line of key=value pairs. */
  #takePairs ({ text, origin, depth }: Plain): boolean {
    const form = formIn(text)
    if (!form) {
      const fields = logfmtIn(text)
      return fields !== undefined && this.#sink.record(fields, '', origin, depth)
    }
    const [, status] = /HTTP\/[\d.]{1,3}"? (\d{3})\b/.exec(form.rest) ?? []
    const record = status === undefined ? form.fields : { body: form.fields, res: { statusCode: Number(status) } }
    return this.#sink.record(record, form.prefix, origin, depth)
  }

  #opens (line: Plain): boolean {
    const pretty = openPinoPretty(line.text)
    if (pretty) {
      this.#endReaders()
      this.#pretty = { record: pretty, origin: line.origin, depth: line.depth }
      return true
    }
    const reader = (line.replays ?? 0) < MAX_REPLAYS ? openBlock(line.text) : undefined
    if (reader) this.#block = { reader, lines: [line] }
    return reader !== undefined
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

  #takeBlock ({ label, text, objectLines }: Block, lines: readonly Plain[]): boolean {
    const [{ origin, depth }] = lines as [Plain]
    const value = lenientValue(text)
    if (typeof value !== 'object' || value === null) return false
    if (label.trim() !== '' && this.#zap(label + JSON.stringify(value), origin)) return true
    if (this.http.answered(value, origin.number)) return true

    const starts = objectLines.map(line => lines[line]?.origin.number ?? origin.number)
    return this.#sink.record(value, label, origin, depth, numbersOf(value, starts))
  }

  /** What began like a block is none: its lines are read one by one. */
  #breakBlock ({ lines }: { lines: readonly Plain[] }): void {
    this.#block = undefined
    lines.forEach((line, i) => this.push({
      ...line,
      replays: i === 0 ? MAX_REPLAYS : (line.replays ?? 0) + 1
    }))
  }

  #endPretty (): void {
    if (!this.#pretty) return
    const { record: open, origin, depth } = this.#pretty
    this.#pretty = undefined
    const { record, service } = open.record()
    this.#sink.record(record, '', { ...origin, ...(service !== undefined && { service }) }, depth)
  }

  #endReaders (): void {
    for (const reader of this.#readers) this.#sink.add(reader.end())
  }
}

/** An object as text; in a string of another language its quotes are escaped. */
function jsonIn (text: string): Json | undefined {
  const json = objectOf(text) ?? (text.includes('\\"') ? objectOf(parsedJson(`"${text}"`)) : undefined)
  if (json) return json

  const value = lenientValue(text)
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Json : undefined
}
