import { createHash } from 'node:crypto'
import fp from 'fastify-plugin'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { commaList } from '../src/config.ts'
import { UnauthorizedError } from '../src/errors.ts'
import { verifyBasic, verifySignature } from '../src/jambonz/signature.ts'
import { decline, type Verbs } from '../src/jambonz/verbs.ts'
import { describe } from '../src/observer.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** preValidation of every Jambonz hook: proves the sender on the raw bytes, then reads the JSON. */
    authenticateHook (request: FastifyRequest): Promise<void>
  }
  interface FastifyRequest {
    /** Hash of the raw body, once its sender is proven: a repeat of a hook has the same. */
    bodyHash: string
    /** The call that this hook is about; its duties are done after the reply. */
    callSid: string
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
 * After each reply the duties of its call are done. Needs `settings`, `calls`, `runner`, `metrics`.
 */
export default fp(async fastify => {
  const { settings, metrics, clock } = fastify
  const secrets = commaList(settings.JAMBONZ_WEBHOOK_SECRET)
  const { HTTP_USERNAME: username, HTTP_PASSWORD: password } = settings

  fastify.removeAllContentTypeParsers()
  fastify.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: BODY_LIMIT }, (_request, body, done) => done(null, body))
  fastify.decorateRequest('bodyHash', '')
  fastify.decorateRequest('callSid', '')

  fastify.decorate('authenticateHook', async (request: FastifyRequest) => {
    const raw = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
    const { config } = request.routeOptions
    const basicDue = username !== undefined && password !== undefined && (secrets.length === 0 || !config.ownCredentials)
    const signed = secrets.length === 0 || verifySignature(header(request, 'jambonz-signature'), raw, secrets, clock.now())
    if (!signed || (basicDue && !verifyBasic(header(request, 'authorization'), username, password))) {
      metrics.refused.inc({ operation: config.operation })
      throw new UnauthorizedError()
    }
    request.bodyHash = createHash('sha256').update(raw).digest('base64url')
    request.body = JSON.parse(raw.toString('utf8'))
  })

  fastify.setErrorHandler((error: FastifyError, request, reply) => {
    const { operation, onFailure } = request.routeOptions.config
    if (error.statusCode === 401 || error.statusCode === 413) return reply.code(error.statusCode).send({ statusCode: error.statusCode, code: error.code, error: error.statusCode === 401 ? 'Unauthorized' : 'Payload Too Large', message: error.message })
    const bad = error.validation !== undefined || error instanceof SyntaxError || (error.statusCode ?? 500) < 500
    if (bad) metrics.badInput.inc({ operation })
    // The failing path, never a value: bodies hold phone numbers.
    request.log[bad ? 'warn' : 'error']({ operation, path: error.validation?.[0]?.instancePath || undefined, problem: error.validation?.[0]?.message ?? (bad ? 'no JSON' : undefined), err: bad ? undefined : describe(error) }, bad ? 'hook fits no schema' : 'hook failed')
    return replyToFailure(reply, onFailure, bad)
  })

  fastify.addHook('onResponse', async request => {
    if (request.callSid) fastify.runner.run(request.callSid).catch(error => request.log.error({ callSid: request.callSid, err: describe(error) }, 'duties failed'))
  })
}, { name: 'jambonz-hooks', dependencies: ['env', 'metrics', 'call-registry'] })

function replyToFailure (reply: FastifyReply, onFailure: 'decline' | 'no-verbs' | 'empty' | undefined, bad: boolean) {
  if (onFailure === 'decline') return sendVerbs(reply, bad ? decline(400, 'Bad Request') : decline(480, 'Agent Unavailable'))
  if (onFailure === 'no-verbs') return sendVerbs(reply, [])
  return reply.code(200).send()
}

/** Verbs for Jambonz, which reads them only as `application/json` (http-requestor.js). */
export function sendVerbs (reply: FastifyReply, verbs: Verbs) {
  return reply.code(200).type('application/json').serializer(JSON.stringify as (payload: unknown) => string).send(verbs)
}

function header (request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return Array.isArray(value) ? value[0] : value
}
