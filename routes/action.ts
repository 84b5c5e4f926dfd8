import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendAnswer } from '../plugins/jambonz-hooks.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { HookBody, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** The dial's actionHook: a dial is over, what next? */
const action: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/action', {
    config: { operation: 'action', hook: 'action' },
    schema: {
      operationId: 'dialAction',
      tags: ['jambonz'],
      summary: 'A dial is over: what next?',
      description:
        'Nothing after a conversation. After a failed dial: the next way of the plan, or a decline with the status ' +
        'of the far end where the caller may know it.',
      security: JAMBONZ_SECURITY,
      body: HookBody('Action'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const hook = fastify.hooks.read('action', request.body)
    request.callSid = hook.callSid
    return sendAnswer(reply, await hook.answer())
  })
}

export default action
