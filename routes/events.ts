import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import ignoreBodies from '../plugins/ignore-bodies.ts'
import type { Call } from '../src/calls/fold/call.ts'
import {
  CallNotFoundError,
  EventNotFoundError,
  EventPendingError,
  NoEventsError
} from '../src/errors.ts'
import { eventId, readEventId } from '../src/events/payload.ts'
import { presentPending } from '../src/events/pending-view.ts'
import { pendingEventsSchema, replayEventSchema } from '../src/events/operator-schemas.ts'

/** For operators: the events that wait for delivery, and sending one again. */
const events: FastifyPluginAsyncTypebox = async fastify => {
  const { registry, calls } = fastify

  await fastify.register(ignoreBodies)

  fastify.get('/events/pending', {
    config: { operation: 'pending-events' },
    schema: pendingEventsSchema
  }, async request => {
    if (!fastify.events) throw new NoEventsError()
    const { cursor, limit = 50 } = request.query
    const page = await registry.events.list({ limit, ...(cursor === undefined ? {} : { cursor }) })
    return {
      events: page.events.map(event => presentPending(event, fastify.events!.receivers)),
      ...(page.next === undefined ? {} : { next: page.next })
    }
  })

  fastify.post('/events/:id/replay', {
    config: { operation: 'replay-event' },
    schema: replayEventSchema
  }, async (request, reply) => {
    const { id } = request.params
    if (!fastify.events) throw new NoEventsError()
    const { outbox, receivers } = fastify.events
    const { call, name } = await find(id)
    request.callSid = call.callSid
    const isOwed = call.duties.some(({ kind, target }) => kind === 'publish' && target === name)
    if (isOwed || await registry.events.holds(id, receivers.map(({ id }) => id))) throw new EventPendingError(id)

    return reply.code(202).send({ id, receivers: await outbox.replay(call, name) })
  })

  /** The call of an event, and the event's name. */
  async function find (id: string): Promise<{ call: Call, name: string }> {
    const read = readEventId(id)
    if (!read) throw new EventNotFoundError(id)
    const { callSid, name } = read
    const call = await calls.find(callSid)
    if (!call) throw new CallNotFoundError(callSid)
    if (!call.published?.includes(name) || eventId(call, name) !== id) throw new EventNotFoundError(id)
    return { call, name }
  }
}

export default events
