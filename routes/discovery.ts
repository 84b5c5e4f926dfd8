import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PostOnlyError } from '../src/errors.ts'
import { envVarsSchema } from '../src/jambonz/env-vars.ts'
import { ErrorReply } from '../src/schemas.ts'

/** What Jambonz's portal and its administrators ask the URL of the call hook, without authentication. */
const discovery: FastifyPluginAsyncTypebox = async fastify => {
  const envVars = envVarsSchema(fastify.settings)

  fastify.get('/livekit-api', {
    config: { operation: 'call-hook-get' },
    schema: {
      operationId: 'callHookByGet',
      tags: ['jambonz'],
      summary: 'GET is not allowed',
      description: 'With GET Jambonz sends no data about the call.',
      security: [],
      response: { 405: ErrorReply("Set the method of the application's call hook to POST") }
    }
  }, async (_request, reply) => {
    const { statusCode, code, message } = new PostOnlyError()
    return reply.code(405).header('allow', 'POST, OPTIONS').send({
      statusCode: statusCode!,
      code,
      error: 'Method Not Allowed',
      message
    })
  })

  fastify.options('/livekit-api', {
    config: { operation: 'env-vars' },
    schema: {
      operationId: 'applicationEnvVars',
      tags: ['jambonz'],
      summary: 'List the application environment variables',
      description: "Jambonz's portal makes a form of them. It asks without authentication.",
      security: [],
      response: {
        200: Type.Record(
          Type.String(),
          Type.Object({
            type: Type.String(),
            description: Type.String(),
            required: Type.Boolean(),
            default: Type.Optional(Type.String()),
            uiHint: Type.Optional(Type.String())
          }),
          { description: 'Variables by name', examples: [envVarsSchema({ LIVEKIT_AGENT_NAME: 'my-agent' })] }
        )
      }
    }
  }, async () => envVars)
}

export default discovery
