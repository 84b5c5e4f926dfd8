import bearerAuth from '@fastify/bearer-auth'
import fp from 'fastify-plugin'
import { OperatorApiOffError, UnauthorizedError } from '../src/errors.ts'

/** The scope of the operator API: a bearer token, or 404 where none is configured. Needs `settings` and `metrics`. */
export default fp(async fastify => {
  const { settings, metrics } = fastify
  if (settings.OPERATOR_TOKEN === undefined) {
    fastify.addHook('onRequest', async () => { throw new OperatorApiOffError() })
    return
  }
  const { statusCode, code, message } = new UnauthorizedError()
  await fastify.register(bearerAuth, {
    keys: new Set([settings.OPERATOR_TOKEN]),
    specCompliance: 'rfc6749',
    verifyErrorLogLevel: 'debug',
    errorResponse: () => ({ statusCode, code, error: 'Unauthorized', message })
  })
  fastify.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode === 401) metrics.refused.inc({ operation: request.routeOptions.config.operation })
  })
}, { name: 'operator-auth', dependencies: ['env', 'metrics'] })
