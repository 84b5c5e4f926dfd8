import { createHmac } from 'node:crypto'
import bearerAuth from '@fastify/bearer-auth'
import type { FastifyContextConfig, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { OPERATOR_REQUESTS_PER_S } from './rate-limit.ts'
import { createAgentKeys } from '../src/agent-keys.ts'
import { createCallTokens } from '../src/call-token.ts'
import { KeyNotAllowedError, OperatorApiOffError, UnauthorizedError, ViewerError } from '../src/errors.ts'
import { OPERATOR_NAME } from '../src/caller-keys.ts'
import { createKeyring, type KeyHolder } from '../src/keyring.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The keys of CALLERS may use the route, each for its own calls. */
    forCallers?: boolean
    /** The agent of a call may use the route for that call. */
    forAgents?: boolean
    /** Viewers may use the route though its method is not GET: it changes nothing. */
    changesNothing?: boolean
  }
  interface FastifyRequest {
    /** Who sends a request to the operator API, once a token has proved it. */
    keyHolder: KeyHolder | null
  }
}

/**
 * The scope of the operator API: a limited number of requests, then a bearer token. Keys of CALLERS and agents are let
 * through to some routes. Where no token is configured only the routes of agents exist, and these for agents alone:
 * anything else is 404. Decorates requests with `keyHolder`. Needs `settings`, `metrics`, `rateLimit`, `calls`,
 * `registry` and `clock`.
 */
export default fp(async fastify => {
  const { settings, metrics, calls, registry, clock } = fastify
  const keyring = createKeyring(settings)
  const agents = createAgentKeys({
    tokens: createCallTokens(settings.LIVEKIT_API_SECRET),
    calls,
    registry,
    roomPrefix: settings.LIVEKIT_ROOM_PREFIX,
    clock
  })
  const tokenIdOf = createTokenIds(settings.LIVEKIT_API_SECRET)

  fastify.decorateRequest('keyHolder', null)
  fastify.addHook('onRequest', async request => {
    request.operator = {}
  })
  fastify.addHook('onRequest', fastify.rateLimit({ max: OPERATOR_REQUESTS_PER_S }))
  fastify.addHook('onRequest', async ({ routeOptions }) => {
    if (keyring.isEmpty && !routeOptions.config.forAgents) throw new OperatorApiOffError()
  })
  await fastify.register(bearerAuth, {
    addHook: false,
    keys: new Set<string>(),
    auth: prove,
    specCompliance: 'rfc6749',
    verifyErrorLogLevel: 'debug'
  })
  fastify.addHook('onRequest', (request, reply, done) => {
    fastify.verifyBearerAuth!(request, reply, error => done(error && refusalOf(error)))
  })
  fastify.addHook('onRequest', async ({ keyHolder, method, routeOptions }) => {
    assertAllowed(keyHolder!, method, routeOptions.config)
  })
  fastify.addHook('onRoute', ({ config }) => metrics.refused.inc({ operation: config!.operation }, 0))
  fastify.addHook('onResponse', async (request, reply) => {
    if (reply.statusCode === 401) metrics.refused.inc({ operation: request.routeOptions.config.operation })
  })

  /** @throws what {@link createAgentKeys} says */
  async function prove (token: string, request: FastifyRequest): Promise<boolean> {
    const holder = keyring.holderOf(token) ?? await agents.holderOf(token)
    if (!holder) return false
    request.keyHolder = holder
    request.operator = { tokenId: tokenIdOf(token), ...keyOf(holder) }
    return true
  }

  /** What bearer-auth found wrong, in our words. */
  function refusalOf (error: Error & { code?: string }): Error {
    if (!error.code?.startsWith('FST_BEARER_AUTH_')) return error
    return keyring.isEmpty ? new OperatorApiOffError() : new UnauthorizedError()
  }
}, { name: 'operator-auth', dependencies: ['env', 'metrics', 'rate-limit', 'request-log', 'call-registry'] })

/**
 * @throws {KeyNotAllowedError}
 * @throws {ViewerError}
 */
function assertAllowed ({ role }: KeyHolder, method: string, config: FastifyContextConfig): void {
  if (role === 'agent' && !config.forAgents) throw new KeyNotAllowedError('read, control and end its own call')
  if (role === 'caller' && !config.forCallers) {
    throw new KeyNotAllowedError('place calls, and list, read, control and end its own')
  }
  if (role === 'viewer' && method !== 'GET' && method !== 'HEAD' && !config.changesNothing) throw new ViewerError()
}

/** The name that the log has of whoever asks: of OPERATOR_TOKEN only where somebody gave it one. */
const keyOf = ({ name }: KeyHolder): { key?: string } => name === OPERATOR_NAME ? {} : { key: name }

/** Tells tokens apart in the log. Without the secret nobody can check guesses of a token against it. */
const createTokenIds = (secret: string) => (token: string): string =>
  createHmac('sha256', secret).update(`operator token ${token}`).digest('hex').slice(0, 8)
