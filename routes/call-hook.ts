import type { ServerResponse } from 'node:http'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { sendAnswer } from '../plugins/jambonz-hooks.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { loggedError } from '../src/log-error.ts'
import { HookBody, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** The call hook: Jambonz asks what to do with a call and waits for verbs. */
const callHook: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/livekit-api', {
    config: { operation: 'call-hook', hook: 'call-hook' },
    schema: {
      operationId: 'callHook',
      tags: ['jambonz'],
      summary: 'What should happen to this call?',
      description:
        "Always answers with verbs: a dial into the call's LiveKit room, followed by a fail-safe decline, or a " +
        'decline.',
      security: JAMBONZ_SECURITY,
      body: HookBody('CallHook'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, async (request, reply) => {
    const hook = fastify.hooks.read('call-hook', request.body)
    request.callSid = hook.callSid
    watchConnection(hook.callSid, reply.raw)
    return sendAnswer(reply, await hook.answer())
  })

  /** Jambonz gives up after 10 s and closes the connection. It may never send another hook of this call. */
  function watchConnection (callSid: string, response: ServerResponse) {
    response.once('close', () => {
      if (response.writableEnded) return

      fastify.calls.apply(callSid, { kind: 'hook-abandoned', at: fastify.clock.now() }).catch(error =>
        fastify.log.error({ callSid, error: loggedError(error) }, 'event lost')
      )
    })
  }
}

export default callHook
