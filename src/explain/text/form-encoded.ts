import type { Json } from './json.ts'

/*
 * Webhooks as forms or queries (`call_sid=…&call_status=…`), and lines as key=value pairs (logfmt).
 */

/** Fields of a form or a line. */
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

/** A name, and a value in quotes, if it has any. */
const PAIR = /(?:^|\s)([A-Za-z@_][\w.@-]{0,60})=(?:"((?:[^"\\]|\\.)*)")?/g

/** The fields of a line of key=value pairs; undefined for a line that has hardly any. */
export function logfmtIn (line: string): Json | undefined {
  if (!/(?:^|\s)(?:msg|message|call_?sid|call_?status|callID)=/i.test(line)) return undefined

  const pairs = [...line.matchAll(PAIR)].slice(0, MOST)
  if (pairs.length < 3) return undefined
  return Object.fromEntries(pairs.map(([pair, name = '', quoted], i) => {
    // A value without quotes may have spaces in it: it ends where the next name begins.
    const bare = line.slice(pairs[i]!.index + pair.length, pairs[i + 1]?.index ?? line.length).trim()
    return [name, quoted === undefined ? bare : quoted.replace(/\\(["\\])/g, '$1')]
  }))
}
