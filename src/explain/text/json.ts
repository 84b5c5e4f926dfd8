export type Json = Record<string, unknown>

export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const textOf = (value: unknown): string | undefined => typeof value === 'string' ? value : undefined

/** A value that was logged as an object, or as the JSON text of one. */
export function objectOf (value: unknown): Json | undefined {
  if (isObject(value)) return value
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return undefined

  const parsed = parsedJson(value)
  return isObject(parsed) ? parsed : undefined
}

const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']', '"': '"' }

/** Undefined for a text that is no JSON. */
export function parsedJson (text: string): unknown {
  // Errors are slow, and logs are full of what begins like JSON.
  const closing = CLOSING[/\S/.exec(text.slice(0, 100))?.[0] ?? '']
  const last = /(\S)\s*$/.exec(text.slice(-100))?.[1]
  if (closing !== undefined && last !== undefined && last !== closing) return undefined

  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
