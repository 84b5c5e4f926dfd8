import { STATUS_CODES } from 'node:http'
import fp from 'fastify-plugin'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../src/clock.ts'
import type { Settings } from '../src/config.ts'
import { commaList } from '../src/comma-list.ts'
import { HookBodyError, UnauthorizedError } from '../src/errors.ts'
import { settingsApplication } from '../src/rules.ts'
import { createOrderTags } from '../src/jambonz/order-tag.ts'
import { createHooks, type Hook, type HookAnswer, type Hooks } from '../src/jambonz/hooks.ts'
import { verifyBasic, verifySignature } from '../src/jambonz/signature.ts'
import type { Metrics } from '../src/metrics.ts'
import { loggedError } from '../src/log-error.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** preValidation of every Jambonz hook: proves on the raw bytes who sent it. */
    authenticateHook(request: FastifyRequest): Promise<void>
    hooks: Hooks
  }
  interface FastifyContextConfig {
    /** The hook that a route takes. */
    hook?: Hook
    /** The application's own credentials are not sent here: Jambonz has a separate pair for status hooks. */
    ownCredentials?: boolean
  }
}

/** Largest hook that is read, bytes. */
export const BODY_LIMIT = 256 * 1024

/**
 * The scope of Jambonz's hooks. Bodies stay raw until their sender is proven. Jambonz never gets an error reply but 401
 * and 413, and a refusal of a REFER: feature-server takes every status but 200, 202 and 204 for a failed call.
 * Every route here is authenticated, or the service does not start.
 * Decorates `hooks` and `authenticateHook`. Needs `settings`, `metrics`, `calls`, `verbConfig`, `routesFile`,
 * `numberGate`, `outbound` and `clock`.
 */
export default fp(async fastify => {
  const { settings, metrics, calls, clock, verbConfig, routesFile, numberGate, outbound } = fastify
  const hooks = createHooks({
    calls,
    clock,
    verbConfig,
    callerHeaders: commaList(settings.CALLER_HEADERS),
    routes: routesFile,
    gate: numberGate,
    orders: createOrderTags(settings.LIVEKIT_API_SECRET),
    agentTrunk: settings.LIVEKIT_OUTBOUND_TRUNK,
    outbound,
    carrier: settings.OUTBOUND_CARRIER,
    dialTimeoutS: settings.DIAL_TIMEOUT_S,
    timeLimitS: settings.MAX_CALL_DURATION_S,
    app: settingsApplication(settings)
  })

  fastify.decorate('hooks', hooks)
  fastify.decorate('authenticateHook', createHookAuthentication(settings, metrics, clock))

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (_request, body, done) => done(null, body)
  )
  // Whatever content type is claimed, or none: the signature covers the bytes, and they are JSON or not.
  fastify.addHook('onRequest', async request => {
    request.raw.headers['content-type'] = 'application/json'
  })
  // `hooks` reads the bodies. The schemas of the routes describe them in the OpenAPI document.
  fastify.setValidatorCompiler(() => () => true)
  fastify.addHook('onRoute', route => {
    if (route.preValidation !== fastify.authenticateHook) {
      throw new Error(`${String(route.method)} ${route.url} does not authenticate Jambonz`)
    }
    metrics.refused.inc({ operation: route.config!.operation }, 0)
    metrics.badInput.inc({ operation: route.config!.operation }, 0)
  })

  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const { statusCode, code, message } = error
    if (statusCode === 401 || statusCode === 413) {
      return reply.code(statusCode).send({ statusCode, code, error: STATUS_CODES[statusCode], message })
    }
    logFailure(error, request)
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    return sendAnswer(reply, hooks.failed(request.routeOptions.config.hook!, error, raw))
  })

  function logFailure (error: FastifyError, request: FastifyRequest): void {
    const { operation } = request.routeOptions.config
    const line = { operation, callSid: request.callSid || undefined }
    if (error instanceof HookBodyError) {
      metrics.badInput.inc({ operation })
      // Says what is missing or wrong, never a value: bodies hold phone numbers.
      request.log.warn({ ...line, problem: error.message }, 'hook cannot be read')
    } else {
      request.log.error({ ...line, error: loggedError(error) }, 'hook failed')
    }
  }
}, {
  name: 'jambonz-hooks',
  dependencies: ['env', 'metrics', 'routes-file', 'jambonz-rest', 'call-registry', 'number-policy']
})

/** @see FastifyInstance.authenticateHook */
function createHookAuthentication (
  settings: Settings,
  metrics: Metrics,
  clock: Clock
): (request: FastifyRequest) => Promise<void> {
  const secrets = commaList(settings.JAMBONZ_WEBHOOK_SECRET)
  const { HTTP_USERNAME: username, HTTP_PASSWORD: password } = settings

  const isSigned = (request: FastifyRequest, raw: Buffer) =>
    verifySignature(header(request, 'jambonz-signature'), raw, secrets, clock.now())
  const hasCredentials = (request: FastifyRequest) =>
    username !== undefined && password !== undefined &&
    verifyBasic(header(request, 'authorization'), username, password)

  return async request => {
    const { config } = request.routeOptions
    request.body ??= Buffer.alloc(0)
    const hasBasic = username !== undefined && password !== undefined
    const basicDue = hasBasic && (secrets.length === 0 || !config.ownCredentials)
    const signatureDue = secrets.length > 0
    const isOpen = !signatureDue && !basicDue

    const proven = (!signatureDue || isSigned(request, request.body as Buffer)) &&
      (!basicDue || hasCredentials(request)) && (!isOpen || settings.ALLOW_UNSIGNED_HOOKS)
    if (proven) return

    metrics.refused.inc({ operation: config.operation })
    throw new UnauthorizedError()
  }
}

/** Sends a hook's answer in the form that feature-server takes (http-requestor.js). */
export function sendAnswer (reply: FastifyReply, answer: HookAnswer) {
  switch (answer.kind) {
    case 'verbs':
      // It reads verbs only as `application/json`.
      return reply.code(200).type('application/json').serializer(toJson).send(answer.verbs)
    case 'refused':
      return reply.code(answer.status).send()
    case 'nothing':
      // An empty body with a JSON content type would raise an alert in Jambonz.
      return reply.code(200).send()
  }
}

const toJson = (payload: unknown): string => JSON.stringify(payload)

function header (request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
