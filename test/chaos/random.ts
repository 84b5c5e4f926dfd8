/** Random numbers that are the same for the same seed. */
export interface Random {
  /** In [0, 1). */
  next(): number
  chance(probability: number): boolean
  /** A whole number from `low` up to and with `high`. */
  between(low: number, high: number): number
  pick<T>(items: readonly T[]): T
}

/** A generator (mulberry32) of its own for a seed and whatever it is for. */
export function createRandom (seed: number, ...purpose: Array<string | number>): Random {
  let state = hash(`${seed}/${purpose.join('/')}`)
  const random: Random = {
    next () {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
    },
    chance: probability => random.next() < probability,
    between: (low, high) => low + Math.floor(random.next() * (high - low + 1)),
    pick: items => items[Math.floor(random.next() * items.length)]!
  }
  return random
}

/** FNV-1a. */
export function hash (text: string, start = 0x811c9dc5): number {
  let value = start
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
