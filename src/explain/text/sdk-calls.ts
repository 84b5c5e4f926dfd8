import type { ConfigSeen } from '../seen.ts'
import { readConfig } from './config-records.ts'
import { isObject } from './json.ts'
import type { LineReader } from './line-reader.ts'
import { lenientValue } from './objects.ts'

/*
 * Trunks and rules as people write them in Python: `SIPInboundTrunkInfo(name="…", numbers=[…])`.
 */

const CALL = /\b(?:SIP(?:Inbound|Outbound)TrunkInfo|CreateSIP(?:(?:Inbound|Outbound)Trunk|DispatchRule)Request)\(/
/** Characters of a call. */
const MAX_CALL = 20_000

/** Collects such calls, which go on until their bracket is closed. */
export function createSdkCalls (file: string): LineReader {
  let open: { text: string, number: number, depth: number } | undefined

  function closed (): ConfigSeen[] {
    if (!open) return []
    const { text, number } = open
    open = undefined
    const value = lenientValue(asObject(text))
    if (!isObject(value)) return []
    return readConfig(text.startsWith('SIP') ? { trunk: value } : value, { file, at: number }) ?? []
  }

  return {
    push (line, number) {
      const begins = open ? -1 : line.search(CALL)
      const part = begins < 0 ? line : line.slice(begins)
      if (begins >= 0) open = { text: '', number, depth: 0 }
      if (!open) return { seen: [], taken: false }

      open.text += `${part}\n`
      const { end, depth } = bracketsOf(part, open.depth)
      open.depth = depth
      if (end === undefined && open.text.length <= MAX_CALL) return { seen: [], taken: true }
      // What a call without an end says is not known.
      if (end === undefined) open = undefined
      else open.text = open.text.slice(0, open.text.length - part.length - 1 + end)
      return { seen: closed(), taken: true }
    },
    end () {
      open = undefined
      return []
    }
  }
}

/** Strings, comments, `name(`, `name=`, other names, and brackets. */
const TOKEN = /[bfru]{0,2}("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|#[^\n]*|([A-Za-z_][\w.]{0,80})(\s*\(|\s*=(?!=))?|[()]/g

/** How deep a line ends, and where in it the call does. */
function bracketsOf (line: string, before: number): { depth: number, end?: number } {
  let depth = before
  for (const { 0: token, 1: string, 3: follows = '', index } of line.matchAll(TOKEN)) {
    if (string !== undefined || token.startsWith('#')) continue
    if (token === '(' || follows.endsWith('(')) depth++
    if (token === ')' && --depth === 0) return { depth, end: index + 1 }
  }
  return { depth }
}

const WORDS: Readonly<Record<string, string>> = { True: 'true', False: 'false', None: 'null' }

/** The call as an object. A variable, of which nobody knows the value, stays as its name in `<>`. */
const asObject = (text: string): string =>
  text.replace(TOKEN, (token, string?: string, name?: string, follows?: string) => {
    if (string !== undefined) return JSON.stringify(string.slice(1, -1))
    if (token.startsWith('#')) return ''
    if (token === '(' || follows?.endsWith('(')) return '{'
    if (token === ')') return '}'
    if (follows !== undefined) return `"${name}":`
    return WORDS[token] ?? `"<${token}>"`
  })
