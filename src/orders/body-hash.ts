import { createHash } from 'node:crypto'

/** Hash of a JSON value. The order of keys and the spaces of its text do not matter. */
export const bodyHash = (value: unknown): string =>
  createHash('sha256').update(canonicalText(value)).digest('base64url')

/** JSON with sorted keys. JSON text cannot nest deeper than its length allows, which the route limits. */
function canonicalText (value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => isMapping(part) ? sorted(part) : part)
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function sorted (mapping: Record<string, unknown>): Record<string, unknown> {
  // Names such as `__proto__` are ordinary here.
  const copy = Object.create(null) as Record<string, unknown>
  for (const key of Object.keys(mapping).sort()) copy[key] = mapping[key]
  return copy
}
