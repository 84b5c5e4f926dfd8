import type { Way } from '../../calls/fold/way.ts'
import type { PolicyContext } from '../policy/policy.ts'
import type { PlacedPool, PlacedWay } from '../routes.ts'
import type { PlannedWay } from '../match/table.ts'
import { atKey, quote, unknownKey, type Field, type Fields, type Item, type Reading } from './items.ts'
import { nearest } from './nearest.ts'
import type { ConditionContext } from './read-conditions.ts'
import type { RoutesContext } from './read-routes.ts'
import { READ_WAY } from './read-way.ts'
import { WAYS, WAY_KEYS, type WayKey } from './way-schemas.ts'

/** What the ways of a file share. */
export interface ConnectContext extends RoutesContext, ConditionContext, PolicyContext {
  /** Every way of the file, as it is read. */
  ways: PlacedWay[]
  /** The rooms with waiting agents that those ask for. */
  warm: PlacedPool[]
}

/** The keys that say more about a way. */
const OTHER_KEYS = new Set(Object.values(WAY_KEYS).flat())

/** A call that goes on for ever from way to way helps nobody. */
const MOST_WAYS = 16

/** Reads `connect`. Absent: the application's agent, then its fallback number. */
export function readConnect (
  reading: Reading,
  field: Field | undefined,
  route: string,
  context: ConnectContext
): PlannedWay[] | undefined {
  const items = field && reading.list(field)
  if (!items) return undefined
  if (items.length === 0) {
    return reading.error(field, "There is no way here. Leave out `connect` for the application's agent.")
  }
  if (items.length > MOST_WAYS) {
    reading.error(items[MOST_WAYS]!, `A route has at most ${MOST_WAYS} ways, this one has ${items.length}.`)
  }

  const ways = items.flatMap(item => {
    const way = readWay(reading, item, context)
    if (!way) return []
    for (const placed of placedOf(way)) context.ways.push({ way: placed, route, ...reading.placeOf(item) })
    return [{ item, way }]
  })
  warnOfDecline(reading, ways)
  return ways.map(({ way }) => way)
}

/** The ways that a planned one can become, where the file alone tells. */
function placedOf (planned: PlannedWay): Way[] {
  switch (planned.kind) {
    case 'way':
      return [planned.way]
    case 'agents':
      return planned.agents.map(({ agent }) => ({ ...planned.way, agent }))
    case 'application-agent':
      return []
  }
}

function readWay (reading: Reading, item: Item, context: ConnectContext): PlannedWay | undefined {
  const written = reading.mapping(item)
  if (!written) return undefined
  const key = wayKeyOf(reading, item, written)
  if (key === undefined) return undefined
  const fields = reading.fields(item, WAY_KEYS[key], unknown => misplaced(unknown, key))
  return fields && READ_WAY[key](reading, fields, context)
}

/** Which way an entry is. A carrier beside a phone number is the carrier that dials it. */
function wayKeyOf (reading: Reading, item: Item, fields: Fields): WayKey | undefined {
  const found = WAYS.filter(way => fields.has(way) && !(way === 'carrier' && fields.has('phone')))
  if (found.length === 1) return found[0]
  if (found.length > 1) {
    const two = found.map(way => `\`${way}\``).join(' and ')
    return reading.error(item, `${two} are two ways. Give each its own entry in the list.`)
  }
  for (const field of fields.values()) {
    const meant = nearest(field.key, WAYS)
    if (meant === undefined || OTHER_KEYS.has(field.key)) continue
    return reading.error(atKey(field), `${unknownKey(field.key)} Did you mean ${quote(meant)}?`)
  }
  return reading.error(item, `This entry names no way. Write one of ${WAYS.join(', ')}.`)
}

const WARM_OF_AGENTS =
  'Write warm beside each agent that it is for. Example: agents: [{ agent: receptionist, weight: 95, warm: 5 }]'

function misplaced (key: string, way: WayKey): string | undefined {
  // Each of several agents has its own rooms.
  if (way === 'agents' && key === 'warm') return WARM_OF_AGENTS
  const owners = WAYS.filter(other => WAY_KEYS[other].includes(key))
  if (owners.length === 0) return undefined
  return `${unknownKey(key)} It belongs to ${owners.map(owner => `\`${owner}\``).join(', ')}, not to \`${way}\`.`
}

function warnOfDecline (reading: Reading, ways: readonly { item: Item, way: PlannedWay }[]): void {
  const at = ways.findIndex(({ way }) => way.kind === 'way' && way.way.strategy === 'decline')
  const behind = ways[at + 1]
  if (at >= 0 && behind) reading.warn(behind.item, 'This way is never tried: the one before it declines the call.')
}
