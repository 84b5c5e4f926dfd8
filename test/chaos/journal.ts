/** What happened in a world, by call, so that a broken rule can be explained. */
export interface Journal {
  /** @param n the call; undefined: nobody knows whose it is */
  note(n: number | undefined, what: string): void
  linesOf(n: number): string[]
}

/** @param seconds since the beginning */
export function createJournal (seconds: () => number): Journal {
  const lines = new Map<number, string[]>()
  return {
    note (n, what) {
      if (n === undefined) return
      const own = lines.get(n) ?? []
      lines.set(n, own)
      own.push(`${seconds().toFixed(3).padStart(9)}  ${what}`)
    },
    linesOf: n => lines.get(n) ?? []
  }
}
