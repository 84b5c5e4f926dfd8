import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendVerbs } from '../plugins/jambonz-hooks.ts'
import { actionEvent, callSidOf } from '../src/jambonz/events.ts'
import type { Action } from '../src/jambonz/payloads.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { verbsFor } from '../src/jambonz/verbs-for.ts'
import { JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** The dial's actionHook: a dial is over, what next? */
const action: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/action', {
    config: { operation: 'action', onFailure: 'no-verbs' },
    schema: {
      operationId: 'dialAction',
      tags: ['jambonz'],
      summary: 'A dial is over: what next?',
      description:
        "Nothing after a talk; else the next way of the plan, or a decline with the far end's status where it can " +
        'be passed on.',
      security: JAMBONZ_SECURITY,
      body: Shared<Action>('Action'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    request.callSid = callSidOf(request.body)
    const answer = await fastify.calls.answer({
      ...actionEvent(request.body, request.bodyHash),
      at: fastify.clock.now()
    }, request.callSid)
    return sendVerbs(reply, answer ? verbsFor(answer.call, answer.reply, fastify.verbConfig) : [])
  })
}

export default action
