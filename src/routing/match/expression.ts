import { RE2JS, RE2JSException } from 're2js'

/*
 * Expressions of the file run in time linear to what they are tried on (RE2), so none of them can stall a call.
 */

/** Longer expressions are refused. */
export const LONGEST_EXPRESSION = 256

/** A short expression can still mean a large machine, such as `[a-z]{1000}`. */
const MOST_INSTRUCTIONS = 2000

/** Only the beginning of a longer text is looked at. */
const LONGEST_SUBJECT = 256

export interface Expression {
  test(text: string): boolean
  /** Every number that it matches begins with `+` and these digits. Absent: unknown. */
  digits?: string
}

/** Whether a value of the file is an expression: `/^\+49/`, or `/acme/i` for either case. */
export const isExpression = (text: string): boolean => /^\/.*\/i?$/s.test(text) && text.length > 2

/** Compiles `/expression/`. A string tells what is wrong. */
export function compileExpression (text: string): Expression | string {
  const end = text.lastIndexOf('/')
  const source = text.slice(1, end)
  if (source.length > LONGEST_EXPRESSION) return `An expression has at most ${LONGEST_EXPRESSION} characters.`
  try {
    const compiled = RE2JS.compile(source, text.slice(end) === '/i' ? RE2JS.CASE_INSENSITIVE : 0)
    if (compiled.programSize() > MOST_INSTRUCTIONS) return 'This expression repeats too much.'
    return { test: text => compiled.test(text.slice(0, LONGEST_SUBJECT)), digits: firstDigits(source) }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return `This expression does not compile: ${error.message.replace(/^error parsing regexp: /, '')}. ` +
      'The syntax is RE2, which has no lookahead and no back-references.'
  }
}

/** The digits of `^\+49531…`. With an alternative in it, the beginning is not all that counts. */
function firstDigits (source: string): string | undefined {
  const match = /^\^(?:\\\+|\[+\])(\d{2,})(.?)/s.exec(source)
  if (!match || source.includes('|')) return undefined
  const [, digits, next] = match
  // The last digit may be repeated zero times.
  return /[?*{]/.test(next!) ? digits!.slice(0, -1) : digits
}
