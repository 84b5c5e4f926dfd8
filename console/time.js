/*
 * Times and durations as people read them. Times are local; the zone is named where they are shown.
 */

/** @type {(value: number) => string} */
const two = value => String(value).padStart(2, '0')

/**
 * A duration: `7 s`, `4:05`, `1:02:03`.
 * @param {number} ms milliseconds; a negative one counts as 0
 */
export function duration (ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

/**
 * The same as a clock that keeps its width: `0:07`, `4:05`, `1:02:03`.
 * @param {number} ms
 */
export function clockDuration (ms) {
  const text = duration(ms)
  return text.endsWith(' s') ? `0:${text.slice(0, -2).padStart(2, '0')}` : text
}

/**
 * The same for a screen reader: `4 minutes 5 seconds`.
 * @param {number} ms
 */
export function spokenDuration (ms) {
  const all = Math.max(0, Math.floor(ms / 1000))
  const parts = [
    [Math.floor(all / 3600), 'hour'],
    [Math.floor(all / 60) % 60, 'minute'],
    [all % 60, 'second']
  ]
  const said = parts
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`)
  return said.join(' ') || '0 seconds'
}

// Made once: formatters of Intl are slow to make, and each row of a table shows times.
const DAY = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short' })
const SHORT_ZONE = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** @param {Date} one @param {Date} other */
const isSameDay = (one, other) =>
  one.getDate() === other.getDate() && one.getMonth() === other.getMonth() && one.getFullYear() === other.getFullYear()

/**
 * A local time of day, with the date when it is not today: `14:03:07`, `28 Nov 14:03:07`.
 * @param {string | number | Date} time
 * @param {{ ms?: boolean, date?: boolean, now?: number }} [options] `date`: with the date in any case
 */
export function localTime (time, { ms = false, date = false, now = Date.now() } = {}) {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return ''
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
  const exact = ms ? `${clock}.${String(at.getMilliseconds()).padStart(3, '0')}` : clock
  return date || !isSameDay(at, new Date(now)) ? `${DAY.format(at)} ${exact}` : exact
}

/** Name of the zone in which times are shown: `Europe/Berlin (UTC+1)`. */
export function zoneName (now = new Date()) {
  const minutes = -now.getTimezoneOffset()
  if (minutes === 0) return ZONE === 'UTC' ? 'UTC' : `${ZONE} (UTC)`
  const sign = minutes < 0 ? '−' : '+'
  const hours = Math.floor(Math.abs(minutes) / 60)
  const rest = Math.abs(minutes) % 60
  return `${ZONE} (UTC${sign}${hours}${rest === 0 ? '' : `:${two(rest)}`})`
}

/** Short name of the zone: `CET`, `GMT+5:30`. */
export const zoneShortName = (now = new Date()) =>
  SHORT_ZONE.formatToParts(now).find(({ type }) => type === 'timeZoneName')?.value ?? zoneName(now)

/*
 * The clocks of this device and of the bridge differ. Durations are measured on the bridge's.
 */
let aheadMs = 0
let known = false

/**
 * Learns from a message of the bridge what its clock says. The quickest message is the best one, so the difference
 * only grows smaller towards it, and follows slowly when clocks are set.
 * @param {string} at ISO 8601
 */
export function heardClock (at) {
  const difference = Date.parse(at) - Date.now()
  if (Number.isNaN(difference)) return
  const isNew = !known || difference > aheadMs || difference < aheadMs - 5000
  if (isNew) aheadMs = difference
  known = true
}

/** What the bridge's clock says now, in milliseconds since the epoch. */
export const bridgeNow = () => Date.now() + aheadMs
