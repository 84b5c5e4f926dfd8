import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { sendAnswer } from '../plugins/jambonz-hooks.ts'
import type { HookQuery } from '../src/jambonz/transfer-payloads.ts'
import type { Verbs } from '../src/jambonz/verbs.ts'
import { Empty, HookBody, JAMBONZ_REFUSALS, JAMBONZ_SECURITY, Shared } from '../src/schemas.ts'

/** Hooks of transfers that Jambonz sends because the bridge asked for them. */
const redirect: FastifyPluginAsyncTypebox = async fastify => {
  fastify.post('/redirect', {
    config: { operation: 'redirect', hook: 'redirect' },
    schema: {
      operationId: 'redirect',
      tags: ['jambonz'],
      summary: 'What should a redirected leg do?',
      description:
        'The `call_hook` of updateCall: the bridge asked Jambonz to redirect a caller, or a person who joins a ' +
        'caller. Answered with a dial, or with a REFER.',
      security: JAMBONZ_SECURITY,
      body: HookBody('RedirectHook'),
      response: {
        200: Shared<Verbs>('Verbs'),
        503: Empty('Nobody here knows the call. The leg goes on as it was'),
        ...JAMBONZ_REFUSALS
      }
    },
    preValidation: fastify.authenticateHook
  }, answer)

  fastify.post('/screen', {
    config: { operation: 'screen', hook: 'screen' },
    schema: {
      operationId: 'screen',
      tags: ['jambonz'],
      summary: 'A person has answered who may take the call',
      description: 'The confirmHook of a screened dial: the person hears who calls, and presses a key.',
      security: JAMBONZ_SECURITY,
      body: HookBody('Screen'),
      response: { 200: Shared<Verbs>('Verbs'), 503: Empty('Something failed'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, answer)

  fastify.post('/screen-digit', {
    config: { operation: 'screen-digit', hook: 'screen-digit' },
    schema: {
      operationId: 'screenDigit',
      tags: ['jambonz'],
      summary: 'The person pressed a key',
      description: '`1` takes the call: the reply lets Jambonz connect the two. Any other reply declines it.',
      security: JAMBONZ_SECURITY,
      body: HookBody('ScreenDigit'),
      response: { 200: Shared<Verbs>('Verbs'), ...JAMBONZ_REFUSALS }
    },
    preValidation: fastify.authenticateHook
  }, answer)

  async function answer (request: FastifyRequest, reply: FastifyReply) {
    const { routeOptions, body, query } = request
    const hook = fastify.hooks.read(routeOptions.config.hook!, body as Buffer, queryOf(query))
    request.callSid = hook.callSid
    return sendAnswer(reply, await hook.answer())
  }
}

/** What the bridge wrote into the address. It proves nothing. */
function queryOf (query: unknown): HookQuery {
  const { transfer, n } = query as Record<string, unknown>
  return {
    transfer: typeof transfer === 'string' && transfer.length <= 64 ? transfer : undefined,
    n: typeof n === 'string' && /^\d{1,4}$/.test(n) ? Number(n) : undefined
  }
}

export default redirect
