/** Where time comes from. Everything that waits or reads the time takes a clock, so that tests can move it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `fn` once after `ms` milliseconds. The returned function cancels that. Does not keep the process alive. */
  schedule(ms: number, fn: () => void): () => void
}

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule (ms, fn) {
    const timer = setTimeout(fn, ms)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

/** Rejects with `error()` when `work` takes longer than `ms`; the work itself goes on. */
export async function within<T> (clock: Clock, ms: number, work: Promise<T>, error: () => Error): Promise<T> {
  let cancel = () => {}
  const late = new Promise<never>((_resolve, reject) => {
    cancel = clock.schedule(ms, () => reject(error()))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    cancel()
  }
}
