import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { present } from '../src/calls/view.ts'
import { LadderSchema, presentLadder, type LadderView } from '../src/ladder/ladder-view.ts'
import { CallParams } from '../src/operator-schemas.ts'
import { ownCall } from '../src/own-call.ts'
import { CALLER_SECURITY, ErrorReply, INTERNAL_ERROR, Shared } from '../src/schemas.ts'

/** A call drawn: who sent what to whom, and when. */
const ladder: FastifyPluginAsyncTypebox = async fastify => {
  fastify.addSchema(LadderSchema)

  fastify.get('/calls/:callSid/ladder', {
    config: { operation: 'get-ladder', forCallers: true },
    schema: {
      operationId: 'getLadder',
      tags: ['operators'],
      summary: 'The ladder of a call',
      description: 'The rows that `bridge calls <callSid>` draws, for programs that draw them themselves.',
      security: CALLER_SECURITY,
      params: CallParams,
      response: {
        200: Shared<LadderView>('Ladder'),
        ...INTERNAL_ERROR,
        401: ErrorReply('No valid token'),
        403: ErrorReply('The token of a call may not do this'),
        404: ErrorReply("No such call, somebody else's call, or the operator API is off"),
        429: ErrorReply('Too many requests from this address'),
        503: ErrorReply('The store of calls cannot be used now')
      }
    }
  }, async request => {
    const call = await ownCall(fastify.calls, request.params.callSid, request.keyHolder!)
    return presentLadder(present(call))
  })
}

export default ladder
