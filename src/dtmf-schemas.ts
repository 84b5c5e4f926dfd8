import { Type, type Static } from 'typebox'
import { CallParams } from './operator-schemas.ts'
import { AGENT_SECURITY, codes, INTERNAL_ERROR, NOT_FOR_VIEWERS, Shared } from './schemas.ts'

/** Most characters of one request. */
const MOST_DIGITS = 32

export const DigitsRequestSchema = Type.Object({
  digits: Type.String({
    // A pause alone would send nothing.
    pattern: '^w*[0-9*#][0-9*#w]*$',
    maxLength: MOST_DIGITS,
    description: 'What to send: 0-9, `*` and `#`, with `w` for half a second of silence',
    examples: ['12w34#']
  }),
  to: Type.Optional(Type.Enum(['caller', 'person'], {
    type: 'string',
    description:
      'Who hears it. `caller` is who is on the phone: of an outbound call the callee. `person` is whom the latest ' +
      'transfer with the mode `consult` or `add` has called',
    default: 'caller'
  }))
}, { $id: 'DigitsRequest', additionalProperties: false, description: 'Key presses to be sent' })
export type DigitsRequest = Static<typeof DigitsRequestSchema>

/** An error after which some of the digits may have been sent. */
export const UnsentDigitsSchema = Type.Object({
  statusCode: Type.Number({ examples: [504] }),
  code: Type.String({ examples: ['BRIDGE_DTMF_UNKNOWN'] }),
  error: Type.String({ examples: ['Gateway Timeout'] }),
  message: Type.String(),
  sent: Type.Optional(Type.Integer({
    description: 'How many digits were sent before. Absent when it cannot be any',
    examples: [2]
  }))
}, { $id: 'UnsentDigits', description: 'Not all digits were sent' })

export const DTMF_SCHEMAS = [DigitsRequestSchema, UnsentDigitsSchema]

const unsent = (description: string) => ({ ...Type.Ref('UnsentDigits'), description })

export const sendDigitsSchema = {
  operationId: 'sendDigits',
  tags: ['operators'],
  summary: 'Send key presses to the phone',
  description:
    'Jambonz plays them as telephone events (RFC 4733), 250 ms each. The reply comes when the last one was played: ' +
    '32 digits take 11 s. Each digit is one request to the Jambonz REST API. No digit is sent twice, and after one ' +
    'that failed none follows.',
  security: AGENT_SECURITY,
  params: CallParams,
  body: Shared<DigitsRequest>('DigitsRequest'),
  response: {
    200: Type.Object({
      callSid: Type.String(),
      sent: Type.Integer({ description: 'How many digits were sent. Pauses do not count' })
    }, { description: 'All digits were sent' }),
    ...INTERNAL_ERROR,
    400: codes('The body has no digits that can be sent', 'DTMF_BODY'),
    401: codes('No valid token', 'UNAUTHORIZED', 'CALL_TOKEN'),
    ...NOT_FOR_VIEWERS,
    404: codes("No such call, somebody else's call, or no API", 'CALL_NOT_FOUND', 'OPERATOR_API_OFF'),
    409: unsent(
      'The call, or that of the person, is not answered (`BRIDGE_NOT_ANSWERED`) or has ended (`BRIDGE_CALL_ENDED`), ' +
        'there is no person (`BRIDGE_NO_PERSON`), or other digits are still being sent to this leg ' +
        '(`BRIDGE_DTMF_UNDER_WAY`)'
    ),
    413: codes('Larger than 1 KiB', 'BODY_TOO_LARGE'),
    415: codes('The body is not JSON', 'NOT_JSON'),
    429: unsent(
      'Too many requests wait for the Jambonz REST API (`BRIDGE_DTMF_QUEUE_FULL`), or came from this address ' +
        '(`BRIDGE_TOO_MANY_REQUESTS`). Retry-After says when to ask again'
    ),
    501: codes('The Jambonz REST API is not configured', 'NO_DTMF'),
    502: unsent('Jambonz refused a digit (`BRIDGE_DTMF_REFUSED`)'),
    503: codes('The store of calls cannot be used now', 'STORE_UNAVAILABLE'),
    504: unsent(
      'Jambonz was not reached (`BRIDGE_DTMF_UNREACHABLE`), or gave no answer, and the next digit may have been sent ' +
        '(`BRIDGE_DTMF_UNKNOWN`)'
    )
  }
}
