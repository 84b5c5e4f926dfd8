import fastifyEnv from '@fastify/env'
import fp from 'fastify-plugin'
import { SettingsSchema, type Settings } from '../src/config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    settings: Settings
  }
}

/** Decorates `settings`, validated against the one schema of them. */
export default fp<{ settings: Settings }>(async (fastify, { settings }) => {
  await fastify.register(fastifyEnv, { confKey: 'settings', schema: SettingsSchema, data: settings, env: false })
}, { name: 'env' })
