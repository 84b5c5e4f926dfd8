import { numberLibrary } from '../policy/phone-numbers.ts'
import { parseDuration, formatDuration } from './duration.ts'
import { given } from './given.ts'
import { didYouMean, quote, type Field, type Fields, type Item, type Reading } from './items.ts'
import { DEFAULTS_KEYS } from './schema.ts'

export interface Defaults {
  agent: string | undefined
  ringS: number | undefined
  country: string | undefined
}

/** LiveKit ends the attempt to reach a participant after three minutes. */
export const LONGEST_AGENT_RING_S = 180
export const LONGEST_RING_S = 600

/** Reads what a route does not say. */
export function readDefaults (reading: Reading, field: Field | undefined): Defaults {
  const fields = field && reading.fields(field, DEFAULTS_KEYS)
  const agent = fields?.get('agent')
  const ring = fields?.get('ring')
  const country = fields?.get('country')
  return {
    agent: agent && reading.text(agent, 'receptionist')?.trim(),
    ringS: ring && readRing(reading, ring, LONGEST_AGENT_RING_S),
    country: country && readCountry(reading, country)
  }
}

/** How long an entry of `connect` may ring, where it says so. */
export function ringOf (reading: Reading, fields: Fields, longestS: number): { ringS?: number } {
  const ring = fields.get('ring')
  return given({ ringS: ring && readRing(reading, ring, longestS) })
}

/** Reads how long a way may ring, seconds. */
function readRing (reading: Reading, item: Item, longestS: number): number | undefined {
  return readDuration(reading, item, 1, longestS)
}

export function readDuration (reading: Reading, item: Item, leastS: number, mostS: number): number | undefined {
  const value = reading.json(item)
  if (typeof value === 'number') return reading.error(item, `A unit is missing. Write ${value}s for seconds.`)
  const text = reading.text(item, '40s')
  if (text === undefined) return undefined
  const seconds = parseDuration(text.trim())
  if (seconds === undefined) {
    return reading.error(item, `${quote(text)} is not a duration. Write 40s, 1m30s or 2m.`)
  }
  if (seconds >= leastS && seconds <= mostS) return seconds
  return reading.error(
    item,
    `${text.trim()} is out of range: from ${formatDuration(leastS)} to ${formatDuration(mostS)}.`
  )
}

/** Names that people use for a country whose ISO code is another. */
const ISO_CODE: Record<string, string> = { UK: 'GB', EN: 'GB' }

/** Reads an ISO 3166 code. */
export function readCountry (reading: Reading, item: Item): string | undefined {
  const text = reading.text(item, 'DE')?.trim()
  if (text === undefined) return undefined
  const countries: readonly string[] = numberLibrary().getCountries()
  if (countries.includes(text)) return text
  const upper = text.toUpperCase()
  const meant = ISO_CODE[upper] ?? (countries.includes(upper) ? upper : undefined)
  const hint = meant === undefined ? 'Countries are two letters (ISO 3166), such as DE.' : didYouMean(meant, [meant])
  return reading.error(item, `${quote(text)} is not a country. ${hint}`)
}
