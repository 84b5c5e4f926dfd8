import type { RoomWay } from '../../calls/fold/way.ts'
import type { PlannedWay } from '../match/table.ts'
import type { WeightedAgent } from '../match/weights.ts'
import { given } from './given.ts'
import { isEmpty, isMapping, type Field, type Fields, type Item, type Reading } from './items.ts'
import type { ConnectContext } from './read-connect.ts'
import { LONGEST_AGENT_RING_S, ringOf } from './read-defaults.ts'
import { limited, readObject } from './read-limited.ts'
import { readWarm, type WarmRange } from './read-warm.ts'
import { LONGEST, WEIGHTED_AGENT_KEYS } from './way-schemas.ts'

/** Reads an entry with `agent`. */
export function readAgentWay (reading: Reading, fields: Fields, { warm }: ConnectContext): PlannedWay | undefined {
  const field = fields.get('agent')!
  const way = readRoom(reading, fields)
  const range = warmOf(reading, fields)
  if (isEmpty(field)) {
    if (range) warm.push({ ...metadataOf(way), ...range })
    return { kind: 'application-agent', way }
  }

  const agent = limited(reading, field, LONGEST.name, 'receptionist')?.trim()
  if (agent === undefined) return undefined
  if (range) warm.push({ agent, ...metadataOf(way), ...range })
  return { kind: 'way', way: { ...way, agent } }
}

/** Reads an entry with `agents`. */
export function readAgentsWay (reading: Reading, fields: Fields, { warm }: ConnectContext): PlannedWay | undefined {
  const agents = readAgents(reading, fields.get('agents')!)
  const way = readRoom(reading, fields)
  if (!agents) return undefined
  for (const { agent, range } of agents) {
    if (range) warm.push({ agent, ...metadataOf(way), ...range })
  }
  return { kind: 'agents', agents, way }
}

function readRoom (reading: Reading, fields: Fields): Omit<RoomWay, 'agent'> {
  const metadata = fields.get('metadata')
  const text = metadata && readMetadata(reading, metadata)
  return { strategy: 'room', ...given({ metadata: text }), ...ringOf(reading, fields, LONGEST_AGENT_RING_S) }
}

const metadataOf = ({ metadata }: Omit<RoomWay, 'agent'>) => given({ metadata })

/** A text as it is, or a mapping that becomes JSON. */
function readMetadata (reading: Reading, item: Item): string | undefined {
  if (isMapping(item)) return readObject(reading, item)
  if (typeof reading.json(item) === 'string') return limited(reading, item, LONGEST.metadata)
  return reading.error(item, 'A text or a mapping belongs here. Example: { tenant: acme }')
}

function warmOf (reading: Reading, fields: Fields): WarmRange | undefined {
  const field = fields.get('warm')
  return field && readWarm(reading, field)
}

const WEIGHT_EXAMPLE = 'Example: { agent: receptionist, weight: 95 }'

interface ReadAgent extends WeightedAgent {
  /** The rooms that are kept ready for it. */
  range?: WarmRange | undefined
}

function readAgents (reading: Reading, field: Field): ReadAgent[] | undefined {
  const items = reading.list(field)
  if (!items) return undefined
  if (items.length === 0) return reading.error(field, `This list is empty. ${WEIGHT_EXAMPLE}`)
  const agents = items.flatMap(item => readWeighted(reading, item) ?? [])
  if (agents.length < items.length) return undefined
  if (agents.some(({ weight }) => weight > 0)) return agents
  return reading.error(field, 'The weights add up to 0, so no agent would get a call. Give one a weight of 1 or more.')
}

function readWeighted (reading: Reading, item: Item): ReadAgent | undefined {
  const fields = reading.fields(item, WEIGHTED_AGENT_KEYS)
  if (!fields) return undefined
  const name = fields.get('agent')
  const weight = fields.get('weight')
  const range = warmOf(reading, fields)
  if (!name) return reading.error(item, `The agent is missing. ${WEIGHT_EXAMPLE}`)
  if (!weight) return reading.error(item, `The weight is missing. ${WEIGHT_EXAMPLE}`)
  const agent = limited(reading, name, LONGEST.name, 'receptionist')?.trim()
  const share = reading.json(weight)
  if (typeof share !== 'number' || !Number.isFinite(share) || share < 0 || share > 1e6) {
    return reading.error(weight, 'A weight is a number from 0 to 1000000, such as 95.')
  }
  if (share === 0 && range) {
    reading.warn(fields.get('warm')!, 'With the weight 0 this agent gets no calls, but its rooms are kept ready.')
  }
  return agent === undefined ? undefined : { agent, weight: share, range }
}
