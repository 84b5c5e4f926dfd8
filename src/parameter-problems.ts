import { ParameterError, UnknownQueryError } from './errors.ts'

/*
 * The words for what is wrong with the query or the path of a request.
 */

/** A problem that the schema found, as Ajv says it. */
export interface ParameterProblem {
  keyword: string
  instancePath: string
  params: Record<string, unknown>
}

/** What of a parameter's JSON Schema the words need. */
interface ParameterSchema {
  type?: string
  description?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  enum?: unknown[]
}

export interface WrongRequest {
  problem: ParameterProblem
  /** Schema of the query or the path. */
  schema: unknown
  query: unknown
}

/** Longest name that is repeated, characters. */
const LONGEST_SHOWN = 40

/** Makes the error that says what is wrong, and what would be right. */
export function parameterError ({ problem, schema, query }: WrongRequest): Error {
  const { properties = {} } = schema as { properties?: Record<string, ParameterSchema> }
  if (problem.keyword === 'additionalProperties') return unknownQuery(query, Object.keys(properties))

  const name = String(problem.params['missingProperty'] ?? problem.instancePath.split('/')[1])
  if (problem.keyword === 'required') return new ParameterError(`\`${name}\` is missing.`)
  const known = Object.hasOwn(properties, name) ? properties[name] : undefined
  return new ParameterError(`\`${name}\` must be ${known ? expected(known) : 'something else'}.`)
}

function unknownQuery (query: unknown, known: string[]): Error {
  const unknown = Object.keys(query as object).filter(name => !known.includes(name))
  const names = unknown.map(name => JSON.stringify(name.slice(0, LONGEST_SHOWN))).join(', ')
  return new UnknownQueryError(names, known.length === 0 ? 'none' : known.join(', '))
}

function expected (schema: ParameterSchema): string {
  if (schema.enum) return `one of ${schema.enum.join(', ')}`
  switch (schema.type) {
    case 'integer':
      return `a whole number${unitOf(schema)}${rangeOf(schema)}`
    case 'boolean':
      return 'true or false'
    default:
      return `a text${lengthOf(schema)}`
  }
}

const lengthOf = ({ minLength = 0, maxLength }: ParameterSchema): string =>
  maxLength === undefined ? '' : ` of ${minLength} to ${maxLength} characters`

const unitOf = ({ description }: ParameterSchema): string =>
  description !== undefined && /\bseconds\b/.test(description) ? ' of seconds' : ''

function rangeOf ({ minimum, maximum }: ParameterSchema): string {
  if (maximum === undefined) return minimum === undefined ? '' : `, at least ${minimum}`
  return minimum === undefined ? `, at most ${maximum}` : ` from ${minimum} to ${maximum}`
}
