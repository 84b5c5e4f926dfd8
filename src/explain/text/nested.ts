import { isObject, objectOf, type Json } from './json.ts'

/** How deep APIs and loggers wrap a record: `{ data: [] }`, `{ cdr: {} }`, `{ payload: { alerts: [] } }`. */
const MAX_DEPTH = 2
/** Records of one page of an API. */
const MOST = 10_000

/**
 * Reads a record, or else the records within it.
 * @param read undefined for a record of another form
 */
export function readNested<T> (record: Json, read: (record: Json) => T | undefined, depth = 0): T[] {
  const own = read(record)
  if (own !== undefined) return [own]
  if (depth === MAX_DEPTH) return []

  return Object.values(record).flatMap(value => {
    const inner = Array.isArray(value) ? value.slice(0, MOST).filter(isObject) : [objectOf(value)].filter(isObject)
    return inner.flatMap(item => readNested(item, read, depth + 1))
  })
}
