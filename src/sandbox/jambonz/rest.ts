import type { HttpRequest, Network, Served } from '../network.ts'
import type { Payload } from './payloads.ts'

/** A request of live call control. The REST API takes one of these fields. */
export interface CallUpdate {
  call_hook?: string | { url: string }
  call_status?: 'completed' | 'no-answer'
}

export interface CreateCall {
  from: string
  to: {
    type: 'phone' | 'sip'
    number?: string
    sipUri?: string
    trunk?: string
    auth?: { username: string, password: string }
  }
  call_hook?: string | { url: string }
  call_status_hook?: string | { url: string }
  application_sid?: string
  tag?: unknown
  /** Seconds to ring; by default 60. */
  timeout?: number
  headers?: Record<string, string>
}

/** An application in the REST API. */
export interface RestApplication {
  application_sid: string
  account_sid: string
  name: string
  call_hook: { url: string, method: string }
  call_status_hook: { url: string, method: string } | null
}

export interface RestHandlers {
  /** Returns false for a call that is unknown or has ended. */
  update(callSid: string, update: CallUpdate): boolean
  create(request: CreateCall): Promise<{ sid: string, callId: string }>
  get(callSid: string): Payload | undefined
  list(): Payload[]
  application(): RestApplication
}

interface Answer {
  status: number
  body?: unknown
}

/**
 * Serves the part of Jambonz's REST API that live calls need: `POST` and `PUT /v1/Accounts/:sid/Calls/:callSid`, `POST`
 * and `GET /v1/Accounts/:sid/Calls`, and `GET` of one call. The application, its phone number, and empty lists of
 * alerts and recent calls are read-only. Requests carry the API key as a bearer token, and the account in the path must
 * be the key's account. /
 */
export async function createRestServer (options: {
  network: Network
  host: string
  accountSid: string
  apiKey: string
  handlers: RestHandlers
}): Promise<{ url: string, close(): Promise<void> }> {
  const { accountSid, apiKey, handlers } = options

  async function answer (request: HttpRequest): Promise<Answer> {
    if (request.headers['authorization'] !== `Bearer ${apiKey}`) return { status: 401, body: { msg: 'unauthorized' } }
    const path = new URL(request.url, 'http://localhost').pathname
    const { method } = request
    const application = handlers.application()
    if (method === 'GET' && path === '/v1/Applications') return { status: 200, body: [application] }
    if (method === 'GET' && path === '/v1/PhoneNumbers') return { status: 200, body: [numberOf(application)] }

    const [, account, what, callSid] =
      /^\/v1\/Accounts\/([^/]+)\/(Calls|Alerts|RecentCalls)(?:\/([^/]+))?\/?$/.exec(path) ?? []
    if (account === undefined) return { status: 404, body: { msg: 'not found' } }
    if (account !== accountSid) return { status: 403, body: { msg: 'insufficient privileges' } }
    if (what === 'Calls') return await callControl(request, callSid, handlers)
    return method === 'GET' ? { status: 200, body: { total: 0, batch: 0, page: 1, data: [] } } : { status: 405 }
  }

  const server = await options.network.serve({ host: options.host, port: 0 }, async (request): Promise<Served> => {
    const { status, body } = await answer(request).catch((error: Error) => ({
      status: 500,
      body: { msg: error.message }
    }))
    const json = { 'content-type': 'application/json' }
    if (body !== undefined) return { status, headers: json, body: JSON.stringify(body) }
    // Express's sendStatus writes the reason phrase as the body of a reply that has no other.
    return { status, headers: {}, body: status === 202 ? 'Accepted' : '' }
  })
  return { url: `${server.url}/v1`, close: () => server.close() }
}

async function callControl (
  request: HttpRequest,
  callSid: string | undefined,
  handlers: RestHandlers
): Promise<Answer> {
  const { method } = request
  if (method === 'GET') {
    if (callSid === undefined) return { status: 200, body: handlers.list() }
    const call = handlers.get(callSid)
    return call === undefined ? { status: 404 } : { status: 200, body: call }
  }

  let body: unknown
  try {
    body = JSON.parse(request.body)
  } catch {
    return { status: 400, body: { msg: 'invalid JSON' } }
  }
  if (callSid === undefined) {
    return method === 'POST' ? { status: 201, body: await handlers.create(body as CreateCall) } : { status: 405 }
  }
  if (method !== 'POST' && method !== 'PUT') return { status: 405 }
  const fields = Object.keys(body as object)
  if (fields.length !== 1 || (fields[0] !== 'call_hook' && fields[0] !== 'call_status')) {
    return { status: 400, body: { msg: 'the sandbox updates a call by either call_hook or call_status' } }
  }
  return handlers.update(callSid, body as CallUpdate) ? { status: 202 } : { status: 404 }
}

/** The only phone number of the account. */
const numberOf = (application: RestApplication) => ({
  number: '15551230000',
  application_sid: application.application_sid,
  account_sid: application.account_sid
})
