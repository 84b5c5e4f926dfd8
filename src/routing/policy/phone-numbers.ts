import { createRequire } from 'node:module'
import type * as Core from 'libphonenumber-js/core'
import type * as Library from 'libphonenumber-js/max'

/** `special`: personal, pager and voicemail numbers, which often cost more than others of their country. */
export type NumberKind = 'ordinary' | 'special' | 'premium-rate' | 'shared-cost' | 'no-country' | 'invalid'

/** What the numbering plans of the world say of a number. */
export interface NumberFacts {
  /** ISO 3166. Absent: it belongs to none, or the plan does not tell to which. */
  country?: string
  /** Without `+`. */
  countryCode: string
  /** Without country code and national prefix. */
  national: string
  kind: NumberKind
  /** Numbers of its length exist in its country. */
  possible: boolean
}

type NumberLibrary = Omit<typeof Library, 'Metadata'>

let library: NumberLibrary | undefined

/**
 * The numbering plans of the world, loaded when they are first needed: that takes some 40 ms and 8 MB. `max` is needed:
 * `min` takes premium rate numbers of Latvia, Austria and France for ordinary ones.
 */
export function numberLibrary (): NumberLibrary {
  library ??= createRequire(import.meta.url)('libphonenumber-js/max') as NumberLibrary
  return library
}

/** Country codes that ITU-T gave to services and not to countries, and those that it holds back for more of them. */
const WITHOUT_COUNTRY = /^\+(?:800|808|87\d|88[1234578]|889|979|99[19])/

const KINDS: Partial<Record<Library.NumberType & string, NumberKind>> = {
  FIXED_LINE: 'ordinary',
  MOBILE: 'ordinary',
  FIXED_LINE_OR_MOBILE: 'ordinary',
  TOLL_FREE: 'ordinary',
  VOIP: 'ordinary',
  UAN: 'ordinary',
  PREMIUM_RATE: 'premium-rate',
  SHARED_COST: 'shared-cost'
}

/** @param number in E.164 form, with `+` */
export function factsOf (number: string): NumberFacts {
  const parsed = numberLibrary().parsePhoneNumberFromString(number, { extract: false })
  if (!parsed) {
    const kind = WITHOUT_COUNTRY.test(number) ? 'no-country' : 'invalid'
    return { countryCode: '', national: number.slice(1), kind, possible: false }
  }
  return {
    country: parsed.country,
    countryCode: parsed.countryCallingCode,
    national: parsed.nationalNumber,
    kind: kindOf(parsed),
    possible: parsed.isPossible()
  }
}

function kindOf (number: Library.PhoneNumber): NumberKind {
  if (number.isNonGeographic() || WITHOUT_COUNTRY.test(number.number)) return 'no-country'
  if (!number.isValid()) return 'invalid'

  const type = number.getType()
  return (type && KINDS[type]) ?? 'special'
}

/**
 * The E.164 form of a number. One that no numbering plan knows stays as it is.
 * @param digits with `+` in front when the number is international
 * @param country ISO 3166 code of the country whose national numbers are understood
 * @returns undefined: a national number, and nothing says of which country
 */
export function internationalForm (digits: string, country: string | undefined): string | undefined {
  const international = digits.startsWith('+')
  if (!international && (country === undefined || !isNational(digits, country))) return undefined

  const defaultCountry = international ? undefined : country as Library.CountryCode
  const parsed = numberLibrary().parsePhoneNumberFromString(digits, { defaultCountry, extract: false })
  return parsed?.number ?? (international ? digits : undefined)
}

/**
 * Where a country has a trunk prefix, a number without it is a local one, or an international one whose `+` is missing.
 * In North America the prefix is the country code, and mostly left out.
 */
function isNational (digits: string, country: string): boolean {
  if (!isCountry(country)) return false

  const { trunk, code } = planOf(country)
  return trunk === undefined || trunk === code || digits.startsWith(trunk)
}

/**
 * What a national number begins with, and the country code. In North America the two are the same digit.
 * @param country ISO 3166 code of a country that has phone numbers
 */
export function planOf (country: string): { trunk: string | undefined, code: string } {
  const load = createRequire(import.meta.url)
  // The library's own export of this class is missing where it is loaded on demand.
  const { Metadata } = load('libphonenumber-js/core') as typeof Core
  const metadata = new Metadata(load('libphonenumber-js/metadata.max.json') as Core.MetadataJson)
  metadata.selectNumberingPlan(country as Library.CountryCode)
  const plan = metadata.numberingPlan as unknown as NumberingPlan
  return { trunk: plan.nationalPrefix() || undefined, code: plan.callingCode() }
}

interface NumberingPlan {
  /** 0, as a number, where the country has none. */
  nationalPrefix(): string | 0 | null | undefined
  callingCode(): string
}

/** Whether a text is the ISO 3166 code of a country that has phone numbers. */
export const isCountry = (code: string): boolean => numberLibrary().isSupportedCountry(code)
