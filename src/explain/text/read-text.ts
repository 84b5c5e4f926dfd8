import type { Finding } from '../../finding.ts'
import { LruMap } from '../../lru-map.ts'
import type { Keep } from '../keep.ts'
import type { HookSeen, Seen } from '../seen.ts'
import { replyIn, requestIdOf } from './hook-records.ts'
import { JsonDocument } from './json-document.ts'
import { objectOf, type Json } from './json.ts'
import type { LineReader } from './line-reader.ts'
import { linesOf } from './lines.ts'
import { bareLine, zapLine } from './log-records.ts'
import { recordsOf } from './records.ts'
import { createSipLog } from './sip-log.ts'
import { timeIn, timeOf } from './times.ts'

/**
 * Reads a text: SIP messages as sngrep, ngrep, sofia, drachtio or Asterisk print them, webhooks as JSON lines, log
 * lines of feature-server and livekit-sip, in any mixture. Everything else is skipped.
 */
export async function readText (file: string, chunks: AsyncIterable<Buffer>, keep: Keep): Promise<Finding[]> {
  const reader = new TextReader(file, keep)
  for await (const { line, number, cut } of linesOf(chunks)) reader.take(line, number, cut)
  return reader.finish()
}

/** Forms of text, in the order in which they are tried on each line. */
const LINE_READERS: ReadonlyArray<(file: string) => LineReader> = [createSipLog]

/** Requests whose reply may still come in a later line. */
const MAX_OPEN_REQUESTS = 1000
/** Longest text that a process manager or collector puts in front of a line, characters. */
const MAX_PREFIX = 200

class TextReader {
  readonly #file: string
  readonly #keep: Keep
  readonly #readers: readonly LineReader[]
  readonly #document = new JsonDocument()
  readonly #openRequests = new LruMap<string, HookSeen>(MAX_OPEN_REQUESTS)
  /** Messages, webhooks and log lines that were found. */
  #found = 0
  #lines = 0
  #cutLines = 0

  constructor (file: string, keep: Keep) {
    this.#file = file
    this.#keep = keep
    this.#readers = LINE_READERS.map(create => create(file))
  }

  take (line: string, number: number, cut: boolean): void {
    if (line.trim() !== '') this.#lines++
    if (cut) this.#cutLines++
    this.#document.add(line)

    const records = line.includes('{') ? this.#recordsIn(line, number) : []
    if (records.length > 0) {
      this.#document.ruleOut()
      // Nothing of a SIP message comes after a line of another kind.
      this.#endReaders()
      this.#add(records)
      return
    }
    for (const reader of this.#readers) {
      const { seen, taken } = reader.push(line, number)
      this.#add(seen)
      if (taken) return
    }
  }

  finish (): Finding[] {
    this.#endReaders()
    if (this.#found === 0) {
      this.#document.records().forEach((row, i) => this.#add(recordsOf(row, { file: this.#file, at: i + 1 })))
    }
    return [...this.#cutFindings(), ...this.#nothingFindings()]
  }

  #endReaders (): void {
    for (const reader of this.#readers) this.#add(reader.end())
  }

  #add (seen: readonly Seen[]): void {
    this.#found += seen.length
    seen.forEach(item => this.#keep.add(item))
  }

  #recordsIn (line: string, number: number): Seen[] {
    const place = { file: this.#file, at: number }
    const zap = zapLine(line, place, timeIn(line))
    if (zap) return [zap]

    // In front of the JSON stands what pm2, docker or kubectl print; behind it the comma of an array.
    const brace = line.indexOf('{')
    const end = line.lastIndexOf('}') + 1
    if (brace > MAX_PREFIX || !/^[\s,\]]*$/.test(line.slice(end))) return []

    const json = objectOf(line.slice(brace, end))
    if (!json) return []

    const prefix = line.slice(0, brace)
    const records = recordsOf(json, place, timeIn(prefix))
    const bare = records.length === 0 ? bareLine(prefix, json, place, timeIn(prefix)) : undefined
    this.#joinReply(json, records)
    return bare ? [bare] : records
  }

  /** pino writes a request and its reply as two lines with the same id. */
  #joinReply (json: Json, records: readonly Seen[]): void {
    const id = requestIdOf(json)
    if (id === undefined) return
    const request = records.find(item => item.kind === 'hook')
    if (request) {
      this.#openRequests.set(id, request)
      return
    }

    const hook = this.#openRequests.get(id)
    const reply = hook && !hook.reply ? replyIn(json) : undefined
    if (!hook || !reply) return

    const at = reply.at ?? timeOf(json)
    hook.reply = { ...reply, ...(at !== undefined && { at }) }
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
        'line of feature-server or livekit-sip.',
      todo: 'Give a pcap or pcapng file, a SIP log (sngrep, ngrep, sofia, drachtio), webhooks as JSON lines, or the ' +
        'logs of feature-server or livekit-sip'
    }]
  }
}

export const emptyFile = (file: string): Finding => ({
  code: 'empty-file',
  severity: 'failed',
  seen: `${file} is empty.`,
  todo: 'Take the capture or the log again while you make a call'
})
