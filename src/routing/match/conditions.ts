import type { RouteQuery } from '../routes.ts'
import { ANONYMOUS } from '../../calls/fold/call.ts'
import { compactOf, digitsOfPattern, readNumber, type CalledNumber } from './numbers.ts'
import { compileExpression, isExpression, type Expression } from './expression.ts'
import { isWithin, type Span } from './hours.ts'
import type { ZoneClock } from './zones.ts'

/** What conditions look at: the query, read once. */
export interface Subject {
  query: RouteQuery
  to: CalledNumber
  from: CalledNumber
}

export const subjectOf = (query: RouteQuery, country: string | undefined): Subject => ({
  query,
  to: readNumber(query.to, country),
  from: readNumber(query.from, country)
})

/** One condition of a route. */
export interface Condition {
  holds(subject: Subject): boolean
  /** Why it does not hold, in plain words and the file's own. */
  reason(subject: Subject): string
  /** It needs the INVITE's headers, which are not always known. */
  needsHeaders?: true
  /** Lower-case name of the header that it asks about. */
  header?: string
  /** Finds it in the index. Absent: only trying it tells. */
  lookup?: Lookup
}

/** A condition that only calls with certain values can satisfy. */
export interface Lookup {
  /** What the values are of, such as `to`. */
  field: string
  /** A call needs one of these. */
  keys: readonly Key[]
  /** What a call has. */
  valuesOf(subject: Subject): readonly string[]
}

/** A value, or the beginning of values. */
export interface Key {
  value: string
  isPrefix?: true
}

const lookupFor = (
  field: string,
  keys: readonly (readonly Key[] | undefined)[],
  valuesOf: Lookup['valuesOf']
): Pick<Condition, 'lookup'> =>
  keys.includes(undefined) ? {} : { lookup: { field, keys: keys.flatMap(keys => keys ?? []), valuesOf } }

/** A number, prefix or expression of the file. */
export type NumberPattern =
  | { kind: 'withheld' }
  | { kind: 'number', digits: readonly string[] }
  | { kind: 'prefix', digits: readonly string[] }
  | { kind: 'user', user: string }
  | { kind: 'expression', expression: Expression }

/** Reads a value of `to` or `from`. A string tells what is wrong. */
export function parseNumberPattern (text: string, country: string | undefined): NumberPattern | string {
  if (isExpression(text)) {
    const expression = compileExpression(text)
    return typeof expression === 'string' ? expression : { kind: 'expression', expression }
  }
  if (text.toLowerCase() === 'anonymous') return { kind: 'withheld' }
  if (/^sips?:/i.test(text)) return parseAddress(text)
  if (text.includes('*')) return parsePrefix(text, country)

  const compact = compactOf(text.replace(/^tel:/i, ''))
  const wrong = wrongNumber(text, compact)
  return wrong ?? { kind: 'number', digits: digitsOfPattern(compact, country, false) }
}

/** `sip:sales@example.com`: calls have only the user part. */
function parseAddress (text: string): NumberPattern | string {
  const { user, digits } = readNumber(text)
  if (user === '') return 'A SIP address needs a user, such as "sip:sales@example.com".'
  return digits.length > 0 ? { kind: 'number', digits } : { kind: 'user', user }
}

function parsePrefix (text: string, country: string | undefined): NumberPattern | string {
  const digits = text.replace(/^tel:/i, '').split('*', 1)[0]!
  const compact = compactOf(digits)
  if (!/\d/.test(compact)) return 'This would be every number. Leave the condition out, or write digits before the *.'
  const wrong = wrongNumber(digits, compact)
  if (wrong !== undefined) return wrong
  if (text !== `${compact}*`) {
    const behind = /\*(\d+)$/.exec(text)?.[1]
    const expression = JSON.stringify(`/^${compact.replace('+', '\\+')}.*${behind}$/`)
    return `A prefix is digits and one * at the end. Write ${JSON.stringify(`${compact}*`)}` +
      (behind === undefined ? '.' : `, or an expression such as ${expression}.`)
  }
  return { kind: 'prefix', digits: digitsOfPattern(compact, country, true) }
}

const NOT_A_NUMBER = 'This is not a number. Write digits, anonymous for callers that withhold theirs, or for a user ' +
  '"sip:sales@example.com".'

/** What keeps digits from being a number or the beginning of one. */
function wrongNumber (text: string, compact: string): string | undefined {
  if (/\(0\)/.test(text)) return 'Leave out the (0): it is not dialled together with a country code.'
  if (!/^\+?\d+$/.test(compact)) {
    const digits = /^\+?\d*/.exec(compact)![0]
    if (/^[a-z]+$/i.test(compact)) return NOT_A_NUMBER
    const prefix = /\d/.test(digits) ? digits : '+49531180'
    return `This is not a number. Write digits with or without +, a prefix such as "${prefix}*", or an expression ` +
      'between slashes such as "/^\\+49531/".'
  }
  if (/^\+0/.test(compact)) return 'No country code begins with 0. Write + and the country code, such as +49.'
  if (compact.length > 32) return 'This number has too many digits.'
  return undefined
}

export function matchesNumber (pattern: NumberPattern, number: CalledNumber): boolean {
  switch (pattern.kind) {
    case 'withheld':
      return number.withheld
    case 'number':
      return pattern.digits.some(digits => number.digits.includes(digits))
    case 'prefix':
      return pattern.digits.some(prefix => number.digits.some(digits => digits.startsWith(prefix)))
    case 'user':
      return number.digits.length === 0 && number.user === pattern.user
    case 'expression':
      return number.forms.some(form => pattern.expression.test(form))
  }
}

/** Undefined: it may match anything. */
function keysOfNumber (pattern: NumberPattern): readonly Key[] | undefined {
  switch (pattern.kind) {
    case 'withheld':
      return [{ value: ANONYMOUS }]
    case 'user':
      return [{ value: pattern.user }]
    case 'number':
      return pattern.digits.map(value => ({ value }))
    case 'prefix':
      return pattern.digits.map(value => ({ value, isPrefix: true }))
    case 'expression': {
      const { digits } = pattern.expression
      return digits === undefined ? undefined : [{ value: digits, isPrefix: true }]
    }
  }
}

/** Expressions that begin with digits may also match what is no number, such as +49x. */
const valuesOfNumber = ({ digits, user }: CalledNumber): readonly string[] =>
  digits.length > 0 ? digits : [user, user.replace(/^\+/, '')]

const quoted = (values: readonly string[]): string => {
  const shown = values.slice(0, 5).map(value => JSON.stringify(value)).join(', ')
  return values.length > 5 ? `${shown} and ${values.length - 5} more` : shown
}

export const numberCondition = (
  side: 'to' | 'from',
  patterns: readonly NumberPattern[],
  written: readonly string[]
): Condition => ({
  holds: subject => patterns.some(pattern => matchesNumber(pattern, subject[side])),
  reason: ({ query }) => `${side}: ${query[side] || 'nothing'} is ${noneOf(written)}`,
  ...lookupFor(side, patterns.map(keysOfNumber), subject => valuesOfNumber(subject[side]))
})

const noneOf = (values: readonly string[]): string =>
  values.length === 1 ? `not ${quoted(values)}` : `none of ${quoted(values)}`

/** `carrier`, `application` or `direction`: the value itself. */
export const valueCondition = (
  name: 'carrier' | 'application' | 'direction',
  values: readonly string[]
): Condition => ({
  holds: ({ query }) => query[name] !== undefined && values.includes(query[name]),
  reason: ({ query }) => query[name] === undefined
    ? `${name}: not known, must be ${quoted(values)}`
    : `${name}: ${JSON.stringify(query[name])} is ${noneOf(values)}`,
  ...lookupFor(name, [values.map(value => ({ value }))], ({ query }) => query[name] === undefined ? [] : [query[name]])
})

/** A value of a header, the beginning of one (of `present` it is empty), or an expression. */
export type HeaderPattern = Key | Expression

/** Reads a value of a header condition. A string tells what is wrong. */
export function parseHeaderPattern (text: string): HeaderPattern | string {
  if (text === 'present') return { value: '', isPrefix: true }
  if (isExpression(text)) return compileExpression(text)
  if (text === '*') return 'Write present for a header with any value.'
  return text.endsWith('*') ? { value: text.slice(0, -1), isPrefix: true } : { value: text }
}

function matchesHeader (pattern: HeaderPattern, value: string): boolean {
  if ('test' in pattern) return pattern.test(value)
  return pattern.isPrefix ? value.startsWith(pattern.value) : value === pattern.value
}

export function headerCondition (
  name: string,
  patterns: readonly HeaderPattern[],
  written: readonly string[]
): Condition {
  const header = name.toLowerCase()
  return {
    holds ({ query }) {
      const value = query.headers?.get(header)
      return value !== undefined && patterns.some(pattern => matchesHeader(pattern, value.trim()))
    },
    reason ({ query }) {
      if (query.headers === undefined) return `header ${name}: the headers of this call are not known`
      const value = query.headers.get(header)
      if (value === undefined) return `header ${name}: the call has none`
      return `header ${name}: ${JSON.stringify(value)} is ${noneOf(written)}`
    },
    needsHeaders: true,
    header,
    ...lookupFor(
      'header',
      patterns.map(pattern => 'test' in pattern ? undefined : [{ ...pattern, value: `${header}: ${pattern.value}` }]),
      valuesOfHeaders
    )
  }
}

const valuesOfHeaders: Lookup['valuesOf'] = ({ query: { headers } }) =>
  [...headers ?? []].map(([name, value]) => `${name}: ${value.trim()}`)

export interface Hours {
  zone: string
  clock: ZoneClock
  in?: { spans: readonly Span[], written: readonly string[] }
  not?: { spans: readonly Span[], written: readonly string[] }
}

/** Thousands of routes may share one condition, so it is evaluated once a minute. */
export function hoursCondition (hours: Hours): Condition {
  let lastMinute = NaN
  let held = false
  return {
    holds ({ query: { at } }) {
      const minute = Math.floor(at / 60_000)
      if (minute === lastMinute) return held
      held = isOpen(hours, hours.clock.minuteOfWeek(at))
      lastMinute = minute
      return held
    },
    reason: ({ query: { at } }) => closedReason(hours, at)
  }
}

const isOpen = ({ in: during, not }: Hours, minute: number): boolean =>
  (!during || isWithin(minute, during.spans)) && !(not && isWithin(minute, not.spans))

function closedReason ({ zone, clock, in: during, not }: Hours, at: number): string {
  const now = `hours: ${clock.show(at)} in ${zone} is`
  return during && !isWithin(clock.minuteOfWeek(at), during.spans)
    ? `${now} not in ${quoted(during.written)}`
    : `${now} in ${quoted(not?.written ?? [])}, which is excluded`
}
