import { Type } from 'typebox'
import type { OrderRequest, PlacedCall } from './orders/order-request.ts'
import { CALLER_SECURITY, codes, INTERNAL_ERROR, Shared } from './schemas.ts'

/*
 * The schema of the route that places calls. Every reply names the codes that it may have (errors.ts).
 */

export const placeCallSchema = {
  operationId: 'placeCall',
  tags: ['operators'],
  summary: 'Place a call',
  description:
    'Calls somebody and connects them with an agent. The number policy of the routes file decides who may be called. ' +
    'A call is placed at most once: after 504 the same request must not be sent again without an `Idempotency-Key`. ' +
    'Only a 201 and `BRIDGE_PLACEMENT_UNKNOWN` can mean that somebody was called.',
  security: CALLER_SECURITY,
  headers: Type.Object({
    'idempotency-key': Type.Optional(Type.String({
      description:
        '1 to 255 visible ASCII characters. For 24 hours the same key with the same body is answered with the same ' +
        'call, as it is then'
    }))
  }),
  body: Shared<OrderRequest>('OrderRequest'),
  response: {
    201: {
      ...Shared<PlacedCall>('PlacedCall'),
      description: 'Jambonz has taken the call',
      headers: {
        'Idempotent-Replayed': {
          type: 'string',
          description: '`true`: this is the call of an earlier request with the same key'
        }
      }
    },
    400: codes(
      'The body or the key is wrong. The message names the property',
      ...['ORDER_BODY', 'IDEMPOTENCY_KEY', 'UNKNOWN_CARRIER', 'CARRIER_NEEDED']
    ),
    401: codes('No valid token', 'UNAUTHORIZED', 'CALL_TOKEN'),
    403: codes(
      'The number policy refuses `to` (the message says which rule), `from` is not ours, or the token is for ' +
        'one call, or only for looking',
      ...['NUMBER_REFUSED', 'OWN_NUMBER', 'FROM_NOT_OURS', 'KEY_NOT_ALLOWED', 'VIEWERS_LOOK_ONLY']
    ),
    404: codes('The operator API is off', 'OPERATOR_API_OFF'),
    409: codes(
      'A request with the same key is under way (Retry-After), `notAfter` has passed, or the call was hung up before ' +
        'it was placed',
      ...['IDEMPOTENCY_UNDER_WAY', 'ORDER_TOO_LATE', 'ORDER_CANCELLED']
    ),
    413: codes('Larger than 16 KiB', 'BODY_TOO_LARGE'),
    415: codes('The body is not JSON', 'NOT_JSON'),
    422: codes('The key was used with another body', 'IDEMPOTENCY_BODY'),
    429: codes(
      'A cap of the policy is reached, too many orders wait for Jambonz, or too many requests came from this ' +
        'address. Retry-After says when to ask again',
      ...['CAP_REACHED', 'QUEUE_FULL', 'TOO_MANY_REQUESTS']
    ),
    ...INTERNAL_ERROR,
    501: codes('Outbound calls need more configuration. The message says what', 'OUTBOUND_NOT_CONFIGURED'),
    502: codes('Jambonz refused the call. The message says what it said', 'JAMBONZ_REFUSED'),
    503: codes(
      'This process is about to end, the store of calls cannot be used, or MAX_CALLS are active. Nothing was placed',
      ...['DRAINING', 'STORE_UNAVAILABLE', 'CAPACITY']
    ),
    504: {
      ...Type.Ref('UnplacedCall'),
      description:
        'Jambonz was not reached and nothing was placed (`BRIDGE_JAMBONZ_UNREACHABLE`), or it did not answer, and ' +
        'whether it placed the call is not known yet (`BRIDGE_PLACEMENT_UNKNOWN`)'
    }
  }
}
