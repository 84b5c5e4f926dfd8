import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { CALLER_SECURITY, ErrorReply, INTERNAL_ERROR } from '../src/schemas.ts'
import { packageVersion } from '../src/version.ts'

/** Whose token it is, and what this bridge can do for it. The console asks when somebody signs in. */
const session: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, registry, clock } = fastify
  const version = packageVersion()

  fastify.get('/session', {
    config: { operation: 'get-session', forCallers: true },
    schema: {
      operationId: 'getSession',
      tags: ['operators'],
      summary: 'Whose token it is',
      security: CALLER_SECURITY,
      response: {
        200: Type.Object({
          name: Type.String({ description: 'Name of the token', examples: ['alice', 'operator'] }),
          role: Type.Enum(['operator', 'viewer', 'caller'], { type: 'string' }),
          version: Type.String({ examples: ['0.7.0'] }),
          now: Type.String({ format: 'date-time', description: 'The clock of this bridge' }),
          callControl: Type.Boolean({
            description: 'The Jambonz REST settings are there: calls can be placed and moved'
          }),
          shared: Type.Boolean({ description: 'The calls of several replicas are seen' }),
          callsKeptS: Type.Integer({ description: 'For how long an ended call can be looked at, seconds' })
        }, { description: 'The token is good' }),
        ...INTERNAL_ERROR,
        401: ErrorReply('No valid token'),
        403: ErrorReply('The token of a call may not do this'),
        404: ErrorReply('The operator API is off'),
        429: ErrorReply('Too many requests from this address')
      }
    }
  }, async ({ keyHolder }) => ({
    name: keyHolder!.name,
    role: keyHolder!.role as 'operator' | 'viewer' | 'caller',
    version,
    now: new Date(clock.now()).toISOString(),
    callControl: settings.JAMBONZ_API_KEY !== undefined,
    shared: registry.shared,
    callsKeptS: settings.CALL_RETENTION_S + settings.CALL_HISTORY_S
  }))
}

export default session
