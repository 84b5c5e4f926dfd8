export type Json = Record<string, unknown>

export const isJson = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const jsons = (value: unknown): Json[] => Array.isArray(value) ? value.filter(isJson) : []

export const text = (value: unknown): string | undefined => typeof value === 'string' ? value : undefined

export const number = (value: unknown): number | undefined => typeof value === 'number' ? value : undefined

/** The strings among the values of an object. */
export const texts = (value: unknown): Record<string, string> =>
  isJson(value)
    ? Object.fromEntries(Object.entries(value).filter(isText))
    : {}

const isText = (entry: [string, unknown]): entry is [string, string] => typeof entry[1] === 'string'
