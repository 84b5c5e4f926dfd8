import type { Readable } from 'node:stream'
import { Type } from 'typebox'
import { CALL_FILTERS } from './call-query.ts'
import { CAUSES } from './calls/fold/vocabulary.ts'
import type { CallSummary } from './calls/view.ts'
import {
  CALLER_SECURITY,
  codes,
  ErrorReply,
  INTERNAL_ERROR,
  OPERATOR_SECURITY,
  OPERATORS_ONLY,
  Shared
} from './schemas.ts'

const LIMITS = {
  429: ErrorReply('Too many requests from this address'),
  503: ErrorReply('The store of calls cannot be used now')
}

export const exportCallsSchema = {
  operationId: 'exportCalls',
  tags: ['operators'],
  summary: 'Download calls as a file, newest first',
  description:
    'All calls that the filters find, without a limit. The file is sent while it is read: a connection that ends ' +
    'early means that the file is not complete. A key of CALLERS gets the calls that it ordered.\n\nIn a CSV file, ' +
    'text that a spreadsheet would take for a formula has a `\'` in front. Phone numbers keep their `+`.',
  security: CALLER_SECURITY,
  querystring: Type.Object({
    format: Type.Optional(
      Type.Enum(['csv', 'json'], {
        type: 'string',
        default: 'csv',
        description: '`csv`: one line for each call, after a line of names; `json`: an array of what the list has'
      })
    ),
    ...CALL_FILTERS
  }, { additionalProperties: false }),
  response: {
    200: {
      description: 'The file',
      content: {
        'text/csv': { schema: Type.Unsafe<Readable>(Type.String()) },
        'application/json': { schema: Type.Unsafe<Readable>(Type.Array(Shared<CallSummary>('CallSummary'))) }
      }
    },
    400: ErrorReply('A filter is wrong, or a parameter does not exist'),
    ...INTERNAL_ERROR,
    ...LIMITS,
    401: codes('No valid token', 'UNAUTHORIZED', 'CALL_TOKEN'),
    403: codes('The token of a call exports none', 'KEY_NOT_ALLOWED'),
    404: ErrorReply('The operator API is off')
  }
}

const Time = Type.String({ format: 'date-time' })

export const failuresSchema = {
  operationId: 'countFailures',
  tags: ['operators'],
  summary: 'Failed calls of the last hour by cause',
  description:
    'Counts the calls that were received in the last hour and failed, and those of the hour before. Calls that are ' +
    'neither kept nor in the history any more are not counted.',
  security: OPERATOR_SECURITY,
  response: {
    200: Type.Object({
      at: Time,
      hour: Type.Object({
        since: Time,
        received: Type.Integer({ description: 'All calls that were received' }),
        failed: Type.Integer(),
        causes: Type.Array(Type.Object({
          cause: Type.Enum([...CAUSES], { type: 'string' }),
          count: Type.Integer({ description: 'In the last hour' }),
          before: Type.Integer({ description: 'In the hour before' })
        }), { description: 'Most frequent first' })
      })
    }, { description: 'The counts' }),
    ...INTERNAL_ERROR,
    ...OPERATORS_ONLY,
    ...LIMITS,
    401: ErrorReply('No valid token'),
    404: ErrorReply('The operator API is off')
  }
}
