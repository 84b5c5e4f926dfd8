import { within, type Clock } from '../clock.ts'

/**
 * What became of a request: its value, its error, `timeout` when nobody waits for it any more, or `skipped` when it was
 * not sent because too many were under way already.
 */
export type Result<T> =
  | { kind: 'done', value: T }
  | { kind: 'failed', error: unknown }
  | { kind: 'timeout' }
  | { kind: 'skipped' }

export interface BoundedRequest<T, Outcome> {
  /** Everybody who asks for the same key shares the request. */
  key: string
  send(): Promise<T>
  /** How long to wait, milliseconds. The request itself goes on. */
  timeoutMs: number
  /** What the result means to those who asked. */
  outcome(result: Result<T>): Outcome
  /** Is called when a request that nobody waits for any more has settled. */
  onLate?(): void
}

/**
 * The most requests under way at the same time. More would not help a server that is too slow for these: the calls go
 * on without.
 */
const MOST_AT_ONCE = 200

class TimeoutError extends Error {}

/** Requests of one kind that calls wait for: each once, in bounded time, and a bounded number at a time. */
export class BoundedRequests<T, Outcome> {
  readonly #clock: Clock
  readonly #shared = new Map<string, Promise<Outcome>>()
  #underWay = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Sends a request, unless the same one was sent before and was not {@link forget forgotten}. Never rejects. */
  send (request: BoundedRequest<T, Outcome>): Promise<Outcome> {
    const known = this.#shared.get(request.key)
    if (known) return known

    const outcome = this.#start(request).then(request.outcome)
    this.#shared.set(request.key, outcome)
    return outcome
  }

  forget (key: string): void {
    this.#shared.delete(key)
  }

  async #start ({ send, timeoutMs, onLate }: BoundedRequest<T, Outcome>): Promise<Result<T>> {
    if (this.#underWay >= MOST_AT_ONCE) return { kind: 'skipped' }

    this.#underWay++
    const sent = send()
    const result = within(this.#clock, timeoutMs, sent, () => new TimeoutError()).then(
      (value): Result<T> => ({ kind: 'done', value }),
      (error: unknown): Result<T> => error instanceof TimeoutError ? { kind: 'timeout' } : { kind: 'failed', error }
    )
    const settle = async () => {
      this.#underWay--
      if ((await result).kind === 'timeout') onLate?.()
    }
    sent.then(settle, settle)
    return result
  }
}
