import { randomInt } from 'node:crypto'

export type Json = Record<string, unknown>

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** An id in LiveKit's form: a prefix and 12 letters or digits. */
export function newId (prefix: string, length = 12): string {
  return prefix + Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}

/** Reads a field in snake_case or camelCase. LiveKit's JSON accepts both. */
export function field (object: Json, name: string): unknown {
  return object[name] ?? object[name.replace(/_(\w)/g, (_all, letter: string) => letter.toUpperCase())]
}

export function isJson (value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function text (object: Json, name: string, fallback = ''): string {
  const value = field(object, name)
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : fallback
}

export function number (object: Json, name: string, fallback = 0): number {
  const value = Number(field(object, name) ?? fallback)
  return Number.isFinite(value) ? value : fallback
}

export function object (parent: Json, name: string): Json {
  const value = field(parent, name)
  return isJson(value) ? value : {}
}

export function list (parent: Json, name: string): unknown[] {
  const value = field(parent, name)
  return Array.isArray(value) ? value : []
}

export function texts (parent: Json, name: string): string[] {
  return list(parent, name).filter(value => typeof value === 'string')
}

/** A map of strings. Its keys stay unchanged. */
export function textMap (parent: Json, name: string): Record<string, string> {
  return Object.fromEntries(Object.entries(object(parent, name)).map(([key, value]) => [key, String(value)]))
}

/** Every field of `template`, with the value of `source` if it has one. LiveKit's replies contain every field. */
export function filled (template: Json, source: Json): Json {
  return Object.fromEntries(
    Object.entries(template).map(([name, fallback]) => {
      const value = field(source, name)
      return [name, value === undefined || value === null ? structuredClone(fallback) : value]
    })
  )
}

/** A protobuf duration (`"40s"`) in milliseconds. 0 when it is not set. */
export function durationMs (json: Json, name: string): number {
  const value = field(json, name)
  return typeof value === 'string' ? Math.round(number({ value: value.replace(/s$/, '') }, 'value') * 1000) : 0
}
