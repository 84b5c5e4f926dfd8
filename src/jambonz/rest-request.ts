import { Pool, type Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { restBase, type JambonzAccess } from './api.ts'

/** One request to Jambonz' REST API. */
export interface RestRequest {
  method: 'GET' | 'POST' | 'PUT'
  /** Behind the version, with `/`. */
  path: string
  /** Is sent as JSON. */
  body?: object
  /** For the whole request, milliseconds. */
  timeoutMs: number
}

export interface RestAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** There is no answer of Jambonz. */
export class NoAnswerError extends Error {
  /** The request may have reached Jambonz. Otherwise not a byte of it was written. */
  readonly left: boolean
  /** The system's or undici's code, such as ECONNREFUSED; `timeout` when it took too long. */
  readonly code: string
  constructor (left: boolean, code: string) {
    super(`Jambonz gave no answer: ${code}`)
    this.name = 'NoAnswerError'
    this.left = left
    this.code = code
  }
}

/** Sends requests. */
export interface RestSender {
  /**
   * Sends a request once. It follows no redirect, and nothing sends the request a second time.
   * @throws {NoAnswerError}
   */
  send(request: RestRequest): Promise<RestAnswer>
  /** Waits for the requests under way. */
  close(): Promise<void>
}

/** Longest answer that is read, bytes. A list of some thousand calls has that. */
const LONGEST_ANSWER = 8 * 1024 * 1024

/**
 * Makes the sender of an account's requests.
 * @param connections the most connections at the same time
 */
export function createRestSender (access: JambonzAccess, clock: Clock, connections: number): RestSender {
  const { origin, pathname } = new URL(restBase(access.baseUrl))
  // One request at a time on each connection: a reset then concerns that request alone. Idle connections are closed
  // after 4 s, before any proxy closes them under a request.
  const pool = new Pool(origin, { connections, pipelining: 1 })

  return {
    send ({ method, path, body, timeoutMs }) {
      return new Promise((resolve, reject) => {
        const exchange = new Exchange(resolve, reject)
        exchange.onSettled(clock.schedule(timeoutMs, () => exchange.fail('timeout')))
        pool.dispatch({
          method,
          path: pathname + path,
          headers: {
            authorization: `Bearer ${access.apiKey}`,
            accept: 'application/json',
            ...(body && { 'content-type': 'application/json' })
          },
          body: body ? JSON.stringify(body) : null,
          // The clock watches over the time.
          headersTimeout: 0,
          bodyTimeout: 0
        }, exchange)
      })
    },
    close: () => pool.close()
  }
}

/**
 * Reads one answer, and notes whether the request left. undici's own `request` does not tell a connection that was
 * never made from one that was reset; its fetch sends a POST again after a 421.
 */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #resolve: (answer: RestAnswer) => void
  readonly #reject: (error: Error) => void
  readonly #chunks: Buffer[] = []
  #cancelTimer = () => {}
  #controller: Dispatcher.DispatchController | undefined
  #status = 0
  #headers: RestAnswer['headers'] = {}
  #size = 0
  #isSettled = false

  constructor (resolve: (answer: RestAnswer) => void, reject: (error: Error) => void) {
    this.#resolve = resolve
    this.#reject = reject
  }

  onSettled (cancelTimer: () => void): void {
    this.#cancelTimer = cancelTimer
  }

  fail (code: string): void {
    if (!this.#settle()) return
    this.#reject(new NoAnswerError(this.#controller !== undefined, code))
    this.#controller?.abort(new Error(code))
  }

  /** undici calls this when it has a connection, right before it writes the request. */
  onRequestStart (controller: Dispatcher.DispatchController): void {
    if (this.#isSettled) controller.abort(new Error('nobody waits any more'))
    else this.#controller = controller
  }

  onResponseStart (_controller: unknown, status: number, headers: RestAnswer['headers']): void {
    this.#status = status
    this.#headers = headers
  }

  onResponseData (_controller: unknown, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > LONGEST_ANSWER) this.fail('answer-too-long')
    else this.#chunks.push(chunk)
  }

  onResponseEnd (): void {
    if (!this.#settle()) return
    this.#resolve({ status: this.#status, headers: this.#headers, text: Buffer.concat(this.#chunks).toString() })
  }

  onResponseError (_controller: unknown, error: Error): void {
    this.fail(codeOf(error))
  }

  #settle (): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    this.#cancelTimer()
    return true
  }
}

function codeOf (error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' && /^[A-Z0-9_]{1,60}$/.test(code) ? code : 'failed'
}
