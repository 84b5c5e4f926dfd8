import type { Seen } from './seen.ts'

const JITTER_MS = 20

/** In the order of time; what has none follows what stood in front of it. Files that count from their own start begin with the others. */
export function inOrder (all: readonly Seen[]): { seen: Seen[], aligned: boolean } {
  const dated = all.filter(({ at }) => at !== undefined && at > 9e11)
  const undated = new Set(all.filter(({ at }) => at === undefined || at <= 9e11).map(({ place }) => place.file))
  const earliest = dated.reduce((first, { at = Infinity }) => Math.min(first, at), Infinity)
  const shifts = new Map<string, number>()
  if (dated.length > 0) for (const file of undated) if (!dated.some(({ place }) => place.file === file)) shifts.set(file, earliest - (all.find(({ place, at }) => place.file === file && at !== undefined)?.at ?? 0))
  const before = new Map<string, number>()
  const timed = all.map((item, order) => {
    const last = before.get(item.place.file)
    const own = item.at === undefined ? last ?? shifts.get(item.place.file) ?? 0 : item.at + (shifts.get(item.place.file) ?? 0)
    // The clocks of several interfaces are a little off: the file's own order is the better one then.
    const at = last !== undefined && last > own && last - own < JITTER_MS ? last : own
    before.set(item.place.file, at)
    return { item: { ...item, at } as Seen, order }
  })
  timed.sort((a, b) => (a.item.at ?? 0) - (b.item.at ?? 0) || a.order - b.order)
  return { seen: timed.map(({ item }) => item), aligned: shifts.size > 0 }
}
