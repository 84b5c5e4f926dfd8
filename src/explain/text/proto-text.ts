import type { Collector } from './collector.ts'
import { isObject, parsedJson, type Json } from './json.ts'

/*
 * Messages in protobuf's text format, as LiveKit's SDK for Python prints an event (protobuf.dev/reference/protobuf/
 * textformat-spec).
 */

const FIRST = /^event: "\w{1,60}"\s*$/
const FIELD = /^\s{0,40}(\w{1,80}): (.{0,20000})$/
const OPEN = /^\s{0,40}(\w{1,80}):? \{\s*$/
const CLOSE = /^\s{0,40}\}\s*$/
/** Lines of an event. */
const MOST = 5000

/** Begins with the name of an event of LiveKit; undefined for other lines. */
export function openProtoText (line: string): Collector | undefined {
  if (!FIRST.test(line)) return undefined

  const event: Json = {}
  const open: Json[] = [event]
  let count = 0

  function push (next: string): boolean {
    const [, name, value = ''] = FIELD.exec(next) ?? []
    const [, message] = OPEN.exec(next) ?? []
    const inside = open.at(-1)!
    const isNext = count > 0 && open.length === 1 && FIRST.test(next)
    if (count++ === MOST || isNext) return false

    if (name !== undefined) inside[name] = parsedJson(value) ?? value
    else if (message !== undefined) open.push(begin(inside, message))
    else if (CLOSE.test(next) && open.length > 1) close(open)
    else return false
    return true
  }

  push(line)
  return { push, end: () => ({ record: event }) }
}

function begin (inside: Json, name: string): Json {
  const message = {}
  // A map is written as a list of its entries.
  if (name === 'attributes') inside[name] = { ...(isObject(inside[name]) && inside[name]) }
  else inside[name] = message
  return message
}

/** The entry of a map goes into it when it is complete. */
function close (open: Json[]): void {
  const { key, value = '' } = open.pop()!
  const attributes = open.at(-1)?.['attributes']
  if (typeof key === 'string' && isObject(attributes)) attributes[key] = value
}
