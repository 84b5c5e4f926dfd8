import { isObject, parsedJson, type Json } from './json.ts'

/** Characters of a JSON document that is read whole. */
const MAX_DOCUMENT = 8 * 1024 * 1024

/** Collects the lines of a file for as long as it may be one JSON document. */
export class JsonDocument {
  #lines: string[] = []
  #size = 0
  #ruledOut = false

  add (line: string): void {
    if (this.#ruledOut) return

    this.#size += line.length
    const isBlank = line.trim() === ''
    const isOther = this.#lines.length === 0 && !isBlank && !/^\s*[[{]/.test(line)
    if (this.#size > MAX_DOCUMENT || isOther) this.ruleOut()
    else if (!isBlank || this.#lines.length > 0) this.#lines.push(line)
  }

  /** The file is something else. */
  ruleOut (): void {
    this.#ruledOut = true
    this.#lines = []
  }

  /** The records of the document; empty when the file is none. */
  records (): Json[] {
    return this.#ruledOut ? [] : rowsIn(parsedJson(this.#lines.join('\n')))
  }
}

/**
 * The records of a document: a list, a list within an object (`{ data: [] }`, `{ log: { entries: [] } }`), or the
 * object itself.
 */
function rowsIn (document: unknown, depth = 0): Json[] {
  if (Array.isArray(document)) return document.filter(isObject)
  if (!isObject(document)) return []

  const nested = Object.values(document).filter(value => typeof value === 'object')
  const lists = depth < 2 ? nested.map(value => rowsIn(value, depth + 1)) : []
  const [longest] = lists.filter(list => list.length > 1).sort((a, b) => b.length - a.length)
  return longest ?? [document]
}
