import { RE2JS, RE2JSException } from 're2js'

/*
 * Expressions of the file run in time linear to what they are tried on (RE2), so none of them can stall a call.
 */

/** Longer expressions are refused. */
export const LONGEST_EXPRESSION = 256

/** A short expression can still mean a large machine, such as `[a-z]{1000}`. */
const MOST_INSTRUCTIONS = 2000

/**
 * A call is tried on all expressions that begin with the same digits, or with none. Together they may be so large:
 * some 300 of ordinary length, which take less than a millisecond.
 */
const MOST_INSTRUCTIONS_TOGETHER = 4000

/** Only the beginning of a longer text is looked at. */
const LONGEST_SUBJECT = 256

export interface Expression {
  test(text: string): boolean
  /** Every number that it matches begins with `+` and these digits. Absent: unknown. */
  digits?: string
  /** Instructions that it was compiled to. */
  size: number
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
    const size = compiled.programSize()
    if (size > MOST_INSTRUCTIONS) return 'This expression repeats too much.'
    return { test: text => compiled.test(text.slice(0, LONGEST_SUBJECT)), digits: firstDigits(source), size }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return `This expression does not compile: ${error.message.replace(/^error parsing regexp: /, '')}. ` +
      'The syntax is RE2, which has no lookahead and no back-references.'
  }
}

/** Adds up how large the expressions of a file are. */
export class ExpressionSizes {
  readonly #sizes = new Map<string, number>()

  /** @returns what is wrong, once they are too many */
  add ({ digits = '', size }: Expression): string | undefined {
    const together = (this.#sizes.get(digits) ?? 0) + size
    this.#sizes.set(digits, together)
    // Only the first one too many is a problem of the file.
    if (together <= MOST_INSTRUCTIONS_TOGETHER || together - size > MOST_INSTRUCTIONS_TOGETHER) return undefined
    return 'With this expression a call would be compared with too many of them. Write numbers, values or prefixes ' +
      'such as "+49531180*", or begin expressions with more digits: "/^\\+49531180/".'
  }
}

/** The digits of `^\+49531…`. With an alternative in it, the beginning is not all that counts. */
function firstDigits (source: string): string | undefined {
  const match = /^\^(?:\\\+|\[\+\])(\d{2,})(.?)/s.exec(source)
  if (!match || source.includes('|')) return undefined
  const [, digits, next] = match
  // The last digit may be repeated zero times.
  return /[?*{]/.test(next!) ? digits!.slice(0, -1) : digits
}
