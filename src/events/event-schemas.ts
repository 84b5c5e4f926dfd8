import { Type, type Static, type TSchema } from 'typebox'
import {
  CAUSES,
  DIRECTIONS,
  ENDED_BY,
  TRANSFER_MODES,
  TRANSFER_REASONS,
  TRANSFER_RESULTS,
  WAITING_ON
} from '../calls/fold/vocabulary.ts'
import type { Publication } from '../calls/fold/publications.ts'
import { STRATEGIES } from '../calls/fold/way.ts'

/*
 * The events that receivers get. Every key is always there, and null stands for what is not known or does not apply.
 * Within a version keys are only added.
 */

/** Version of the payload. */
export const EVENT_VERSION = 1

const OrNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
const Text = (description: string) => OrNull(Type.String(), description)
const Time = (description: string) => OrNull(Type.String({ format: 'date-time' }), description)
const Whole = (description: string) => OrNull(Type.Integer(), description)
const OneOf = <const T extends readonly string[]>(values: T, description: string) =>
  Type.Enum([...values] as [...T], { type: 'string', description })

const Times = Type.Object({
  received: Time('The call came in, or was ordered'),
  ringing: Time('The far end rang: the agent side of an inbound call, the callee\'s phone of an outbound one'),
  agentJoined: Time('The agent was in the room'),
  answered: Time('An inbound caller was connected; the callee of an outbound call answered'),
  connected: Time('Both sides were connected'),
  ended: Time('The call ended')
})

const EndOfCall = Type.Object({
  cause: OneOf(CAUSES, 'Why the call ended (docs/troubleshooting.md)'),
  by: OneOf(ENDED_BY, 'Who ended it'),
  waitingOn: OneOf(WAITING_ON, 'What an unanswered call was waiting for'),
  sipStatus: Whole('SIP status that decided, such as 486'),
  summary: Type.String({ description: 'How the call ended, in a sentence for people' })
})

const AttemptOfCall = Type.Object({
  attempt: Type.Integer({ description: 'Counted from 1 over the whole call' }),
  strategy: OneOf(STRATEGIES, 'The way that was tried'),
  room: Text('LiveKit room'),
  agent: Text('Agent that was dispatched'),
  number: Text('Number that was dialled'),
  degraded: Type.Boolean({ description: "Dialled without our own room: the dispatch rule's agent answered" }),
  cause: OrNull(OneOf(CAUSES, 'Why it ended')),
  sipStatus: Whole('SIP status that decided'),
  opened: Time('It began'),
  answered: Time('It was answered'),
  ended: Time('It ended')
})

const TransferOfCall = Type.Object({
  id: Text('Id in the API. Null: an agent asked for it by REFER'),
  mode: OneOf(TRANSFER_MODES, 'How the caller is handed over'),
  to: Text('Who is called. Null: an agent asked for it by REFER'),
  requestedBy: Text('Name of the key that asked for it, or `agent`'),
  person: Text("call_sid of the person's call, of `consult` and `add`"),
  requested: Time('Somebody asked for it'),
  finished: Time('Its outcome was known'),
  outcome: OrNull(
    OneOf(TRANSFER_RESULTS, '`result` of the API: `bridged`, `returned` (the caller is with an agent) or `failed`'),
    'Null while it is not decided'
  ),
  reason: OrNull(OneOf(TRANSFER_REASONS, 'Why'), 'Null while it is not decided'),
  result: OrNull(
    OneOf(['transferred', 'failed'], '`transferred` is the outcome `bridged`, `failed` any other one'),
    'Null while it is not decided'
  ),
  sipStatus: Whole('SIP status that decided: of the call to the person, or of the REFER'),
  returned: Type.Boolean({ description: 'The caller was connected to the agent again' })
})

const VoicemailOfCall = Type.Object({
  verdict: OneOf(['human', 'machine'], 'Who answered'),
  by: OneOf(['jambonz', 'agent'], 'Who found out'),
  at: Time('When'),
  reason: Text('What the verdict rests on')
})

export const EventDataSchema = Type.Object({
  callSid: Text("Jambonz' call_sid. Null: Jambonz never named the call that was ordered"),
  orderId: Text('Id of the order, of a call that the bridge placed'),
  record: Type.Integer({ description: 'Counted from 1: a call that was redirected away and came back has several' }),
  reference: Text("The caller's own id of an order (`reference` of POST /calls)"),
  placedBy: Text('Name of the key that placed the call'),
  direction: OneOf(DIRECTIONS, '`agent`: an agent calls somebody through LiveKit and Jambonz'),
  from: Type.String({ description: '`anonymous` when the caller withholds the number' }),
  to: Type.String(),
  carrier: Text('Carrier in Jambonz'),
  route: Text('Route of the routes file that the call matched'),
  agent: Text('Agent that was dispatched last'),
  metadata: Text('`metadata` of the order'),
  joins: Text('Of a call that an agent makes: the call_sid of the call in whose room the agent is'),
  times: Times,
  talkSeconds: OrNull(
    Type.Number(),
    'From the answer to the end. Null: not answered, not over, or nobody heard the end'
  ),
  end: OrNull(EndOfCall, 'Null while the call is under way'),
  attempts: Type.Array(AttemptOfCall),
  transfers: Type.Array(TransferOfCall, { description: 'Of the whole call, oldest first; the last 17 at most' }),
  transfer: OrNull(TransferOfCall, 'The transfer that `call.transfer_finished` is about. Null in other events'),
  voicemail: OrNull(VoicemailOfCall, 'Null: not asked for, or no verdict')
}, { $id: 'CallEventData', description: 'A call as it was when the event was written' })
export type EventData = Static<typeof EventDataSchema>
export type EventTransfer = Static<typeof TransferOfCall>

/** An event as it is sent. */
export interface CallEventPayload {
  v: typeof EVENT_VERSION
  id: string
  type: Publication
  timestamp: string
  data: EventData
}

/** What each type says, for the document. */
export const EVENT_TYPES: Record<Publication, { schemaId: string, summary: string, description: string }> = {
  'call.started': {
    schemaId: 'CallStartedEvent',
    summary: 'A call has begun',
    description: 'A caller was received, or Jambonz has taken an outbound call.'
  },
  'call.answered': {
    schemaId: 'CallAnsweredEvent',
    summary: 'A call was answered',
    description: 'An inbound caller was connected, or the callee of an outbound call answered.'
  },
  'call.transfer_finished': {
    schemaId: 'CallTransferFinishedEvent',
    summary: 'A transfer is over',
    description: 'Exactly one for each transfer, once its outcome is known. `data.transfer` is that transfer.'
  },
  'call.ended': {
    schemaId: 'CallEndedEvent',
    summary: 'A call has ended',
    description: 'The last event of a call that Jambonz knew: its record with times, cause and attempts.'
  },
  'call.dial_finished': {
    schemaId: 'CallDialFinishedEvent',
    summary: 'An outbound call has its outcome',
    description: 'Exactly one for each outbound call, also for one that Jambonz never placed.'
  }
}

const eventSchema = (type: Publication) => Type.Object({
  v: Type.Literal(EVENT_VERSION, { description: 'Version of the payload' }),
  id: Type.String({ description: 'The same in every repeat, and in the webhook-id header' }),
  type: Type.Literal(type),
  timestamp: Type.String({ format: 'date-time', description: 'When it happened' }),
  data: Type.Unsafe<EventData>(Type.Ref('CallEventData'))
}, { $id: EVENT_TYPES[type].schemaId, description: EVENT_TYPES[type].description })

export const EVENT_SCHEMAS: TSchema[] = [
  EventDataSchema,
  ...(Object.keys(EVENT_TYPES) as Publication[]).map(eventSchema)
]
