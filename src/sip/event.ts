/** A source of events that loses none: events before the first listener are buffered for it. */
export interface EventSource<T> {
  emit(value: T): void
  on(listener: (value: T) => void): void
}

/** Creates an event source. Later listeners receive only the events that follow. */
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
      const buffered = early
      early = []
      for (const value of buffered) listener(value)
    }
  }
}
