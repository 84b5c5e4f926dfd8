import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendVerbs } from '../plugins/jambonz-hooks.ts'
import { strangerFacts } from '../src/jambonz/caller.ts'
import type { Action } from '../src/jambonz/payloads.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { attemptOfDialId, verbsFor } from '../src/jambonz/verbs-for.ts'
import { JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** The dial's actionHook: a dial is over, what next? */
const action: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/action', {
    config: { operation: 'action', onFailure: 'no-verbs' },
    schema: {
      operationId: 'dialAction',
      tags: ['jambonz'],
      summary: 'A dial is over: what next?',
      description: 'Nothing after a talk; else the next way of the plan, or a decline with the far end\'s status where it can be passed on.',
      security: JAMBONZ_SECURITY,
      body: Shared<Action>('Action'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const body = request.body
    const callSid = request.callSid = body.parent_call_sid ?? body.call_sid
    const answer = await fastify.calls.answer({
      kind: 'action',
      callSid,
      hash: request.bodyHash,
      at: fastify.clock.now(),
      facts: strangerFacts(body),
      attempt: attemptOfDialId(body.verb_id),
      dialCallStatus: body.dial_call_status,
      dialSipStatus: body.dial_sip_status,
      dialCallSid: body.dial_call_sid,
      rang: body.dial_sbc_callid !== undefined,
      callerStatus: body.call_status,
      callerSipStatus: body.sip_status,
      callerEndedBy: body.call_termination_by
    }, callSid)
    return sendVerbs(reply, answer ? verbsFor(answer.call, answer.reply, fastify.verbConfig) : [])
  })
}

export default action
