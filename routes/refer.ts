import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendAnswer } from '../plugins/jambonz-hooks.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { Empty, HookBody, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** Transfers: the agent's REFER is passed on to the caller leg, and its outcome decides what follows. */
const refer: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/refer', {
    config: { operation: 'refer', hook: 'refer' },
    schema: {
      operationId: 'refer',
      tags: ['jambonz'],
      summary: 'A leg asks for a transfer',
      description:
        "The agent leg's REFER becomes a sip:refer to the caller, where the number policy allows its target. " +
        'A transfer that cannot be carried out is refused: ' +
        'Jambonz passes the status on to the leg that asked, and the call goes on.',
      security: JAMBONZ_SECURITY,
      body: HookBody('Refer'),
      response: {
        200: Shared<Verbs>('Verbs'),
        403: Empty(
          'The transfer is not allowed: the number policy refuses its target, the caller leg asked for it, it names ' +
            'no target, or the call is over'
        ),
        503: Empty(
          'The transfer cannot be carried out: the hook cannot be read, its caps cannot be counted, or something failed'
        ),
        ...JAMBONZ_REFUSALS
      }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const hook = fastify.hooks.read('refer', request.body)
    request.callSid = hook.callSid
    return sendAnswer(reply, await hook.answer())
  })

  fastify.post('/refer-complete', {
    config: { operation: 'refer-complete', hook: 'refer-complete' },
    schema: {
      operationId: 'referComplete',
      tags: ['jambonz'],
      summary: 'A transfer is decided',
      description:
        'Nothing after a success. After a failure the caller goes back to the agent while its room exists, or to the ' +
        'next way of the plan; otherwise the call ends.',
      security: JAMBONZ_SECURITY,
      body: HookBody('ReferComplete'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const hook = fastify.hooks.read('refer-complete', request.body)
    request.callSid = hook.callSid
    return sendAnswer(reply, await hook.answer())
  })
}

export default refer
