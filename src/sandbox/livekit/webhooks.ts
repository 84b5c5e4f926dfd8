import type { Clock } from '../../clock.ts'
import type { Network } from '../network.ts'
import { webhookToken } from './auth.ts'

/** LiveKit's notifier repeats a webhook 4 times. The pauses double from 1 s to at most 30 s. */
const FIRST_PAUSE_MS = 1000
const MAX_PAUSE_MS = 30_000
const REPETITIONS = 4
const REQUEST_TIMEOUT_MS = 10_000

export interface Webhooks {
  /** Sends a body to every URL. The webhooks of one room arrive in order. */
  send(room: string, body: string, label: string): void
  /** Resolves when every webhook was delivered or given up. */
  idle(): Promise<void>
  stop(): void
}

/**
 * Delivers webhooks as LiveKit does: signed, in order within a room, and repeated after connection errors, 429 and 5xx.
 * A repetition is the same request, with the same id, `createdAt` and token. The later webhooks of its room wait for
 * it. /
 */
export function createWebhooks (options: {
  urls: readonly string[]
  apiKey: string
  apiSecret: string
  clock: Clock
  network: Network
  /** The time for issuing tokens, in milliseconds. */
  tokenTime(): number
  isOff(): boolean
  onSend(label: string): void
}): Webhooks {
  const { clock } = options
  const queues = new Map<string, Promise<void>>()
  const pauses = new Set<() => void>()
  let stopped = false
  const client = options.network.client({ timeoutMs: REQUEST_TIMEOUT_MS })

  /** Whether the receiver accepted the webhook. */
  async function post (url: string, body: string, authorization: string): Promise<boolean> {
    try {
      const { status } = await client.send({
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/webhook+json',
          'user-agent': 'Go-http-client/1.1',
          authorization
        },
        body
      })
      return status !== 429 && status < 500
    } catch {
      return false
    }
  }

  function pause (ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = clock.schedule(ms, end)
      function end () {
        pauses.delete(end)
        cancel()
        resolve()
      }
      pauses.add(end)
    })
  }

  async function deliver (url: string, body: string, label: string): Promise<void> {
    if (options.isOff() || stopped) return
    options.onSend(label)
    const token = webhookToken(body, options.apiKey, options.apiSecret, options.tokenTime())
    let pauseMs = FIRST_PAUSE_MS
    for (let repetition = 0; !await post(url, body, token); repetition++) {
      if (repetition >= REPETITIONS || stopped) return
      await pause(pauseMs)
      if (stopped) return
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)
    }
  }

  return {
    send (room, body, label) {
      for (const url of options.urls) {
        const key = `${url} ${room}`
        const queue = (queues.get(key) ?? Promise.resolve()).then(() => deliver(url, body, label))
        queues.set(key, queue)
        queue.finally(() => {
          if (queues.get(key) === queue) queues.delete(key)
        }).catch(() => {})
      }
    },
    async idle () {
      while (queues.size > 0) await Promise.all(queues.values())
    },
    stop () {
      stopped = true
      for (const end of pauses) end()
      client.close().catch(() => {})
    }
  }
}
