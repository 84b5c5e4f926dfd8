import rateLimit from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import { TooManyRequestsError } from '../src/errors.ts'

/** Requests a second from one address: a console and some scripts, far below what would slow down the hooks. */
export const OPERATOR_REQUESTS_PER_S = 500
/** Who asks for so many routes that do not exist is looking for something. */
export const UNKNOWN_ROUTES_PER_S = 50

/**
 * Decorates `rateLimit()`, and limits requests for routes that do not exist. Hooks of Jambonz and LiveKit are never
 * limited: they come from one address, and each one that is refused is a call that fails.
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
