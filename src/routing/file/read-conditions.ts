import {
  headerCondition,
  hoursCondition,
  numberCondition,
  parseHeaderPattern,
  parseNumberPattern,
  valueCondition,
  type Condition,
  type HeaderPattern,
  type NumberPattern
} from '../match/conditions.ts'
import type { Expression, ExpressionSizes } from '../match/expression.ts'
import { parseHours, type Span } from '../match/hours.ts'
import { createZoneClock, isZone, zoneNames, type ZoneClock } from '../match/zones.ts'
import { atKey, didYouMean, quote, type Field, type Item, type Reading } from './items.ts'
import { nearest } from './nearest.ts'
import { HOURS_KEYS, WHEN_KEYS } from './schema.ts'

const DIRECTIONS = ['inbound', 'outbound']

export interface ConditionContext {
  country: string | undefined
  /** One clock for each zone. */
  clocks: Map<string, ZoneClock>
  /** One condition for all routes with the same hours. */
  hours: Map<string, Condition>
  expressions: ExpressionSizes
}

/** Reads `when`. Absent: the route matches every call. */
export function readConditions (reading: Reading, field: Field | undefined, context: ConditionContext): Condition[] {
  if (!field) return []
  const fields = reading.fields(field, WHEN_KEYS)
  if (!fields) return []
  if (fields.size === 0) {
    reading.error(field, 'There is no condition here. Leave out `when` for a route that matches every call.')
  }
  return [...fields.values()].flatMap(field => readCondition(reading, field, context) ?? [])
}

function readCondition (
  reading: Reading,
  field: Field,
  context: ConditionContext
): Condition | Condition[] | undefined {
  switch (field.key) {
    case 'to':
    case 'from':
      return readNumberCondition(reading, field, field.key, context)
    case 'carrier':
    case 'application':
      return valueCondition(field.key, readTexts(reading, field).map(({ text }) => text))
    case 'direction':
      return valueCondition('direction', readTexts(reading, field).flatMap(text => readDirection(reading, text)))
    case 'header':
      return readHeaders(reading, field, context)
    case 'hours':
      return readHours(reading, field, context)
    default:
      return undefined
  }
}

interface Text {
  item: Item
  text: string
}

function readTexts (reading: Reading, field: Item, example?: string): Text[] {
  const items = reading.oneOrMore(field)
  if (items.length === 0) reading.error(field, 'This list is empty, so the route would never match. Leave it out.')
  return items.flatMap(item => {
    const text = reading.text(item, example)?.trim()
    return text === undefined ? [] : [{ item, text }]
  })
}

function readNumberCondition (
  reading: Reading,
  field: Field,
  side: 'to' | 'from',
  { country, expressions }: ConditionContext
): Condition {
  const texts = readTexts(reading, field, '"+49531180*"')
  const patterns: NumberPattern[] = []
  for (const { item, text } of texts) {
    const pattern = parseNumberPattern(text, country)
    if (typeof pattern === 'string') reading.error(item, pattern)
    else if (pattern.kind === 'withheld' && side === 'to') reading.error(item, 'Only callers can be anonymous.')
    else patterns.push(pattern)
    if (typeof pattern !== 'string' && pattern.kind === 'expression') {
      countExpression(reading, item, pattern.expression, expressions)
    }
  }
  return numberCondition(side, patterns, texts.map(({ text }) => text))
}

function countExpression (reading: Reading, item: Item, expression: Expression, sizes: ExpressionSizes): void {
  const tooMany = sizes.add(expression)
  if (tooMany !== undefined) reading.error(item, tooMany)
}

function readDirection (reading: Reading, { item, text }: Text): string[] {
  if (DIRECTIONS.includes(text)) return [text]
  reading.error(item, `${quote(text)} is not a direction. ${didYouMean(text, DIRECTIONS)}`)
  return []
}

function readHeaders (reading: Reading, field: Field, { expressions }: ConditionContext): Condition[] {
  const headers = reading.mapping(field)
  if (!headers) return []
  if (headers.size === 0) reading.error(field, 'No header is named. Example: header: { X-Tenant: acme }')
  return [...headers.values()].map(header => {
    if (!/^[\w!%*+`'~.-]+$/.test(header.key)) {
      reading.error(atKey(header), `${quote(header.key)} is not the name of a header.`)
    }
    const texts = readTexts(reading, header, 'acme')
    const patterns: HeaderPattern[] = []
    for (const { item, text } of texts) {
      const pattern = parseHeaderPattern(text)
      if (typeof pattern === 'string') reading.error(item, pattern)
      else patterns.push(pattern)
      if (typeof pattern !== 'string' && 'test' in pattern) countExpression(reading, item, pattern, expressions)
    }
    return headerCondition(header.key, patterns, texts.map(({ text }) => text))
  })
}

function readHours (reading: Reading, field: Field, { clocks, hours }: ConditionContext): Condition | undefined {
  const fields = reading.fields(field, HOURS_KEYS)
  if (!fields) return undefined
  const zone = fields.get('zone')
  if (!zone) reading.error(field, 'The zone is missing. Example: zone: Europe/Berlin')
  const name = zone && readZone(reading, zone)
  const during = readSpans(reading, fields.get('in'))
  const not = readSpans(reading, fields.get('not'))
  if (!fields.has('in') && !fields.has('not')) {
    reading.error(field, 'There are no hours. Write in: ["Mon-Fri 08:00-18:00"], or not: for all other times.')
  }
  if (name === undefined) return undefined
  const clock = clocks.get(name) ?? createZoneClock(name)
  clocks.set(name, clock)
  const key = JSON.stringify([name, during?.written, not?.written])
  const condition = hours.get(key) ?? hoursCondition({ zone: name, clock, in: during, not })
  hours.set(key, condition)
  return condition
}

function readZone (reading: Reading, item: Item): string | undefined {
  const text = reading.text(item, 'Europe/Berlin')?.trim()
  if (text === undefined || isZone(text)) return text
  const meant = nearest(text, zoneNames())
  const hint = meant === undefined ? 'Zones have names such as Europe/Berlin.' : `Did you mean ${quote(meant)}?`
  return reading.error(item, `There is no time zone ${quote(text)}. ${hint}`)
}

function readSpans (reading: Reading, field: Field | undefined): { spans: Span[], written: string[] } | undefined {
  if (!field) return undefined
  const texts = readTexts(reading, field, '"Mon-Fri 08:00-18:00"')
  const spans = texts.flatMap(({ item, text }) => {
    const spans = parseHours(text)
    if (typeof spans !== 'string') return spans
    reading.error(item, spans)
    return []
  })
  return { spans, written: texts.map(({ text }) => text) }
}
