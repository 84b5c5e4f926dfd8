import fp from 'fastify-plugin'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Stable name of what the route does, for logs and metrics. */
    operation?: string
  }
}

/**
 * One line and one observation for each request, by operation: a URL's query can hold phone numbers and is never
 * logged. Needs `metrics`.
 */
export default fp(async fastify => {
  fastify.addHook('onResponse', async (request, reply) => {
    const operation = request.routeOptions.config.operation ?? 'other'
    const ms = Math.round(reply.elapsedTime * 10) / 10
    fastify.metrics.requests.observe({ operation, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
    const level = QUIET.has(operation) ? 'trace' : BUSY.has(operation) ? 'debug' : 'info'
    request.log[level]({
      operation,
      ...(request.callSid ? { callSid: request.callSid } : {}),
      status: reply.statusCode,
      ms
    }, 'request')
  })
}, { name: 'request-log', dependencies: ['metrics'] })

/** Asked every few seconds by machines. */
const QUIET = new Set(['health', 'metrics'])
/** Many for each call; what they change is logged with the call. */
const BUSY = new Set(['status', 'livekit-events', 'other'])
