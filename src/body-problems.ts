import { nearest } from './routing/file/nearest.ts'

/*
 * The words for what is wrong with a body that does not fit its schema.
 */

/** A problem that the schema found, as Ajv says it. */
export interface SchemaProblem {
  keyword: string
  instancePath: string
  params: Record<string, unknown>
}

export interface BodyWords<Name extends string> {
  /** What belongs into each property. */
  expected: Record<Name, string>
  /** What is missing where a required property is. */
  required: Partial<Record<Name, string>>
  /** A small body that is right. */
  example: string
}

const LONGEST_SHOWN = 40

/** Makes the function that says in a sentence what the schema found. */
export function createBodyProblem<Name extends string> ({ expected, required, example }: BodyWords<Name>) {
  const isKnown = (name: string): name is Name => Object.hasOwn(expected, name)
  const known = Object.keys(expected)

  function unknownProperty (name: string): string {
    const shown = JSON.stringify(name.slice(0, LONGEST_SHOWN))
    const meant = nearest(name.slice(0, LONGEST_SHOWN), known)
    return `${shown} is not known. ${meant === undefined ? `Known are ${known.join(', ')}.` : `Did you mean ${meant}?`}`
  }

  return ({ keyword, instancePath, params }: SchemaProblem): string => {
    if (keyword === 'additionalProperties') return unknownProperty(String(params['additionalProperty']))
    if (keyword === 'required') {
      const name = String(params['missingProperty']) as Name
      return `${name} is missing: ${required[name]}. Example: ${example}`
    }
    const [, name = ''] = instancePath.split('/')
    return isKnown(name) ? `${name} must be ${expected[name]}.` : `The body must be a JSON object. Example: ${example}`
  }
}
