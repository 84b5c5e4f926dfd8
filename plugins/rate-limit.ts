import rateLimit from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import { TooManyRequestsError } from '../src/errors.ts'

/** Requests per second from one address. A console and some scripts stay below; the hooks do not notice them. */
export const OPERATOR_REQUESTS_PER_S = 500
/** Requests per second for routes that do not exist. Only scanners send more. */
export const UNKNOWN_ROUTES_PER_S = 50

/**
 * Decorates `rateLimit()`, and limits requests for routes that do not exist. Clients are told apart by their address,
 * behind a proxy only with TRUST_PROXY. Hooks of Jambonz and LiveKit are never limited: they arrive from one address,
 * and each refusal would be a failed call.
 */
export default fp(async fastify => {
  await fastify.register(rateLimit, {
    global: false,
    timeWindow: 1000,
    errorResponseBuilder: () => new TooManyRequestsError()
  })
  fastify.setNotFoundHandler(
    { preHandler: fastify.rateLimit({ max: UNKNOWN_ROUTES_PER_S }) },
    (_request, reply) =>
      reply.code(404).send({
        statusCode: 404,
        code: 'BRIDGE_NO_ROUTE',
        error: 'Not Found',
        message: 'No such route. See /docs.'
      })
  )
}, { name: 'rate-limit', dependencies: ['errors'] })
