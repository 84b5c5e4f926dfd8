import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendAnswer } from '../plugins/jambonz-hooks.ts'
import { Empty, HookBody, JAMBONZ_REFUSALS, JAMBONZ_SECURITY } from '../src/schemas.ts'

/** Events of Jambonz' answering machine detection: who answered an outbound call? */
const amd: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/amd', {
    config: { operation: 'amd', hook: 'amd' },
    schema: {
      operationId: 'answeringMachineDetection',
      tags: ['jambonz'],
      summary: 'A person or a machine answered',
      description:
        'The actionHook of `amd`, for outbound calls that were ordered with `voicemail: jambonz`. It is answered ' +
        'without verbs, because verbs would replace those of the call hook.',
      security: JAMBONZ_SECURITY,
      body: HookBody('Amd'),
      response: { 200: Empty('Taken'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const hook = fastify.hooks.read('amd', request.body)
    request.callSid = hook.callSid
    return sendAnswer(reply, await hook.answer())
  })
}

export default amd
