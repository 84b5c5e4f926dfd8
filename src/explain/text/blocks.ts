/*
 * Objects and lists that are printed over many lines: pretty-printed JSON, Python's pprint, Node's util.inspect, with
 * or without a label in front.
 */

/** Characters of a block. A whole export is one block. */
const MAX_BLOCK = 8 * 1024 * 1024
/** Longest label in front of a block, characters. */
const MAX_LABEL = 300
/** A quote that begins a string: an apostrophe within a word does not. */
const BEFORE_QUOTE = /[\s[{(,:=>]/

export interface Block {
  /** What stands in front of it on its first line. */
  label: string
  text: string
  /** What stands behind it on its last line. */
  rest: string
  /** For each object in the text, in the order of their beginnings, how many lines behind the first it begins. */
  objectLines: readonly number[]
}

/** Collects the lines of one block. */
export interface BlockReader {
  /**
   * @returns `more` when the block goes on, the block when the line ends it, and `broken` when the line cannot be part
   * of it
   */
  push(line: string): 'more' | 'broken' | Block
}

/** Begins a block with its first line; undefined when no block begins in it. */
export function openBlock (line: string): BlockReader | undefined {
  if (!/[[{,(:]\s*$/.test(line.slice(-40)) && !/^\s{0,40}[[{]\s*\S/.test(line.slice(0, 80))) return undefined

  const brackets = createBrackets()
  const { opened } = brackets.scan(line)
  if (opened === undefined || opened > MAX_LABEL) return undefined

  const lines = [line.slice(opened)]
  let size = line.length
  return {
    push (next) {
      size += next.length
      if (size > MAX_BLOCK || !goesOn(next, lines.at(-1)!)) return 'broken'

      const { closed } = brackets.scan(next)
      if (closed === undefined) {
        lines.push(next)
        return 'more'
      }
      lines.push(next.slice(0, closed))
      return {
        label: line.slice(0, opened),
        text: lines.join('\n'),
        rest: next.slice(closed),
        objectLines: brackets.objectLines
      }
    }
  }
}

/** Groups of brackets in a line: where each begins and ends. One that has no end is none. */
export const groupsIn = (line: string): Scanned['groups'] => createBrackets().scan(line).groups

/** Lines within a block are indented, or begin with a string, a name or a bracket. */
const goesOn = (line: string, before: string): boolean =>
  /^(?:\s|["'`\]}),]|$|[A-Za-z_$][\w$.-]{0,80}:)/.test(line) ||
  // At the margin, an object or list begins within another one only where a value is due.
  (/^[[{(]/.test(line) && /[[{(,:=>]\s*$/.test(before.slice(-40)))

interface Scanned {
  /** Where the outermost bracket that stays open stands in its line. */
  opened: number | undefined
  /** Where the group ends that was open before the line. */
  closed: number | undefined
  /** Groups that begin and end in the line. */
  groups: Array<[start: number, end: number]>
}

const isQuote = (line: string, at: number): boolean =>
  /["'`]/.test(line[at]!) && (at === 0 || BEFORE_QUOTE.test(line[at - 1]!))

/** Counts brackets outside strings, line by line. */
function createBrackets () {
  const objectLines: number[] = []
  /** Where each open bracket stands in its line. */
  const open: number[] = []
  let lineIndex = 0

  function scan (line: string): Scanned {
    const isInside = open.length > 0
    const groups: Array<[number, number]> = []
    let quote = ''
    for (let i = 0; i < line.length; i++) {
      const character = line[i]!
      if (quote !== '') {
        if (character === '\\') i++
        else if (character === quote) quote = ''
      } else if (isQuote(line, i)) {
        quote = character
      } else if (character === '{' || character === '[') {
        if (open.length === 0) objectLines.length = 0
        open.push(i)
        if (character === '{') objectLines.push(lineIndex)
      } else if ((character === '}' || character === ']') && open.length > 0) {
        const opened = open.pop()!
        if (open.length > 0) continue
        if (isInside) return { opened: undefined, closed: i + 1, groups }
        groups.push([opened, i + 1])
      }
    }
    lineIndex++
    return { opened: open[0], closed: undefined, groups }
  }

  return { objectLines, scan }
}

/** The objects in a value, in the order in which a text that has them begins them. */
function objectsInOrder (value: unknown): object[] {
  const all: object[] = []
  // A stack of our own: values may be nested deeper than calls can be.
  const rest: unknown[] = [value]
  while (rest.length > 0) {
    const next = rest.pop()
    if (typeof next !== 'object' || next === null) continue
    if (!Array.isArray(next)) all.push(next)
    for (const inner of Object.values(next).reverse()) rest.push(inner)
  }
  return all
}

/** The number of the line in which each object of a value begins, by the lines in which the objects of its text do. */
export function numbersOf (value: unknown, starts: readonly number[]): (object: object) => number {
  const numbers = new Map(objectsInOrder(value).map((object, i) => [object, starts[i]]))
  return object => numbers.get(object) ?? starts[0] ?? 1
}
