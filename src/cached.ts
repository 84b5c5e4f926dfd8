import type { Clock } from './clock.ts'

/**
 * A value that is read again when it is old. Whoever asks meanwhile shares the reading. When that fails, the old value
 * is good enough.
 */
export class Cached<T> {
  readonly #clock: Clock
  readonly #read: () => Promise<{ value: T, believedMs: number }>
  #known: { value: T, until: number } | undefined
  #reading: Promise<T> | undefined

  /** @param read resolves to the value, and how long it is believed, milliseconds */
  constructor (clock: Clock, read: () => Promise<{ value: T, believedMs: number }>) {
    this.#clock = clock
    this.#read = read
  }

  /** The value is read again when it is asked for. */
  forget (): void {
    this.#known = undefined
  }

  /** @throws what `read` throws, when there is no old value */
  get (): Promise<T> {
    if (this.#known && this.#known.until > this.#clock.now()) return Promise.resolve(this.#known.value)
    this.#reading ??= this.#readAgain().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  async #readAgain (): Promise<T> {
    try {
      const { value, believedMs } = await this.#read()
      this.#known = { value, until: this.#clock.now() + believedMs }
      return value
    } catch (error) {
      if (!this.#known) throw error
      return this.#known.value
    }
  }
}
