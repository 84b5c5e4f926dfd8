import { Pool } from 'undici'
import { roundOf, type Round } from './stats.ts'

/** A request, ready to be sent: signing it must not take time while something is measured. */
export interface Shot {
  method?: 'GET' | 'POST'
  path: string
  headers: Record<string, string>
  body?: string
  /** Whether the reply is what it should be. */
  isRight(status: number, text: string): boolean
}

/**
 * `kept`: connections are used again, as an ingress in front of the bridge does; `new`: one for each request, as
 * Jambonz itself does.
 */
export type Connections = 'kept' | 'new'

export interface Load {
  /**
   * Requests at random times (Poisson), whether or not earlier ones are answered. Time counts from when a request was
   * due.
   */
  open(shots: Shot[], perSecond: number, random: () => number): Promise<Round>
  /** As fast as replies come, with so many on their way at once. */
  closed(shots: Shot[], atOnce: number): Promise<Round>
  close(): Promise<void>
}

const TIMEOUT_MS = 20_000

export function createLoad (url: string, connections: Connections): Load {
  const pool = new Pool(url, {
    pipelining: 1,
    keepAliveTimeout: 60_000,
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS
  })

  async function send ({ method = 'POST', path, headers, body, isRight }: Shot): Promise<boolean> {
    try {
      const reply = await pool.request({ method, path, headers, body, reset: connections === 'new' })
      return isRight(reply.statusCode, await reply.body.text())
    } catch {
      return false
    }
  }

  return {
    async open (shots, perSecond, random) {
      const ms: number[] = []
      const sent: Array<Promise<void>> = []
      let wrong = 0
      let due = performance.now()
      const started = due
      for (const shot of shots) {
        const wait = due - performance.now()
        if (wait > 0) await new Promise(resolve => setTimeout(resolve, wait))
        const since = due
        sent.push(
          send(shot).then(right => {
            ms.push(performance.now() - since)
            if (!right) wrong++
          })
        )
        due += -Math.log(1 - random()) * 1000 / perSecond
      }
      await Promise.all(sent)
      return roundOf(ms, wrong, (performance.now() - started) / 1000)
    },
    async closed (shots, atOnce) {
      const ms: number[] = []
      const queue = shots.values()
      let wrong = 0
      const started = performance.now()
      await Promise.all(Array.from({ length: atOnce }, async () => {
        // All take from the one queue.
        for (const shot of queue) {
          const since = performance.now()
          if (!await send(shot)) wrong++
          ms.push(performance.now() - since)
        }
      }))
      return roundOf(ms, wrong, (performance.now() - started) / 1000)
    },
    close: () => pool.destroy()
  }
}
