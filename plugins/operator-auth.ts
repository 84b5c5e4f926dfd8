import { createHmac } from 'node:crypto'
import bearerAuth from '@fastify/bearer-auth'
import fp from 'fastify-plugin'
import { OPERATOR_REQUESTS_PER_S } from './rate-limit.ts'
import { OperatorApiOffError, UnauthorizedError } from '../src/errors.ts'

/**
 * The scope of the operator API: a limited number of requests, then a bearer token, or 404 where none is configured.
 * Needs `settings`, `metrics` and `rateLimit`.
 */
export default fp(async fastify => {
  const { settings, metrics } = fastify
  const { OPERATOR_TOKEN: token, LIVEKIT_API_SECRET: key } = settings

  fastify.addHook('onRequest', async request => {
    request.operator = {}
  })
  fastify.addHook('onRequest', fastify.rateLimit({ max: OPERATOR_REQUESTS_PER_S }))
  if (token === undefined) {
    fastify.addHook('onRequest', async () => {
      throw new OperatorApiOffError()
    })
    return
  }
  const { statusCode, code, message } = new UnauthorizedError()
  await fastify.register(bearerAuth, {
    keys: new Set([token]),
    specCompliance: 'rfc6749',
    verifyErrorLogLevel: 'debug',
    errorResponse: () => ({ statusCode, code, error: 'Unauthorized', message })
  })
  const tokenId = tokenIdOf(token, key)
  fastify.addHook('onRequest', async request => {
    request.operator = { tokenId }
  })
  fastify.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode === 401) metrics.refused.inc({ operation: request.routeOptions.config.operation })
  })
}, { name: 'operator-auth', dependencies: ['env', 'metrics', 'rate-limit', 'request-log'] })

/** Tells tokens apart in the log. Without the key nobody can check guesses of a token against it. */
const tokenIdOf = (token: string, key: string): string =>
  createHmac('sha256', key).update(`operator token ${token}`).digest('hex').slice(0, 8)
