import type { TObject, TProperties } from 'typebox'
import { cleanText } from '../clean-text.ts'
import { HookBodyError } from '../errors.ts'

/** Reads one value; undefined when it is not what the schema describes. */
type Reader = (value: unknown) => unknown

/** The keywords that the schemas of payloads.ts use. */
interface Keywords {
  type?: string
  enum?: unknown[]
  pattern?: string
  maxLength?: number
  minimum?: number
  maximum?: number
  properties?: Record<string, Keywords>
}

/**
 * Makes the reader of a hook's body. Nobody can fix a hook while its caller waits, so a value that is not what the
 * schema describes counts as absent, at any depth. Numbers and texts are taken for each other. Texts are cleaned once,
 * here, so that no control character gets any further. Properties that the schema does not name are left out.
 * @param vital properties without which the body means nothing, or something else: when given they must be right, and
 *   those that the schema requires must be given
 * @returns a function that throws {@link HookBodyError}
 */
export function bodyReader<Body> (
  schema: TObject<TProperties>,
  vital: readonly string[]
): (body: unknown) => Body {
  const readers = readersOf(schema.properties as unknown as Record<string, Keywords>)
  const required = new Set(schema.required)

  return body => {
    if (!isObject(body)) throw new HookBodyError('JSON object')
    const read = readProperties(readers, body)
    for (const name of vital.filter(name => name in readers)) {
      const given = Object.hasOwn(body, name) && body[name] !== null
      if (read[name] === undefined && (given || required.has(name))) throw new HookBodyError(name)
    }
    return read as Body
  }
}

const readersOf = (properties: Record<string, Keywords>): Record<string, Reader> =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, readerOf(schema)]))

function readProperties (readers: Record<string, Reader>, body: Record<string, unknown>): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  for (const [name, reader] of Object.entries(readers)) {
    const value = Object.hasOwn(body, name) ? reader(body[name]) : undefined
    if (value !== undefined) read[name] = value
  }
  return read
}

function readerOf (schema: Keywords): Reader {
  switch (schema.type) {
    case 'string':
      return textReader(schema)
    case 'integer':
    case 'number':
      return numberReader(schema)
    case 'array':
      return value => Array.isArray(value) ? value : undefined
    case 'object':
      return objectReader(schema)
    default:
      return value => value ?? undefined
  }
}

function textReader ({ enum: known, pattern, maxLength = Infinity }: Keywords): Reader {
  if (known) return value => known.includes(value) ? value : undefined
  if (pattern !== undefined) {
    const form = new RegExp(pattern)
    return value => typeof value === 'string' && form.test(value) ? value : undefined
  }
  return value => {
    const text = typeof value === 'number' ? String(value) : value
    return typeof text === 'string' && text.length <= maxLength ? cleanText(text) : undefined
  }
}

function numberReader ({ type, minimum = -Infinity, maximum = Infinity }: Keywords): Reader {
  return value => {
    const number = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value
    if (typeof number !== 'number' || number < minimum || number > maximum) return undefined
    return type === 'number' || Number.isInteger(number) ? number : undefined
  }
}

function objectReader ({ properties }: Keywords): Reader {
  if (!properties) return value => isObject(value) ? value : undefined
  const readers = readersOf(properties)
  return value => isObject(value) ? readProperties(readers, value) : undefined
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
