import { WARM_TIMES } from './times.ts'

/** Pauses after failures, each twice as long as the one before. The first success ends them. */
export class Backoff {
  #pauseMs = 0
  #until = -Infinity
  #failures = 0
  #failedAt = -Infinity

  get failing (): boolean {
    return this.#failures > 0
  }

  /** Failures since the last success. Those that count together are one. */
  get failures (): number {
    return this.#failures
  }

  /** When the last one of them was noticed, milliseconds since the epoch. */
  get failedAt (): number {
    return this.#failedAt
  }

  /** Whether it is too early for the next try. */
  pauses (now: number): boolean {
    return now < this.#until
  }

  /** @param begunAt when the try began that failed. Those that had begun before the pause count once, together */
  failed (begunAt: number, now: number): void {
    if (begunAt < this.#until) return

    this.#pauseMs = this.#pauseMs === 0
      ? WARM_TIMES.firstPause
      : Math.min(this.#pauseMs * 2, WARM_TIMES.longestPause)
    this.#failures++
    this.#failedAt = now
    this.#until = now + this.#pauseMs
  }

  worked (): void {
    this.#pauseMs = 0
    this.#failures = 0
    this.#until = -Infinity
  }
}
