import { Type, type Static } from 'typebox'
import { AGENT_AT, ON_MACHINE, VOICEMAIL_DETECTIONS } from '../calls/fold/order.ts'
import { PHASES } from '../calls/fold/vocabulary.ts'

/*
 * The body of an order of a call, and what is answered. These schemas are what orders are checked with and what the
 * OpenAPI document shows.
 */

/** Longest texts, characters. */
const LONGEST = { number: 256, name: 100, metadata: 8192, callerName: 64, reference: 128, headerValue: 256 }
const MOST_HEADERS = 16

/** Jambonz lets a phone ring for 60 seconds by default. */
export const DEFAULT_RING_S = 60
export const LONGEST_RING_S = 600
export const LONGEST_CALL_S = 86_400

const name = (description: string, examples: string[]) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: LONGEST.name, pattern: '\\S', description, examples }))

export const OrderRequestSchema = Type.Object({
  to: Type.String({
    minLength: 1,
    maxLength: LONGEST.number,
    description: 'Number of the callee, in any spelling. The number policy of the routes file decides about it',
    examples: ['+15550001111']
  }),
  from: Type.Optional(Type.String({
    minLength: 1,
    maxLength: LONGEST.number,
    description:
      'Number that the callee sees: one of `numbers` in the routes file, in any spelling. Default: the first of them',
    examples: ['+15551230000']
  })),
  agent: name(
    'Name of the LiveKit agent. Default: `defaults.agent` of the routes file, then LIVEKIT_AGENT_NAME',
    ['my-agent']
  ),
  metadata: Type.Optional(
    Type.Union([Type.String({ maxLength: LONGEST.metadata }), Type.Record(Type.String(), Type.Unknown())], {
      description: '`app` in the job metadata of the agent: a text, or an object that becomes JSON, of at most 8 KiB',
      examples: [{ customer: 'C-17', reason: 'appointment' }]
    })
  ),
  carrier: name('Name of the Jambonz carrier. Default: OUTBOUND_CARRIER, then the only one there is', ['MyCarrier']),
  ring: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: LONGEST_RING_S,
    description: `How long the phone may ring, seconds. Default: ${DEFAULT_RING_S}`,
    examples: [30]
  })),
  longest: Type.Optional(Type.Integer({
    minimum: 1,
    maximum: LONGEST_CALL_S,
    description:
      'How long the call may last after the answer, seconds. MAX_CALL_DURATION_S and `policy.longest` limit it',
    examples: [900]
  })),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String({ maxLength: LONGEST.headerValue }), {
      maxProperties: MOST_HEADERS,
      description: `X- headers of the INVITE to the carrier, at most ${MOST_HEADERS}. Jambonz' own names are refused`,
      examples: [{ 'X-Campaign': 'spring' }]
    })
  ),
  callerName: Type.Optional(Type.String({
    minLength: 1,
    maxLength: LONGEST.callerName,
    description: 'Name beside `from`. Many carriers drop it',
    examples: ['Acme Inc']
  })),
  reference: Type.Optional(Type.String({
    minLength: 1,
    maxLength: LONGEST.reference,
    description: 'Your own id of the call. It is in every view and event of the call',
    examples: ['order-4711']
  })),
  notAfter: Type.Optional(Type.String({
    format: 'date-time',
    maxLength: 64,
    description: 'The call is not placed after that',
    examples: ['2026-11-29T18:00:00+01:00']
  })),
  agentAt: Type.Optional(Type.Enum([...AGENT_AT], {
    type: 'string',
    description:
      'When the agent is called into its room: with the order (`dial`), when the phone rings (`ringing`, the ' +
      'default) or when the callee has answered (`answer`)'
  })),
  voicemail: Type.Optional(Type.Enum([...VOICEMAIL_DETECTIONS], {
    type: 'string',
    description: 'Who finds out whether a machine answered. Default: `off`'
  })),
  onMachine: Type.Optional(Type.Enum([...ON_MACHINE], {
    type: 'string',
    description: 'What happens when a machine answered. Default: `continue`'
  }))
}, {
  $id: 'OrderRequest',
  description: 'A call to be placed',
  additionalProperties: false,
  examples: [{
    to: '+15550001111',
    agent: 'my-agent',
    metadata: { customer: 'C-17', reason: 'appointment' },
    reference: 'order-4711',
    ring: 30
  }]
})
export type OrderRequest = Static<typeof OrderRequestSchema>

export const PlacedCallSchema = Type.Object({
  callSid: Type.String({
    description: "Jambonz' id of the call, under which GET /calls/{callSid} finds it",
    examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a']
  }),
  reference: Type.Optional(Type.String({ examples: ['order-4711'] })),
  phase: Type.Enum([...PHASES], { type: 'string', examples: ['dialing'] })
}, { $id: 'PlacedCall', description: 'A call that Jambonz has taken' })
export type PlacedCall = Static<typeof PlacedCallSchema>

export const UnplacedCallSchema = Type.Object({
  statusCode: Type.Number({ examples: [504] }),
  code: Type.String({ examples: ['BRIDGE_PLACEMENT_UNKNOWN'] }),
  error: Type.String({ examples: ['Gateway Timeout'] }),
  message: Type.String(),
  callSid: Type.Optional(Type.String({
    description:
      'Id of the order: GET /calls/{callSid} finds the call by it, before and after Jambonz has named it. Absent ' +
      'when nothing was recorded yet',
    examples: ['order-2c5ea4c0-4067-11ee-be56-0242ac120002']
  })),
  reference: Type.Optional(Type.String({ examples: ['order-4711'] }))
}, { $id: 'UnplacedCall', description: 'An order of which Jambonz named no call' })

export const ORDER_SCHEMAS = [OrderRequestSchema, PlacedCallSchema, UnplacedCallSchema]

/** What belongs into each property, for messages. */
export const EXPECTED: Record<keyof OrderRequest, string> = {
  to: `a text of 1 to ${LONGEST.number} characters with a phone number, such as "+15550001111"`,
  from: `a text of 1 to ${LONGEST.number} characters with one of your own numbers`,
  agent: `the name of an agent, a text of 1 to ${LONGEST.name} characters`,
  metadata: 'a text or an object of at most 8 KiB',
  carrier: `the name of a Jambonz carrier, a text of 1 to ${LONGEST.name} characters`,
  ring: `whole seconds from 1 to ${LONGEST_RING_S}`,
  longest: `whole seconds from 1 to ${LONGEST_CALL_S}`,
  headers: `an object of at most ${MOST_HEADERS} texts of at most ${LONGEST.headerValue} characters`,
  callerName: `a text of 1 to ${LONGEST.callerName} characters`,
  reference: `a text of 1 to ${LONGEST.reference} characters`,
  notAfter: 'a time such as "2026-11-29T18:00:00+01:00", with its offset from UTC',
  agentAt: `one of ${AGENT_AT.join(', ')}`,
  voicemail: `one of ${VOICEMAIL_DETECTIONS.join(', ')}`,
  onMachine: `one of ${ON_MACHINE.join(', ')}`
}

/** Largest `metadata` as JSON, characters. */
export const LARGEST_METADATA = LONGEST.metadata
