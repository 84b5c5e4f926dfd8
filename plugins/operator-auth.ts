import { createHmac } from 'node:crypto'
import bearerAuth from '@fastify/bearer-auth'
import fp from 'fastify-plugin'
import { OPERATOR_REQUESTS_PER_S } from './rate-limit.ts'
import { KeyNotAllowedError, OperatorApiOffError, UnauthorizedError } from '../src/errors.ts'
import { createKeyring, type KeyHolder } from '../src/keyring.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The keys of CALLERS may use the route, each for its own calls. */
    forCallers?: boolean
  }
  interface FastifyRequest {
    /** Who sends a request to the operator API, once a token has proved it. */
    keyHolder: KeyHolder | null
  }
}

/**
 * The scope of the operator API: a limited number of requests, then a bearer token, or 404 where none is configured.
 * The keys of CALLERS are let through to some routes. Decorates requests with `keyHolder`. Needs `settings`, `metrics`
 * and `rateLimit`.
 */
export default fp(async fastify => {
  const { settings, metrics } = fastify
  const keyring = createKeyring(settings)

  fastify.decorateRequest('keyHolder', null)
  fastify.addHook('onRequest', async request => {
    request.operator = {}
  })
  fastify.addHook('onRequest', fastify.rateLimit({ max: OPERATOR_REQUESTS_PER_S }))
  if (keyring.isEmpty) {
    fastify.addHook('onRequest', async () => {
      throw new OperatorApiOffError()
    })
    return
  }
  const tokenIdOf = createTokenIds(settings.LIVEKIT_API_SECRET)
  const { statusCode, code, message } = new UnauthorizedError()
  await fastify.register(bearerAuth, {
    keys: new Set<string>(),
    auth (token, request) {
      const holder = keyring.holderOf(token)
      if (!holder) return false
      request.keyHolder = holder
      request.operator = { tokenId: tokenIdOf(token), ...(holder.isOperator ? {} : { key: holder.name }) }
      return true
    },
    specCompliance: 'rfc6749',
    verifyErrorLogLevel: 'debug',
    errorResponse: () => ({ statusCode, code, error: 'Unauthorized', message })
  })
  fastify.addHook('onRequest', async ({ keyHolder, routeOptions }) => {
    if (!keyHolder!.isOperator && !routeOptions.config.forCallers) throw new KeyNotAllowedError()
  })
  fastify.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode === 401) metrics.refused.inc({ operation: request.routeOptions.config.operation })
  })
}, { name: 'operator-auth', dependencies: ['env', 'metrics', 'rate-limit', 'request-log'] })

/** Tells tokens apart in the log. Without the secret nobody can check guesses of a token against it. */
const createTokenIds = (secret: string) => (token: string): string =>
  createHmac('sha256', secret).update(`operator token ${token}`).digest('hex').slice(0, 8)
