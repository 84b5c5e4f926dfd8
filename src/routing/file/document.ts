import {
  LineCounter,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type Node,
  type YAMLError
} from 'yaml'
import { Reading, type Aliases } from './items.ts'
import { composeText, TooDeepError } from './compose.ts'

/** Aliases may repeat this many values. Anything beyond is meant to explode. */
const MOST_REPEATED = 100_000

const NO_ANCHOR = 'No anchor (&name) has this name. A value that begins with * must be in quotes.'
const TOO_DEEP = 'This is nested too deeply.'

/** Reads text as YAML. What is wrong with its form is among the reading's problems. */
export function openDocument (text: string): Reading {
  const lines = new LineCounter()
  const aliases: Aliases = new Map()
  try {
    const document = composeText(text, lines)
    const reading = new Reading(document, lines, aliases)
    addErrors(reading, [...document.errors, ...document.warnings], text)
    if (reading.problems.length === 0) findAliases(reading, document.contents, aliases)
    if (reading.problems.length === 0) checkAliases(reading, aliases)
    return reading
  } catch (error) {
    if (!(error instanceof TooDeepError)) throw error
    const reading = new Reading(parseDocument(''), lines, aliases)
    reading.error({ path: '', offset: error.offset }, TOO_DEEP)
    return reading
  }
}

function addErrors (reading: Reading, errors: readonly YAMLError[], text: string): void {
  let last = -1
  for (const error of errors) {
    // One slip makes the parser complain several times at the same place.
    if (error.pos[0] === last) continue
    last = error.pos[0]
    reading.error({ path: '', offset: error.pos[0] }, explained(error, text))
    if (reading.isFull()) return
  }
}

/** Never the text that the parser quotes: it may be a secret. */
function explained ({ code, pos }: YAMLError, text: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'A tab indents this line. YAML wants spaces.'
    case 'MULTIPLE_DOCS':
      return 'A second document begins here. Write everything in one, without "---" between.'
    case 'BAD_ALIAS':
      return text[pos[0]] === '*' && /[\s,\]}]|^$/.test(text[pos[0] + 1] ?? '')
        ? 'A value that begins with * must be in quotes.'
        : NO_ANCHOR
    case 'RESOURCE_EXHAUSTION':
      return TOO_DEEP
    case 'BAD_SCALAR_START':
      return `A value that begins with ${text[pos[0]]} must be in quotes.`
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'There is a second ": " in this line. A text with a colon must be in quotes.'
    case 'MISSING_CHAR':
      return 'Something is missing here: a colon after a key, a closing quote, or a closing bracket.'
    case 'BAD_INDENT':
      return 'This is not indented like its neighbours, or a bracket before it is not closed.'
    case 'TAG_RESOLVE_FAILED':
      return 'Tags (!) have no meaning in this file.'
    default:
      return `This is not YAML (${code.toLowerCase().replaceAll('_', ' ')}).`
  }
}

/** Finds what each alias stands for: the last anchor of its name before it. One pass finds all of them. */
function findAliases (reading: Reading, contents: Node | null, aliases: Aliases): void {
  const anchors = new Map<string, Node>()

  function visit (node: Node | null): void {
    if (node === null) return
    if (isAlias(node)) {
      const anchored = anchors.get(node.source)
      if (!anchored) return reading.error({ path: '', offset: node.range?.[0] ?? 0 }, NO_ANCHOR)
      aliases.set(node, anchored)
      return
    }
    if (node.anchor !== undefined) anchors.set(node.anchor, node)
    for (const part of partsOf(node)) visit(part)
  }

  visit(contents)
}

/** Aliases that contain aliases double with every level. */
function checkAliases (reading: Reading, aliases: Aliases): void {
  const sizes = new Map<Node, number>()

  /** How many values a node stands for. */
  function sizeOf (node: Node | null): number {
    if (node === null || isScalar(node)) return 1
    const known = sizes.get(node)
    if (known !== undefined) return known
    // An anchor that contains its own alias has no end.
    sizes.set(node, Infinity)
    const parts = isAlias(node) ? [aliases.get(node) ?? null] : partsOf(node)
    const size = parts.reduce((total, part) => total + sizeOf(part), 1)
    sizes.set(node, size)
    return size
  }

  let repeated = 0
  for (const alias of aliases.keys()) {
    repeated += sizeOf(alias)
    if (repeated <= MOST_REPEATED) continue
    return reading.error(
      { path: '', offset: alias.range?.[0] ?? 0 },
      'Aliases repeat too many values here, or one contains itself. Write out what is meant.'
    )
  }
}

function partsOf (node: Node): (Node | null)[] {
  if (isMap(node)) return node.items.flatMap(({ key, value }) => [key as Node | null, value as Node | null])
  return isSeq(node) ? node.items as (Node | null)[] : []
}
