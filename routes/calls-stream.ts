import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { KeyNotAllowedError, TooManyViewersError } from '../src/errors.ts'
import { seesAll } from '../src/keyring.ts'
import { CallRowSchema } from '../src/live/call-row.ts'
import { STREAM_HEADERS } from '../src/live/server-sent.ts'
import { ownCall } from '../src/own-call.ts'
import { CALLER_SECURITY, ErrorReply, EventStreamReply, INTERNAL_ERROR } from '../src/schemas.ts'

const DESCRIPTION = `Server-sent events, until the client or the bridge ends them. Each has JSON as its data.

Without \`callSid\`: the calls under way on all replicas.
- \`picture\`: \`{ at, counts, calls: CallRow[], more, trouble? }\`. All calls under way, newest first. It replaces what
  came before, and is sent again to a client that was too slow. \`more\`: there are too many calls to show all.
- \`calls\`: \`{ at, counts, calls: CallRow[], gone?, leftOut?, trouble? }\`. Calls that began, changed or ended since
  the last frame. \`gone\`: call_sids that are not under way any more. \`leftOut\`: so many rows had no room in the
  frame. A picture follows.

With \`callSid\`: this call, also when it has ended.
- \`call\`: \`{ call: Call, ladder: Ladder, diagnosis: Diagnosis }\`, at once and after each change.
- \`gone\`: \`{ callSid }\`. Nothing is known of it (any more).

Both: \`bye\` \`{ reason, retryMs }\` before the bridge ends the stream: connect again after that time.`

/** The calls, live. Needs `live`, `calls` and `draining`. */
const callsStream: FastifyPluginAsyncTypebox = async fastify => {
  const { live, calls, draining } = fastify

  fastify.addSchema(CallRowSchema)
  draining.onDrain(() => live.end())

  fastify.get('/calls/stream', {
    config: { operation: 'stream-calls', forCallers: true },
    exposeHeadRoute: false,
    schema: {
      operationId: 'streamCalls',
      tags: ['operators'],
      summary: 'Calls, live',
      description: DESCRIPTION,
      security: CALLER_SECURITY,
      querystring: Type.Object({
        callSid: Type.Optional(Type.String({ description: 'Only this call. A key of CALLERS must name one' }))
      }, { additionalProperties: false }),
      response: {
        200: EventStreamReply('event: calls\ndata: {"calls":[]}\n\n'),
        400: ErrorReply('A parameter is wrong or does not exist'),
        ...INTERNAL_ERROR,
        401: ErrorReply('No valid token'),
        403: ErrorReply('A key of CALLERS watches only calls that it ordered'),
        404: ErrorReply('No such call, or the operator API is off'),
        429: ErrorReply('Too many requests from this address'),
        503: ErrorReply('Too many viewers, or the store of calls cannot be used now')
      }
    }
  }, async (request, reply) => {
    const { callSid } = request.query
    const holder = request.keyHolder!
    const caller = seesAll(holder) ? undefined : holder.name
    if (live.isFull(caller)) throw new TooManyViewersError()
    if (callSid === undefined && !seesAll(holder)) {
      throw new KeyNotAllowedError('watch calls that it ordered, one by one')
    }
    const known = callSid === undefined ? undefined : await ownCall(calls, callSid, holder)

    const viewer = known ? live.watchCall(known.callSid, caller) : live.watchList()
    reply.raw.once('close', () => viewer.destroy())
    return reply.headers(STREAM_HEADERS).send(viewer as never)
  })
}

export default callsStream
