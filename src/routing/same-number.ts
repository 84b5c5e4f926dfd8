import { readTarget } from './policy/dial-target.ts'
import { countryCodeOf } from './policy/entries.ts'

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

/**
 * Whether a call to a number of a route would come back as another call to the called number. Unlike
 * {@link isSameNumber} it takes a local number, without its area, for a number of another place: a route must not lose
 * a way to a colleague who has the same last digits.
 * @param country ISO 3166 code of the country whose national numbers are understood
 */
export function leadsBack (number: string, calledNumber: string, country: string | undefined): boolean {
  const one = internationalOf(number, country)
  const other = internationalOf(calledNumber, country)
  if (one !== undefined && other !== undefined) return one === other
  return isSameNumber(number, calledNumber) && differByCountry(digitsOf(number), digitsOf(calledNumber))
}

/** In E.164 form; undefined when nothing says in which country the number is. */
function internationalOf (number: string, country: string | undefined): string | undefined {
  const user = number.replace(/^(sips?|tel):/i, '').split(/[@;?]/, 1)[0]!.trim()
  const target = readTarget(user.replace(/^00/, '+'), country)
  return target.kind === 'number' ? target.number : undefined
}

/** At most the country code is missing from one of them. */
function differByCountry (one: string, other: string): boolean {
  const [short, long] = [one, other].sort((a, b) => a.length - b.length) as [string, string]
  const missing = long.slice(0, long.length - short.length)
  return missing === '' || countryCodeOf(long) === missing
}
