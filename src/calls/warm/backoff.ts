import { WARM_TIMES } from './times.ts'

/** Pauses after failures, each twice as long as the one before. The first success ends them. */
export class Backoff {
  #pauseMs = 0
  #until = -Infinity

  get failing (): boolean {
    return this.#pauseMs > 0
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
    this.#until = now + this.#pauseMs
  }

  worked (): void {
    this.#pauseMs = 0
    this.#until = -Infinity
  }
}
