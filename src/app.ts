import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import audit from '../plugins/audit.ts'
import callRegistry from '../plugins/call-registry.ts'
import consolePage from '../plugins/console.ts'
import drain from '../plugins/drain.ts'
import env from '../plugins/env.ts'
import errors from '../plugins/errors.ts'
import events from '../plugins/events.ts'
import jambonzHooks from '../plugins/jambonz-hooks.ts'
import jambonzRest from '../plugins/jambonz-rest.ts'
import live from '../plugins/live.ts'
import livekitClient from '../plugins/livekit-client.ts'
import metrics from '../plugins/metrics.ts'
import numberPolicy from '../plugins/number-policy.ts'
import openapi from '../plugins/openapi.ts'
import rateLimit from '../plugins/rate-limit.ts'
import operatorAuth from '../plugins/operator-auth.ts'
import retellClient from '../plugins/retell-client.ts'
import routesFile from '../plugins/routes-file.ts'
import requestLog from '../plugins/request-log.ts'
import schemaValidation, { buildSerializer, buildValidator } from '../plugins/schema-validation.ts'
import warmAgents from '../plugins/warm-agents.ts'
import sensible from '../plugins/sensible.ts'
import action from '../routes/action.ts'
import amd from '../routes/amd.ts'
import calls from '../routes/calls.ts'
import callsStream from '../routes/calls-stream.ts'
import diagnosis from '../routes/diagnosis.ts'
import discovery from '../routes/discovery.ts'
import doctor from '../routes/doctor.ts'
import dtmf from '../routes/dtmf.ts'
import eventRoutes from '../routes/events.ts'
import findCalls from '../routes/find-calls.ts'
import health from '../routes/health.ts'
import livekitEvents from '../routes/livekit-events.ts'
import placeCall from '../routes/place-call.ts'
import probe from '../routes/probe.ts'
import ladder from '../routes/ladder.ts'
import redirect from '../routes/redirect.ts'
import refer from '../routes/refer.ts'
import routes from '../routes/routes.ts'
import session from '../routes/session.ts'
import transfers from '../routes/transfers.ts'
import status from '../routes/status.ts'
import voicemail from '../routes/voicemail.ts'
import webhook from '../routes/call-hook.ts'
import { systemClock, type Clock } from './clock.ts'
import type { Environment, Settings } from './config.ts'
import { createMemoryRegistry } from './calls/store/memory-registry.ts'
import type { Registry } from './calls/store/registry.ts'
import type { Sender } from './events/sender.ts'
import type { RestSender } from './jambonz/rest-request.ts'
import type { Rooms } from './livekit/rooms.ts'
import type { RoutesSource } from './routing/routes.ts'
import { storeRulesOf } from './store-rules.ts'
import { trustProxyOf } from './trusted-proxies.ts'
import { packageVersion } from './version.ts'

export interface AppOptions {
  settings: Settings
  /** Without one nothing is logged. */
  logger?: FastifyBaseLogger
  clock?: Clock
  registry?: Registry
  rooms?: Rooms
  /** Instead of requests to Jambonz' REST API over the network. */
  restSender?: RestSender
  /** Instead of sending events over the network. */
  eventSender?: Sender
  /** Instead of the file of ROUTES_FILE. */
  routes?: RoutesSource
  /** Where the secrets are that a routes file names. */
  env?: Environment
}

/** Builds the service: plugins first, then routes, each by name. Nothing listens yet. */
export async function buildApp (options: AppOptions): Promise<FastifyInstance> {
  const { settings, logger, clock = systemClock, rooms } = options
  const { registry = createMemoryRegistry({ rules: storeRulesOf(settings), clock }) } = options
  const app = Fastify({
    ...(logger ? { loggerInstance: logger } : { logger: false }),
    logController: new LogController({ disableRequestLogging: true }),
    // A hook on a connection that is still open while we close deserves verbs, not Fastify's 503.
    return503OnClosing: false,
    trustProxy: trustProxyOf(settings.TRUST_PROXY),
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: 384 },
    clientErrorHandler: (error, socket) => {
      // Fastify's own handler logs the packet, with whatever is in it.
      logger?.debug({ code: (error as NodeJS.ErrnoException).code }, 'bytes that are no HTTP request')
      if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      else socket.destroy()
    },
    forceCloseConnections: 'idle',
    // feature-server 0.9.8 sends the fragment of relative hook URLs, which holds its retry policy, as part of the path.
    rewriteUrl: request => request.method === 'POST' ? request.url!.split(/#|%23/, 1)[0]! : request.url!,
    schemaController: { compilersFactory: { buildValidator, buildSerializer } }
  })

  await app.register(sensible)
  await app.register(errors)
  await app.register(rateLimit)
  await app.register(env, { settings })
  await app.register(metrics, { registry, clock })
  await app.register(requestLog)
  await app.register(livekitClient, { rooms })
  await app.register(routesFile, { env: options.env ?? {}, clock, routes: options.routes })
  await app.register(retellClient, { clock })
  await app.register(jambonzRest, { registry, clock, sender: options.restSender })
  await app.register(events, { registry, clock, sender: options.eventSender })
  await app.register(live, { registry, clock })
  await app.register(warmAgents, { registry, clock })
  await app.register(callRegistry, { registry, clock })
  await app.register(numberPolicy)
  await app.register(drain)
  await app.register(schemaValidation)
  await app.register(openapi, { version: packageVersion() })
  await app.register(consolePage)

  await app.register(discovery)
  await app.register(async scope => {
    await scope.register(jambonzHooks)
    await scope.register(webhook)
    await scope.register(action)
    await scope.register(status)
    await scope.register(refer)
    await scope.register(amd)
    await scope.register(redirect)
  })
  await app.register(livekitEvents)
  await app.register(async scope => {
    await scope.register(operatorAuth)
    await scope.register(audit)
    await scope.register(placeCall)
    await scope.register(session)
    await scope.register(callsStream)
    await scope.register(calls)
    await scope.register(findCalls)
    await scope.register(dtmf)
    await scope.register(transfers)
    await scope.register(voicemail)
    await scope.register(diagnosis)
    await scope.register(ladder)
    await scope.register(doctor)
    await scope.register(probe)
    await scope.register(eventRoutes)
    await scope.register(routes)
  })
  await app.register(health)

  return app
}

/** A request must have arrived whole within this time, milliseconds. */
const REQUEST_TIMEOUT_MS = 15_000
