/** Fewer digits than this do not make two spellings of different length the same number. */
const FEWEST_DIGITS = 7

/**
 * Whether two spellings name the same number: only digits count, and national and international prefixes may differ.
 */
export function isSameNumber (one: string, other: string): boolean {
  const a = digitsOf(one)
  const b = digitsOf(other)
  if (!a || !b) return false
  return a === b || (Math.min(a.length, b.length) >= FEWEST_DIGITS && (a.endsWith(b) || b.endsWith(a)))
}

const digitsOf = (number: string): string =>
  number.replace(/^(sip|tel):/, '').split('@')[0]!.replace(/\D/g, '').replace(/^0+/, '')
