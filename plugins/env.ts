import fastifyEnv from '@fastify/env'
import fp from 'fastify-plugin'
import { envOptions, type Settings } from '../src/config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    settings: Settings
  }
}

/** Decorates `settings`. An app that is built without `loadSettings` gets its defaults and types here. */
export default fp<{ settings: Settings }>(async (fastify, { settings }) => {
  await fastify.register(fastifyEnv, { confKey: 'settings', ...envOptions(settings) })
}, { name: 'env' })
