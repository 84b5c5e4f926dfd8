import type { Collector } from './collector.ts'
import { isObject, parsedJson, type Json } from './json.ts'

/*
 * Messages in protobuf's text format, as LiveKit's SDKs for Python, Go and Ruby print events and trunks
 * (protobuf.dev/reference/protobuf/textformat-spec).
 */

/** The first field of an event of LiveKit, behind whatever a logger puts in front. */
const FIRST = /^(.{0,200}?)\bevent: ?"\w{1,60}"\s*$/
const LINE = /^\s{0,40}(?:\w{1,80}:?\s?\{|\w{1,80}: ?(?:"|[-\w.]{1,80}\s*$)|\}\s*$)/
/** Lines of an event. */
const MOST = 5000
/** Messages within messages. */
const DEEPEST = 20

/** Fields that hold a list even when they are written once (livekit/protocol, livekit_models and livekit_sip). */
const REPEATED: ReadonlySet<string> = new Set([
  'items',
  'numbers',
  'allowed_addresses',
  'allowed_numbers',
  'inbound_numbers',
  'trunk_ids',
  'tracks',
  'layers',
  'codecs',
  'enabled_codecs',
  'audio_features',
  'can_publish_sources',
  'kind_details',
  'versions',
  'agents'
])

/** Begins with the name of an event of LiveKit; undefined for other lines. */
export function openProtoText (line: string): Collector | undefined {
  const [, label] = FIRST.exec(line) ?? []
  if (label === undefined) return undefined

  const lines = [line.slice(label.length)]
  return {
    push (next) {
      if (lines.length >= MOST || !LINE.test(next)) return false
      const isNext = /^event: ?"/.test(next)
      if (!isNext) lines.push(next)
      return !isNext
    },
    end () {
      const record = protoText(lines.join('\n'))
      return record && { record, label }
    }
  }
}

/** An event on one line, as Go prints it: `event:"room_started" room:{sid:"RM_1"}`. */
const ONE_LINE = /\bevent: ?"\w{1,60}"\s{1,4}(?=\w{1,40}(?::|\s?\{))/

/** The event on a line, and what stands in front of it; undefined for a line without one. */
export function protoLine (line: string): { label: string, record: Json } | undefined {
  const match = ONE_LINE.exec(line)
  if (!match) return undefined

  const record = protoText(line.slice(match.index))
  return record && { label: line.slice(0, match.index), record }
}

const TOKEN = /\s{0,200}(?:(\w{1,80})(?:\s?:\s?|\s?(?=\{))|(\}))/y
const VALUE = /("(?:[^"\\\n]|\\.){0,20000}")|(-?\d[\w.+-]{0,40})|(true|false)\b|([A-Z][A-Z\d_]{0,80})\b/y
const SPACE = /\s{0,200}/y

/** A message, with or without its braces; undefined for a text that is anything else. */
export function protoText (text: string): Json | undefined {
  const inner = text.trim()
  const body = inner.startsWith('{') && inner.endsWith('}') ? inner.slice(1, -1) : inner
  const message: Json = {}
  const open: Array<{ name: string, message: Json }> = [{ name: '', message }]
  let at = 0

  const match = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(body)
    if (found) at = pattern.lastIndex
    return found ?? undefined
  }

  while (match(SPACE) && at < body.length) {
    const [, name, closing] = match(TOKEN) ?? []
    if (closing !== undefined) {
      const closed = open.pop()!
      const around = open.at(-1)
      if (!around) return undefined
      add(around.message, closed.name, closed.message)
    } else if (name === undefined || open.length > DEEPEST) {
      return undefined
    } else if (body[at] === '{') {
      at++
      open.push({ name, message: {} })
    } else {
      const value = valueOf(match(VALUE))
      if (value === undefined) return undefined
      add(open.at(-1)!.message, name, value)
    }
  }
  return open.length === 1 && Object.keys(message).length > 0 ? message : undefined
}

function valueOf (match: RegExpExecArray | undefined): unknown {
  if (!match) return undefined
  const [, string, number, boolean, name] = match
  if (string !== undefined) return parsedJson(string) ?? string.slice(1, -1)
  return boolean === undefined ? number ?? name : boolean === 'true'
}

/** A field that comes again is a list; entries of a map have a key and a value. */
function add (message: Json, name: string, value: unknown): void {
  const known = Object.hasOwn(message, name) ? message[name] : undefined
  if (isEntry(value)) {
    const entries = isObject(known) ? known : {}
    define(entries, value.key, value.value ?? '')
    define(message, name, entries)
  } else if (Array.isArray(known)) {
    known.push(value)
  } else if (known !== undefined) {
    define(message, name, [known, value])
  } else {
    define(message, name, REPEATED.has(name) ? [value] : value)
  }
}

/** Names come from the file: one may be `__proto__`. */
const define = (object: Json, name: string, value: unknown): void => {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
}

const isEntry = (value: unknown): value is { key: string, value?: unknown } =>
  isObject(value) && typeof value['key'] === 'string' &&
  Object.keys(value).every(name => name === 'key' || name === 'value')
