import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { currentAttempt, type Call, type Cause, type Phase } from '../src/calls/fold/call.ts'
import { present, summarize, type Live } from '../src/calls/view.ts'
import { CallNotFoundError, UnknownQueryError } from '../src/errors.ts'
import { LiveKitError, type Rooms } from '../src/livekit/rooms.ts'
import { getCallSchema, hangUpSchema, listCallsSchema } from '../src/operator-schemas.ts'

/** The operator API: list calls, look at one, end one. */
const calls: FastifyPluginAsyncTypebox = async fastify => {
  const { registry, rooms } = fastify

  // No route here reads a body, so a body is no reason to refuse a request.
  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', (_request, payload, done) => {
    payload.resume()
    done(null)
  })

  fastify.get('/calls', {
    config: { operation: 'list-calls' },
    schema: listCallsSchema,
    preValidation: async ({ query }) => assertKnown(query, listCallsSchema.querystring.properties)
  }, async request => {
    const { phase, from, to, cause, cursor, limit = 50 } = request.query
    const page = await registry.list({
      phase: phase as Phase | 'active' | undefined,
      from,
      to,
      cause: cause as Cause | undefined
    }, { limit, cursor })
    return { calls: page.calls.map(summarize), next: page.next }
  })

  fastify.get('/calls/:callSid', {
    config: { operation: 'get-call' },
    schema: getCallSchema,
    preValidation: async ({ query }) => assertKnown(query, getCallSchema.querystring.properties)
  }, async request => {
    const { callSid } = request.params
    const call = await registry.get(callSid)
    if (!call) throw new CallNotFoundError(callSid)

    return present(call, request.query.live ? await lookAt(call, rooms) : undefined)
  })

  fastify.post('/calls/:callSid/hangup', {
    config: { operation: 'hang-up' },
    schema: hangUpSchema
  }, async (request, reply) => {
    const { callSid } = request.params
    const { phase } = await fastify.calls.hangUp(callSid)
    request.callSid = callSid
    return reply.code(202).send({ callSid, phase })
  })
}

/** @throws {UnknownQueryError} */
function assertKnown (query: unknown, known: object): void {
  const unknown = Object.keys(query as object).filter(name => !Object.hasOwn(known, name))
  if (unknown.length > 0) throw new UnknownQueryError(unknown.map(nameOf).join(', '), Object.keys(known).join(', '))
}

const nameOf = (name: string): string => JSON.stringify(name.slice(0, 40))

/** LiveKit's view of the room that a call is in. */
async function lookAt (call: Call, rooms: Rooms): Promise<Live> {
  const room = currentAttempt(call)?.room
  if (room === undefined) return { participants: [], error: 'This call is not in a LiveKit room' }
  try {
    return { room, ...await rooms.view(room) }
  } catch (error) {
    return { room, participants: [], error: error instanceof LiveKitError ? error.message : 'LiveKit cannot be asked' }
  }
}

export default calls
