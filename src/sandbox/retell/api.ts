import type { Clock } from '../../clock.ts'
import type { HttpReply, HttpRequest, Network, Served } from '../network.ts'
import type { Faults } from '../retell.ts'
import type { Registration, Registrations } from './registrations.ts'

export interface ApiOptions {
  host: string
  port: number
  network: Network
  apiKey: string
  agents: readonly string[]
  registrations: Registrations
  faults: Faults
  clock: Clock
}

/** Serves `POST /v2/register-phone-call`. @throws the system's error when it cannot listen */
export async function serveRegistrations (options: ApiOptions): Promise<{ url: string, close(): Promise<void> }> {
  const { host, port, network, faults, clock } = options

  async function handle (request: HttpRequest): Promise<Served> {
    const { register, latencyMs } = faults
    if (latencyMs > 0) await new Promise<void>(resolve => clock.schedule(latencyMs, resolve))
    if (register === 'hang' || register === 'refuse') return register
    if (register === 'ok') return answer(request, options)

    return { headers: JSON_TYPE, body: JSON.stringify(errorOf(register.status)), ...register }
  }

  return await network.serve({ host, port }, handle)
}

const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' }

/** The status codes that the documentation lists for this request. */
const MESSAGES: Record<number, string> = {
  400: 'The request is not valid.',
  401: 'The API key is missing or wrong.',
  402: 'The trial is over. Add a payment method.',
  404: 'Not found.',
  422: 'No such asset for this API key.',
  429: 'Too many requests.',
  500: 'The server failed.'
}

const errorOf = (status: number) => ({ status: 'error', message: MESSAGES[status] ?? 'Error' })
const refusal = (status: number): HttpReply => ({ status, headers: JSON_TYPE, body: JSON.stringify(errorOf(status)) })

function answer (request: HttpRequest, { apiKey, agents, registrations }: ApiOptions): HttpReply {
  if (request.method !== 'POST' || request.url !== '/v2/register-phone-call') return refusal(404)
  if (request.headers.authorization !== `Bearer ${apiKey}`) return refusal(401)
  const body = parsed(request.body)
  if (!body || !isValid(body)) return refusal(400)
  if (!agents.includes(body.agent_id as string)) return refusal(422)

  return { status: 201, headers: JSON_TYPE, body: JSON.stringify(viewOf(registrations.add(body))) }
}

/** What the documentation says of each property's type. */
function isValid (body: Record<string, unknown>): boolean {
  const { agent_id: agent, agent_version: version, direction, metadata, retell_llm_dynamic_variables: variables } = body
  const texts = [body.from_number, body.to_number].filter(value => value !== undefined)
  return typeof agent === 'string' && agent !== '' &&
    (version === undefined || Number.isInteger(version)) &&
    (direction === undefined || direction === 'inbound' || direction === 'outbound') &&
    texts.every(value => typeof value === 'string') &&
    (metadata === undefined || isObject(metadata)) &&
    (variables === undefined || (isObject(variables) && Object.values(variables).every(v => typeof v === 'string')))
}

function viewOf ({ callId, request }: Registration): Record<string, unknown> {
  return { agent_version: 0, ...request, call_type: 'phone_call', call_id: callId, call_status: 'registered' }
}

function parsed (text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
