import { Agent, request } from 'undici'

export interface Reply {
  status: number
  body: string
  /** Where a redirection leads. */
  location: string | undefined
  /** The other side's clock, milliseconds since the epoch. */
  date: number | undefined
  ms: number
}
/** There was no reply; `code` says why, as undici and the system name it. */
export interface Silence {
  code: string
  message: string
}

export interface HookClient {
  ask(
    method: 'GET' | 'OPTIONS' | 'POST',
    url: string,
    options?: { headers?: Record<string, string>, body?: string }
  ): Promise<Reply | Silence>
  close(): Promise<void>
}

/** For connecting, and for each part of the reply, milliseconds. */
const TIMEOUT_MS = 5000
/** Somebody else's page may be large. */
const MAX_BODY = 256 * 1024

/** Asks as Jambonz does: HTTP/1.1, and no redirection is followed. Never rejects. */
export function createHookClient (signal: AbortSignal): HookClient {
  const dispatcher = new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: MAX_BODY
  })
  return {
    async ask (method, url, { headers = {}, body } = {}) {
      const began = performance.now()
      try {
        const reply = await request(url, {
          method,
          headers: { 'user-agent': 'jambonz-livekit-bridge doctor', ...headers },
          ...(body !== undefined && { body }),
          dispatcher,
          signal
        })
        const text = await reply.body.text()
        const named = (name: string) => {
          const value = reply.headers[name]
          return Array.isArray(value) ? value[0] : value
        }
        const date = Date.parse(named('date') ?? '')
        return {
          status: reply.statusCode,
          body: text,
          location: named('location'),
          date: Number.isFinite(date) ? date : undefined,
          ms: Math.round(performance.now() - began)
        }
      } catch (error) {
        const { code, message = '' } = error as { code?: unknown, message?: string }
        return { code: typeof code === 'string' ? code : '', message }
      }
    },
    close: () => dispatcher.destroy()
  }
}

/** A reply's JSON; undefined when it is none. */
export function jsonOf (reply: Reply | Silence): unknown {
  if (!('status' in reply)) return undefined
  try {
    return JSON.parse(reply.body) as unknown
  } catch {
    return undefined
  }
}

/** The bridge's own code of an error reply, as `BRIDGE_NO_ROUTE`; undefined when it is not the bridge who answers. */
export function bridgeCode (reply: Reply | Silence): string | undefined {
  const code = (jsonOf(reply) as { code?: unknown } | null | undefined)?.code
  return typeof code === 'string' && code.startsWith('BRIDGE_') ? code : undefined
}
