import type { RedisConnection } from './redis-client.ts'
import { ENTRIES_AT_ONCE } from './redis-pages.ts'
import type { Scripts } from './redis-scripts.ts'

/** Removes entries whose record is gone. A few at a time, because there may be millions. */
export class RedisSweep {
  readonly #connection: RedisConnection
  readonly #scripts: Scripts
  readonly #keys: { entries: string, record: string }
  /** The last entry that was looked at; undefined: there is nothing to remove. */
  #sweptTo: string | undefined

  constructor (connection: RedisConnection, scripts: Scripts, keys: { entries: string, record: string }) {
    this.#connection = connection
    this.#scripts = scripts
    this.#keys = keys
  }

  /** An entry without a record was seen: there may be more. */
  start (): void {
    this.#sweptTo ??= ''
  }

  async step (): Promise<void> {
    if (this.#sweptTo === undefined) return

    const { entries, record } = this.#keys
    const reply = await this.#connection.ask(
      this.#scripts.bridgeSweep(entries, record, this.#sweptTo, ENTRIES_AT_ONCE)
    )
    this.#sweptTo = reply || undefined
  }
}
