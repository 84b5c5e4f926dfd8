/** A map of at most `capacity` entries. When it is full, the entry that was used least recently is evicted. */
export class LruMap<K, V> {
  readonly #entries = new Map<K, V>()
  readonly #capacity: number
  readonly #onEvict: (key: K, value: V) => void

  /** @param onEvict is called with every entry that is evicted, and with none that is deleted */
  constructor (capacity: number, onEvict: (key: K, value: V) => void = () => {}) {
    this.#capacity = capacity
    this.#onEvict = onEvict
  }

  get size (): number {
    return this.#entries.size
  }

  /** Does not count as a use. */
  has (key: K): boolean {
    return this.#entries.has(key)
  }

  get (key: K): V | undefined {
    const value = this.#entries.get(key)
    if (value === undefined) return undefined

    // A Map keeps its entries in the order in which they were inserted: the entry becomes the newest.
    this.#entries.delete(key)
    this.#entries.set(key, value)
    return value
  }

  set (key: K, value: V): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    if (this.#entries.size > this.#capacity) this.#evictOldest()
  }

  delete (key: K): boolean {
    return this.#entries.delete(key)
  }

  #evictOldest (): void {
    const [oldest] = this.#entries
    if (!oldest) return

    this.#entries.delete(oldest[0])
    this.#onEvict(...oldest)
  }
}
