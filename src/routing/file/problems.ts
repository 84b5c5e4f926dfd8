import type { RoutesProblem, RoutesSource } from '../routes.ts'

/*
 * Problems of a routes file as text.
 */

/** Whether the problem keeps the file from being used. */
export const isError = ({ severity }: RoutesProblem): boolean => severity === 'error'

/** A problem in the form that editors and terminals understand: `routes.yaml:14:7 error …`. */
export const problemLine = (file: string, { severity, message, ...place }: RoutesProblem): string =>
  `${placeIn(file, place)} ${severity} ${message}`

/** Where in a file a problem is; of the file as a whole only its name. */
export const placeIn = (file: string, { line, column }: Pick<RoutesProblem, 'line' | 'column'>): string =>
  line === 0 ? file : `${file}:${line}:${column}`

/** A problem for the log and for health checks, which anybody may read: `line 14, column 7: …`, without numbers. */
export function briefProblem ({ line, column, message }: RoutesProblem): string {
  const place = line === 0 ? '' : `line ${line}, column ${column}: `
  return place + withoutNumbers(message)
}

/** Longest description of a problem in a health check, characters. */
const LONGEST_TROUBLE = 200

/** Why the table in force is an older one, for health checks. Undefined: it is not. */
export function troubleOf ({ problems }: Pick<RoutesSource, 'problems'>): string | undefined {
  const [first, ...others] = problems.filter(isError)
  if (!first) return undefined
  const brief = briefProblem(first)
  const cut = brief.length > LONGEST_TROUBLE ? `${brief.slice(0, LONGEST_TROUBLE)}…` : brief
  return `routes: ${cut}${others.length === 0 ? '' : ` (and ${others.length} more)`}`
}

/** Digits enough to be a phone number, in the spellings that people use. */
const NUMBER = /\+?\d[\d ()./-]{3,}\d/g
/** Dates and IPv4 addresses are no phone numbers. */
const NO_NUMBER = /^(?:\d{4}-\d\d-\d\d|\d{1,3}(?:\.\d{1,3}){3})(?: \d\d)?$/

/** Only the beginning of a number is left, so that somebody who has the file recognises it. */
export const withoutNumbers = (text: string): string => text.replace(NUMBER, number =>
  NO_NUMBER.test(number) ? number : `${number.slice(0, 3)}…`)

/** The routes file cannot be used. `problems` are all that is wrong with it, and the message lists the errors. */
export class RoutesFileError extends Error {
  readonly problems: readonly RoutesProblem[]

  constructor (file: string, problems: readonly RoutesProblem[]) {
    const lines = problems.filter(isError).map(problem => `  - ${placeIn(file, problem)} ${problem.message}`)
    super(`The routes file cannot be used:\n${lines.join('\n')}`)
    this.name = 'RoutesFileError'
    this.problems = problems
  }
}
