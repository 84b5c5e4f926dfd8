import { identifiersOf } from './identifiers.ts'
import { SIP_CALL_LINE } from './knowledge/livekit-sip-words.ts'
import type { Seen } from './seen.ts'

/**
 * Sorts what was seen by calls. Things belong to one call when they share an identifier, directly or by way of others.
 * Things without any identifier are `loose`.
 */
export function groupByCall (all: readonly Seen[]): { calls: Seen[][], loose: Seen[] } {
  const sets = new DisjointSets()
  const identifiers = all.map(identifiersOf)
  for (const own of identifiers) sets.unite(own)

  const calls = new Map<string, Seen[]>()
  const loose: Seen[] = []
  all.forEach((seen, i) => {
    const [first] = identifiers[i]!
    if (first === undefined) {
      loose.push(seen)
      return
    }
    const root = sets.rootOf(first)
    const call = calls.get(root)
    if (call) call.push(seen)
    else calls.set(root, [seen])
  })
  return { calls: [...calls.values()], loose }
}

/** Lines of a call without its ids go to the only call of livekit-sip in their file, where there is only one. */
export function adoptLoose ({ calls, loose }: { calls: Seen[][], loose: Seen[] }): { calls: Seen[][], loose: Seen[] } {
  const isOrphan = (item: Seen): boolean =>
    item.kind === 'log' && item.from === 'livekit-sip' && SIP_CALL_LINE.test(item.text)
  if (!loose.some(isOrphan)) return { calls, loose }

  const inFile = new Map<string, Set<number>>()
  calls.forEach((call, i) => call.forEach(item => {
    if (item.kind !== 'log' || item.from !== 'livekit-sip') return
    const known = inFile.get(item.place.file) ?? new Set()
    inFile.set(item.place.file, known.add(i))
  }))
  const adopted = new Map<number, Seen[]>()
  const others = loose.filter(item => {
    const candidates = inFile.get(item.place.file)
    if (!isOrphan(item) || candidates?.size !== 1) return true
    const [i = 0] = candidates
    const family = adopted.get(i) ?? [...calls[i]!]
    family.push(item)
    adopted.set(i, family)
    return false
  })
  return { calls: calls.map((call, i) => sorted(adopted.get(i)) ?? call), loose: others }
}

const sorted = (seen: Seen[] | undefined): Seen[] | undefined => seen?.sort((a, b) => (a.at ?? 0) - (b.at ?? 0))

/** Sets of words without a word in common (union-find, with paths that are shortened as they are walked). */
class DisjointSets {
  readonly #parents = new Map<string, string>()

  unite (words: readonly string[]): void {
    const [first] = words
    if (first === undefined) return

    for (const word of words) if (!this.#parents.has(word)) this.#parents.set(word, word)
    for (const word of words.slice(1)) this.#parents.set(this.rootOf(word), this.rootOf(first))
  }

  /** The word that stands for a word's set. */
  rootOf (word: string): string {
    let root = word
    while (this.#parents.get(root) !== root) root = this.#parents.get(root)!
    for (let next = word; next !== root;) {
      const parent = this.#parents.get(next)!
      this.#parents.set(next, root)
      next = parent
    }
    return root
  }
}
