import { Type } from 'typebox'
import { ErrorReply, INTERNAL_ERROR, OPERATORS_ONLY, OPERATOR_SECURITY, Shared } from '../schemas.ts'
import type { PendingEventView } from './pending-view.ts'

const REFUSALS = {
  ...INTERNAL_ERROR,
  ...OPERATORS_ONLY,
  401: ErrorReply('No valid token'),
  429: ErrorReply('Too many requests from this address'),
  501: ErrorReply('Nobody receives events: EVENTS_URL is not set'),
  503: ErrorReply('The store of calls cannot be used now')
}

export const pendingEventsSchema = {
  operationId: 'listPendingEvents',
  tags: ['operators'],
  summary: 'List the events that wait for delivery, oldest first',
  security: OPERATOR_SECURITY,
  querystring: Type.Object({
    cursor: Type.Optional(Type.String({ description: '`next` of the previous page' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50, description: 'Most events on a page' }))
  }, { additionalProperties: false }),
  response: {
    200: Type.Object({
      events: Type.Array(Shared<PendingEventView>('PendingEvent')),
      next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last one' }))
    }, { description: 'One page' }),
    400: ErrorReply('The cursor or the limit is wrong'),
    404: ErrorReply('The operator API is off'),
    ...REFUSALS
  }
}

export const replayEventSchema = {
  operationId: 'replayEvent',
  tags: ['operators'],
  summary: 'Send an event again',
  description:
    'Writes the event anew from the record of its call and sends it with the same id to every receiver. It shows the ' +
    'call as it is now. Works as long as the call can be looked at: CALL_RETENTION_S and CALL_HISTORY_S ' +
    'seconds after its end.',
  security: OPERATOR_SECURITY,
  params: Type.Object({
    id: Type.String({ description: 'Id of the event, such as `d00d8a36-93f1-4a61-b3df-98751116d97a:call.ended`' })
  }),
  response: {
    202: Type.Object({
      id: Type.String(),
      receivers: Type.Integer({ description: 'To how many receivers it is sent' })
    }, { description: 'The event is being sent' }),
    400: ErrorReply('The id cannot be read'),
    404: ErrorReply('No such call or event, or the operator API is off'),
    409: ErrorReply('The event still waits for delivery'),
    ...REFUSALS
  }
}
