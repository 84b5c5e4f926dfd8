import type { Json } from './json.ts'

/*
 * Lines of names and values: logfmt, structlog, Go's %+v, records of Java, Kotlin and C#.
 */

/** Fields of a line. */
const MOST = 200
const LOGGED = /(?:^|[\s,{[(])(?:msg|message|call_?sid|call_?status|callID)(?:=|\s=\s)/i
const PRINTED = /(?:^|[\s,{[(])call_?sid:/i

const pairsWith = (separator: string): RegExp =>
  new RegExp(
    String.raw`(?:^|[\s,{[(])([A-Za-z@_][\w.@-]{0,60})${separator}` +
    String.raw`(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')?`,
    'g'
  )
const EQUALS = pairsWith('(?:=| = )')
const COLONS = pairsWith(': ?')

/** The fields of a line of names and values, and what stands in front; undefined for a line that has hardly any. */
export function pairsIn (line: string): { fields: Json, prefix: string } | undefined {
  const pattern = patternOf(line)
  if (!pattern) return undefined

  const pairs = [...line.matchAll(pattern)].slice(0, MOST)
  const [first] = pairs
  if (!first || pairs.length < 3) return undefined

  const fields = Object.fromEntries(pairs.map(([pair, name = '', double, single], i) => {
    const quoted = double ?? single
    if (quoted !== undefined) return [name, quoted.replace(/\\(["'\\])/g, '$1')]

    // A value without quotes may have spaces in it: it ends where the next name begins.
    const bare = line.slice(pairs[i]!.index + pair.length, pairs[i + 1]?.index ?? line.length)
    return [name, bareValue(bare)]
  }))
  return { fields, prefix: line.slice(0, first.index) }
}

/** How languages print that there is nothing. */
const NOTHING = /^(?:null|nil|None|undefined)$|^<(?:nil|null|none)>$/

function bareValue (text: string): string | null {
  const value = text.trim().replace(/[\s,;}\])]+$/, '').replace(/[,(]\s*\w{0,40}[({]$/, '')
  return NOTHING.test(value) ? null : value
}

function patternOf (line: string): RegExp | undefined {
  if (LOGGED.test(line)) return EQUALS
  return PRINTED.test(line) ? COLONS : undefined
}
