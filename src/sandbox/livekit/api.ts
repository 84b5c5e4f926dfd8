import type { HttpRequest, Network, Served } from '../network.ts'
import type { MethodOptions } from './api-methods.ts'
import type { ApiFault, Faults } from './faults.ts'
import type { Json } from './json.ts'
import { apiMethods } from './api-methods.ts'
import { checkToken, hasGrant } from './auth.ts'
import { isJson, text } from './json.ts'
import { noServer, TwirpError } from './twirp-error.ts'

export interface ApiOptions extends MethodOptions {
  host: string
  port: number
  apiKey: string
  apiSecret: string
  network: Network
  /** The time for checking tokens, in milliseconds. */
  tokenTime(): number
  faults: Faults
  latencyMs: number
  onRequest(method: string): void
  onReply(method: string, status: number): void
}

/** Serves LiveKit's Twirp API in JSON. @throws the system's error when it cannot listen */
export async function serveApi (options: ApiOptions): Promise<{ url: string, close(): Promise<void> }> {
  const { clock, faults } = options
  const methods = apiMethods(options)

  async function handle (request: HttpRequest): Promise<Served> {
    const path = request.url.split('?')[0] ?? ''
    const name = path.replace(/^\/twirp\/livekit\./, '')
    const method = path.startsWith('/twirp/livekit.') && Object.hasOwn(methods, name) ? methods[name] : undefined
    const short = name.split('/').pop() ?? ''
    options.onRequest(short)
    const reply = (status: number, type: string, body: string): Served => {
      options.onReply(short, status)
      return { status, headers: { vary: 'Origin', 'content-type': type }, body }
    }

    const delay = options.latencyMs + (faults.latencyMs[short] ?? 0)
    if (delay > 0) await new Promise<void>(resolve => clock.schedule(delay, resolve))
    const fault = faults.apiMethods[short] ?? faults.api
    if (fault === 'refuse' || fault === 'hang') return fault
    const token = checkToken(request.headers['authorization'], options.apiKey, options.apiSecret, options.tokenTime())
    if (!token.ok) return reply(401, 'text/plain; charset=utf-8', token.message)

    try {
      const refusal = refusalOf(fault)
      if (refusal) throw refusal
      if (!method || request.method !== 'POST') throw new TwirpError('bad_route', `no handler for path "${path}"`)
      const json = parsed(request.body)
      const room = text(json, 'room') || text(json, 'room_name')
      if (!method.grants.every(grant => hasGrant(token.claims, grant, room))) {
        throw new TwirpError('unauthenticated', 'permissions denied')
      }
      const result = await method.run(json)
      return fault === 'lost' ? 'hang' : reply(200, 'application/json', JSON.stringify(result))
    } catch (error) {
      const { status, code, message, meta } = error instanceof TwirpError ? error : internalError()
      return reply(status, 'application/json', JSON.stringify({ code, msg: message, ...(meta && { meta }) }))
    }
  }

  return await options.network.serve({ host: options.host, port: options.port }, handle)
}

const internalError = () => new TwirpError('internal', 'twirp error unknown: internal error')

function refusalOf (fault: ApiFault): TwirpError | undefined {
  switch (fault) {
    case 'fail':
      return internalError()
    case 'not-found':
      return new TwirpError('not_found', 'twirp error unknown: requested room does not exist')
    case 'no-object':
      return new TwirpError('internal', 'twirp error unknown: could not find object')
    case 'no-server':
      return noServer()
    case 'exhausted':
      return new TwirpError('unavailable', 'twirp error unknown: cpu exhausted')
    default:
      return undefined
  }
}

function parsed (body: string): Json {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    json = undefined
  }
  if (!isJson(json)) throw new TwirpError('malformed', 'the json request could not be decoded')
  return json
}
