import fp from 'fastify-plugin'
import type { FastifyError } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { ErrorExtras } from '../src/errors.ts'
import { loggedError } from '../src/log-error.ts'

/** Error replies to people: `{ statusCode, code, error, message }`. Details of our own faults are only in the log. */
export default fp(async fastify => {
  fastify.setErrorHandler((error: FastifyError & { extras?: ErrorExtras }, request, reply) => {
    const statusCode = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500
    const ours = statusCode >= 500 && !error.code?.startsWith('BRIDGE_')
    if (ours) {
      const { operation } = request.routeOptions.config
      request.log.error({ operation, error: loggedError(error) }, 'request failed')
    }
    const { retryInMs, body } = error.extras ?? {}
    if (retryInMs !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryInMs / 1000)))
    return reply.code(statusCode).send({
      statusCode,
      code: ours ? 'BRIDGE_INTERNAL_ERROR' : error.code ?? 'BRIDGE_BAD_REQUEST',
      error: STATUS_CODES[statusCode] ?? 'Error',
      message: ours ? 'Something went wrong here. The log says more.' : error.message,
      ...body
    })
  })
}, { name: 'errors' })
