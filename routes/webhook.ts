import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { sendVerbs } from '../plugins/jambonz-hooks.ts'
import { commaList } from '../src/config.ts'
import { PostOnlyError } from '../src/errors.ts'
import { callerFacts } from '../src/jambonz/caller.ts'
import { applicationOf, envVarsSchema } from '../src/jambonz/env-vars.ts'
import type { CallHook } from '../src/jambonz/payloads.ts'
import { decline, type Verbs } from '../src/jambonz/verbs.ts'
import { verbsFor } from '../src/jambonz/verbs-for.ts'
import { ErrorReply, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** The call hook: Jambonz asks what to do with a call and waits for verbs. */
const webhook: FastifyPluginAsyncTypebox = async fastify => {
  const wanted = commaList(fastify.settings.CALLER_HEADERS)
  const envVars = envVarsSchema(fastify.settings)

  fastify.post('/livekit-api', {
    config: { operation: 'call-hook', onFailure: 'decline' },
    schema: {
      operationId: 'callHook',
      tags: ['jambonz'],
      summary: 'What to do with this call?',
      description: 'Answers with verbs, whatever happens: a dial into the call\'s LiveKit room with a fail-safe decline behind it, or a decline.',
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
      callSid: hook.call_sid,
      hash: request.bodyHash,
      at: fastify.clock.now(),
      facts: callerFacts(hook, wanted),
      answered: hook.call_status === 'in-progress',
      app: applicationOf(hook)
    })
    return sendVerbs(reply, call ? verbsFor(call, answer, fastify.verbConfig) : answer.kind === 'decline' ? decline(answer.status, answer.reason) : decline(480, 'Agent Unavailable'))
  })

  fastify.get('/livekit-api', {
    config: { operation: 'call-hook-get' },
    schema: { operationId: 'callHookByGet', tags: ['jambonz'], summary: 'Not with GET', description: 'Jambonz sends no call data with GET.', security: [], response: { 405: ErrorReply('Set the method of the application\'s call hook to POST') } }
  }, async (_request, reply) => {
    const { statusCode, code, message } = new PostOnlyError()
    return reply.code(405).header('allow', 'POST, OPTIONS').send({ statusCode: statusCode!, code, error: 'Method Not Allowed', message })
  })

  fastify.options('/livekit-api', {
    config: { operation: 'env-vars' },
    schema: {
      operationId: 'applicationEnvVars',
      tags: ['jambonz'],
      summary: 'Which application environment variables are there?',
      description: 'Jambonz\'s portal makes a form of this. It asks without authentication.',
      security: [],
      response: { 200: Type.Record(Type.String(), Type.Object({ type: Type.String(), description: Type.String(), required: Type.Boolean(), default: Type.Optional(Type.String()), uiHint: Type.Optional(Type.String()) }), { description: 'Variables by name', examples: [envVarsSchema({ LIVEKIT_AGENT_NAME: 'my-agent' })] }) }
    }
  }, async () => envVars)

  /** Jambonz hangs up on us after 10 s: nothing else may ever come of this call. */
  function watchConnection (callSid: string, response: import('node:http').ServerResponse) {
    response.once('close', () => {
      if (!response.writableFinished) fastify.calls.apply(callSid, { kind: 'hook-abandoned', at: fastify.clock.now() }).catch(error => fastify.log.error({ callSid, err: error }, 'event lost'))
    })
  }
}

export default webhook
