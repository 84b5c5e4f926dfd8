import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { CAUSES, currentAttempt, PHASES, type Call, type Cause, type Phase } from '../src/calls/fold/call.ts'
import { present, summarize, type CallSummary, type CallView, type Live } from '../src/calls/view.ts'
import { CallNotFoundError } from '../src/errors.ts'
import { LiveKitError } from '../src/livekit/rooms.ts'
import { ErrorReply, INTERNAL_ERROR, OPERATOR_SECURITY, Shared } from '../src/schemas.ts'

const Params = Type.Object({
  callSid: Type.String({ description: "The A leg's call_sid", examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a'] })
})
const Limits = {
  429: ErrorReply('Too many requests from this address'),
  503: ErrorReply('The store of calls cannot be used now')
}
const Refused = {
  ...INTERNAL_ERROR,
  ...Limits,
  401: ErrorReply('No valid token'),
  404: ErrorReply('No such call, or the operator API is off')
}

/** The operator API: calls, one call, ending a call. */
const calls: FastifyPluginAsyncTypebox = async fastify => {
  // Nothing here reads a body, and none is a reason to refuse.
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })

  fastify.get('/calls', {
    config: { operation: 'list-calls' },
    schema: {
      operationId: 'listCalls',
      tags: ['operators'],
      summary: 'Calls, newest first',
      security: OPERATOR_SECURITY,
      querystring: Type.Object({
        phase: Type.Optional(
          Type.Enum([...PHASES, 'active'], { type: 'string', description: '`active` = all but `ended`' })
        ),
        from: Type.Optional(Type.String({ description: 'Exactly this number', examples: ['+15550001111'] })),
        to: Type.Optional(Type.String({ examples: ['+15551230000'] })),
        cause: Type.Optional(Type.Enum([...CAUSES], { type: 'string' })),
        cursor: Type.Optional(Type.String({ description: '`next` of the page before' })),
        limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 500, default: 50 }))
      }),
      response: {
        200: Type.Object({
          calls: Type.Array(Shared<CallSummary>('CallSummary')),
          next: Type.Optional(Type.String({ description: 'Cursor of the next page; absent on the last one' }))
        }, { description: 'One page' }),
        400: ErrorReply('A filter or the cursor is wrong'),
        ...INTERNAL_ERROR,
        ...Limits,
        401: Refused[401],
        404: ErrorReply('The operator API is off')
      }
    }
  }, async request => {
    const { phase, from, to, cause, cursor, limit = 50 } = request.query
    const page = await fastify.registry.list({
      phase: phase as Phase | 'active' | undefined,
      from: plus(from),
      to: plus(to),
      cause: cause as Cause | undefined
    }, { limit, cursor })
    return { calls: page.calls.map(summarize), next: page.next }
  })

  fastify.get('/calls/:callSid', {
    config: { operation: 'get-call' },
    schema: {
      operationId: 'getCall',
      tags: ['operators'],
      summary: 'One call with its events',
      security: OPERATOR_SECURITY,
      params: Params,
      querystring: Type.Object({
        live: Type.Optional(
          Type.Boolean({ default: false, description: "Adds LiveKit's own view of the room, asked for just now" })
        )
      }),
      response: { 200: Shared<CallView>('Call'), 400: ErrorReply('A parameter is wrong'), ...Refused }
    }
  }, async request => {
    const call = await known(request.params.callSid)
    return present(call, request.query.live ? await live(call) : undefined)
  })

  fastify.post('/calls/:callSid/hangup', {
    config: { operation: 'hang-up' },
    schema: {
      operationId: 'hangUpCall',
      tags: ['operators'],
      summary: 'End a call',
      description:
        'Deletes the room, which ends the agent leg; with the Jambonz REST settings the caller leg is hung up as ' +
        'well. The call ends a moment later.',
      security: OPERATOR_SECURITY,
      params: Params,
      response: {
        202: Type.Object({ callSid: Type.String(), phase: Type.Enum([...PHASES], { type: 'string' }) }, {
          description: 'Under way'
        }),
        ...Refused,
        409: ErrorReply('The call has ended already'),
        501: ErrorReply('This call can only be ended over the Jambonz REST API, which is not configured')
      }
    }
  }, async (request, reply) => {
    const { callSid } = request.params
    const { phase } = await fastify.calls.hangUp(callSid)
    request.callSid = callSid
    return reply.code(202).send({ callSid, phase })
  })

  async function known (callSid: string): Promise<Call> {
    const call = await fastify.registry.get(callSid)
    if (!call) throw new CallNotFoundError(callSid)
    return call
  }

  async function live (call: Call): Promise<Live> {
    const room = currentAttempt(call)?.room
    if (room === undefined) return { participants: [], error: 'This call is in no LiveKit room' }
    try {
      return { room, ...await fastify.rooms.view(room) }
    } catch (error) {
      return {
        room,
        participants: [],
        error: error instanceof LiveKitError ? error.message : 'LiveKit could not be asked'
      }
    }
  }
}

/** In a query string a plus sign that is not escaped reads as a space. */
const plus = (number: string | undefined): string | undefined => number?.replace(/^ /, '+')

export default calls
