import type { Json } from './json.ts'

/** Looks up the first of some names that a record has a value for. */
export type Columns = (...names: readonly string[]) => unknown

/**
 * The values of a record by names in lower case without separators: APIs write `sip_response_code`, SDKs
 * `sipResponseCode`, and exports of a console `SIP Response Code`.
 */
export function columnsOf (record: Json): Columns {
  const values = new Map<string, unknown>()
  for (const [name, value] of Object.entries(record)) {
    const key = columnName(name)
    if (!values.has(key) && value !== null && value !== '') values.set(key, value)
  }
  return (...names) => names.map(name => values.get(name)).find(value => value !== undefined)
}

export const columnName = (name: string): string => name.slice(0, 100).toLowerCase().replace(/[^a-z0-9]/g, '')

export const wordOf = (value: unknown): string | undefined => {
  if (typeof value === 'string') return value.trim() === '' ? undefined : value.trim()
  return typeof value === 'number' ? String(value) : undefined
}

/** Undefined for a value that is no number, written as one or not. */
export function numberOf (value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** A final status of SIP. */
export function sipStatusOf (value: unknown): number | undefined {
  const status = numberOf(value)
  return status !== undefined && Number.isInteger(status) && status >= 100 && status < 700 ? status : undefined
}

/** A point in time as APIs and consoles write it, milliseconds since the epoch. */
export function instantOf (value: unknown): number | undefined {
  const number = numberOf(value)
  if (number !== undefined) return epochMs(number)
  if (value instanceof Date) return value.getTime()
  if (typeof value !== 'string' || value.length > 60) return undefined

  const at = Date.parse(value.replace(/^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,9})?)$/, '$1T$2Z'))
  return Number.isNaN(at) ? undefined : at
}

/** Seconds, milliseconds, microseconds or nanoseconds since the epoch. */
function epochMs (number: number): number | undefined {
  if (number > 1e17) return number / 1e6
  if (number > 1e14) return number / 1e3
  if (number > 1e11) return number
  return number > 1e8 ? number * 1000 : undefined
}
