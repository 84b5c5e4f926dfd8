import type { Clock } from '../../src/clock.ts'

/**
 * What was recorded of a room that is not there yet. It happens as much later as the room is made later than the
 * recorder made it.
 */
export class HeldEvents {
  readonly #clock: Clock
  #held: Array<{ at: number, run: () => void }> = []

  constructor (clock: Clock) {
    this.#clock = clock
  }

  hold (run: () => void): void {
    this.#held.push({ at: this.#clock.now(), run })
  }

  /** The room is made. */
  release (): void {
    const held = this.#held
    this.#held = []
    const first = held[0]?.at ?? 0
    for (const { at, run } of held) this.#clock.schedule(at - first + 1, run)
  }
}
