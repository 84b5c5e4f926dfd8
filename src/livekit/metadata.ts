import { Ajv } from 'ajv'
import { Type, type Static } from 'typebox'
import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import { DIRECTIONS } from '../calls/fold/vocabulary.ts'
import { openOrder, type Order } from '../calls/fold/order.ts'
import { departureOf } from '../calls/fold/return-to-agent.ts'
import { STRATEGIES, type Way } from '../calls/fold/way.ts'
import type { NewWarmRoom, RoomMetadata, UnclaimedRoom } from '../calls/ports.ts'
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
export const readRoomMetadata = (text: string, seal: PlanSeal): RoomMetadata | undefined =>
  readJson(text, written => {
    const metadata = cleanDeep(written)
    if (!isRoomMetadata(written) || !isRoomMetadata(metadata)) return undefined
    const { callSid, attempt, direction, from, to, withheld, applicationSid, agent, receivedAt, openedAt } = metadata
    const caller = { direction, from, to, withheld, ...(applicationSid === undefined ? {} : { applicationSid }) }

    return { callSid, attempt, ...caller, agent, receivedAt, openedAt, ...planOf(written, seal) }
  })

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

/** What everybody in a room may know of a way: not what is for another agent, nor what leads into another room. */
function publicWay (way: Way): Way {
  switch (way.strategy) {
    case 'room': {
      const { metadata: _metadata, ...open } = way
      return open
    }
    case 'retell': {
      const { metadata: _metadata, variables: _variables, ...open } = way
      return open
    }
    case 'join': {
      const { token: _token, ...open } = way
      return open
    }
    default:
      return way
  }
}

/** What a warm room says before a call has it. */
const UnclaimedSchema = Type.Object({
  v: Type.Literal(2),
  warm: Type.Literal(true),
  agent: Type.String({ minLength: 1 }),
  madeAt: Type.Integer(),
  /** Seconds. */
  departureS: Type.Number(),
  /** Proves the rest, and that it is about the room of this name. */
  seal: Type.String()
})

type UnclaimedMetadata = Static<typeof UnclaimedSchema>

const isUnclaimed = new Ajv().compile<UnclaimedMetadata>(UnclaimedSchema)

/** What a room says, as JSON, that waits for a call. */
export function warmRoomMetadata ({ room, madeAt, departureS }: NewWarmRoom, agent: string, seal: PlanSeal): string {
  const said = { agent, madeAt, departureS }
  return JSON.stringify(
    { v: 2, warm: true, ...said, seal: seal.sealRoom({ name: room, ...said }) } satisfies UnclaimedMetadata
  )
}

/**
 * Reads {@link warmRoomMetadata} of the room of this name.
 * @returns undefined when they are others, or not ours
 */
export const readWarmRoom = (name: string, text: string, seal: PlanSeal): UnclaimedRoom | undefined =>
  readJson(text, metadata => {
    if (!isUnclaimed(metadata)) return undefined
    const { agent, madeAt, departureS } = metadata
    const isOurs = seal.verifyRoom({ name, agent, madeAt, departureS }, metadata.seal)
    return isOurs ? { agent, madeAt, departureS } : undefined
  })

/** @returns undefined for a text that is no JSON object, that is longer than any of ours, or that cannot be read */
function readJson<T> (text: string, read: (metadata: unknown) => T | undefined): T | undefined {
  if (!text.startsWith('{') || text.length > LONGEST_METADATA) return undefined
  try {
    return read(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Longest room metadata that is read, characters. Ours is some hundred, and more with a plan that speaks. */
const LONGEST_METADATA = 64 * 1024
