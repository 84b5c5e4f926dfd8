import { Ajv } from 'ajv'
import { Type, type Static } from 'typebox'
import { cleanText } from '../clean-text.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import type { Way } from '../calls/fold/way.ts'
import type { RoomMetadata } from '../calls/ports.ts'

/** Version of the job metadata contract (docs/agents.md). Within a version fields are only added. */
export const JOB_METADATA_VERSION = 1

/** What the agent of a call receives, as JSON: a contract for agent authors. */
export function jobMetadata (call: Call, attempt: Attempt): string {
  const { direction, from, to, callerName, trunk, headers } = call.facts
  return JSON.stringify({
    v: JOB_METADATA_VERSION,
    call: {
      callSid: call.callSid,
      direction,
      from,
      to,
      callerName,
      trunk,
      route: call.route?.name,
      attempt: attempt.n,
      headers
    },
    app: (attempt.way.strategy === 'room' && attempt.way.metadata) || call.app.metadata
  })
}

/** The most ways that a route may have. */
const MOST_WAYS = 16

const Ring = { ringS: Type.Optional(Type.Integer({ minimum: 1, maximum: 600 })) }
const DialledNumber = Type.String({ pattern: '^\\+?[0-9*#]{2,32}$' })
const Name = Type.String({ minLength: 1 })
const Variable = Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' })

const WaySchema = Type.Union([
  Type.Object({ strategy: Type.Literal('room'), agent: Name, ...Ring }),
  Type.Object({
    strategy: Type.Literal('phone'),
    number: DialledNumber,
    carrier: Type.Optional(Name),
    from: Type.Optional(DialledNumber),
    ...Ring
  }),
  Type.Object({ strategy: Type.Literal('carrier'), carrier: Name, number: DialledNumber, ...Ring }),
  Type.Object({
    strategy: Type.Literal('retell'),
    agent: Name,
    key: Variable,
    version: Type.Optional(Type.Integer()),
    ...Ring
  }),
  Type.Object({
    strategy: Type.Literal('sip'),
    uri: Type.String({ pattern: '^sips?:[^@\\s]+@\\S+$' }),
    auth: Type.Optional(Type.Object({ username: Variable, password: Variable })),
    ...Ring
  }),
  Type.Object({
    strategy: Type.Literal('say'),
    text: Name,
    language: Type.Optional(Name),
    voice: Type.Optional(Name),
    vendor: Type.Optional(Name)
  }),
  Type.Object({ strategy: Type.Literal('play'), url: Name }),
  Type.Object({
    strategy: Type.Literal('decline'),
    status: Type.Integer({ minimum: 400, maximum: 699 }),
    reason: Type.String()
  })
])

const RoomMetadataSchema = Type.Object({
  /** Version 1 had no `plan`. Within a version fields are only added. */
  v: Type.Union([Type.Literal(1), Type.Literal(2)]),
  callSid: Type.String({ minLength: 1 }),
  attempt: Type.Integer({ minimum: 1 }),
  direction: Type.Enum(['inbound', 'outbound']),
  from: Type.String(),
  to: Type.String(),
  withheld: Type.Boolean(),
  applicationSid: Type.Optional(Type.String()),
  agent: Type.String({ minLength: 1 }),
  route: Type.Optional(Type.String()),
  /** The attempt's own way. Versions before 0.3 did not write it. */
  way: Type.Optional(WaySchema),
  /** The ways that are left after this attempt, in order. */
  plan: Type.Optional(Type.Array(WaySchema, { maxItems: MOST_WAYS })),
  /** What version 1 had of them. */
  fallbackNumber: Type.Optional(Type.String()),
  receivedAt: Type.Integer(),
  openedAt: Type.Integer()
})

type StoredMetadata = Static<typeof RoomMetadataSchema>

const isRoomMetadata = new Ajv().compile<StoredMetadata>(RoomMetadataSchema)

/**
 * What a room says of its call, as JSON: enough to follow the call again when every other record of it is gone.
 * Everybody in the room can read it, so it holds nothing that only the agent may know.
 */
export function roomMetadata (call: Call, attempt: Attempt): string {
  const { direction, from, to, withheld, applicationSid } = call.facts
  return JSON.stringify(
    {
      v: 2,
      callSid: call.callSid,
      attempt: attempt.n,
      direction,
      from,
      to,
      withheld,
      applicationSid,
      agent: attempt.agent!,
      route: call.route?.name,
      way: publicWay(attempt.way),
      plan: call.plan.map(publicWay),
      receivedAt: call.at.received,
      openedAt: attempt.at.opened
    } satisfies StoredMetadata
  )
}

/**
 * Reads {@link roomMetadata}. Agents may change a room's metadata, so its texts are cleaned like those of a hook.
 * @returns undefined when a room has other metadata, or none
 */
export function readRoomMetadata (text: string): RoomMetadata | undefined {
  if (!text.startsWith('{') || text.length > LONGEST_METADATA) return undefined
  try {
    const metadata: unknown = JSON.parse(text, (_key, value: unknown) =>
      typeof value === 'string' ? cleanText(value) : value)
    if (!isRoomMetadata(metadata)) return undefined
    const { v: _, way, plan: _plan, fallbackNumber: _number, ...known } = metadata
    const own: Way = way ?? { strategy: 'room', agent: metadata.agent }
    return { ...known, ways: [own, ...planOf(metadata)] }
  } catch {
    return undefined
  }
}

/** What everybody in a room may know of a way: an agent's metadata is for that agent alone. */
function publicWay (way: Way): Way {
  if (way.strategy !== 'room' && way.strategy !== 'retell') return way
  const { metadata: _metadata, ...rest } = way
  if (rest.strategy === 'room') return rest
  const { variables: _variables, ...open } = rest
  return open
}

function planOf ({ plan, fallbackNumber }: StoredMetadata): Way[] {
  if (plan) return plan
  return fallbackNumber === undefined ? [] : [{ strategy: 'phone', number: fallbackNumber }]
}

/** Longest room metadata that is read, characters. Ours is some hundred, and more with a plan that speaks. */
const LONGEST_METADATA = 64 * 1024
