import { jsonrepair } from 'jsonrepair'
import { parsedJson } from './json.ts'
import { protoText } from './proto-text.ts'

/*
 * Objects as programs print them: Python's repr and pprint, Node's util.inspect, Ruby, PHP, protobuf's text format.
 */

/** Characters of an object that is no JSON. */
const MAX_REPAIR = 1024 * 1024
/** Words that objects which tell about calls have; others are not worth the work. */
const WORTH = /call_?sid|event|room|\bmsg\b|message|call_?id|nodeID|reason|level|status|sip|trunk|numbers|dispatch|alert|error_?code/i

/**
 * The value of a text that holds one object or list; undefined for what is none.
 * @throws never
 */
export function lenientValue (text: string): unknown {
  const value = parsedJson(text)
  if (value !== undefined) return value
  if (text.length > MAX_REPAIR || !WORTH.test(text)) return undefined

  const message = /^\s{0,40}\{/.test(text) ? protoText(text) : undefined
  if (message) return message

  try {
    return parsedJson(jsonrepair(asJson(text)))
  } catch {
    // Not an object after all, or nested too deeply to be read.
    return undefined
  }
}

/** Strings stay as they are, and what stands around them becomes what jsonrepair knows. */
const TOKEN = new RegExp(
  [
    // Python's prefixes of strings go; the string stays.
    String.raw`\b[bur]{1,2}(?=["'])`,
    // A string without an end takes the rest of its line.
    String.raw`"(?:[^"\\\n]|\\.)*"?`,
    String.raw`'(?:[^'\\\n]|\\.)*'?`,
    // PHP's var_dump: ["call_sid"]=> string(36) "…"
    String.raw`\["(?<key>[\w.-]{1,80})"(?::\w{1,20}(?::\w{1,20})?)?\]\s{0,4}=>`,
    // It is looked for at the beginning of a line alone: elsewhere the search would take the square of the length.
    String.raw`(?<=^[ \t]{0,60})string\(\d{1,9}\) "(?<php>[^\n]*)"(?=[ \t\r]{0,9}$)`,
    String.raw`\b(?:string|array|object\(\w{1,60}\)#?\d{0,9}) ?\(\d{1,9}\) ?(?=["{])`,
    String.raw`\b(?:int|float|bool)\((?<scalar>[\w.+-]{1,40})\)`,
    // Ruby: :call_sid=>, "call_sid" =>
    String.raw`:(?<symbol>[a-z_]\w{0,80})\s{0,4}=>`,
    '=>',
    // Node: what util.inspect left out, classes, numbers with n, links.
    String.raw`\[(?:Object|Array|Circular[^\]]{0,20}|Getter[^\]]{0,20}|(?:Async)?Function[^\]]{0,80}|` +
    String.raw`Symbol[^\]]{0,80})(?:: null prototype\](?=\s{0,4}\{)|[^\]]{0,40}\])`,
    String.raw`<ref \*\d{1,4}>`,
    String.raw`\.{3} \d{1,9} more (?:items?|characters?)`,
    String.raw`\b[A-Z][\w.]{0,80}(?:\(\d{1,9}\))?(?: \[[\w ]{1,40}\])?(?=\s{0,4}\{)`,
    String.raw`\b(?<big>\d{1,30})n\b`,
    String.raw`\b\d{4}-\d\d-\d\dT[\d:.]{5,18}Z\b`,
    // Python: datetimes, objects without a repr.
    String.raw`\b(?:datetime\.)?datetime\([^()]{0,80}(?:\([^()]{0,40}\)[^()]{0,20})?\)`,
    String.raw`<[\w.][^<>\n]{0,200}>`,
    String.raw`\bnil\b|\bNULL\b`,
    // protobuf's text format: room { … }
    String.raw`\b(?<message>[a-z]\w{0,60})(?=\s\{)`
  ].join('|'),
  'gm'
)

const asJson = (text: string): string => text.replace(TOKEN, replaced)

function replaced (token: string, ...rest: unknown[]): string {
  const groups = rest.at(-1) as Record<string, string | undefined>
  const { key = groups['symbol'], scalar, php, big, message } = groups
  if (key !== undefined) return `"${key}":`
  if (scalar !== undefined) return scalar
  if (php !== undefined) return JSON.stringify(php)
  if (big !== undefined) return big.length > 15 ? `"${big}"` : big
  if (message !== undefined) return `"${message}":`
  if (token === '=>') return ':'
  if (/^["']/.test(token)) return token
  if (/^\d{4}-/.test(token)) return `"${token}"`
  if (/^(?:\[|<\w|datetime|nil|NULL)/.test(token)) return /null prototype/.test(token) || /^<ref/.test(token) ? '' : 'null'
  return ''
}
