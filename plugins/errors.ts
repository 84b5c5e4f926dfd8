import fp from 'fastify-plugin'
import type { FastifyError } from 'fastify'
import { STATUS_CODES } from 'node:http'
import { loggedError } from '../src/log-error.ts'

/** Error replies to people: `{ statusCode, code, error, message }`. Details of our own faults are only in the log. */
export default fp(async fastify => {
  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const statusCode = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500
    const ours = statusCode >= 500 && !error.code?.startsWith('BRIDGE_')
    if (ours) {
      const { operation } = request.routeOptions.config
      request.log.error({ operation, error: loggedError(error) }, 'request failed')
    }
    return reply.code(statusCode).send({
      statusCode,
      code: ours ? 'BRIDGE_INTERNAL_ERROR' : error.code ?? 'BRIDGE_BAD_REQUEST',
      error: STATUS_CODES[statusCode] ?? 'Error',
      message: ours ? 'Something went wrong here. The log says more.' : error.message
    })
  })
}, { name: 'errors' })
