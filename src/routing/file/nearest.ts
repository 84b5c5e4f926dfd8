/** Finds the word that was probably meant; undefined when none is close. */
export function nearest (word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  // Longer words may have more mistakes.
  const most = Math.max(1, Math.floor(Math.min(word.length, 40) / 3))
  let best: string | undefined
  let fewest = most + 1
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue
    const edits = editsBetween(lower, candidate.toLowerCase())
    if (edits >= fewest) continue
    fewest = edits
    best = candidate
  }
  return best
}

/** How many letters differ, where swapping two neighbours counts as one (optimal string alignment). */
function editsBetween (a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let edits = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) edits = Math.min(edits, before[j - 2]! + 1)
      next.push(edits)
    }
    before = row
    row = next
  }
  return row[b.length]!
}
