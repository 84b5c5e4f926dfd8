import fp from 'fastify-plugin'
import type { Environment } from '../src/config.ts'
import type { RoutesSource } from '../src/routing/routes.ts'
import { fixedSource, settingsTable } from '../src/routing/settings-table.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The routes in force. */
    routesFile: RoutesSource
    /** Returns the value of an environment variable that the routes file names; undefined when it is empty or unset. */
    secretOf(name: string): string | undefined
  }
}

/** Decorates `routesFile` and `secretOf`. Needs `settings`. */
export default fp<{ env: Environment }>(async (fastify, { env }) => {
  fastify.decorate('routesFile', fixedSource(settingsTable))
  fastify.decorate('secretOf', (name: string) => env[name] || undefined)
}, { name: 'routes-file', dependencies: ['env'] })
