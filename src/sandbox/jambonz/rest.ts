import { STATUS_CODES } from 'node:http'
import type { HttpRequest, Network, Served } from '../network.ts'
import type { RateLimiter } from './rate-limit.ts'

/** What a reply of the REST API says. A text is sent as it is; anything else as JSON. */
export interface Answer {
  status: number
  body?: unknown
  /** The reply was handed to the connection. */
  sent?: () => void
}

/** A route answers, breaks the connection, or never replies. */
export type Answered = Answer | 'refuse' | 'hang'

/** A request of the account that the API key belongs to. */
export interface RestRequest {
  method: string
  /** The path behind `/v1/`, or behind the account. */
  path: string[]
  query: URLSearchParams
  /** The parsed JSON body; undefined when there is none. */
  body: unknown
}

/** Serves a request, or returns undefined when this part of the API has no such route. */
export type RestRoute = (request: RestRequest) => Promise<Answered | undefined> | Answered | undefined

/**
 * Serves the part of Jambonz's REST API that live calls and their setup need. Requests carry the API key as a bearer
 * token, and the account in the path must be the key's account. Every request counts for the rate limit, also one
 * without a valid key.
 */
export async function createRestServer (options: {
  network: Network
  host: string
  accountSid: string
  apiKey: string
  limiter?: RateLimiter
  routes: RestRoute[]
}): Promise<{ url: string, close(): Promise<void> }> {
  const { accountSid, apiKey, limiter, routes } = options

  async function answer (request: HttpRequest): Promise<Answered> {
    if (request.headers['authorization'] !== `Bearer ${apiKey}`) return { status: 401, body: { msg: 'unauthorized' } }
    const { pathname, searchParams: query } = new URL(request.url, 'http://localhost')
    const [version, ...path] = pathname.split('/').filter(part => part !== '').map(decodeURIComponent)
    if (version !== 'v1') return { status: 404 }
    if (path[0] === 'Accounts') {
      const [, account] = path.splice(0, 2)
      if (account !== accountSid) return { status: 403, body: { msg: 'insufficient permissions' } }
    }
    const body = parsed(request.body)
    if (body === INVALID) return { status: 400, body: { msg: 'invalid JSON' } }
    for (const route of routes) {
      const answered = await route({ method: request.method, path, query, body })
      if (answered !== undefined) return answered
    }
    return { status: 404 }
  }

  const server = await options.network.serve({ host: options.host, port: 0 }, async (request): Promise<Served> => {
    const counted = limiter?.count()
    if (counted?.isRefused) {
      return serve({ status: 429, body: 'Too many requests, please try again later.' }, counted.headers)
    }
    const answered = await answer(request).catch((error: Error) => ({ status: 500, body: { msg: error.message } }))
    return typeof answered === 'string' ? answered : serve(answered, counted?.headers)
  })
  return { url: `${server.url}/v1`, close: () => server.close() }
}

const INVALID = Symbol('invalid JSON')

function parsed (body: string): unknown {
  if (body === '') return undefined
  try {
    return JSON.parse(body)
  } catch {
    return INVALID
  }
}

function serve ({ status, body, sent }: Answer, headers: Record<string, string> = {}): Exclude<Served, string> {
  // Express's sendStatus writes the reason phrase as the body of a reply that has no other.
  const text = status === 204 ? '' : body ?? STATUS_CODES[status]
  const isText = typeof text === 'string'
  const type = isText ? 'text/html; charset=utf-8' : 'application/json; charset=utf-8'
  return {
    status,
    headers: { ...headers, 'content-type': type },
    body: isText ? text : JSON.stringify(text),
    ...sent && { sent }
  }
}
