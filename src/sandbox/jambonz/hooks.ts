import type { Clock } from '../../clock.ts'
import type { Network } from '../network.ts'
import { resolveHook, signature } from './payloads.ts'
import type { HookTarget, Payload } from './payloads.ts'

/** A verb's hook: a URL, or a URL with credentials, which Jambonz ignores. */
export type Hook = string | { url: string }

export interface HookReply {
  status: number
  body: unknown
}

export interface HookClientOptions {
  /** URL of the call hook. Relative hooks go to its host. */
  base: string
  secret: string
  /** Credentials that every request of this client carries, whatever its host. */
  basic?: { username: string, password: string }
  clock: Clock
  network: Network
  /** Milliseconds within which the headers of a reply must arrive. */
  timeoutMs: number
  onRequest?: (url: URL, payload: Payload) => void
  onReply?: (url: URL, payload: Payload, reply: HookReply) => void
  onFailure?: (hook: string, error: HookError) => void
}

/** Jambonz's HTTP client for hooks: one connection per host, one request at a time. */
export interface HookClient {
  /** Scheme, host and port of the call hook. */
  readonly origin: string
  /**
   * Posts a payload. Resolves with the parsed JSON of the reply, or with `''` when its content type is not JSON.
   *
   * @throws {HookError} when the status is not 200, 202 or 204, and when the reply is late or never arrives
   */
  post(hook: Hook, payload: Payload): Promise<unknown>
  close(): Promise<void>
}

/** A hook failed. `status` is the status of the reply, if there was one. */
export class HookError extends Error {
  status: number | undefined
  constructor (message: string, status?: number, cause?: unknown) {
    super(message, { cause })
    this.name = 'HookError'
    this.status = status
  }
}

const RETRY_DELAYS_MS = [500, 1000, 2000, 4000, 4000]

/**
 * Each client sends the hooks of one call over one connection. Jambonz has a second client for status events, which is
 * why `/action` and `/status` can overtake each other (feature-server http-requestor).
 */
export function createHookClient (options: HookClientOptions): HookClient {
  const { clock, timeoutMs } = options
  const base = new URL(options.base)
  const client = options.network.client({ timeoutMs, connections: 1 })

  async function attempt (target: HookTarget, body: string, sign: string): Promise<HookReply> {
    const reply = await client.send({
      method: 'POST',
      url: target.url.href,
      headers: {
        'jambonz-signature': sign,
        ...options.basic && {
          authorization: 'Basic ' +
            Buffer.from(`${options.basic.username}:${options.basic.password}`).toString('base64')
        },
        'user-agent': 'jambonz',
        'content-type': 'application/json'
      },
      body
    })
    if (![200, 202, 204].includes(reply.status)) {
      throw new HookError('Unexpected HTTP Response', reply.status)
    }
    const json = (reply.headers['content-type'] ?? '').includes('application/json')
    try {
      return { status: reply.status, body: json ? JSON.parse(reply.body) : '' }
    } catch (error) {
      throw new HookError((error as Error).message, reply.status, error)
    }
  }

  async function post (hook: Hook, payload: Payload): Promise<unknown> {
    const address = typeof hook === 'string' ? hook : hook.url
    try {
      const target = resolveHook(address, base)
      const body = JSON.stringify(payload)
      // Every attempt of one hook carries the same signature.
      const sign = signature(options.secret, Math.floor(clock.now() / 1000), body)
      for (let retries = 0; ; retries++) {
        try {
          options.onRequest?.(target.url, payload)
          const reply = await attempt(target, body, sign)
          options.onReply?.(target.url, payload, reply)
          return reply.body
        } catch (error) {
          if (error instanceof HookError) {
            options.onReply?.(target.url, payload, { status: error.status ?? 0, body: '' })
          }
          if (retries >= target.retries || !retryable(error, target.on)) throw error
          await new Promise<void>(resolve => {
            clock.schedule(RETRY_DELAYS_MS[retries] ?? 4000, resolve)
          })
        }
      }
    } catch (error) {
      const failure = error instanceof HookError ? error : new HookError((error as Error).message, undefined, error)
      options.onFailure?.(address, failure)
      throw failure
    }
  }

  return {
    origin: base.origin,
    post,
    close: () => client.close()
  }
}

/**
 * Whether a retry rule covers a failure. Jambonz compares error names that its HTTP client never reports for a late
 * reply, so `rt` never matches. `ct` misses a connection that the other side closed. Only `all` covers both.
 */
function retryable (error: unknown, on: Set<string>): boolean {
  if (on.has('all')) return true
  if (error instanceof HookError && error.status !== undefined) {
    return (on.has('4xx') && error.status >= 400 && error.status < 500) || (on.has('5xx') && error.status >= 500)
  }
  const code = (error as NodeJS.ErrnoException).code
  return on.has('ct') && (code === 'ECONNREFUSED' || code === 'ECONNRESET' || code === 'UND_ERR_CONNECT_TIMEOUT')
}

/** Sends the status events of both legs of one call. Each event waits for the reply to the one before. */
export interface StatusQueue {
  send(payload: Payload): void
  /** Sends nothing more until `released` resolves. */
  hold(released: Promise<void>): void
  /** Resolves when every event sent so far was answered or has failed. */
  idle(): Promise<void>
}

export function createStatusQueue (client: HookClient, hook: () => Hook | undefined): StatusQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    send (payload) {
      last = last.then(async () => {
        const target = hook()
        if (target === undefined) return
        // In Jambonz a failed status event raises an alert and has no other effect.
        await client.post(target, payload).catch(() => {})
      })
    },
    hold (released) {
      last = last.then(() => released)
    },
    async idle () {
      await last
    }
  }
}
