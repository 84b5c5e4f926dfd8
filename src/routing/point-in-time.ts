/*
 * Times as people write them: `23:10`, `2026-11-28T23:10`, `2026-11-28T23:10+01:00`.
 */

/** The time zone of this machine. */
export const machineZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone

/** What a clock on a wall shows, as if it hung in Greenwich: milliseconds since the epoch. */
type WallTime = number

const FORMS = 'Write 23:10, 2026-11-28T23:10 or 2026-11-28T23:10+01:00'
const DAY_MS = 24 * 60 * 60 * 1000

/**
 * Reads a point in time. Without a date it is today's, without an offset the local time of the zone. An hour that
 * a clock shows twice is the first one.
 * @param now milliseconds since the epoch
 * @returns milliseconds since the epoch, or what is wrong with the text
 */
export function readTime (text: string, zone: string, now: number): number | string {
  const match = /^(?:(\d{4}-\d{2}-\d{2})[T ])?(\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2})?$/i.exec(text.trim())
  if (!match) return `${JSON.stringify(text)} is not a time. ${FORMS}`

  const [, date, minutes, seconds = ':00', offset] = match
  const day = date ?? new Date(wallTime(now, zone)).toISOString().slice(0, 10)
  const written = `${day}T${minutes}${seconds}`
  const wall = Date.parse(`${written}Z`)
  if (Number.isNaN(wall) || !new Date(wall).toISOString().startsWith(`${day}T${minutes}`)) {
    return `${written.replace('T', ' ')} is a time that does not exist. ${FORMS}`
  }
  if (offset !== undefined) {
    const at = Date.parse(written + offset.toUpperCase())
    return Number.isNaN(at) ? `${JSON.stringify(offset)} is no offset from UTC. ${FORMS}` : at
  }
  const at = instantOf(wall, zone)
  return at ?? `The clocks of ${zone} skip ${minutes} on ${day}, because summer time begins. Write another time`
}

/** When the clocks of a zone show this; undefined: they skip it. */
function instantOf (wall: WallTime, zone: string): number | undefined {
  const offsets = [wall - DAY_MS, wall + DAY_MS].map(near => wallTime(near, zone) - near)
  const possible = offsets.map(offset => wall - offset).filter(at => wallTime(at, zone) === wall)
  return possible.length === 0 ? undefined : Math.min(...possible)
}

function wallTime (at: number, zone: string): WallTime {
  const parts = Object.fromEntries(partsOf(at, zone).map(({ type, value }) => [type, Number(value)]))
  const { year, month, day, hour, minute, second } = parts as Record<string, number>
  return Date.UTC(year!, month! - 1, day, hour, minute, second) + (((at % 1000) + 1000) % 1000)
}

const partsOf = (at: number, timeZone: string): Intl.DateTimeFormatPart[] =>
  new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric'
  }).formatToParts(at)

/** A point in time as the clocks of a zone show it: `Sat 2026-11-28 23:10:00`. */
export function showTime (at: number, zone: string): string {
  const wall = new Date(wallTime(at, zone))
  const weekday = new Intl.DateTimeFormat('en-US', { timeZone: 'UTC', weekday: 'short' }).format(wall)
  return `${weekday} ${wall.toISOString().slice(0, 19).replace('T', ' ')}`
}
