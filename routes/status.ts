import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { callSidOf, statusEvent } from '../src/jambonz/events.ts'
import type { Status } from '../src/jambonz/payloads.ts'
import { Empty, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** Status events of both legs. */
const status: FastifyPluginAsyncTypebox = async fastify => {
  for (const url of ['/status', '/call-status']) {
    fastify.post(url, {
      config: { operation: 'status', onFailure: 'empty', ownCredentials: true },
      schema: {
        operationId: url === '/status' ? 'status' : 'callStatus',
        tags: ['jambonz'],
        summary: url === '/status' ? 'A leg has a new status' : 'Same as /status',
        description:
          'The status hook of the Jambonz application. Answered at once; Jambonz sends the next event of the call ' +
          'only then.',
        security: JAMBONZ_SECURITY,
        body: Shared<Status>('Status'),
        response: { 200: Empty('Taken'), ...JAMBONZ_REFUSALS }
      },
      preValidation: fastify.authenticateHook
    }, async (request, reply) => {
      request.callSid = callSidOf(request.body)
      await fastify.calls.apply(request.callSid, { ...statusEvent(request.body), at: fastify.clock.now() })
      return reply.code(200).send()
    })
  }
}

export default status
