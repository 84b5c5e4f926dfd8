/** A listener slot that loses nothing: what is emitted before the first listener comes is kept for it. */
export interface EventSource<T> {
  emit(value: T): void
  on(listener: (value: T) => void): void
}

/** An event source; later listeners get only what follows. */
export function createEvent<T> (): EventSource<T> {
  const listeners: Array<(value: T) => void> = []
  let early: T[] = []
  return {
    emit (value) {
      if (listeners.length === 0) early.push(value)
      for (const listener of listeners) listener(value)
    },
    on (listener) {
      listeners.push(listener)
      const kept = early
      early = []
      for (const value of kept) listener(value)
    }
  }
}
