import { Ajv } from 'ajv'
import { Type, type Static } from 'typebox'
import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import { DIRECTIONS } from '../calls/fold/vocabulary.ts'
import { openOrder, type Order } from '../calls/fold/order.ts'
import { departureOf } from '../calls/fold/return-to-agent.ts'
import { STRATEGIES, type Way } from '../calls/fold/way.ts'
import type { RoomMetadata } from '../calls/ports.ts'
import type { AgentControl } from '../agent-control.ts'
import { callForAgent, lastTransferOf } from './job-metadata.ts'
import type { PlanSeal } from './plan-seal.ts'

/** A way as we wrote it: the seal proves that, so that nothing else need be checked. */
const OurWay = Type.Unsafe<Way>(Type.Object({ strategy: Type.Enum([...STRATEGIES]) }))

/** An order as we wrote it, like {@link OurWay}. */
const OurOrder = Type.Unsafe<Order>(Type.Object({ id: Type.String() }))

const RoomMetadataSchema = Type.Object({
  /** Version 1 had no `plan`. Within a version fields are only added. */
  v: Type.Union([Type.Literal(1), Type.Literal(2)]),
  callSid: Type.String({ minLength: 1 }),
  attempt: Type.Integer({ minimum: 1 }),
  direction: Type.Enum([...DIRECTIONS]),
  from: Type.String(),
  to: Type.String(),
  withheld: Type.Boolean(),
  applicationSid: Type.Optional(Type.String()),
  agent: Type.String({ minLength: 1 }),
  route: Type.Optional(Type.String()),
  /** The attempt's own way. Versions before 0.3 did not write it. */
  way: Type.Optional(OurWay),
  /** The ways that are left after this attempt, in order. */
  plan: Type.Optional(Type.Array(OurWay)),
  /** The order that the call is placed for, but for what only the agent and the carrier may know. */
  order: Type.Optional(OurOrder),
  /** Of a warm room: which one, when it was made, and how long it waits without its caller. */
  warm: Type.Optional(Type.Object({
    room: Type.String(),
    madeAt: Type.Integer(),
    /** Seconds. */
    departureS: Type.Number()
  })),
  /** Proves that route, way, plan, order and warm are ours. Without it nothing is known of them. */
  seal: Type.Optional(Type.String()),
  receivedAt: Type.Integer(),
  openedAt: Type.Integer(),
  /** Who answered an outbound call, as Jambonz found out: for the agent. The bridge does not read it back. */
  voicemail: Type.Optional(Type.Object({
    verdict: Type.Enum(['human', 'machine']),
    reason: Type.Optional(Type.String()),
    /** A machine has stopped speaking: a message may begin. */
    greetingOver: Type.Optional(Type.Boolean())
  })),
  /** Of a warm room, for the agent that waits in it: what it would have in its job metadata. Not read back either. */
  call: Type.Optional(Type.Unsafe<ReturnType<typeof callForAgent>>({})),
  lastTransfer: Type.Optional(Type.Unsafe<ReturnType<typeof lastTransferOf>>({})),
  control: Type.Optional(Type.Unsafe<Pick<AgentControl, 'url'>>({}))
})

type StoredMetadata = Static<typeof RoomMetadataSchema>

const isRoomMetadata = new Ajv().compile<StoredMetadata>(RoomMetadataSchema)

/**
 * What a room says of its call, as JSON: enough to follow the call again when every other record of it is gone.
 * Everybody in the room can read it, so it holds nothing that only the agent may know. In a warm room it also says what
 * the agent could not know when it was dispatched: who calls.
 */
export function roomMetadata (
  call: Call,
  attempt: Attempt,
  seal: PlanSeal,
  { url }: Pick<AgentControl, 'url'>
): string {
  const { direction, from, to, withheld, applicationSid } = call.facts
  const sealed = {
    callSid: call.callSid,
    attempt: attempt.n,
    route: call.route?.name,
    way: publicWay(attempt.way),
    plan: call.plan.map(publicWay),
    order: call.order && openOrder(call.order),
    warm: warmOf(attempt)
  }

  return JSON.stringify(
    {
      v: 2,
      ...sealed,
      seal: seal.seal(sealed),
      direction,
      from,
      to,
      withheld,
      applicationSid,
      agent: attempt.agent!,
      receivedAt: call.at.received,
      openedAt: attempt.at.opened,
      voicemail: voicemailOf(call),
      ...(attempt.warm
        ? { call: callForAgent(call, attempt), lastTransfer: lastTransferOf(call), control: { url } }
        : {})
    } satisfies StoredMetadata
  )
}

function warmOf (attempt: Attempt): StoredMetadata['warm'] {
  if (!attempt.warm) return undefined
  return { room: attempt.room!, madeAt: attempt.warm.madeAt, departureS: departureOf(attempt) }
}

function voicemailOf ({ voicemail }: Call): StoredMetadata['voicemail'] {
  if (!voicemail) return undefined
  const { verdict, reason, greetingOverAt } = voicemail
  return { verdict, reason, ...(verdict === 'machine' ? { greetingOver: greetingOverAt !== undefined } : {}) }
}

/**
 * Reads {@link roomMetadata}. Agents may change a room's metadata, so its texts are cleaned like those of a hook, and a
 * plan without our seal does not count.
 * @returns undefined when a room has other metadata, or none
 */
export function readRoomMetadata (text: string, seal: PlanSeal): RoomMetadata | undefined {
  if (!text.startsWith('{') || text.length > LONGEST_METADATA) return undefined
  try {
    const written: unknown = JSON.parse(text)
    const metadata = cleanDeep(written)
    if (!isRoomMetadata(written) || !isRoomMetadata(metadata)) return undefined
    const { callSid, attempt, direction, from, to, withheld, applicationSid, agent, receivedAt, openedAt } = metadata
    const caller = { direction, from, to, withheld, ...(applicationSid === undefined ? {} : { applicationSid }) }

    return { callSid, attempt, ...caller, agent, receivedAt, openedAt, ...planOf(written, seal) }
  } catch {
    return undefined
  }
}

/** The plan as it was written, if we wrote it. Else the room itself is all that is known. */
function planOf (metadata: StoredMetadata, seal: PlanSeal): Pick<RoomMetadata, 'route' | 'ways' | 'order' | 'warm'> {
  const { callSid, attempt, route, way, plan, order, warm } = metadata
  const isOurs = way !== undefined && plan !== undefined && metadata.seal !== undefined &&
    seal.verify({ callSid, attempt, route, way, plan, order, warm }, metadata.seal)
  if (!isOurs) return { ways: [{ strategy: 'room', agent: cleanText(metadata.agent) }] }

  return {
    ...(route === undefined ? {} : { route }),
    ways: [way, ...plan],
    ...(order === undefined ? {} : { order }),
    ...(warm === undefined ? {} : { warm })
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

/** What a warm room says before a call has it. */
interface UnclaimedMetadata {
  v: 2
  warm: true
  seal: string
}

const isUnclaimed = new Ajv().compile<UnclaimedMetadata>(Type.Object({
  v: Type.Literal(2),
  warm: Type.Literal(true),
  seal: Type.String()
}))

/** What a room says, as JSON, that waits for a call. */
export const warmRoomMetadata = (room: string, seal: PlanSeal): string =>
  JSON.stringify({ v: 2, warm: true, seal: seal.sealRoom(room) } satisfies UnclaimedMetadata)

/** Whether metadata are {@link warmRoomMetadata} of the room of this name, as we wrote them. */
export function isWarmRoom (room: string, text: string, seal: PlanSeal): boolean {
  if (!text.startsWith('{') || text.length > LONGEST_METADATA) return false
  try {
    const metadata: unknown = JSON.parse(text)
    return isUnclaimed(metadata) && seal.verifyRoom(room, metadata.seal)
  } catch {
    return false
  }
}

/** Longest room metadata that is read, characters. Ours is some hundred, and more with a plan that speaks. */
const LONGEST_METADATA = 64 * 1024
