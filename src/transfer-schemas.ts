import { Type } from 'typebox'
import { TRANSFER_STATES } from './calls/fold/vocabulary.ts'
import type { TransferView } from './calls/transfer-view.ts'
import { CallParams } from './operator-schemas.ts'
import {
  AGENT_SECURITY,
  codes,
  INTERNAL_ERROR,
  NOT_FOR_VIEWERS,
  OPERATOR_SECURITY,
  OPERATORS_ONLY,
  Shared
} from './schemas.ts'
import type { TransferBody } from './transfers/transfer-body.ts'

/*
 * The schemas of the routes of transfers. Every reply names the codes that it may have (errors.ts,
 * transfers/errors.ts).
 */

const LONGEST_WAIT_S = 30

const Wait = Type.Optional(Type.Integer({
  minimum: 0,
  maximum: LONGEST_WAIT_S,
  description:
    'Holds the reply for so many seconds, unless the transfer is decided sooner. The reply then says how it stands'
}))

const TransferParams = Type.Object({
  ...CallParams.properties,
  id: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the transfer' })
})

const transfer = (description: string) => ({ ...Shared<TransferView>('Transfer'), description })

const REFUSALS = {
  ...INTERNAL_ERROR,
  401: codes('No valid token', 'UNAUTHORIZED', 'CALL_TOKEN'),
  404: codes(
    "No such call or transfer, somebody else's call, or no API",
    ...['CALL_NOT_FOUND', 'TRANSFER_NOT_FOUND', 'OPERATOR_API_OFF']
  ),
  429: codes('Too many requests came from this address', 'TOO_MANY_REQUESTS'),
  503: codes('The store of calls cannot be used now', 'STORE_UNAVAILABLE')
}

const WRONG_QUERY = { 400: codes('A parameter is wrong or does not exist', 'PARAMETER', 'UNKNOWN_QUERY') }

const about = {
  tags: ['operators'],
  security: AGENT_SECURITY
}

export const beginTransferSchema = {
  ...about,
  operationId: 'beginTransfer',
  summary: 'Hand the caller to a person',
  description:
    'The number policy of the routes file decides who may be called. A call has one open transfer. Agents may ask ' +
    'for transfers of their own call.',
  headers: Type.Object({
    'idempotency-key': Type.Optional(Type.String({
      description:
        '1 to 255 visible ASCII characters. While the call is kept, the same key with the same body is answered with ' +
        'the same transfer'
    }))
  }),
  params: CallParams,
  querystring: Type.Object({ wait: Wait }, { additionalProperties: false }),
  body: Shared<TransferBody>('TransferRequest'),
  response: {
    202: {
      ...transfer('The transfer has begun'),
      headers: {
        'Idempotent-Replayed': {
          type: 'string',
          description: '`true`: this is the transfer of an earlier request with the same key'
        }
      }
    },
    ...REFUSALS,
    400: codes(
      'The body, the key or a parameter is wrong. The message names the property',
      ...['TRANSFER_BODY', 'IDEMPOTENCY_KEY', 'UNKNOWN_CARRIER', 'CARRIER_NEEDED', 'PARAMETER', 'UNKNOWN_QUERY']
    ),
    403: codes(
      'The number policy refuses `to` (the message says which rule), `from` is not ours, or a viewer asks',
      ...['NUMBER_REFUSED', 'OWN_NUMBER', 'FROM_NOT_OURS', 'VIEWERS_LOOK_ONLY']
    ),
    409: codes(
      'The call has ended, nobody there talks with an agent, it has an open transfer, it has had too many, or it is ' +
        'the call of a person who was called for a transfer',
      ...['CALL_ENDED', 'NOT_CONNECTED', 'TRANSFER_OPEN', 'TOO_MANY_TRANSFERS', 'PERSON_CALL']
    ),
    413: codes('Larger than 16 KiB', 'BODY_TOO_LARGE'),
    415: codes('The body is not JSON', 'NOT_JSON'),
    422: codes('The key was used with another body', 'IDEMPOTENCY_BODY'),
    429: codes(
      'A cap of the policy is reached, too many requests wait for Jambonz, or came from this address. Retry-After ' +
        'says when to ask again',
      ...['CAP_REACHED', 'QUEUE_FULL', 'TOO_MANY_REQUESTS']
    ),
    501: codes('Transfers need more configuration. The message says what', 'OUTBOUND_NOT_CONFIGURED'),
    502: codes('Jambonz refused a question about carriers or applications', 'JAMBONZ_REFUSED'),
    503: codes(
      'This process is about to end, or the store of calls cannot be used. After the latter the transfer may have ' +
        'begun: GET the list',
      ...['DRAINING', 'STORE_UNAVAILABLE']
    ),
    504: codes('Jambonz was not reached', 'JAMBONZ_UNREACHABLE')
  }
}

export const checkTransferSchema = {
  ...about,
  operationId: 'checkTransfer',
  summary: 'Whether a transfer would be begun',
  description:
    'The same request as for a transfer, and what the number policy and the call say of it now. Nothing is dialled, ' +
    'counted or changed, so a limit of the policy may still refuse it.',
  security: OPERATOR_SECURITY,
  params: CallParams,
  body: Shared<TransferBody>('TransferRequest'),
  response: {
    200: Type.Object({
      allowed: Type.Boolean(),
      to: Type.Optional(Type.String({ description: 'What would be dialled', examples: ['+15550003333'] })),
      from: Type.Optional(Type.String({ description: 'What the person would see', examples: ['+15551230000'] })),
      carrier: Type.Optional(Type.String({ examples: ['MyCarrier'] })),
      limits: Type.Optional(Type.Boolean({ description: 'The policy has limits that count only what is begun' })),
      code: Type.Optional(Type.String({ examples: ['BRIDGE_NUMBER_REFUSED'] })),
      message: Type.Optional(Type.String({ description: 'Why not, and which rule says so' }))
    }, { description: 'The verdict' }),
    ...REFUSALS,
    ...OPERATORS_ONLY,
    400: codes(
      'The body or a parameter is wrong. The message names the property',
      ...['TRANSFER_BODY', 'UNKNOWN_CARRIER', 'CARRIER_NEEDED']
    ),
    413: codes('Larger than 16 KiB', 'BODY_TOO_LARGE'),
    415: codes('The body is not JSON', 'NOT_JSON'),
    502: codes('Jambonz refused a question about carriers or applications', 'JAMBONZ_REFUSED'),
    503: codes('This process is about to end, or the store of calls cannot be used', 'DRAINING', 'STORE_UNAVAILABLE'),
    504: codes('Jambonz was not reached', 'JAMBONZ_UNREACHABLE')
  }
}

export const listTransfersSchema = {
  ...about,
  operationId: 'listTransfers',
  summary: 'The transfers of a call',
  description: 'Oldest first. Of the call of a person: the transfer that it is for.',
  params: CallParams,
  querystring: Type.Object({}, { additionalProperties: false }),
  response: {
    200: Type.Object({ transfers: Type.Array(Shared<TransferView>('Transfer')) }, { description: 'All transfers' }),
    ...WRONG_QUERY,
    ...REFUSALS
  }
}

export const getTransferSchema = {
  ...about,
  operationId: 'getTransfer',
  summary: 'One transfer',
  description:
    'With `wait` the reply is held until the transfer is decided, with `state` as well until its state is another one.',
  params: TransferParams,
  querystring: Type.Object({
    wait: Wait,
    state: Type.Optional(Type.Enum([...TRANSFER_STATES], {
      type: 'string',
      description: 'The state that is known already'
    }))
  }, { additionalProperties: false }),
  response: { 200: transfer('How it stands'), ...WRONG_QUERY, ...REFUSALS }
}

export const completeTransferSchema = {
  ...about,
  operationId: 'completeTransfer',
  summary: 'Connect the person with the caller',
  description:
    'For mode `consult`, once the agent talks with the person. The person joins the caller, and the agents leave. ' +
    'Asking again changes nothing. With `wait` the reply is held until the transfer is decided, or the person is ' +
    'back with the consulting agent.',
  params: TransferParams,
  querystring: Type.Object({ wait: Wait }, { additionalProperties: false }),
  response: {
    202: transfer('The person is being connected'),
    ...WRONG_QUERY,
    ...REFUSALS,
    ...NOT_FOR_VIEWERS,
    409: codes(
      'No agent talks with the person yet, the transfer has another mode or is over, the caller is in no room any ' +
        'more, or the call has ended',
      ...['NOT_CONSULTING', 'TRANSFER_FINISHED', 'CALLER_NOT_IN_ROOM', 'CALL_ENDED']
    )
  }
}

export const cancelTransferSchema = {
  ...about,
  operationId: 'cancelTransfer',
  summary: 'End a transfer that is not decided yet',
  description: 'The person is hung up on. The caller stays with the agent, or comes back to it.',
  params: TransferParams,
  querystring: Type.Object({ wait: Wait }, { additionalProperties: false }),
  response: {
    202: transfer('The transfer is being ended'),
    ...WRONG_QUERY,
    ...REFUSALS,
    ...NOT_FOR_VIEWERS,
    409: codes(
      'The person is being connected, the transfer is over, or the call has ended',
      ...['TRANSFER_COMPLETING', 'TRANSFER_FINISHED', 'CALL_ENDED']
    )
  }
}
