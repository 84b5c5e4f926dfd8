import type { PlacedPool } from '../routes.ts'
import { isMapping, type Item, type Reading } from './items.ts'
import { MOST_WARM_AGENTS } from '../../settings-schema.ts'
import { WARM_KEYS } from './way-schemas.ts'

/** How many rooms are kept ready, from quiet to busy hours. */
export type WarmRange = Pick<PlacedPool, 'min' | 'max'>

const EXAMPLE = `from 1 to ${MOST_WARM_AGENTS}, such as warm: 5, or warm: { min: 2, max: 10 }`

/** Reads `warm`: a number, or a mapping of `min` and `max`. */
export function readWarm (reading: Reading, item: Item): WarmRange | undefined {
  if (isMapping(item)) return readRange(reading, item)
  const rooms = readRooms(reading, item)
  return rooms === undefined ? undefined : { min: rooms, max: rooms }
}

function readRange (reading: Reading, item: Item): WarmRange | undefined {
  const fields = reading.fields(item, WARM_KEYS)
  if (!fields) return undefined
  const minField = fields.get('min')
  const maxField = fields.get('max')
  const min = minField && readRooms(reading, minField)
  const max = maxField && readRooms(reading, maxField)
  if (!minField) {
    return reading.error(item, 'min is missing: how many rooms are always ready. Example: warm: { min: 2, max: 10 }')
  }
  if (min === undefined) return undefined
  if (!maxField) return { min, max: min }
  if (max === undefined) return undefined
  if (max >= min) return { min, max }
  return reading.error(maxField, `max is smaller than min. Write ${min} or more, or leave it out: then it is ${min}.`)
}

function readRooms (reading: Reading, item: Item): number | undefined {
  const rooms = reading.json(item)
  if (rooms === 0) return reading.error(item, `Leave \`warm\` out where no agent waits, or write a number ${EXAMPLE}.`)
  if (typeof rooms === 'number' && Number.isInteger(rooms) && rooms >= 1 && rooms <= MOST_WARM_AGENTS) return rooms
  return reading.error(item, `A whole number belongs here, ${EXAMPLE}.`)
}
