import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendAnswer } from '../plugins/jambonz-hooks.ts'
import { Empty, HookBody, JAMBONZ_REFUSALS, JAMBONZ_SECURITY } from '../src/schemas.ts'

/** Status events of both legs. */
const status: FastifyPluginAsyncTypebox = async fastify => {
  for (const url of ['/status', '/call-status']) {
    fastify.post(url, {
      config: { operation: 'status', hook: 'status', ownCredentials: true },
      schema: {
        operationId: url === '/status' ? 'status' : 'callStatus',
        tags: ['jambonz'],
        summary: url === '/status' ? 'A leg has a new status' : 'Same as /status',
        description:
          'The status hook of the Jambonz application. It is answered at once, because Jambonz holds back the next ' +
          'event of the call until then.',
        security: JAMBONZ_SECURITY,
        body: HookBody('Status'),
        response: { 200: Empty('Taken'), ...JAMBONZ_REFUSALS }
      },
      preValidation: fastify.authenticateHook
    }, async (request, reply) => {
      const hook = fastify.hooks.read('status', request.body)
      request.callSid = hook.callSid
      return sendAnswer(reply, await hook.answer())
    })
  }
}

export default status
