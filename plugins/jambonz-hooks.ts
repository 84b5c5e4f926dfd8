import { createHash } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import fp from 'fastify-plugin'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { commaList } from '../src/config.ts'
import { UnauthorizedError } from '../src/errors.ts'
import { verifyBasic, verifySignature } from '../src/jambonz/signature.ts'
import { UNAVAILABLE } from '../src/calls/fold/call.ts'
import { decline, type Verbs } from '../src/jambonz/verbs.ts'
import { describe } from '../src/observer.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** preValidation of every Jambonz hook: proves the sender on the raw bytes, then reads the JSON. */
    authenticateHook(request: FastifyRequest): Promise<void>
  }
  interface FastifyRequest {
    /** Hash of the raw body, once its sender is proven: a repeat of a hook has the same. */
    bodyHash: string
  }
  interface FastifyContextConfig {
    /** What Jambonz gets when we cannot do better. */
    onFailure?: 'decline' | 'no-verbs' | 'empty'
    /** The application's own credentials are not sent here: Jambonz has a pair of its own for status hooks. */
    ownCredentials?: boolean
  }
}

/** Largest hook that is read, bytes. */
export const BODY_LIMIT = 256 * 1024

/**
 * The scope of Jambonz's hooks: raw bodies, authentication before anything is parsed, and never an error reply but 401
 * and 413, since feature-server takes every other status but 200, 202 and 204 for a failed call.
 * Every route here is authenticated, or the service does not start. Needs `settings`, `metrics` and `clock`.
 */
export default fp(async fastify => {
  const { settings, metrics, clock } = fastify
  const secrets = commaList(settings.JAMBONZ_WEBHOOK_SECRET)
  const { HTTP_USERNAME: username, HTTP_PASSWORD: password } = settings

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: BODY_LIMIT },
    (_request, body, done) => done(null, body)
  )
  fastify.decorateRequest('bodyHash', '')

  fastify.decorate('authenticateHook', async (request: FastifyRequest) => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const { config } = request.routeOptions
    const basicDue = username !== undefined && password !== undefined &&
      (secrets.length === 0 || !config.ownCredentials)
    const signed = secrets.length === 0
      ? basicDue || settings.ALLOW_UNSIGNED_HOOKS
      : verifySignature(header(request, 'jambonz-signature'), raw, secrets, clock.now())
    if (!signed || (basicDue && !verifyBasic(header(request, 'authorization'), username, password))) {
      metrics.refused.inc({ operation: config.operation })
      throw new UnauthorizedError()
    }
    request.bodyHash = createHash('sha256').update(raw).digest('base64url')
    request.body = withoutNulls(JSON.parse(raw.toString('utf8')))
  })
  // Whatever type is claimed, or none: the signature is over the bytes, and they are JSON or not.
  fastify.addHook('onRequest', async request => {
    request.raw.headers['content-type'] = 'application/json'
  })
  fastify.addHook('onRoute', route => {
    if (route.preValidation !== fastify.authenticateHook) {
      throw new Error(`${String(route.method)} ${route.url} does not authenticate Jambonz`)
    }
  })

  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const { operation, onFailure } = request.routeOptions.config
    const { statusCode, code, message } = error
    if (statusCode === 401 || statusCode === 413) {
      return reply.code(statusCode).send({ statusCode, code, error: STATUS_CODES[statusCode], message })
    }
    const bad = error.validation !== undefined || error instanceof SyntaxError || (error.statusCode ?? 500) < 500
    if (bad) metrics.badInput.inc({ operation })
    // The failing path, never a value: bodies hold phone numbers.
    request.log[bad ? 'warn' : 'error']({
      operation,
      callSid: request.callSid || undefined,
      path: error.validation?.[0]?.instancePath || undefined,
      problem: error.validation?.[0]?.message ?? (bad ? 'no JSON' : undefined),
      error: bad ? undefined : describe(error)
    }, bad ? 'hook fits no schema' : 'hook failed')
    return replyToFailure(reply, onFailure, bad)
  })
}, { name: 'jambonz-hooks', dependencies: ['env', 'metrics', 'call-registry'] })

function replyToFailure (reply: FastifyReply, onFailure: 'decline' | 'no-verbs' | 'empty' | undefined, bad: boolean) {
  if (onFailure === 'decline') {
    return sendVerbs(reply, bad ? decline(400, 'Bad Request') : decline(UNAVAILABLE.status, UNAVAILABLE.reason))
  }
  if (onFailure === 'no-verbs') return sendVerbs(reply, [])
  return reply.code(200).send()
}

/** A property that is null says no more than one that is absent. */
function withoutNulls (body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
}

/** Verbs for Jambonz, which reads them only as `application/json` (http-requestor.js). */
export function sendVerbs (reply: FastifyReply, verbs: Verbs) {
  return reply.code(200).type('application/json').serializer(JSON.stringify as (payload: unknown) => string).send(verbs)
}

function header (request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
