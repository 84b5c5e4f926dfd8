import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { LiveKitError } from '../src/livekit/rooms.ts'
import { troubleOf } from '../src/routing/file/problems.ts'

/** Shortest time between two questions to LiveKit, milliseconds. */
const CHECK_EVERY_MS = 10_000

const Ready = Type.Object({
  status: Type.Enum(['ready', 'draining'], { type: 'string' }),
  degraded: Type.Array(Type.String(), {
    description:
      'What does not work. The bridge stays ready: without it every caller would get a 480, and a degraded bridge ' +
      'still connects what it can.',
    examples: [[]]
  })
})

/** Health for Kubernetes, and metrics for Prometheus. */
const health: FastifyPluginAsyncTypebox = async fastify => {
  let checkedAt = -Infinity
  let checking: Promise<void> | undefined
  let degraded: string[] = []

  /** The last result counts until there is a new one: a probe must not wait for a LiveKit that hangs. */
  function check () {
    if (checking || fastify.clock.now() - checkedAt < CHECK_EVERY_MS) return
    checking = fastify.rooms.ping()
      .then(() => {
        degraded = []
      }, (error: unknown) => {
        degraded = [error instanceof LiveKitError ? error.message : 'LiveKit: failed']
      })
      .finally(() => {
        checkedAt = fastify.clock.now()
        checking = undefined
      })
  }

  fastify.get('/health/live', {
    config: { operation: 'health' },
    schema: {
      operationId: 'live',
      tags: ['service'],
      summary: 'Is the process alive?',
      security: [],
      response: { 200: Type.Object({ status: Type.Literal('ok') }, { description: 'Yes' }) }
    }
  }, async () => ({ status: 'ok' as const }))

  for (const url of ['/health/ready', '/health']) {
    fastify.get(url, {
      config: { operation: 'health' },
      schema: {
        operationId: url === '/health' ? 'health' : 'ready',
        tags: ['service'],
        summary: url === '/health' ? 'Same as /health/ready' : 'Does the bridge take calls?',
        security: [],
        response: {
          200: { ...Ready, description: 'Yes' },
          503: { ...Ready, description: 'No, this process is about to end' }
        }
      }
    }, async (_request, reply) => {
      check()
      const { active } = fastify.draining
      const { registry, routesFile, events } = fastify
      const troubles = [registry.trouble(), troubleOf(routesFile), ...events?.deliveries.troubles() ?? []]
        .filter(text => text !== undefined)
      return reply.code(active ? 503 : 200).send({
        status: active ? 'draining' : 'ready',
        degraded: [...degraded, ...troubles]
      })
    })
  }

  fastify.get('/metrics', {
    config: { operation: 'metrics' },
    schema: {
      operationId: 'metrics',
      tags: ['service'],
      summary: 'Metrics for Prometheus',
      security: [],
      produces: ['text/plain'],
      response: { 200: Type.String({ description: 'Prometheus text format' }) }
    }
  }, async (_request, reply) => reply.type(fastify.metrics.registry.contentType).send(await fastify.metrics.text()))

  fastify.addHook('onReady', async () => check())
}

export default health
