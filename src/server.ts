import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import { pino, type DestinationStream, type Logger } from 'pino'
import { setGlobalDispatcher } from 'undici'
import { buildApp } from './app.ts'
import { keyPrefixOf } from './calls/store/redis-keys.ts'
import { openRedisRegistry } from './calls/store/redis-open.ts'
import type { Registry } from './calls/store/registry.ts'
import { systemClock, within } from './clock.ts'
import type { Environment, Settings } from './config.ts'
import { createKeepAliveAgent } from './livekit/keep-alive.ts'
import { loggedError } from './log-error.ts'
import { startWarnings } from './start-warnings.ts'
import { storeRulesOf } from './store-rules.ts'

export interface RunningBridge {
  /** Where it listens, for people on this machine. */
  url: string
  /** Stops as on SIGTERM: not ready, draining for DRAIN_DELAY_S, then closed. Takes at most SHUTDOWN_TIMEOUT_S. */
  close(): Promise<void>
  /** Reads the routes file again. Does nothing without one. */
  reloadRoutes(): Promise<void>
  /** Stops without draining, because this process can no longer be trusted with new calls. */
  abort(): Promise<void>
}

/** Part of the time after draining that closing in good order may take. */
const CLOSING_SHARE = 0.9

/** The process' logger: JSON lines, never a header, query or body. */
export function createLogger (level: string, destination?: DestinationStream): Logger {
  const options = { level, redact: ['req.headers', 'req.url', '*.authorization', '*.password', '*.token'] }
  return destination ? pino(options, destination) : pino(options)
}

/**
 * Starts the service and listens.
 * @param env what the settings were read from, to warn of misspelt names
 * @throws {RedisStartError} when the Redis of REDIS_URL cannot be used
 * @throws {RoutesFileError} when the file of ROUTES_FILE cannot be used
 * @throws when the address is taken or settings do not fit together
 */
export async function startBridge (
  settings: Settings,
  logger: Logger = createLogger(settings.LOG_LEVEL),
  env: Environment = {}
): Promise<RunningBridge> {
  setGlobalDispatcher(createKeepAliveAgent(settings.LIVEKIT_TIMEOUT_MS))
  const registry = await openStore(settings)
  const app = await buildApp({ settings, logger, registry, env }).catch(async error => {
    await registry?.close()
    throw error
  })
  for (const warning of startWarnings(settings, env)) logger.warn(warning)
  await app.listen({
    port: settings.PORT,
    host: settings.HOST,
    listenTextResolver: address => `listening at ${address}`
  })
  const { port } = app.server.address() as AddressInfo
  let draining: Promise<void> | undefined
  let closing: Promise<void> | undefined
  return {
    url: `http://${host(settings.HOST)}:${port}`,
    close () {
      draining ??= drain()
      return draining
    },
    reloadRoutes: async () => app.reloadRoutes(),
    abort
  }

  async function drain () {
    app.draining.drain()
    logger.info({ seconds: settings.DRAIN_DELAY_S }, 'draining: not ready, calls are still connected')
    await new Promise(resolve => setTimeout(resolve, settings.DRAIN_DELAY_S * 1000))
    await abort()
  }

  function abort () {
    app.draining.drain()
    closing ??= closeApp()
    return closing
  }

  async function closeApp () {
    logger.info('closing')
    // Silent connections, and a LiveKit that hangs, must not keep the process longer than SHUTDOWN_TIMEOUT_S.
    const left = (settings.SHUTDOWN_TIMEOUT_S - settings.DRAIN_DELAY_S) * 1000 * CLOSING_SHARE
    await within(systemClock, left, app.close(), () => new Error('still closing')).catch(() => {
      logger.warn('closing took too long: ending the connections that are left')
      app.server.closeAllConnections()
    })
  }
}

/** The store that the settings ask for; undefined: this process' memory. */
async function openStore (settings: Settings): Promise<Registry | undefined> {
  return settings.REDIS_URL === undefined
    ? undefined
    : openRedisRegistry(settings.REDIS_URL, { keyPrefix: keyPrefixOf(settings), rules: storeRulesOf(settings) })
}

/**
 * Runs the service until SIGTERM or SIGINT. SIGHUP makes it read the routes file again. An unexpected error ends it as
 * well, with exit code 1: at once, because a process in an unknown state must not take any more calls.
 * @param env what the settings were read from
 */
export async function serve (settings: Settings, env: Environment): Promise<void> {
  const logger = createLogger(settings.LOG_LEVEL)
  const bridge = await startBridge(settings, logger, env)
  const followsRoutes = settings.ROUTES_FILE !== undefined
  process.on('SIGHUP', () => {
    if (!followsRoutes) {
      logger.info('SIGHUP: ROUTES_FILE is not set, so there is no file to read again')
      return
    }
    logger.info('SIGHUP: the routes file is read again')
    bridge.reloadRoutes().catch(error => logger.error({ error: loggedError(error) }, 'reading the routes file'))
  })
  closeWithGrace({
    skip: ['SIGHUP'],
    delay: settings.SHUTDOWN_TIMEOUT_S * 1000,
    logger: {
      error: (message: unknown) =>
        logger.error({ error: message instanceof Error ? loggedError(message) : undefined }, 'closing')
    } as never
  }, async ({ err }) => {
    if (err) {
      logger.fatal({ type: err.name, stack: err.stack?.split('\n').slice(1).join('\n') }, 'unexpected error: closing')
    }
    await (err ? bridge.abort() : bridge.close())
  })
}

/** How people on this machine reach an address that the service listens on. */
function host (address: string): string {
  if (address === '0.0.0.0' || address === '::') return 'localhost'
  return address.includes(':') ? `[${address}]` : address
}
