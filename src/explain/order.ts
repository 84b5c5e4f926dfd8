import { isDate } from './text/times.ts'
import type { Seen } from './seen.ts'

/** Clocks of several interfaces differ by less than this, milliseconds. */
const JITTER_MS = 20
/** LiveKit rings this often, and Jambonz posts each ringing (livekit/sip pkg/sip/inbound.go). */
const RINGING_MS = 1000

/**
 * Puts everything in the order of time. What has no time follows what stood in front of it in its file. Files that
 * count from their own start begin together with the first file that has dates: `aligned` says that this was done.
 */
export function inOrder (read: readonly Seen[]): { seen: Seen[], aligned: boolean } {
  const all = newestLast(read)
  const clocks = clocksOf(all)
  const lastInFile = new Map<string, number>()
  const timed = all.map((item, order) => {
    const { file } = item.place
    const last = lastInFile.get(file)
    const own = ownTime(item, all[order - 1], last, clocks)
    // The clocks of several interfaces differ a little: the file's own order is the better one then.
    const at = last !== undefined && last > own && last - own < JITTER_MS ? last : own
    lastInFile.set(file, at)
    return { item: { ...item, at, ...(item.at === undefined && { untimed: true }) } as Seen, at, order }
  })
  timed.sort((a, b) => a.at - b.at || a.order - b.order)
  return { seen: timed.map(({ item }) => item), aligned: clocks.shifts.size > 0 }
}

interface Clocks {
  /** The first date in each file that has any. */
  begins: ReadonlyMap<string, number>
  /** What is added to the times of files without dates. */
  shifts: ReadonlyMap<string, number>
}

function clocksOf (all: readonly Seen[]): Clocks {
  const begins = new Map<string, number>()
  const firstTimes = new Map<string, number | undefined>()
  let earliest = Infinity
  for (const { at, place: { file } } of all) {
    if (firstTimes.get(file) === undefined) firstTimes.set(file, at)
    if (at === undefined || !isDate(at)) continue

    if (!begins.has(file)) begins.set(file, at)
    earliest = Math.min(earliest, at)
  }
  const undated = earliest === Infinity ? [] : [...firstTimes].filter(([file]) => !begins.has(file))
  return { begins, shifts: new Map(undated.map(([file, first = 0]) => [file, earliest - first])) }
}

function ownTime (
  item: Seen,
  previous: Seen | undefined,
  last: number | undefined,
  { begins, shifts }: Clocks
): number {
  const { file } = item.place
  if (item.at !== undefined) return item.at + (shifts.get(file) ?? 0)
  if (last === undefined) return begins.get(file) ?? shifts.get(file) ?? 0
  return last + (isUntimedRinging(item) && isUntimedRinging(previous) ? RINGING_MS : 0)
}

const isUntimedRinging = (item: Seen | undefined): boolean =>
  item?.kind === 'hook' && item.at === undefined && item.body.call_status === 'ringing'

/** Consoles and log collectors put the newest line first: such files are turned around. */
function newestLast (all: readonly Seen[]): readonly Seen[] {
  const steps = new Map<string, number>()
  const last = new Map<string, number>()
  for (const { at, place: { file } } of all) {
    if (at === undefined) continue
    steps.set(file, (steps.get(file) ?? 0) + Math.sign(at - (last.get(file) ?? at)))
    last.set(file, at)
  }
  const isUpsideDown = (file: string): boolean => (steps.get(file) ?? 0) < 0
  if (![...steps.keys()].some(isUpsideDown)) return all
  return [
    ...all.filter(({ place }) => !isUpsideDown(place.file)),
    ...all.filter(({ place }) => isUpsideDown(place.file)).reverse()
  ]
}
