import type { Seen } from '../seen.ts'
import { LruMap } from '../../lru-map.ts'
import { isAlert } from './alert-records.ts'
import { withUrl } from './http-exchange.ts'
import { isObject, type Json } from './json.ts'
import type { LineReader } from './line-reader.ts'
import { bareLine } from './log-records.ts'
import type { Origin } from './origin.ts'
import { withoutPrefixes } from './prefixes.ts'
import { fromRawHttp } from './raw-http.ts'
import { logOf, recordsOf } from './records.ts'
import { createReplies } from './replies.ts'
import { isDate } from './times.ts'
import { TextStream, type Sink } from './text-stream.ts'
import {
  carriedJson,
  carriedSip,
  flattened,
  innerOf,
  isLogRecord,
  lineIn,
  lokiLines,
  originOf,
  rowsOf,
  textLines
} from './unwrap-json.ts'

/** Wrappers around wrappers. */
const MAX_DEPTH = 8
/** Writers whose lines may stand between each other's. */
const MAX_STREAMS = 200
/** Docker cuts lines at this length, bytes (daemon/logger/copier.go); shorter records are whole. */
const DOCKER_PART = 16 * 1024
const isDockerPart = ({ log, stream }: Json): boolean =>
  typeof log === 'string' && typeof stream === 'string' && !log.endsWith('\n') && Buffer.byteLength(log) >= DOCKER_PART

/** Takes lines and records out of whatever is around them, and gives them to their readers. */
interface Unwrapper {
  line(text: string, origin: Origin): void
  record: Sink['record']
  end(): void
}

/**
 * @param readersOf new readers for the lines of one writer
 * @param keep is called with what was read, in the order of the file as far as single writers go
 */
export function createUnwrapper (
  file: string,
  readersOf: () => LineReader[],
  keep: (seen: readonly Seen[]) => void
): Unwrapper {
  /** The year of the dates in the file: syslog writes none. */
  let year: number | undefined
  const open = new Set<TextStream>()
  const streams = new LruMap<string, TextStream>(MAX_STREAMS, (_, stream) => {
    stream.end()
    open.delete(stream)
  })
  const replies = createReplies()
  const sink: Sink = { file, add, record }

  function add (seen: readonly Seen[]): void {
    const [{ at = 0 } = {}] = seen
    if (isDate(at)) year = new Date(at).getUTCFullYear()
    keep(seen)
  }

  function streamOf (name: string): TextStream {
    const known = streams.get(name)
    if (known) return known

    const stream = new TextStream(sink, readersOf())
    open.add(stream)
    streams.set(name, stream)
    return stream
  }

  function line (text: string, origin: Origin, depth = 0, left?: () => void): void {
    const plain = withoutPrefixes(text, origin, year)
    const stream = streamOf(plain.origin.stream)
    const read = { text: plain.text, origin: plain.origin, depth, ...(left && { left }) }
    if (plain.isPart) stream.hold(read)
    else stream.push(read)
  }

  /** The message of a record: one line of its writer, or a text of several lines that is whole. */
  function message (text: string, origin: Origin, depth: number, left: () => void): void {
    const lines = text.replace(/\r?\n$/, '').split('\n')
    if (lines.length === 1) {
      line((lines[0] ?? '').replace(/\r$/, ''), origin, depth, left)
      return
    }
    let found = 0
    const reader = new TextStream({
      file,
      add (seen) {
        found += seen.length
        add(seen)
      },
      record (...record) {
        const isKnown = sink.record(...record)
        if (isKnown) found++
        return isKnown
      }
    }, readersOf(), streamOf(origin.stream).http)
    for (const each of lines) reader.push({ text: each.replace(/\r$/, ''), origin, depth })
    reader.end()
    if (found === 0) left()
  }

  function record (
    value: unknown,
    label: string,
    origin: Origin,
    depth: number,
    lineOf: (record: object) => number = () => origin.number
  ): boolean {
    if (depth > MAX_DEPTH) return false
    if (!isObject(value)) {
      const text = textLines(value)
      if (text !== undefined) message(text, origin, depth + 1, () => {})
      const rows = rowsOf(value)
      return rows.map(row => record(row, label, origin, depth + 1, lineOf)).some(Boolean)
    }

    const here = { ...origin, number: lineOf(value) }
    const exchange = fromRawHttp(value)
    if (exchange) return own(exchange, label, here, depth, lineOf)

    const lines = lokiLines(value, here)
    for (const each of lines) line(each.line, each.origin, depth + 1)
    if (lines.length > 0) return true

    const text = lineIn(value)
    if (text === undefined || isAlert(value) || (isLogRecord(value) && !/SIP\/2\.0|[{=]/.test(text))) {
      return own(value, label, here, depth, lineOf)
    }
    const from = originOf(value, here)
    if (isDockerPart(value)) {
      streamOf(from.stream).hold({ text, origin: from, depth: depth + 1 })
      return true
    }
    message(text, from, depth + 1, () => own(value, label, here, depth, lineOf))
    return true
  }

  /** A record that is no wrapper of a line: it is known itself, or it holds records. */
  function own (
    json: Json,
    label: string,
    origin: Origin,
    depth: number,
    lineOf: (record: object) => number
  ): boolean {
    const place = { file, at: origin.number }
    const { http } = streamOf(origin.stream)
    const read = (record: Json): Seen[] => recordsOf(record, place, origin.at, origin.service)
    const url = http.urlOf(label, origin.number)
    const asRequest = url === undefined ? [] : read(withUrl(json, url))
    const seen = asRequest.length > 0 ? asRequest : read(json)
    if (seen.length > 0) {
      replies.join(json, seen)
      http.asked(seen.find(item => item.kind === 'hook'))
      add(seen)
      return true
    }
    const sip = carriedSip(json)
    if (sip !== undefined) {
      message(sip, originOf(json, origin), depth + 1, () => {})
      return true
    }
    const log = isLogRecord(json) ? logOf(json, place, origin.at, origin.service) : undefined
    if (!log && (inside(json, label, origin, depth, lineOf))) return true

    const last = log ?? logOf(flattened(json), place, origin.at, origin.service) ??
      bareLine(label, json, place, origin.at)
    replies.join(json, [])
    if (last) add([last])
    return last !== undefined
  }

  /** The records that a record holds. */
  function inside (
    json: Json,
    label: string,
    origin: Origin,
    depth: number,
    lineOf: (record: object) => number
  ): boolean {
    const inner = innerOf(json, origin)
    if (inner.map(each => record(each.inner, label, each.origin, depth + 1, lineOf)).some(Boolean)) return true

    const text = carriedJson(json)
    if (text === undefined) return false
    message(text, originOf(json, origin), depth + 1, () => {})
    return true
  }

  return {
    line,
    record,
    end () {
      for (const stream of open) stream.end()
    }
  }
}
