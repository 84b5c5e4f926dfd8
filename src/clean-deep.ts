import { cleanText } from './clean-text.ts'

/**
 * A copy of plain data with every string in it cleaned. A printer applies it to what it was given before it adds line
 * ends and colours, so that no field of a capture, webhook or record can bring its own.
 * @param clean replaces `cleanText` where a printer has to take more away
 */
export function cleanDeep<T> (value: T, clean: (text: string) => string = cleanText): T {
  const copy = (inner: unknown): unknown => {
    if (typeof inner === 'string') return clean(inner)
    if (Array.isArray(inner)) return inner.map(copy)
    if (typeof inner !== 'object' || inner === null) return inner

    return Object.fromEntries(Object.entries(inner).map(([name, value]) => [name, copy(value)]))
  }
  return copy(value) as T
}
