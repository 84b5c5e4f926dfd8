import type { Clock } from '../../clock.ts'
import type { Network } from '../network.ts'
import { webhookToken } from './auth.ts'

/**
 * First pause before a repetition, ms; it doubles up to `MAX_PAUSE`. As LiveKit's notifier: 4 repetitions, 1 s to 30 s.
 */
const FIRST_PAUSE = 1000
const MAX_PAUSE = 30_000
const REPETITIONS = 4
const REQUEST_TIMEOUT = 10_000

export interface Webhooks {
  /** Sends a body to every URL; those of one room arrive in order. */
  send(room: string, body: string, label: string): void
  /** Resolves when nothing is waiting to be sent. */
  idle(): Promise<void>
  stop(): void
}

/** Delivers webhooks as LiveKit does: signed, ordered by room, repeated on connection errors, 429 and 5xx. */
export function createWebhooks (options: {
  urls: readonly string[]
  apiKey: string
  apiSecret: string
  clock: Clock
  network: Network
  /** The time that tokens are stamped with. */
  tokenTime(): number
  isOff(): boolean
  onSend(label: string): void
}): Webhooks {
  const { clock } = options
  const queues = new Map<string, Promise<void>>()
  const pauses = new Set<() => void>()
  let stopped = false
  const client = options.network.client({ timeoutMs: REQUEST_TIMEOUT })

  async function post (url: string, body: string): Promise<'done' | 'again'> {
    try {
      const { status } = await client.send({
        method: 'POST',
        url,
        headers: {
          'content-type': 'application/webhook+json',
          'user-agent': 'Go-http-client/1.1',
          authorization: webhookToken(body, options.apiKey, options.apiSecret, options.tokenTime())
        },
        body
      })
      return status === 429 || status >= 500 ? 'again' : 'done'
    } catch {
      return 'again'
    }
  }

  async function deliver (url: string, body: string, label: string): Promise<void> {
    if (options.isOff() || stopped) return
    options.onSend(label)
    for (
      let repetition = 0, pause = FIRST_PAUSE;
      await post(url, body) === 'again';
      repetition++, pause = Math.min(pause * 2, MAX_PAUSE)
    ) {
      if (repetition >= REPETITIONS || stopped) return
      await new Promise<void>(resolve => {
        const cancel = clock.schedule(pause, end)
        function end () {
          pauses.delete(end)
          cancel()
          resolve()
        }
        pauses.add(end)
      })
      if (stopped) return
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
