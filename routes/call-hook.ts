import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendVerbs } from '../plugins/jambonz-hooks.ts'
import { commaList } from '../src/config.ts'
import { callHookEvent } from '../src/jambonz/events.ts'
import type { CallHook } from '../src/jambonz/payloads.ts'
import { UNAVAILABLE } from '../src/calls/fold/call.ts'
import { decline, type Verbs } from '../src/jambonz/verbs.ts'
import { verbsFor } from '../src/jambonz/verbs-for.ts'
import { describe } from '../src/observer.ts'
import { JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** The call hook: Jambonz asks what to do with a call and waits for verbs. */
const webhook: FastifyPluginAsyncTypebox = async fastify => {
  const wanted = commaList(fastify.settings.CALLER_HEADERS)

  fastify.post('/livekit-api', {
    config: { operation: 'call-hook', onFailure: 'decline' },
    schema: {
      operationId: 'callHook',
      tags: ['jambonz'],
      summary: 'What to do with this call?',
      description:
        "Answers with verbs, whatever happens: a dial into the call's LiveKit room with a fail-safe decline behind " +
        'it, or a decline.',
      security: JAMBONZ_SECURITY,
      body: Shared<CallHook>('CallHook'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const hook = request.body
    if (hook.participants) return sendVerbs(reply, decline(488, 'Not Acceptable Here'))
    request.callSid = hook.call_sid
    watchConnection(hook.call_sid, reply.raw)
    const { call, reply: answer } = await fastify.calls.receive({
      ...callHookEvent(hook, request.bodyHash, wanted),
      at: fastify.clock.now()
    })
    return sendVerbs(
      reply,
      call ? verbsFor(call, answer, fastify.verbConfig) : decline(UNAVAILABLE.status, UNAVAILABLE.reason)
    )
  })

  /** Jambonz hangs up on us after 10 s: nothing else may ever come of this call. */
  function watchConnection (callSid: string, response: ServerResponse) {
    response.once('close', () => {
      if (!response.writableEnded) {
        fastify.calls.apply(callSid, { kind: 'hook-abandoned', at: fastify.clock.now() }).catch(error =>
          fastify.log.error({ callSid, error: describe(error) }, 'event lost')
        )
      }
    })
  }
}

export default webhook
