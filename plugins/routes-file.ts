import fp from 'fastify-plugin'
import type { Clock } from '../src/clock.ts'
import { createSecretOf, type Environment } from '../src/config.ts'
import { createRoutesLog } from '../src/routes-log.ts'
import type { RoutesSource } from '../src/routing/routes.ts'
import { fixedSource, settingsTable } from '../src/routing/settings-table.ts'
import { openRoutesFile, type RoutesFile } from '../src/routing/file/source.ts'
import { readRoutes } from '../src/routing/file/read-routes.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The routes in force. */
    routesFile: RoutesSource
    /** Reads the routes file again, where there is one. */
    reloadRoutes(): Promise<void>
    /**
     * Returns the value of an environment variable that the routes file names; undefined when it is empty or unset, or
     * a setting of the bridge itself.
     */
    secretOf(name: string): string | undefined
  }
}

export interface RoutesFileOptions {
  env: Environment
  clock: Clock
  /** Routes that come from elsewhere. */
  routes?: RoutesSource | undefined
}

/**
 * Decorates `routesFile`, `reloadRoutes` and `secretOf`. Needs `settings` and `metrics`. Stops following the file.
 * @throws {RoutesFileError} when the file of ROUTES_FILE cannot be used
 */
export default fp<RoutesFileOptions>(async (fastify, { env, clock, routes }) => {
  const { settings, metrics } = fastify
  const log = createRoutesLog(fastify.log)
  const secretOf = createSecretOf(env)
  const file = routes ? undefined : settings.ROUTES_FILE
  let followed: RoutesFile | undefined

  if (file !== undefined) {
    followed = await openRoutesFile({
      file,
      clock,
      read: text => readRoutes(text, { secretOf }),
      onRead (outcome, source) {
        log.read(outcome, source)
        metrics.routesRead(outcome, source)
      },
      onWatching: log.watching
    })
  }
  fastify.decorate('routesFile', routes ?? followed ?? fixedSource(settingsTable))
  fastify.decorate('reloadRoutes', async () => followed?.reload())
  fastify.decorate('secretOf', secretOf)
  fastify.addHook('onClose', async () => followed?.close())
}, { name: 'routes-file', dependencies: ['env', 'metrics'] })
