import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'

/** Where the operator API of a running bridge is. */
export interface OperatorApi {
  base: string
  token: string
  fetch?: typeof fetch
  /** Ends a request that is under way. */
  signal?: AbortSignal
}

/** The bridge cannot be asked, or refuses. The message says why and what to do. */
export class ApiError extends Error {}

const TIMEOUT_MS = 10_000
const ELSEWHERE =
  'Operator routes are often not published: try --url with an internal address, such as http://127.0.0.1:3000'

/** A reply that is no success, as the bridge explains it. */
export class RefusedError extends ApiError {
  readonly code: string
  readonly retryAfterS: number | undefined
  /** Id of the order, where the call may have been placed. */
  readonly callSid: string | undefined
  constructor (message: string, { code = '', callSid }: ErrorBody, retryAfterS: number | undefined) {
    super(message)
    this.code = code
    this.callSid = callSid
    this.retryAfterS = retryAfterS
  }
}

/** createCall may wait for its turn, and for Jambonz. */
const POST_TIMEOUT_MS = 90_000

/**
 * Sends JSON to a running bridge.
 * @throws {RefusedError} when the bridge says no
 * @throws {ApiError} when nothing usable comes back
 */
export async function post<T> (
  path: string,
  body: unknown,
  api: OperatorApi,
  headers: Record<string, string> = {}
): Promise<T> {
  const reply = await request(path, api, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body)
  })
  const answer = await reply.json().catch(() => undefined) as (T & ErrorBody) | undefined
  if (reply.ok && answer !== undefined) return cleanDeep(answer)
  if (answer?.code?.startsWith('BRIDGE_') && reply.status !== 401) {
    const retryAfter = Number(reply.headers.get('retry-after'))
    throw new RefusedError(cleanText(answer.message ?? ''), cleanDeep(answer), retryAfter > 0 ? retryAfter : undefined)
  }
  throw new ApiError(whyRefused(reply, answer, api.base))
}

/**
 * Asks a running bridge.
 * @throws {ApiError} when nothing usable comes back
 */
export async function get<T> (path: string, api: OperatorApi): Promise<T> {
  const reply = await request(path, api)
  const body = await reply.json().catch(() => undefined) as (T & ErrorBody) | undefined
  // Callers and agents chose some of this text, and it is printed as JSON as well.
  if (reply.ok && body !== undefined) return cleanDeep(body)
  throw new ApiError(whyRefused(reply, body, api.base))
}

export const notABridge = (base: string): ApiError =>
  new ApiError(`The server at ${base} is not a bridge. ${ELSEWHERE}`)

interface ErrorBody {
  code?: string
  message?: string
  callSid?: string
}

interface Sent {
  method: 'POST'
  headers: Record<string, string>
  body: string
}

async function request (
  path: string,
  { base, token, signal, fetch: fetchIt = fetch }: OperatorApi,
  sent?: Sent
): Promise<Response> {
  const timeoutMs = sent ? POST_TIMEOUT_MS : TIMEOUT_MS
  const timeout = AbortSignal.timeout(timeoutMs)
  try {
    return await fetchIt(base + path, {
      ...sent,
      headers: { authorization: `Bearer ${token}`, accept: 'application/json', ...sent?.headers },
      redirect: 'error',
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout
    })
  } catch (error) {
    throw new ApiError(`No bridge answers at ${base} (${reasonOf(error, timeoutMs)}). Is it running? ${ELSEWHERE}`)
  }
}

function whyRefused (reply: Response, body: ErrorBody | undefined, base: string): string {
  const { status } = reply
  if (status === 401 && body?.code === 'BRIDGE_UNAUTHORIZED') {
    return 'The bridge refused OPERATOR_TOKEN: it runs with another token'
  }
  if (status === 401 || status === 403) {
    return `The server at ${base} refuses (${status}). It is not a bridge, or it stands in front of one. ${ELSEWHERE}`
  }
  if (status === 404 && body?.code === 'BRIDGE_CALL_NOT_FOUND') {
    return 'The bridge does not know this call. Ended calls can be looked at for CALL_RETENTION_S and ' +
      'CALL_HISTORY_S. For older calls use bridge explain with what Jambonz or a capture has'
  }
  if (reply.ok || (status === 404 && !body?.code?.startsWith('BRIDGE_'))) {
    return `The server at ${base} has no operator API. ${ELSEWHERE}`
  }
  return `The bridge answered ${status}${body?.message === undefined ? '' : `: ${cleanText(body.message)}`}`
}

function reasonOf (error: unknown, timeoutMs: number): string {
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return name === 'TimeoutError' ? `no answer within ${timeoutMs / 1000} s` : cause?.code ?? 'connection failed'
}
