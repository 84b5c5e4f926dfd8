import { isDate } from './text/times.ts'
import type { Seen } from './seen.ts'

const JITTER_MS = 20
/** LiveKit rings, and Jambonz posts it, so often (livekit/sip pkg/sip/inbound.go). */
const RINGING_MS = 1000

/**
 * In the order of time; what has none follows what stood in front of it. Files that count from their own start begin
 * with the others.
 */
export function inOrder (read: readonly Seen[]): { seen: Seen[], aligned: boolean } {
  const all = newestLast(read)
  const dated = all.filter(({ at }) => at !== undefined && isDate(at))
  const undated = new Set(all.filter(({ at }) => at === undefined || at <= 9e11).map(({ place }) => place.file))
  const earliest = dated.reduce((first, { at = Infinity }) => Math.min(first, at), Infinity)
  const shifts = new Map<string, number>()
  if (dated.length > 0) {
    for (const file of undated) {
      if (!dated.some(({ place }) => place.file === file)) {
        shifts.set(
          file,
          earliest - (all.find(({ place, at }) => place.file === file && at !== undefined)?.at ?? 0)
        )
      }
    }
  }
  const begins = new Map<string, number>()
  for (const { place: { file }, at } of dated) if (!begins.has(file)) begins.set(file, at!)
  const before = new Map<string, number>()
  const timed = all.map((item, order) => {
    const last = before.get(item.place.file)
    const own = item.at !== undefined
      ? item.at + (shifts.get(item.place.file) ?? 0)
      : last === undefined
        ? begins.get(item.place.file) ?? shifts.get(item.place.file) ?? 0
        : last + (rings(item) && rings(all[order - 1]) ? RINGING_MS : 0)
    // The clocks of several interfaces are a little off: the file's own order is the better one then.
    const at = last !== undefined && last > own && last - own < JITTER_MS ? last : own
    before.set(item.place.file, at)
    return { item: { ...item, at } as Seen, order }
  })
  timed.sort((a, b) => (a.item.at ?? 0) - (b.item.at ?? 0) || a.order - b.order)
  return { seen: timed.map(({ item }) => item), aligned: shifts.size > 0 }
}

const rings = (item: Seen | undefined): boolean =>
  item?.kind === 'hook' && item.at === undefined && item.body.call_status === 'ringing'

/** Consoles and collectors of logs put the newest line first. */
function newestLast (all: readonly Seen[]): readonly Seen[] {
  const steps = new Map<string, number>()
  const last = new Map<string, number>()
  for (const { at, place: { file } } of all) {
    if (at === undefined) continue
    steps.set(file, (steps.get(file) ?? 0) + Math.sign(at - (last.get(file) ?? at)))
    last.set(file, at)
  }
  const upsideDown = (file: string): boolean => (steps.get(file) ?? 0) < 0
  if (![...steps.keys()].some(upsideDown)) return all
  return [
    ...all.filter(({ place }) => !upsideDown(place.file)),
    ...all.filter(({ place }) => upsideDown(place.file)).reverse()
  ]
}
