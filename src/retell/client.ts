import { request } from 'undici'
import type { Attempt, Call } from '../calls/fold/call.ts'
import { RegistrationError, type Registrar, type RegistrationFailure } from '../calls/ports.ts'
import { systemClock, type Clock } from '../clock.ts'
import { registrationRequest } from './registration-request.ts'

export interface RetellClientOptions {
  /** URL of Retell's API, without the path. */
  baseUrl: string
  /** A registration is given up after this, milliseconds. */
  timeoutMs: number
  /** Returns the value of an environment variable that a way names; undefined when it is empty or unset. */
  secretOf: (name: string) => string | undefined
  clock?: Clock
  /** Called after every registration with its outcome and duration in seconds. */
  observe?: (outcome: 'ok' | RegistrationFailure, seconds: number) => void
}

/** Registers calls over Retell's API (docs.retellai.com, "Register Phone Call"). */
export function createRetellClient (options: RetellClientOptions): Registrar {
  const { timeoutMs, secretOf, clock = systemClock, observe = () => {} } = options
  const url = `${options.baseUrl.replace(/\/+$/, '')}/v2/register-phone-call`

  async function registered (call: Call, attempt: Attempt): Promise<string> {
    const { way } = attempt
    if (way.strategy !== 'retell') throw new TypeError('only an attempt of way retell is registered')
    const key = usableKey(secretOf(way.key))
    const late = new AbortController()
    const cancel = clock.schedule(timeoutMs, () => late.abort())
    try {
      return callIdOf(await ask(url, key, registrationRequest(call, attempt.n, way), late.signal))
    } finally {
      cancel()
    }
  }

  return {
    async register (call, attempt) {
      const begun = performance.now()
      const note = (outcome: 'ok' | RegistrationFailure) => observe(outcome, (performance.now() - begun) / 1000)
      try {
        const callId = await registered(call, attempt)
        note('ok')
        return callId
      } catch (error) {
        if (error instanceof RegistrationError) note(error.failure)
        throw error
      }
    }
  }
}

/** A key that is read from a file often ends with a line break. In a header that would fail the request. */
function usableKey (value: string | undefined): string {
  const key = value?.trim()
  if (!key) throw new RegistrationError('key-missing')
  if (!/^[\x21-\x7e]+$/.test(key)) throw new RegistrationError('key-unusable')

  return key
}

/** Longest answer that is read, bytes. Retell's have some hundred. */
const LONGEST_ANSWER = 64 * 1024

/**
 * Sends one registration. The caller waits for it, so it goes through undici's `request`, as createRoom does, which
 * costs less than fetch. It follows no redirect, which would take the key to another host.
 * @returns the answer's text; undefined when it is too long
 * @throws RegistrationError when there is no answer, or another one than 201
 */
async function ask (url: string, key: string, body: object, signal: AbortSignal): Promise<string | undefined> {
  try {
    const reply = await request(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
      signal
    })
    if (reply.statusCode === 201) return await readAnswer(reply.body)

    // Reading it to its end keeps the connection for the next registration. What it says is not looked at.
    await reply.body.dump({ limit: LONGEST_ANSWER }).catch(() => {})
    throw new RegistrationError(failureOfStatus(reply.statusCode), `HTTP ${reply.statusCode}`)
  } catch (error) {
    if (error instanceof RegistrationError) throw error
    if (signal.aborted) throw new RegistrationError('timeout')
    throw new RegistrationError('unreachable', codeOf(error))
  }
}

async function readAnswer (body: AsyncIterable<Buffer>): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > LONGEST_ANSWER) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/**
 * Retell's statuses (docs.retellai.com, "Register Phone Call"). It answers 404 or 422 when the key's workspace has no
 * such agent, or no such version of it.
 */
function failureOfStatus (status: number): RegistrationFailure {
  if (status === 401 || status === 403) return 'key-refused'
  if (status === 402) return 'no-balance'
  if (status === 404 || status === 422) return 'no-agent'
  if (status === 429) return 'too-many'
  // 408 may pass by itself, like a server's own failure.
  if (status >= 500 || status === 408) return 'failed'
  if (status >= 400) return 'refused'

  return 'bad-answer'
}

/**
 * The form of a call_id. It becomes the user of a SIP URI, so nothing else than letters, digits, `_` and `-` may be in
 * it. Known ones are `call_` and 27 hexadecimal digits, or 32 letters and digits.
 */
const CALL_ID = /^[A-Za-z0-9_-]{8,128}$/

function callIdOf (answer: string | undefined): string {
  if (answer === undefined) throw new RegistrationError('bad-answer', 'too long')
  const callId = fieldOf(answer, 'call_id')
  if (typeof callId !== 'string' || !CALL_ID.test(callId)) {
    throw new RegistrationError('bad-answer', 'no usable call_id')
  }
  return callId
}

function fieldOf (text: string, name: string): unknown {
  try {
    const answer: unknown = JSON.parse(text)
    return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>)[name] : undefined
  } catch {
    return undefined
  }
}

/** The system's or undici's code of an error, such as ECONNREFUSED. */
function codeOf (error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown }
  return typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : ''
}
