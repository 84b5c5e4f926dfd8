import type { Finding } from '../../finding.ts'
import type { Keep } from '../keep.ts'
import type { Seen } from '../seen.ts'
import { clean } from './clean.ts'
import { openCsv, type Csv } from './csv.ts'
import type { Encoding } from './encoding.ts'
import type { LineReader } from './line-reader.ts'
import { createHexDump } from './hex-dump.ts'
import { linesOf, type Line } from './lines.ts'
import { createLkTables } from './lk-tables.ts'
import { createNgrepBlocks } from './ngrep-blocks.ts'
import type { Origin } from './origin.ts'
import { createPacketXml } from './packet-xml.ts'
import { createPlainLog } from './plain-log.ts'
import { createSdkCalls } from './sdk-calls.ts'
import { createSipLog } from './sip-log.ts'
import { createTcpdumpLines } from './tcpdump-lines.ts'
import { createTwilioTables } from './twilio-tables.ts'
import { createUnwrapper } from './unwrap.ts'
import { createWiresharkText } from './wireshark-text.ts'

/**
 * Reads a text: SIP messages as sngrep, ngrep, sofia, drachtio or Asterisk print them, webhooks in any form that
 * applications log, log lines of Jambonz and LiveKit, in any mixture and in any wrapper. Everything else is skipped.
 */
export async function readText (
  file: string,
  encoding: Encoding,
  chunks: AsyncIterable<Buffer>,
  keep: Keep
): Promise<Finding[]> {
  const reader = new TextReader(file, keep)
  for await (const lines of linesOf(chunks, encoding)) lines.forEach(line => reader.take(line))
  return reader.finish()
}

/** Forms of text, in the order in which they are tried on each line. */
const LINE_READERS: ReadonlyArray<(file: string) => LineReader> = [
  createLkTables,
  createSdkCalls,
  createTwilioTables,
  createWiresharkText,
  createPacketXml,
  createTcpdumpLines,
  createHexDump,
  createNgrepBlocks,
  createSipLog,
  createPlainLog
]

/** Further empty lines in a row say nothing. */
const MANY_BLANK = 8

class TextReader {
  readonly #file: string
  readonly #unwrapper
  /** Messages, webhooks and log lines that were found. */
  #found = 0
  #lines = 0
  #cutLines = 0
  /** Empty lines since the last other one. */
  #blank = 0
  #table: Csv | undefined
  /** Rows of the table that were found so far. */
  #rows = 0
  /** Lines of what may be a table, until there is a row. */
  #unsure: Line[] = []

  constructor (file: string, keep: Keep) {
    this.#file = file
    this.#unwrapper = createUnwrapper(file, () => LINE_READERS.map(create => create(file)), seen => {
      this.#found += seen.length
      seen.forEach((item: Seen) => keep.add(item))
    })
  }

  take (read: Line): void {
    if (read.cut) this.#cutLines++
    if (read.line.trim() === '') {
      this.#blank++
      return this.#blank > MANY_BLANK ? undefined : this.#takeText(read)
    }
    this.#blank = 0
    this.#lines++
    // Excel names the delimiter in front of the table.
    if (this.#lines === 1 && /^"?sep=[,;\t]"?$/.test(read.line)) this.#lines = 0
    else if (this.#lines === 1) this.#table = openCsv(read.line)
    if (!this.#table) this.#takeText(read)
    else if (this.#lines <= 1) this.#unsure.push(read)
    else this.#takeRow(this.#table, read)
  }

  finish (): Finding[] {
    this.#endTable()
    this.#unwrapper.end()
    return [...this.#cutFindings(), ...this.#nothingFindings()]
  }

  #takeText ({ line, number }: Line): void {
    this.#unwrapper.line(clean(line), originAt(number))
  }

  #takeRow (table: Csv, read: Line): void {
    this.#unsure.push(read)
    const row = table.push(read.line)
    if (row === 'more') return
    if (row !== 'none') {
      const [{ number }] = this.#rows === 0 ? [read] : this.#unsure as [Line]
      this.#rows++
      this.#unsure = []
      this.#unwrapper.record(row, '', originAt(number), 0)
      return
    }
    // A first line that only looks like the names of columns.
    if (this.#rows === 0) this.#table = undefined
    this.#readUnsure()
  }

  #endTable (): void {
    if (this.#table) this.#readUnsure()
  }

  #readUnsure (): void {
    const lines = this.#unsure
    this.#unsure = []
    lines.forEach(line => this.#takeText(line))
  }

  #cutFindings (): Finding[] {
    if (this.#cutLines === 0) return []
    return [{
      code: 'lines-cut',
      severity: 'warning',
      seen: `${this.#cutLines} lines of ${this.#file} are too long: only their beginnings were read.`
    }]
  }

  #nothingFindings (): Finding[] {
    if (this.#found > 0) return []
    if (this.#lines === 0) return [emptyFile(this.#file)]
    return [{
      code: 'nothing-known',
      severity: 'failed',
      seen: `None of the ${this.#lines} lines of ${this.#file} is SIP, a webhook of Jambonz or LiveKit, or a log ` +
        'line of Jambonz, LiveKit, an agent or a PBX.',
      todo: 'Give a capture (pcap, pcapng), a SIP log (sngrep, ngrep, sofia, drachtio), an export of Wireshark, ' +
        'tshark or Homer, webhooks as an application logs them, the logs of the servers, or what a log collector ' +
        'exports (JSON, CSV)'
    }]
  }
}

const originAt = (number: number): Origin => ({ number, stream: '' })

export const emptyFile = (file: string): Finding => ({
  code: 'empty-file',
  severity: 'failed',
  seen: `${file} is empty.`,
  todo: 'Take the capture or the log again while you make a call'
})
