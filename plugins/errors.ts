import fp from 'fastify-plugin'
import type { FastifyError, FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import type { ErrorExtras } from '../src/errors.ts'
import { loggedError } from '../src/log-error.ts'
import { parameterError } from '../src/parameter-problems.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Code of the error that the request is answered with. */
    errorCode: string | null
  }
}

/** Error replies to people: `{ statusCode, code, error, message }`. Details of our own faults are only in the log. */
export default fp(async fastify => {
  fastify.decorateRequest('errorCode', null)
  fastify.setErrorHandler((thrown: FastifyError & { extras?: ErrorExtras }, request, reply) => {
    const error = inOurWords(thrown, request)
    const statusCode = error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500
    const ours = statusCode >= 500 && !error.code?.startsWith('BRIDGE_')
    if (ours) {
      const { operation } = request.routeOptions.config
      request.log.error({ operation, error: loggedError(error) }, 'request failed')
    }
    const { retryInMs, body } = error.extras ?? {}
    if (retryInMs !== undefined) reply.header('retry-after', Math.max(1, Math.ceil(retryInMs / 1000)))
    const code = ours ? 'BRIDGE_INTERNAL_ERROR' : error.code ?? 'BRIDGE_BAD_REQUEST'
    request.errorCode = code
    return reply.code(statusCode).send({
      statusCode,
      code,
      error: STATUS_CODES[statusCode] ?? 'Error',
      message: ours ? 'Something went wrong here. The log says more.' : error.message,
      ...body
    })
  })
}, { name: 'errors' })

/** What a schema says of a query or a path, a person would not understand. Bodies have words of their own. */
function inOurWords (
  error: FastifyError & { extras?: ErrorExtras },
  { routeOptions, query }: FastifyRequest
): FastifyError & { extras?: ErrorExtras } {
  const { validation, validationContext: part } = error
  if (!validation || (part !== 'querystring' && part !== 'params')) return error
  return parameterError({ problem: validation[0]!, schema: routeOptions.schema?.[part], query }) as FastifyError
}
