import type { Collector } from './collector.ts'
import { HOOK_NAMES } from './field-names.ts'
import type { Json } from './json.ts'

/*
 * A webhook with each field on a line of its own: YAML, PHP's print_r, what people print in a loop.
 */

const LINE = /^\s{0,40}[["']?(\w{1,80})["'\]]{0,2}\s{0,20}(?:=>|:|=)\s{0,20}(.{0,2000})$/
/** Fields of a webhook. */
const MOST = 200

/** Begins with the first line that names a field of Jambonz; undefined for other lines. */
export function openKeyLines (line: string): Collector | undefined {
  const [, name = ''] = LINE.exec(line) ?? []
  if (!HOOK_NAMES.has(name)) return undefined

  const fields: Json = {}
  let count = 0
  const reader: Collector = {
    push (next) {
      const [, key, value = ''] = LINE.exec(next) ?? []
      // The same name again is of the next webhook.
      if (key === undefined || Object.hasOwn(fields, key) || count === MOST) return false
      count++
      fields[key] = value.trim().replace(/,$/, '').replace(/^(["'])(.*)\1$/, '$2')
      return true
    },
    end: () => count >= 3 ? { record: fields } : undefined
  }
  reader.push(line)
  return reader
}
