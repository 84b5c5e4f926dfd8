import { readNumber, compactOf } from '../match/numbers.ts'
import { quote, type Item, type Reading } from './items.ts'

/** Reads a whole number as Jambonz dials it: `+` and country code where it has one, and digits only. */
export function readDialled (reading: Reading, item: Item, country: string | undefined): string | undefined {
  const text = reading.text(item, '"+4953118054630"')?.trim()
  if (text === undefined) return undefined
  const compact = compactOf(text.replace(/^tel:/i, ''))
  if (/\(0\)/.test(text)) return reading.error(item, 'Leave out the (0): it is not dialled together with a country code.')
  if (!/^\+?\d{2,32}$/.test(compact)) {
    return reading.error(item, `${quote(text)} is not a number. Write digits, such as "+4953118054630".`)
  }
  return withPlus(compact, country)
}

/** Reads one of our own numbers. */
export function readFullNumber (reading: Reading, item: Item, country: string | undefined): string | undefined {
  const number = readDialled(reading, item, country)
  if (number === undefined || /^\+[1-9]\d{5,14}$/.test(number)) return number
  return reading.error(item, `${quote(number)} has no country code. Write it with +, such as "+4953118054630".`)
}

function withPlus (compact: string, country: string | undefined): string {
  if (compact.startsWith('00')) return `+${compact.slice(2)}`
  if (compact.startsWith('+')) return compact
  const digits = readNumber(compact, country).digits.at(-1)!
  return digits === compact ? compact : `+${digits}`
}
