import { ANONYMOUS } from '../../calls/fold/call.ts'
import { numberLibrary, planOf } from '../policy/phone-numbers.ts'

/*
 * How the numbers of calls and of the file are read. The same number has many spellings: with and without `+` or `00`,
 * as `tel:` or `sip:`, with spaces. What is compared are digits, country code first where it is known.
 */

/** Numbers and names beyond this are compared as if they ended here, which bounds the work. */
const LONGEST = 128

/** A number of a call, read once. */
export interface CalledNumber {
  /** As the call has it. */
  written: string
  withheld: boolean
  /** User part of a SIP address, lower case: `sales`, or the number. */
  user: string
  /** Digits by which it may be known: as they are, and with the country code. */
  digits: readonly string[]
  /** What expressions are tried on: as it is written, and with `+` and country code. */
  forms: readonly string[]
}

/** Reads the number of a call. National numbers only where a country tells how. */
export function readNumber (written: string, country?: string): CalledNumber {
  const user = userOf(written.slice(0, LONGEST))
  const compact = compactOf(user)
  if (!/^\+?\d+$/.test(compact)) {
    return { written, withheld: user.toLowerCase() === ANONYMOUS, user: user.toLowerCase(), digits: [], forms: [user] }
  }

  const international = internationalOf(compact)
  const digits = [international ?? compact]
  const national = international === undefined ? nationalOf(compact, country) : undefined
  if (national !== undefined && national !== compact) digits.push(national)
  const forms = [...new Set([user, ...digits.map(digits => `+${digits}`)])]
  return { written, withheld: false, user: compact, digits, forms }
}

/** `sip:+49531@host`, `tel:+49-531;phone-context=x` and `+49 531` are the same. */
function userOf (written: string): string {
  return written.trim().replace(/^(sips?|tel):/i, '').split(/[@;?]/, 1)[0]!.trim()
}

export const compactOf = (number: string): string => number.replace(/[\s().\-/\u2010-\u2015]/g, '')

/** Digits with country code, where the spelling says that they have one. */
function internationalOf (compact: string): string | undefined {
  if (compact.startsWith('+')) return compact.slice(1)
  return compact.startsWith('00') ? compact.slice(2) : undefined
}

function nationalOf (compact: string, country: string | undefined): string | undefined {
  if (country === undefined) return undefined
  const { isSupportedCountry, parsePhoneNumberFromString } = numberLibrary()
  if (!isSupportedCountry(country)) return undefined
  const number = parsePhoneNumberFromString(compact, { defaultCountry: country, extract: false })
  return number?.isPossible() ? number.number.slice(1) : undefined
}

/**
 * Digits of a number or prefix of the file by which calls may know it.
 * @param compact digits, perhaps with `+` in front
 */
export function digitsOfPattern (compact: string, country: string | undefined, isPrefix: boolean): string[] {
  const international = internationalOf(compact)
  if (international !== undefined) return [international]
  const national = isPrefix ? nationalPrefixOf(compact, country) : nationalOf(compact, country)
  return national === undefined || national === compact ? [compact] : [compact, national]
}

/** A prefix is too short to be parsed as a number: its national prefix is replaced by the country code. */
function nationalPrefixOf (compact: string, country: string | undefined): string | undefined {
  if (country === undefined || !numberLibrary().isSupportedCountry(country)) return undefined
  const { trunk, code } = planOf(country)
  if (trunk !== undefined && compact.startsWith(trunk)) return `${code}${compact.slice(trunk.length)}`
  // Italy has no such digit, and in North America it is usually left out. Elsewhere a number without it is local.
  return trunk === undefined || trunk === code ? `${code}${compact}` : undefined
}
