import bearerAuth from '@fastify/bearer-auth'
import fp from 'fastify-plugin'
import { OPERATOR_REQUESTS_PER_S } from './rate-limit.ts'
import { OperatorApiOffError, UnauthorizedError } from '../src/errors.ts'

/**
 * The scope of the operator API: a bearer token, or 404 where none is configured; a bounded number of requests. Needs
 * `settings` and `metrics`.
 */
export default fp(async fastify => {
  const { settings, metrics } = fastify
  fastify.addHook('onRequest', fastify.rateLimit({ max: OPERATOR_REQUESTS_PER_S }))
  if (settings.OPERATOR_TOKEN === undefined) {
    fastify.addHook('onRequest', async () => {
      throw new OperatorApiOffError()
    })
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
}, { name: 'operator-auth', dependencies: ['env', 'metrics', 'rate-limit'] })
