import type { Clock } from '../../clock.ts'
import { webhookToken } from './auth.ts'

/** First pause before a repetition, ms; it doubles up to `MAX_PAUSE`. As LiveKit's notifier: 4 repetitions, 1 s to 30 s. */
const FIRST_PAUSE = 1000
const MAX_PAUSE = 30_000
const REPETITIONS = 4
const REQUEST_TIMEOUT = 10_000

export interface Webhooks {
  /** Sends a body to every URL; those of one room arrive in order. */
  send (room: string, body: string, label: string): void
  /** Resolves when nothing is waiting to be sent. */
  idle (): Promise<void>
  stop (): void
}

/** Delivers webhooks as LiveKit does: signed, ordered by room, repeated on connection errors, 429 and 5xx. */
export function createWebhooks (options: {
  urls: readonly string[]
  apiKey: string
  apiSecret: string
  clock: Clock
  isOff (): boolean
  onSend (label: string): void
}): Webhooks {
  const { clock } = options
  const queues = new Map<string, Promise<void>>()
  const stopping = new AbortController()

  async function post (url: string, body: string): Promise<'done' | 'again'> {
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/webhook+json',
          'user-agent': 'Go-http-client/1.1',
          authorization: webhookToken(body, options.apiKey, options.apiSecret, clock.now())
        },
        body,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(REQUEST_TIMEOUT)])
      })
      await response.arrayBuffer()
      return response.status === 429 || response.status >= 500 ? 'again' : 'done'
    } catch {
      return 'again'
    }
  }

  async function deliver (url: string, body: string, label: string): Promise<void> {
    if (options.isOff() || stopping.signal.aborted) return
    options.onSend(label)
    for (let repetition = 0, pause = FIRST_PAUSE; await post(url, body) === 'again'; repetition++, pause = Math.min(pause * 2, MAX_PAUSE)) {
      if (repetition >= REPETITIONS || stopping.signal.aborted) return
      await new Promise<void>(resolve => {
        const cancel = clock.schedule(pause, resolve)
        stopping.signal.addEventListener('abort', () => { cancel(); resolve() }, { once: true })
      })
      if (stopping.signal.aborted) return
    }
  }

  return {
    send (room, body, label) {
      for (const url of options.urls) {
        const key = `${url} ${room}`
        const queue = (queues.get(key) ?? Promise.resolve()).then(() => deliver(url, body, label))
        queues.set(key, queue)
        queue.finally(() => { if (queues.get(key) === queue) queues.delete(key) }).catch(() => {})
      }
    },
    async idle () {
      while (queues.size > 0) await Promise.all(queues.values())
    },
    stop: () => stopping.abort()
  }
}
