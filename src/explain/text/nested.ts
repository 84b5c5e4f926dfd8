import { isObject, objectOf, type Json } from './json.ts'

/** How deep loggers wrap a record: `{ msg, cdr: {} }`, `{ data: { payload: "{}" } }`. */
const MAX_DEPTH = 2

/**
 * Reads a record, or else the records within it. (Those in lists are records of their own.)
 * @param read undefined for a record of another form
 */
export function readNested<T> (record: Json, read: (record: Json) => T | undefined, depth = 0): T[] {
  const own = read(record)
  if (own !== undefined) return [own]
  if (depth === MAX_DEPTH) return []
  return Object.values(record).map(objectOf).filter(isObject).flatMap(inner => readNested(inner, read, depth + 1))
}
