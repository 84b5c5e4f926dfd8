import { numberKey } from './number-key.ts'

/*
 * How calls are found by a part of a number. A number is indexed by all its parts of four digits. A longer part is
 * looked up by its own parts of four digits, and what has them all is compared.
 */

const PART_LENGTH = 4
/** No phone number is longer. Only the beginning of a longer one is searched. */
const MOST_DIGITS = 24

/** What somebody looks for in the numbers of calls. */
export interface NumberQuery {
  key: string
  /** Digits that the number must contain. Absent: the number must be equal. */
  digits?: string
}

/**
 * Reads what somebody looks for: a number in any spelling, or a part of one with at least four digits. A national
 * prefix (`030 1234567`) is left out, because most numbers are international. Fewer digits, and text that is not a
 * number, must be equal to the number.
 */
export function numberQuery (text: string): NumberQuery {
  const key = numberKey(text)
  const digits = digitsIn(key) ?? ''
  const national = digits.replace(/^0+/, '')
  if (national.length >= PART_LENGTH) return { key, digits: national }
  return digits.length >= PART_LENGTH ? { key, digits } : { key }
}

/** Whether a number is, or contains, what somebody looks for. */
export function isNumberOf ({ key, digits }: NumberQuery, number: string): boolean {
  const own = numberKey(number)
  return digits === undefined ? own === key : (digitsIn(own) ?? '').slice(0, MOST_DIGITS).includes(digits)
}

/** What numbers are indexed by. */
export function partsOf (numbers: readonly string[]): Set<string> {
  const parts = new Set<string>()
  for (const number of numbers) {
    const key = numberKey(number)
    const digits = digitsIn(key) ?? ''
    if (digits.length < PART_LENGTH) parts.add(key)
    else for (const part of partsIn(digits.slice(0, MOST_DIGITS))) parts.add(part)
  }
  return parts
}

/** The parts that a number must all have. More numbers may have them than those that are looked for. */
export const partsOfQuery = ({ key, digits }: NumberQuery): string[] =>
  digits === undefined ? [key] : [...new Set(partsIn(digits))]

/** The digits of a number; undefined: it is other text. */
const digitsIn = (key: string): string | undefined => /^[\d*#]+$/.test(key) ? key.replace(/[*#]/g, '') : undefined

const partsIn = (digits: string): string[] =>
  Array.from({ length: digits.length - PART_LENGTH + 1 }, (_, i) => digits.slice(i, i + PART_LENGTH))
