import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Payload } from './payloads.ts'

/** A live call control request: one of these, as the REST API takes it. */
export interface CallUpdate {
  call_hook?: string | { url: string }
  call_status?: 'completed' | 'no-answer'
}

export interface CreateCall {
  from: string
  to: { type: 'phone' | 'sip', number?: string, sipUri?: string, trunk?: string, auth?: { username: string, password: string } }
  call_hook?: string | { url: string }
  call_status_hook?: string | { url: string }
  application_sid?: string
  tag?: unknown
  /** Seconds to ring, 60 by default. */
  timeout?: number
  headers?: Record<string, string>
}

export interface RestHandlers {
  /** False for a call that is not known. */
  update (callSid: string, update: CallUpdate): boolean
  create (request: CreateCall): Promise<{ sid: string, callId: string }>
  get (callSid: string): Payload | undefined
  list (): Payload[]
}

/**
 * The part of Jambonz's REST API that live calls need: `POST` and `PUT /v1/Accounts/:sid/Calls/:callSid`, `POST` and
 * `GET /v1/Accounts/:sid/Calls`, `GET` of one call. Bearer authentication, the account in the path has to fit the key.
 */
export async function createRestServer (options: {
  host: string, accountSid: string, apiKey: string, handlers: RestHandlers
}): Promise<{ url: string, close (): Promise<void> }> {
  const { accountSid, apiKey, handlers } = options

  async function answer (request: IncomingMessage): Promise<{ status: number, body?: unknown }> {
    if (request.headers.authorization !== `Bearer ${apiKey}`) return { status: 401, body: { msg: 'unauthorized' } }
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const [, account, callSid] = /^\/v1\/Accounts\/([^/]+)\/Calls(?:\/([^/]+))?\/?$/.exec(path) ?? []
    if (account === undefined) return { status: 404, body: { msg: 'not found' } }
    if (account !== accountSid) return { status: 403, body: { msg: 'insufficient privileges' } }
    const method = request.method ?? 'GET'
    if (method === 'GET') {
      if (callSid === undefined) return { status: 200, body: handlers.list() }
      const call = handlers.get(callSid)
      return call === undefined ? { status: 404 } : { status: 200, body: call }
    }
    let body: unknown
    try {
      body = JSON.parse(await readAll(request))
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

  const server = createServer((request, response) => {
    answer(request).catch((error: Error) => ({ status: 500, body: { msg: error.message } })).then(({ status, body }) => {
      response.statusCode = status
      if (body !== undefined) response.setHeader('content-type', 'application/json')
      // Like Express's sendStatus: a reply without content of its own says its status in words.
      response.end(body !== undefined ? JSON.stringify(body) : status === 202 ? 'Accepted' : '')
    }, () => {})
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, options.host, resolve)
  })
  return {
    url: `http://${options.host}:${(server.address() as AddressInfo).port}/v1`,
    async close () {
      server.closeAllConnections()
      await new Promise<void>(resolve => { server.close(() => resolve()) })
    }
  }
}

async function readAll (request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
