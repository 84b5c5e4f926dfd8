/** What one round of requests showed. */
export interface Round {
  requests: number
  /** Replies that were not what they should be. */
  wrong: number
  perSecond: number
  p50: number
  p99: number
}

/** Summary of one round. @param ms how long each request took */
export function roundOf (ms: number[], wrong: number, seconds: number): Round {
  const sorted = Float64Array.from(ms).sort()
  return {
    requests: ms.length,
    wrong,
    perSecond: ms.length / seconds,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99)
  }
}

const percentile = (sorted: Float64Array, share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN

/** The median: one round that something else disturbed does not move it. */
export function median (values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Numbers that look random and are the same in every run (mulberry32): what is compared gets the same arrivals. */
export function createRandom (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6D2B79F5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
