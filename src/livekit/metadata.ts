import { Ajv } from 'ajv'
import { Type, type Static } from 'typebox'
import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import { DIRECTIONS } from '../calls/fold/vocabulary.ts'
import { openOrder, type Order } from '../calls/fold/order.ts'
import { transfersOf } from '../calls/fold/transfers.ts'
import { STRATEGIES, type Way } from '../calls/fold/way.ts'
import type { RoomMetadata } from '../calls/ports.ts'
import type { AgentControl } from '../agent-control.ts'
import type { PlanSeal } from './plan-seal.ts'

/** Version of the job metadata contract (docs/agents.md). Within a version fields are only added. */
export const JOB_METADATA_VERSION = 1

/**
 * What the agent of a call receives, as JSON: a contract for agent authors. It holds the token of the call, so it goes
 * to LiveKit as the metadata of a job and nowhere else.
 */
export function jobMetadata (call: Call, attempt: Attempt, control: AgentControl): string {
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
      headers,
      reference: call.order?.reference,
      placedBy: call.order?.placedBy,
      // The agent is to find out who answered, and to tell the bridge.
      voicemail: call.order?.voicemail === 'agent' ? 'agent' : undefined
    },
    transfer: purposeOf(call),
    lastTransfer: lastTransferOf(call),
    app: (attempt.way.strategy === 'room' && attempt.way.metadata) || call.app.metadata,
    control
  })
}

/** What the agent needs to know that talks with a person whom another agent wants the caller to talk with. */
function purposeOf ({ order }: Call) {
  if (!order?.transfer) return undefined
  const { id, mode, callSid, brief } = order.transfer
  return { id, mode, callSid, brief }
}

/** What the agent needs to know to whom a caller comes back. */
function lastTransferOf (call: Call) {
  const transfer = transfersOf(call).findLast(({ request }) => request !== undefined)
  if (!transfer) return undefined
  const { request, outcome, failedFor } = transfer
  return { id: request!.id, mode: request!.mode, result: outcome?.result, reason: (outcome ?? failedFor)?.reason }
}

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
  /** Proves that route, way, plan and order are ours. Without it nothing is known of them. */
  seal: Type.Optional(Type.String()),
  receivedAt: Type.Integer(),
  openedAt: Type.Integer(),
  /** Who answered an outbound call, as Jambonz found out: for the agent. The bridge does not read it back. */
  voicemail: Type.Optional(Type.Object({
    verdict: Type.Enum(['human', 'machine']),
    reason: Type.Optional(Type.String()),
    /** A machine has stopped speaking: a message may begin. */
    greetingOver: Type.Optional(Type.Boolean())
  }))
})

type StoredMetadata = Static<typeof RoomMetadataSchema>

const isRoomMetadata = new Ajv().compile<StoredMetadata>(RoomMetadataSchema)

/**
 * What a room says of its call, as JSON: enough to follow the call again when every other record of it is gone.
 * Everybody in the room can read it, so it holds nothing that only the agent may know.
 */
export function roomMetadata (call: Call, attempt: Attempt, seal: PlanSeal): string {
  const { direction, from, to, withheld, applicationSid } = call.facts
  const sealed = {
    callSid: call.callSid,
    attempt: attempt.n,
    route: call.route?.name,
    way: publicWay(attempt.way),
    plan: call.plan.map(publicWay),
    order: call.order && openOrder(call.order)
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
      voicemail: voicemailOf(call)
    } satisfies StoredMetadata
  )
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
    const { v: _v, way: _way, plan: _plan, seal: _seal, route: _route, order: _order, ...rest } = metadata
    const { voicemail: _voicemail, ...known } = rest

    return { ...known, ...planOf(written, seal) }
  } catch {
    return undefined
  }
}

/** The plan as it was written, if we wrote it. Else the room itself is all that is known. */
function planOf (metadata: StoredMetadata, seal: PlanSeal): Pick<RoomMetadata, 'route' | 'ways' | 'order'> {
  const { callSid, attempt, route, way, plan, order } = metadata
  const isOurs = way !== undefined && plan !== undefined && metadata.seal !== undefined &&
    seal.verify({ callSid, attempt, route, way, plan, order }, metadata.seal)
  if (!isOurs) return { ways: [{ strategy: 'room', agent: cleanText(metadata.agent) }] }

  return {
    ...(route === undefined ? {} : { route }),
    ways: [way, ...plan],
    ...(order === undefined ? {} : { order })
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

/** Longest room metadata that is read, characters. Ours is some hundred, and more with a plan that speaks. */
const LONGEST_METADATA = 64 * 1024
