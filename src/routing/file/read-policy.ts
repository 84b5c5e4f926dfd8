import type { Caps, Policy } from '../policy/policy.ts'
import { compactOf } from '../match/numbers.ts'
import { isEmpty, quote, type Field, type Fields, type Item, type Reading } from './items.ts'
import { readCountry, readDuration } from './read-defaults.ts'
import { readFullNumber } from './read-number.ts'
import { namesRetiredHost } from './retired-host.ts'
import { POLICY_KEYS } from './schema.ts'

const DAY_S = 24 * 60 * 60

/** Reads what may be dialled. */
export function readPolicy (reading: Reading, field: Field | undefined): Policy | undefined {
  const fields = field && reading.fields(field, POLICY_KEYS)
  if (!fields) return undefined
  return {
    allow: readAll(reading, fields.get('allow'), readAllowed),
    deny: readAll(reading, fields.get('deny'), readAllowed),
    sip: readAll(reading, fields.get('sip'), readHost),
    caps: readCaps(reading, fields)
  }
}

/** Reads the numbers that are ours. */
export function readNumbers (reading: Reading, field: Field | undefined, country: string | undefined): string[] {
  return readAll(reading, field, (reading, item) => readFullNumber(reading, item, country))
}

type Read = (reading: Reading, item: Item) => string | undefined

function readAll (reading: Reading, field: Field | undefined, read: Read): string[] {
  if (!field) return []
  return (reading.list(field) ?? []).flatMap(item => read(reading, item) ?? [])
}

/** A country, the beginning of a number with its country code, or a whole number. */
function readAllowed (reading: Reading, item: Item): string | undefined {
  const text = reading.text(item, 'DE or "+49"')?.trim()
  if (text === undefined) return undefined
  if (/^[A-Za-z]+$/.test(text)) return readCountry(reading, item)
  const compact = compactOf(text)
  if (/^\+[1-9]\d{0,14}$/.test(compact) || isShortCode(compact)) return compact
  const digits = /\d+/.exec(compact.replace(/^00/, ''))?.[0]
  const example = digits === undefined ? '"+49"' : quote(`+${digits}`)
  return reading.error(
    item,
    `${quote(text)} is not a country or prefix. Write a country such as DE, or + and digits such as ${example}, ` +
      'which also covers all longer numbers.'
  )
}

/** Short codes have no country code. They are allowed only when they are named. */
const isShortCode = (compact: string): boolean => /^(?!00[1-9])\d{2,6}$/.test(compact)

function readHost (reading: Reading, item: Item): string | undefined {
  const text = reading.text(item, 'sip.example.com')?.trim()
  if (text === undefined || namesRetiredHost(reading, item, text)) return undefined
  if (/^[\w-]+(\.[\w-]+)*$/.test(text) || /^\[[0-9a-f:]+\]$/i.test(text)) return text.toLowerCase()
  return reading.error(item, `${quote(text)} is not a host. Write only its name, such as sip.example.com.`)
}

function readCaps (reading: Reading, fields: Fields): Caps {
  const whole = (key: string, name: Exclude<keyof Caps, 'longestS'>): Caps => {
    const field = fields.get(key)
    const value = field && reading.integer(field, 1)
    return value === undefined ? {} : { [name]: value }
  }
  const longest = fields.get('longest')
  const longestS = longest && !isEmpty(longest) ? readDuration(reading, longest, 1, DAY_S) : undefined
  return {
    ...whole('concurrent', 'concurrent'),
    ...whole('per_minute', 'perMinute'),
    ...whole('per_day', 'perDay'),
    ...whole('per_caller_per_day', 'perCallerPerDay'),
    ...(longestS === undefined ? {} : { longestS })
  }
}
