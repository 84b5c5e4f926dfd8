import type { AddressInfo } from 'node:net'
import closeWithGrace from 'close-with-grace'
import { pino, type DestinationStream, type Logger } from 'pino'
import { Agent, setGlobalDispatcher } from 'undici'
import { buildApp } from './app.ts'
import { settingsWarnings, type Settings } from './config.ts'

/** Go servers announce no keep-alive time, and Node's default of 4 s would reconnect for nearly every call. */
const LIVEKIT_KEEP_ALIVE_MS = 60_000

export interface RunningBridge {
  /** Where it listens, for people on this machine. */
  url: string
  /** Not ready, then closing, as SIGTERM does; at most SHUTDOWN_TIMEOUT_S. */
  close (): Promise<void>
}

/** The process' logger: JSON lines, never a header, query or body. */
export function createLogger (level: string, destination?: DestinationStream): Logger {
  const options = { level, redact: ['req.headers', 'req.url', '*.authorization', '*.password', '*.token'] }
  return destination ? pino(options, destination) : pino(options)
}

/**
 * Starts the service and listens.
 * @throws when the address is taken or settings do not fit together
 */
export async function startBridge (settings: Settings, logger: Logger = createLogger(settings.LOG_LEVEL)): Promise<RunningBridge> {
  setGlobalDispatcher(new Agent({ keepAliveTimeout: LIVEKIT_KEEP_ALIVE_MS, keepAliveMaxTimeout: LIVEKIT_KEEP_ALIVE_MS, connect: { timeout: settings.LIVEKIT_TIMEOUT_MS } }))
  const app = await buildApp({ settings, logger })
  for (const warning of settingsWarnings(settings)) logger.warn(warning)
  await app.listen({ port: settings.PORT, host: settings.HOST, listenTextResolver: address => `listening at ${address}` })
  const { port } = app.server.address() as AddressInfo
  return { url: `http://${host(settings.HOST)}:${port}`, close }

  async function close () {
    if (app.draining.active) return
    app.draining.drain()
    logger.info({ seconds: settings.DRAIN_DELAY_S }, 'draining: not ready, calls are still connected')
    await new Promise(resolve => setTimeout(resolve, settings.DRAIN_DELAY_S * 1000))
    app.draining.declining()
    logger.info('closing')
    await app.close()
  }
}

/** Runs the service until SIGTERM or SIGINT. */
export async function serve (settings: Settings): Promise<void> {
  const logger = createLogger(settings.LOG_LEVEL)
  const bridge = await startBridge(settings, logger)
  closeWithGrace({ delay: settings.SHUTDOWN_TIMEOUT_S * 1000, logger: { error: (message: unknown) => logger.error({ err: message instanceof Error ? message : undefined }, 'closing') } as never }, async ({ err }) => {
    if (err) logger.fatal({ type: err.name, stack: err.stack?.split('\n').slice(1).join('\n') }, 'unexpected error: closing')
    await bridge.close()
  })
}

const host = (address: string): string => address === '0.0.0.0' || address === '::' ? 'localhost' : address.includes(':') ? `[${address}]` : address
