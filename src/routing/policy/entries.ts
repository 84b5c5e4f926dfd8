import { readTarget } from './dial-target.ts'
import { isCountry, type NumberFacts } from './phone-numbers.ts'

/** What an entry of `allow` or `deny` means. */
type Entry =
  | { kind: 'country', country: string }
  | { kind: 'prefix', /** With `+`. */ digits: string, /** It goes beyond the country code. */ narrow: boolean }
  /** A short code, or a number that is written nationally. */
  | { kind: 'exact', digits: string }

/** A number as the entries are compared with it: in E.164 form, or the digits of a short code. */
export interface Dialled {
  digits: string
  /** Of a number in E.164 form. */
  facts?: NumberFacts
}

const SEPARATORS = /[\s()./-]/g

/** Undefined: the entry means nothing, and covers nothing. */
function readEntry (text: string, country: string | undefined): Entry | undefined {
  const written = text.replace(SEPARATORS, '').replace(/\*$/, '')
  const code = written.toUpperCase()
  if (/^[A-Z]{2}$/.test(code)) return isCountry(code) ? { kind: 'country', country: code } : undefined
  if (/^\+[1-9]\d{0,14}$/.test(written)) return prefixOf(written)

  const target = readTarget(written, country)
  if (target.kind === 'short') return { kind: 'exact', digits: target.digits }
  return target.kind === 'number' ? { kind: 'exact', digits: target.number } : undefined
}

/** No country code is longer than three digits. */
const LONGEST_COUNTRY_CODE = 3

function prefixOf (digits: string): Entry {
  const behind = digits.slice(1)
  return { kind: 'prefix', digits, narrow: behind.length > countryCodeOf(behind).length }
}

/** The country code with which the digits of a number in E.164 form begin, or as much of it as there is. */
export const countryCodeOf = (digits: string): string =>
  COUNTRY_CODES.find(code => digits.startsWith(code)) ?? digits.slice(0, LONGEST_COUNTRY_CODE)

/** ITU-T E.164: these have one digit, the following two, and all others three. */
const COUNTRY_CODES = [
  ...['1', '7'],
  ...['20', '27', '30', '31', '32', '33', '34', '36', '39', '40', '41', '43', '44', '45', '46', '47', '48', '49'],
  ...['51', '52', '53', '54', '55', '56', '57', '58', '60', '61', '62', '63', '64', '65', '66'],
  ...['81', '82', '84', '86', '90', '91', '92', '93', '94', '95', '98']
]

/** Whether an entry names the number in full. */
export function isNamed (entries: readonly string[], { digits, facts }: Dialled, country?: string): boolean {
  // What is too short for a number is a prefix, and names nothing.
  const isWhole = !facts || facts.possible || (facts.kind === 'no-country' && digits.length > SHORTEST_SERVICE)
  return isWhole && entries.some(text => {
    const entry = readEntry(text, country)
    return entry !== undefined && entry.kind !== 'country' && entry.digits === digits
  })
}

/** Of numbers without a country nobody publishes the lengths. */
const SHORTEST_SERVICE = 7

/** Finds the entry that covers the number, whatever it costs: of a list that forbids. */
export const coveredBy = (entries: readonly string[], dialled: Dialled, country?: string): string | undefined =>
  entries.find(text => {
    const entry = readEntry(text, country)
    return entry !== undefined && covers(entry, dialled)
  })

function covers (entry: Entry, { digits, facts }: Dialled): boolean {
  switch (entry.kind) {
    case 'country':
      return facts?.country === entry.country
    case 'prefix':
      return digits.startsWith(entry.digits)
    case 'exact':
      return digits === entry.digits
  }
}

/**
 * Whether an entry opens the number. A country and its code open ordinary numbers that are valid there; a prefix that
 * goes beyond the country code opens also personal numbers, and numbers that nobody is known to have.
 */
export function isOpened (entries: readonly string[], { digits, facts }: Dialled, country?: string): boolean {
  if (!facts) return false
  return entries.some(text => {
    const entry = readEntry(text, country)
    if (entry?.kind === 'country') return facts.kind === 'ordinary' && facts.country === entry.country
    if (entry?.kind !== 'prefix' || !digits.startsWith(entry.digits)) return false

    if (!entry.narrow) return facts.kind === 'ordinary'
    return facts.kind === 'ordinary' || facts.kind === 'special' || (facts.kind === 'invalid' && facts.possible)
  })
}

/**
 * Says what is wrong with an entry of `allow` or `deny`, and what to write instead. Undefined: nothing.
 * @param country ISO 3166 code of the country whose national numbers are understood
 */
export function entryProblem (text: string, country?: string): string | undefined {
  if (readEntry(text, country)) return undefined
  const written = text.trim()
  if (/^[a-z]{2}$/i.test(written)) return `"${written}" is no country. Write its ISO 3166 code, such as DE or US.`

  const digits = written.replace(SEPARATORS, '').replace(/\*$/, '')
  if (/^\d+$/.test(digits)) {
    return `"${written}" is no number that can be compared. Write "+${digits.replace(/^00/, '')}" in quotes if that is ` +
      'the international form.'
  }
  return `"${written}" is neither a country such as DE, nor a prefix such as "+1555", nor a number.`
}

/** The country that opens a number when it is written in `allow`; '' when only a prefix or the number itself does. */
export const openingCountry = ({ facts }: Dialled): string => facts?.kind === 'ordinary' ? facts.country ?? '' : ''
