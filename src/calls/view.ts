import { Type, type Static } from 'typebox'
import { AttemptSchema, presentAttempt } from './attempt-view.ts'
import { DUTY_KINDS, type Call } from './fold/call.ts'
import { transfersOf } from './fold/transfers.ts'
import { CAUSES, DIRECTIONS, ENDED_BY, PHASES, TRANSFER_MODES, WAITING_ON } from './fold/vocabulary.ts'
import { AGENT_STATES } from './ports.ts'
import { presentTransfer, TransferSchema, type TransferView } from './transfer-view.ts'
import { iso, isoTime, Time, times } from './view-times.ts'

/*
 * What operators see of a call. Times are ISO 8601 in UTC with milliseconds.
 */

const CALL_TIMES = [
  'received',
  'replied',
  'ringing',
  'agentJoined',
  'agentAudio',
  'answered',
  'connected',
  'ended'
] as const
export const EndSchema = Type.Object({
  cause: Type.Enum([...CAUSES], { type: 'string', description: 'Why it ended', examples: ['agent-hung-up'] }),
  by: Type.Enum([...ENDED_BY], { type: 'string', description: 'Who ended it' }),
  waitingOn: Type.Enum([...WAITING_ON], { type: 'string', description: 'What an unanswered call was waiting for' }),
  sipStatus: Type.Optional(Type.Integer({ examples: [487] })),
  detail: Type.Optional(Type.String())
}, { $id: 'End' })

export const DutySchema = Type.Object({
  kind: Type.Enum([...DUTY_KINDS], { type: 'string' }),
  target: Type.String(),
  due: Time,
  tries: Type.Integer()
}, { $id: 'Duty', description: 'Work that the call still owes to the outside' })

export const EventSchema = Type.Object({
  from: Type.Enum(['jambonz', 'livekit', 'retell', 'bridge', 'operator', 'agent', 'person'], { type: 'string' }),
  what: Type.String({ examples: ['status'] }),
  leg: Type.Optional(Type.Enum(['caller', 'agent'], { type: 'string' })),
  attempt: Type.Optional(Type.Integer()),
  status: Type.Optional(Type.String({ examples: ['ringing'] })),
  sipStatus: Type.Optional(Type.Integer({ examples: [180] })),
  reason: Type.Optional(Type.String({ examples: ['Ringing'] })),
  by: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  first: Time,
  last: Time,
  count: Type.Integer({ description: 'Equal consecutive events are folded into one', examples: [5] })
}, { $id: 'Event' })

const LiveSchema = Type.Object({
  room: Type.Optional(Type.String()),
  exists: Type.Optional(Type.Boolean()),
  participants: Type.Array(Type.Object({
    kind: Type.Enum(['SIP', 'AGENT', 'OTHER'], { type: 'string' }),
    state: Type.String({ examples: ['ACTIVE'] }),
    joinedAt: Type.Union([Time, Type.Null()]),
    audio: Type.Boolean({ description: 'Publishes an audio track' }),
    sipCallStatus: Type.Optional(Type.String({ examples: ['active'] })),
    agentState: Type.Optional(Type.Enum([...AGENT_STATES], {
      type: 'string',
      description: "What the agent's session says of itself (`lk.agent.state` of LiveKit's Agents SDK)"
    }))
  })),
  error: Type.Optional(Type.String({ description: 'Why LiveKit could not be asked' }))
}, { $id: 'Live', description: "LiveKit's own view of the current attempt's room, asked for just now" })
export type Live = Static<typeof LiveSchema>
export { LiveSchema }

const summary = {
  callSid: Type.String({
    description: "call_sid of the call's first leg, or the id of an order that Jambonz has not named yet",
    examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a']
  }),
  direction: Type.Enum([...DIRECTIONS], {
    type: 'string',
    description: '`agent`: an agent calls somebody through LiveKit and Jambonz'
  }),
  phase: Type.Enum([...PHASES], { type: 'string' }),
  from: Type.String({ description: '`anonymous` when the caller withholds the number', examples: ['+15550001111'] }),
  to: Type.String({ examples: ['+15551230000'] }),
  agent: Type.Optional(Type.String({ examples: ['my-agent'] })),
  route: Type.Optional(Type.String({ description: 'Route of the routes file that the call matched' })),
  joins: Type.Optional(
    Type.String({ description: 'Of a call that an agent makes: the call in whose LiveKit room the agent is' })
  ),
  orderId: Type.Optional(
    Type.String({
      description: 'Id of the order of the call. It is also its callSid until Jambonz names the call',
      examples: ['order-2c5ea4c0-4067-11ee-be56-0242ac120002']
    })
  ),
  reference: Type.Optional(Type.String({ description: 'Your own id of an ordered call', examples: ['order-4711'] })),
  placedBy: Type.Optional(
    Type.String({ description: 'Name of the key that ordered the call', examples: ['operator', 'shop'] })
  ),
  carrier: Type.Optional(
    Type.String({ description: 'Jambonz carrier over which somebody is called', examples: ['MyCarrier'] })
  ),
  calledFor: Type.Optional(Type.Object({
    callSid: Type.String({ description: "call_sid of the caller's call" }),
    transfer: Type.String({ description: 'Id of the transfer', examples: ['tr-7d1c0a52'] }),
    mode: Type.Enum([...TRANSFER_MODES], { type: 'string' })
  }, { description: 'Of the call of a person who is called for a transfer: which one' })),
  transfers: Type.Optional(Type.Array(Type.Unsafe<TransferView>(Type.Ref('Transfer')), {
    description: 'The transfers of the caller, oldest first; of many the last ones. Absent: there was none'
  })),
  degraded: Type.Boolean(),
  attempts: Type.Array(Type.Unsafe<Static<typeof AttemptSchema>>(Type.Ref('Attempt'))),
  at: times(CALL_TIMES),
  end: Type.Optional(Type.Unsafe<Static<typeof EndSchema>>(Type.Ref('End'))),
  failed: Type.Optional(Type.Boolean({ description: 'It ended as no call should' })),
  voicemail: Type.Optional(Type.Object({
    verdict: Type.Enum(['human', 'machine'], { type: 'string', description: 'Who answered' }),
    by: Type.Enum(['jambonz', 'agent'], { type: 'string', description: 'Who found out' }),
    reason: Type.Optional(Type.String({ description: 'What it rests on', examples: ['long greeting'] })),
    at: Time,
    greetingOverAt: Type.Optional(Time)
  }, { description: 'Whether a person or a machine answered an outbound call; absent: not known' })),
  duties: Type.Array(Type.Unsafe<Static<typeof DutySchema>>(Type.Ref('Duty')))
}

export const CallSummarySchema = Type.Object(summary, { $id: 'CallSummary', description: 'A call without its events' })
export type CallSummary = Static<typeof CallSummarySchema>

export const CallSchema = Type.Object({
  ...summary,
  events: Type.Array(Type.Unsafe<Static<typeof EventSchema>>(Type.Ref('Event')), {
    description: 'What was heard of the call, oldest first; of a long list the first and the last 32'
  }),
  eventsDropped: Type.Integer({ description: 'Events dropped from the middle of the list' }),
  earlier: Type.Array(
    Type.Object({ at: times(CALL_TIMES), end: Type.Unsafe<Static<typeof EndSchema>>(Type.Ref('End')) }),
    { description: 'Records of this call that had ended before it came back' }
  ),
  live: Type.Optional(Type.Unsafe<Live>(Type.Ref('Live')))
}, { $id: 'Call', description: "One caller's call" })
export type CallView = Static<typeof CallSchema>

export const VIEW_SCHEMAS = [
  TransferSchema,
  EndSchema,
  AttemptSchema,
  DutySchema,
  EventSchema,
  LiveSchema,
  CallSummarySchema,
  CallSchema
]

/** A call as the list shows it. */
export function summarize (call: Call): CallSummary {
  const { order } = call
  const transfers = transfersOf(call)
  return {
    callSid: call.callSid,
    direction: call.facts.direction,
    phase: call.phase,
    from: call.facts.from,
    to: call.facts.to,
    agent: agentOf(call),
    route: call.route?.name,
    orderId: order?.id,
    reference: order?.reference,
    placedBy: order?.placedBy,
    carrier: order?.carrier ?? carrierOf(call),
    joins: call.joins,
    calledFor: presentPurpose(call),
    transfers: transfers.length === 0 ? undefined : transfers.map(presentTransfer),
    degraded: call.attempts.some(({ degraded }) => degraded),
    attempts: call.attempts.map(attempt => ({
      ...presentAttempt(call, attempt),
      transfer: transfers.find(({ dials }) => dials === attempt.n)?.request?.id
    })),
    at: iso(call.at),
    end: call.end,
    voicemail: presentVoicemail(call),
    duties: call.duties.map(({ kind, target, due, tries }) => ({ kind, target, due: isoTime(due), tries }))
  }
}

function presentPurpose ({ order }: Call): CallSummary['calledFor'] {
  if (!order?.transfer) return undefined
  const { callSid, id, mode } = order.transfer
  return { callSid, transfer: id, mode }
}

function presentVoicemail ({ voicemail }: Call): CallSummary['voicemail'] {
  if (!voicemail) return undefined
  const { verdict, by, reason, at, greetingOverAt } = voicemail
  return {
    verdict,
    by,
    reason,
    at: isoTime(at),
    ...(greetingOverAt === undefined ? {} : { greetingOverAt: isoTime(greetingOverAt) })
  }
}

/** The agent that was tried last. Before anybody was tried, the application's. */
export function agentOf ({ attempts, app, facts }: Call): string | undefined {
  if (attempts.length === 0 && facts.direction !== 'agent') return app.agent
  return attempts.findLast(({ agent }) => agent !== undefined)?.agent
}

/** The carrier over which the number was dialled that was tried last. */
function carrierOf ({ attempts }: Call): string | undefined {
  const way = attempts.at(-1)?.way
  return way?.strategy === 'phone' || way?.strategy === 'carrier' ? way.carrier : undefined
}

/** A call with all that is known of it. */
export function present (call: Call, live?: Live): CallView {
  return {
    ...summarize(call),
    events: call.events.map(event => ({ ...event, first: isoTime(event.first), last: isoTime(event.last) })),
    eventsDropped: call.eventsDropped,
    earlier: call.earlier.map(({ at, end }) => ({ at: iso(at), end })),
    live
  }
}
