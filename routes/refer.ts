import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendVerbs } from '../plugins/jambonz-hooks.ts'
import { callSidOf, referCompleteEvent, referEvent } from '../src/jambonz/events.ts'
import type { Refer, ReferComplete } from '../src/jambonz/payloads.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { verbsFor } from '../src/jambonz/verbs-for.ts'
import { Empty, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** Transfers: the agent's REFER is passed on to the caller leg, and its outcome decides what follows. */
const refer: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/refer', {
    config: { operation: 'refer', onFailure: 'no-verbs' },
    schema: {
      operationId: 'refer',
      tags: ['jambonz'],
      summary: 'A leg asks for a transfer',
      description:
        "The agent leg's REFER becomes a sip:refer to the caller. One from the caller's leg is refused: its verbs " +
        "would run on the agent's leg.",
      security: JAMBONZ_SECURITY,
      body: Shared<Refer>('Refer'),
      response: {
        200: Shared<Verbs>('Verbs'),
        403: Empty('Refused: the leg that asked gets 403 and the call goes on'),
        ...JAMBONZ_REFUSALS
      }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    request.callSid = callSidOf(request.body)
    const answer = await fastify.calls.answer({
      ...referEvent(request.body, request.bodyHash),
      at: fastify.clock.now()
    }, request.callSid)
    if (!answer || answer.reply.kind === 'forbid') return reply.code(403).send()
    return sendVerbs(reply, verbsFor(answer.call, answer.reply, fastify.verbConfig))
  })

  fastify.post('/refer-complete', {
    config: { operation: 'refer-complete', onFailure: 'no-verbs' },
    schema: {
      operationId: 'referComplete',
      tags: ['jambonz'],
      summary: 'A transfer is decided',
      description:
        'Nothing after success. After a failure the caller goes back to the agent while its room stands, else to ' +
        'the next way of the plan, else the call ends.',
      security: JAMBONZ_SECURITY,
      body: Shared<ReferComplete>('ReferComplete'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    request.callSid = request.body.call_sid
    const answer = await fastify.calls.answer({
      ...referCompleteEvent(request.body, request.bodyHash),
      at: fastify.clock.now()
    }, request.callSid)
    return sendVerbs(reply, answer ? verbsFor(answer.call, answer.reply, fastify.verbConfig) : [])
  })
}

export default refer
