import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { callOfRequest } from '../src/call-of-request.ts'
import { cleanText } from '../src/clean-text.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Stable name of what the route does, for logs and metrics. */
    operation?: string
  }
  interface FastifyRequest {
    /** Set on requests to the operator API: which token proved who asks, and the name of a key of CALLERS. */
    operator: { tokenId?: string, key?: string } | null
  }
}

/**
 * One line and one observation for each request, by operation. A URL is never logged: its query can hold phone
 * numbers. Requests of operators are logged with who asked. Needs `metrics`.
 */
export default fp(async fastify => {
  fastify.decorateRequest('operator', null)

  fastify.addHook('onResponse', async (request, reply) => {
    const operation = request.routeOptions.config.operation ?? 'other'
    const ms = Math.round(reply.elapsedTime * 10) / 10
    fastify.metrics.requests.observe({ operation, status: String(reply.statusCode) }, reply.elapsedTime / 1000)

    const callSid = callOfRequest(request, reply)
    request.log[levelOf(operation)]({
      operation,
      ...(callSid ? { callSid } : {}),
      ...(request.operator ? { client: addressOf(request), ...request.operator } : {}),
      status: reply.statusCode,
      ms
    }, 'request')
  })
}, { name: 'request-log', dependencies: ['metrics'] })

const LONGEST_ADDRESS = 64

/** Behind a trusted proxy it is what a header says. */
const addressOf = ({ ip }: FastifyRequest): string => cleanText(ip).slice(0, LONGEST_ADDRESS)

function levelOf (operation: string): 'trace' | 'debug' | 'info' {
  if (QUIET.has(operation)) return 'trace'
  return BUSY.has(operation) ? 'debug' : 'info'
}

/** Machines ask every few seconds. */
const QUIET = new Set(['health', 'metrics'])
/** There are many of them in a call, and what they change is logged with the call. */
const BUSY = new Set(['status', 'livekit-events', 'other'])
