import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import ignoreBodies from '../plugins/ignore-bodies.ts'
import { withOutcome } from '../src/call-outcome.ts'
import { filterOf } from '../src/call-query.ts'
import { currentAttempt, type Call } from '../src/calls/fold/call.ts'
import { present, summarize, type Live } from '../src/calls/view.ts'
import { LiveKitError, type Rooms } from '../src/livekit/rooms.ts'
import { deleteCallSchema, getCallSchema, hangUpSchema, listCallsSchema } from '../src/operator-schemas.ts'
import { ownCall } from '../src/own-call.ts'

/**
 * The operator API: list calls, look at one, end one. A key of CALLERS has only the calls that it ordered, an
 * agent only its own.
 */
const calls: FastifyPluginAsyncTypebox = async fastify => {
  const { registry, rooms } = fastify

  await fastify.register(ignoreBodies)

  fastify.get('/calls', {
    config: { operation: 'list-calls', forCallers: true },
    schema: listCallsSchema
  }, async request => {
    const { cursor, limit = 50, ...query } = request.query
    const filter = filterOf(query, request.keyHolder!)
    if (!filter) return { calls: [] }

    const page = await registry.list(filter, { limit, ...(cursor === undefined ? {} : { cursor }) })
    return { calls: page.calls.map(call => withOutcome(summarize(call), call)), next: page.next }
  })

  fastify.get('/calls/:callSid', {
    config: { operation: 'get-call', forCallers: true, forAgents: true },
    schema: getCallSchema
  }, async request => {
    const call = await ownCall(fastify.calls, request.params.callSid, request.keyHolder!)
    return withOutcome(present(call, request.query.live ? await lookAt(call, rooms) : undefined), call)
  })

  fastify.post('/calls/:callSid/hangup', {
    config: { operation: 'hang-up', forCallers: true, forAgents: true },
    schema: hangUpSchema
  }, hangUp)

  fastify.delete('/calls/:callSid', {
    config: { operation: 'delete-call', forCallers: true, forAgents: true },
    schema: deleteCallSchema
  }, hangUp)

  async function hangUp (request: FastifyRequest<{ Params: { callSid: string } }>, reply: FastifyReply) {
    const holder = request.keyHolder!
    const call = await ownCall(fastify.calls, request.params.callSid, holder)
    const { callSid, phase } = await fastify.calls.hangUp(call.callSid, holder.name)
    request.callSid = callSid
    return reply.code(202).send({ callSid, phase })
  }
}

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
