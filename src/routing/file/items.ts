import { isAlias, isMap, isScalar, isSeq, type Alias, type Document, type LineCounter, type Node } from 'yaml'
import type { RoutesProblem } from '../routes.ts'
import { nearest } from './nearest.ts'

/** A value of the document, and where it is. */
export interface Item {
  /** Such as `routes[2].when.hours`. */
  path: string
  /** Aliases are resolved. Null: nothing is written there. */
  node: Node | null
  /** Where it begins in the text. */
  offset: number
}

/** A key of a mapping with its value. */
export interface Field extends Item {
  key: string
  keyOffset: number
}

export type Fields = ReadonlyMap<string, Field>

/** What the aliases of a document stand for. */
export type Aliases = Map<Alias, Node>

/** More errors than this, or warnings, are of no use to anybody. */
const MOST_PROBLEMS = 200

/** The document while it is read: what is wrong is collected, and reading goes on. */
export class Reading {
  readonly problems: RoutesProblem[] = []
  readonly #document: Document
  readonly #lines: LineCounter
  readonly #aliases: Aliases
  readonly #seen = new Set<string>()
  /** How often something of each severity was found, also what is found again through an alias. */
  readonly #found = { error: 0, warning: 0 }
  /** How many problems of each severity are kept. One must not crowd out the other. */
  readonly #kept = { error: 0, warning: 0 }

  constructor (document: Document, lines: LineCounter, aliases: Aliases) {
    this.#aliases = aliases
    this.#document = document
    this.#lines = lines
  }

  /** The whole document. */
  root (): Item {
    return this.#item(this.#document.contents, '', 0)
  }

  error (item: Pick<Item, 'offset' | 'path'>, message: string): undefined {
    this.#add('error', item, message)
  }

  warn (item: Pick<Item, 'offset' | 'path'>, message: string, code?: RoutesProblem['code']): undefined {
    this.#add('warning', item, message, code)
  }

  hasErrors (): boolean {
    return this.#found.error > 0
  }

  /** There are so many errors that reading on is of no use. */
  isFull (): boolean {
    return this.#found.error >= MOST_PROBLEMS
  }

  /** Line and column of a value, both from 1. */
  placeOf ({ offset }: Pick<Item, 'offset'>): { line: number, column: number } {
    const { line, col } = this.#lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  /**
   * Reads a mapping. Keys that are not known here, or that come twice, are problems. A misspelt one is read as what was
   * meant, so that all problems are found at once.
   * @param explain tells more of a key that is not known here
   */
  fields (item: Item, known: readonly string[], explain?: (key: string) => string | undefined): Fields | undefined {
    const fields = this.mapping(item)
    if (!fields) return undefined

    const meant = new Map(fields)
    for (const field of fields.values()) {
      if (known.includes(field.key)) continue
      const key = nearest(field.key, known)
      const explained = explain?.(field.key)
      if (explained !== undefined) this.error(atKey(field), explained)
      else if (key !== undefined) this.error(atKey(field), `${unknownKey(field.key)} Did you mean ${quote(key)}?`)
      // It may be a value that is out of its place, even a secret, so it is not repeated.
      else this.error({ ...atKey(field), path: item.path }, `This key is not known here. Known: ${known.join(', ')}.`)
      if (key !== undefined && !fields.has(key)) meant.set(key, field)
    }
    return meant
  }

  /** Reads a mapping whose keys are free. */
  mapping (item: Item): Fields | undefined {
    if (!isMap(item.node)) {
      return this.error(item, `A mapping (key: value) belongs here, not ${describe(item)}.`)
    }
    const fields = new Map<string, Field>()
    for (const pair of item.node.items) {
      const keyNode = this.#resolve(pair.key as Node | null)
      const keyOffset = offsetOf(pair.key, item.offset)
      if (!isScalar(keyNode) || (keyNode.value === null && !keyNode.source)) {
        this.error({ path: item.path, offset: keyOffset }, 'A key must be a word.')
        continue
      }
      const key = typeof keyNode.value === 'string' ? keyNode.value : keyNode.source ?? String(keyNode.value)
      const path = item.path ? `${item.path}.${key}` : key
      if (fields.has(key)) {
        this.error({ path, offset: keyOffset }, `The key ${quote(key)} appears twice. Keep one of them.`)
        continue
      }
      fields.set(key, { ...this.#item(pair.value as Node | null, path, keyOffset), key, keyOffset })
    }
    return fields
  }

  /** Reads a list. */
  list (item: Item): Item[] | undefined {
    if (isSeq(item.node)) return this.#elements(item)
    return this.error(item, `A list belongs here, not ${describe(item)}.`)
  }

  /** Reads one value or a list of them. */
  oneOrMore (item: Item): Item[] {
    return isSeq(item.node) ? this.#elements(item) : [item]
  }

  /**
   * Reads a text that is not empty.
   * @param example what to write there, such as `"40s"`
   */
  text (item: Item, example?: string): string | undefined {
    const hint = example === undefined ? '' : ` Example: ${example}`
    const { node } = item
    if (!isScalar(node) || node.value === null) {
      return this.error(item, `A text belongs here, not ${describe(item)}.${hint}`)
    }
    if (typeof node.value !== 'string') {
      return this.error(item, `${describe(item, true)} must be in quotes: ${JSON.stringify(sourceOf(item))}`)
    }
    if (node.value.trim() === '') return this.error(item, `This text is empty.${hint}`)
    return node.value
  }

  /** Reads a whole number between two others. */
  integer (item: Item, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = isScalar(item.node) ? item.node.value : undefined
    const range = most === Number.MAX_SAFE_INTEGER ? `of ${least} or more` : `from ${least} to ${most}`
    if (typeof value !== 'number') {
      return this.error(item, `A whole number ${range} belongs here, not ${describe(item)}.`)
    }
    if (!Number.isInteger(value) || value < least || value > most) {
      return this.error(item, `${sourceOf(item)} is not a whole number ${range}.`)
    }
    return value
  }

  /** The value as JSON has it. The mapping's keys keep their order. */
  json (item: Item): unknown {
    if (isMap(item.node)) {
      const fields = this.mapping(item)!
      return Object.fromEntries([...fields.values()].map(field => [field.key, this.json(field)]))
    }
    if (isSeq(item.node)) return this.#elements(item).map(element => this.json(element))
    return isScalar(item.node) ? item.node.value : null
  }

  #elements (item: Item): Item[] {
    if (!isSeq(item.node)) return []
    return item.node.items.map((node, i) => this.#item(node as Node | null, `${item.path}[${i}]`, item.offset))
  }

  #item (node: Node | null, path: string, offset: number): Item {
    return { path, node: this.#resolve(node), offset: offsetOf(node, offset) }
  }

  #resolve (node: Node | null): Node | null {
    return isAlias(node) ? this.#aliases.get(node) ?? null : node
  }

  #add (
    severity: RoutesProblem['severity'],
    item: Pick<Item, 'offset' | 'path'>,
    message: string,
    code?: RoutesProblem['code']
  ): void {
    this.#found[severity]++
    if (this.#kept[severity] >= MOST_PROBLEMS) return
    const { line, column } = this.placeOf(item)
    const key = `${line}:${column}:${message}`
    // What an alias repeats is wrong only once.
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    this.#kept[severity]++
    this.problems.push({ severity, line, column, path: item.path, message, ...(code && { code }) })
  }
}

export const unknownKey = (key: string): string => `The key ${quote(key)} is not known here.`

/** Where a field's key is. */
export const atKey = ({ path, keyOffset }: Field): Pick<Item, 'offset' | 'path'> => ({ path, offset: keyOffset })

/** Whether there is a value at all: `key:` alone has none. */
export const isEmpty = ({ node }: Item): boolean => node === null || (isScalar(node) && node.value === null)

export const isMapping = ({ node }: Item): boolean => isMap(node)

export const quote = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)

/** A hint for a word that is none of those that are known. */
export function didYouMean (word: string, known: readonly string[]): string {
  const meant = nearest(word, known)
  return meant === undefined ? `Known: ${known.join(', ')}.` : `Did you mean ${quote(meant)}?`
}

/** What a scalar looks like in the file: YAML would lose the `+` and the zeros of a number. */
export function sourceOf ({ node }: Item): string {
  return isScalar(node) ? node.source ?? String(node.value) : ''
}

function describe (item: Item, atStart = false): string {
  const { node } = item
  const text = describeNode(node, item)
  return atStart ? text[0]!.toUpperCase() + text.slice(1) : text
}

function describeNode (node: Node | null, item: Item): string {
  if (isMap(node)) return 'a mapping'
  if (isSeq(node)) return 'a list'
  if (isEmpty(item) || !isScalar(node)) return 'nothing'
  if (typeof node.value === 'string') return 'a text'
  return typeof node.value === 'number' ? `the number ${sourceOf(item)}` : `the value ${sourceOf(item)}`
}

function offsetOf (node: unknown, otherwise: number): number {
  const range = (node as Node | null)?.range
  return range ? range[0] : otherwise
}
