import { Type, type Static } from 'typebox'
import { CALL_FILTERS } from './call-query.ts'
import { PHASES } from './calls/fold/vocabulary.ts'
import type { CallSummary, CallView } from './calls/view.ts'
import {
  AGENT_SECURITY,
  CALLER_SECURITY,
  codes,
  ErrorReply,
  INTERNAL_ERROR,
  NOT_FOR_VIEWERS,
  Shared
} from './schemas.ts'

/*
 * The schemas of the operator API about calls. Parameters have no examples: Swagger UI would fill them in as filters,
 * and find nothing.
 */

/** Path parameters of a route about one call. */
export const CallParams = Type.Object({
  callSid: Type.String({
    description:
      'call_sid of the call, such as `d00d8a36-93f1-4a61-b3df-98751116d97a`, or the id of its order'
  })
})

const LIMITS = {
  429: ErrorReply('Too many requests from this address'),
  503: ErrorReply('The store of calls cannot be used now')
}

const REFUSALS = {
  ...INTERNAL_ERROR,
  ...LIMITS,
  401: codes('No valid token', 'UNAUTHORIZED', 'CALL_TOKEN'),
  404: ErrorReply("No such call, somebody else's call, or the operator API is off")
}

export const listCallsSchema = {
  operationId: 'listCalls',
  tags: ['operators'],
  summary: 'List calls, newest first',
  description:
    'Calls under way and ended ones, also those of the history (CALL_HISTORY_S). A key of CALLERS lists the calls ' +
    'that it ordered.',
  security: CALLER_SECURITY,
  querystring: Type.Object({
    ...CALL_FILTERS,
    cursor: Type.Optional(Type.String({ description: '`next` of the previous page' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Most calls on a page' }))
  }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      calls: Type.Array(Shared<CallSummary>('CallSummary')),
      next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last one' }))
    }, { description: 'One page' }),
    400: ErrorReply('A filter or the cursor is wrong, or a parameter does not exist'),
    ...INTERNAL_ERROR,
    ...LIMITS,
    401: codes('No valid token', 'UNAUTHORIZED', 'CALL_TOKEN'),
    403: codes('The token of a call lists none', 'KEY_NOT_ALLOWED'),
    404: ErrorReply('The operator API is off')
  }
}

export const getCallSchema = {
  operationId: 'getCall',
  tags: ['operators'],
  summary: 'One call with its events',
  security: AGENT_SECURITY,
  params: CallParams,
  querystring: Type.Object({
    live: Type.Optional(
      Type.Boolean({ default: false, description: "Asks LiveKit for its own view of the call's room" })
    )
  }, { additionalProperties: false }),
  response: {
    200: Shared<CallView>('Call'),
    400: ErrorReply('A parameter is wrong or does not exist'),
    ...REFUSALS
  }
}

const hangUp = {
  tags: ['operators'],
  description:
    'Deletes the room, which ends the agent leg. With the Jambonz REST settings the caller leg is hung up as well, ' +
    'and so is an ordered call that rings or is still to be placed. The call ends a moment later.',
  security: AGENT_SECURITY,
  params: CallParams,
  response: {
    202: Type.Object({ callSid: Type.String(), phase: Type.Enum([...PHASES], { type: 'string' }) }, {
      description: 'The call is being ended'
    }),
    ...REFUSALS,
    ...NOT_FOR_VIEWERS,
    409: ErrorReply('The call has already ended'),
    501: ErrorReply('Only the Jambonz REST API can end this call, and it is not configured')
  }
}

export const hangUpSchema = { ...hangUp, operationId: 'hangUpCall', summary: 'End a call' }
export const deleteCallSchema = { ...hangUp, operationId: 'deleteCall', summary: 'End a call, as its hangup does' }

export const VoicemailVerdictSchema = Type.Object({
  verdict: Type.Enum(['human', 'machine'], { type: 'string', description: 'Who answered' }),
  reason: Type.Optional(Type.String({ maxLength: 80, description: 'What the verdict rests on', examples: ['beep'] }))
}, { $id: 'VoicemailVerdict', additionalProperties: false, description: 'Who answered an outbound call' })

export const voicemailSchema = {
  operationId: 'tellVoicemail',
  tags: ['operators'],
  summary: 'Tell who answered an outbound call',
  description:
    'For agents that find out whether a person or a machine answered. The first verdict stands, whoever told it. ' +
    'An order with `onMachine: hangup` is hung up when a machine answered.',
  security: AGENT_SECURITY,
  params: CallParams,
  body: Shared<Static<typeof VoicemailVerdictSchema>>('VoicemailVerdict'),
  response: {
    200: Type.Object({
      callSid: Type.String(),
      verdict: Type.Enum(['human', 'machine'], { type: 'string', description: 'The verdict that stands' }),
      by: Type.Enum(['jambonz', 'agent'], { type: 'string', description: 'Who told it' })
    }, { description: 'What is known now' }),
    400: ErrorReply('The body is not a verdict'),
    413: ErrorReply('Larger than 1 KiB'),
    415: ErrorReply('The body is not JSON'),
    409: ErrorReply('The call has ended, and is only in the history'),
    422: ErrorReply('The call was not ordered with POST /calls'),
    ...REFUSALS,
    ...NOT_FOR_VIEWERS
  }
}
