import { LONGEST_SHORT, readTarget } from './dial-target.ts'
import { factsOf } from './phone-numbers.ts'

const HIDDEN = '****'
/** Of a number at most so many digits behind the country code are shown: the area. */
const AREA_DIGITS = 3

/**
 * A number for the audit log: at most country and area are left of it. A SIP URI keeps its host.
 * @param country ISO 3166 code of the country whose national numbers are understood
 */
export function maskNumber (text: string, country?: string): string {
  const target = readTarget(text, country)
  switch (target.kind) {
    case 'number':
      return maskDigits(target.number)
    case 'sip':
      // A host may have been chosen to hold a number.
      return `${target.scheme}:${HIDDEN}@${target.host.replace(/\d{5,}/g, HIDDEN)}`
    case 'short':
    case 'unreadable':
      return HIDDEN
  }
}

/** Shows country code and area, less of a number that is short. */
function maskDigits (number: string): string {
  const shown = Math.min(1 + factsOf(number).countryCode.length + AREA_DIGITS, number.length - LONGEST_SHORT)
  return `${number.slice(0, Math.max(0, shown))}${HIDDEN}`
}
