import sensible from '@fastify/sensible'
import fp from 'fastify-plugin'

/** Decorates `httpErrors` and adds the schema `HttpError` of error replies to operators. */
export default fp(async fastify => {
  await fastify.register(sensible, { sharedSchemaId: 'HttpError' })
}, { name: 'sensible' })
