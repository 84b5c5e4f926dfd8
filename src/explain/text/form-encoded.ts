import type { Json } from './json.ts'

/*
 * Webhooks as forms or queries: `call_sid=…&call_status=…`.
 */

/** Fields of a form. */
const MOST = 200
const NAME = /^[A-Za-z@_][\w.@[\]-]{0,80}$/

/** The fields of a form or query in a line, and what stands around it; undefined for a line without one. */
export function formIn (line: string): { fields: Json, prefix: string, rest: string } | undefined {
  const ampersand = line.indexOf('&')
  const equals = ampersand < 0 ? -1 : line.lastIndexOf('=', ampersand)
  if (equals < 0 || !/(?:call_?sid|payload_?type|error_?code)=/i.test(line)) return undefined

  const start = firstName(line, equals)
  const end = endOfForm(line, start)
  const pairs = line.slice(start, end).split('&').slice(0, MOST)
  // Somebody who prints the fields decoded prints spaces as they are: + stands for itself then.
  const isDecoded = / /.test(line.slice(start, end))
  const fields: Json = {}
  for (const pair of pairs) {
    const [name = '', ...value] = pair.split('=')
    if (!NAME.test(name) || value.length === 0) return undefined
    fields[name] = decoded(value.join('='), isDecoded)
  }
  return { fields, prefix: line.slice(0, start), rest: line.slice(end) }
}

/** Where the first name begins: the form's first value may have spaces in it, its name has none. */
function firstName (line: string, equals: number): number {
  let start = equals
  while (start > 0 && /[\w.@[\]-]/.test(line[start - 1]!)) start--
  return start
}

/** A form ends at the quote that was opened in front of it; a query ends at a space. */
function endOfForm (line: string, start: number): number {
  const before = line[start - 1] ?? ''
  const ends = before === '?' ? [' ', '"', "'"] : [before].filter(character => /["'`]/.test(character))
  const found = ends.map(character => line.indexOf(character, start)).filter(at => at >= 0)
  return Math.min(line.length, ...found)
}

function decoded (value: string, isDecoded: boolean): string {
  // A number that was not encoded has its + in front.
  const text = isDecoded || /^\+\d/.test(value) ? value : value.replaceAll('+', ' ')
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
