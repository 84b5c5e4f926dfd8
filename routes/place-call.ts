import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { translateBodyErrors } from '../src/body-errors.ts'
import { OrderBodyError } from '../src/errors.ts'
import { loggedError } from '../src/log-error.ts'
import { placeCallSchema } from '../src/order-schemas.ts'
import { bodyProblem, checkRequest } from '../src/orders/check-request.ts'
import { IdempotentOrders } from '../src/orders/idempotent.ts'
import { createOrders } from '../src/orders/orders.ts'

/** Largest order, bytes. */
const LARGEST_ORDER = 16 * 1024
const NOT_JSON = 'The body is not JSON, or has properties that no JSON object may have.'

/**
 * Places calls. Needs `calls`, `placements`, `outbound`, `numberGate`, `routesFile`, `registry`, `draining`, `clock`
 * and `settings`.
 */
const placeCall: FastifyPluginAsyncTypebox = async fastify => {
  const { settings, calls, registry, placements, outbound, numberGate, routesFile, draining, clock, log } = fastify
  const orders = new IdempotentOrders({
    orders: createOrders({
      placements,
      outbound,
      gate: numberGate,
      routes: routesFile,
      defaults: { agent: settings.LIVEKIT_AGENT_NAME, longestS: settings.MAX_CALL_DURATION_S },
      clock,
      isDraining: () => draining.active
    }),
    keys: registry.idempotency,
    calls,
    clock,
    onFailed: error => log.warn({ operation: 'idempotency', error: loggedError(error) }, 'operation failed')
  })

  fastify.removeContentTypeParser('text/plain')
  fastify.setErrorHandler(translateBodyErrors(`${LARGEST_ORDER / 1024} KiB`, () => new OrderBodyError(NOT_JSON)))

  fastify.post('/calls', {
    config: { operation: 'place-call', forCallers: true },
    schema: placeCallSchema,
    bodyLimit: LARGEST_ORDER,
    schemaErrorFormatter: ([problem]) => new OrderBodyError(bodyProblem(problem!))
  }, async (request, reply) => {
    checkRequest(request.body)
    const key = request.headers['idempotency-key']
    const { replayed, ...call } = await orders.place({ request: request.body, placedBy: request.keyHolder!.name }, key)
    request.callSid = call.callSid
    if (replayed) reply.header('idempotent-replayed', 'true')
    return reply.code(201).send(call)
  })
}

export default placeCall
