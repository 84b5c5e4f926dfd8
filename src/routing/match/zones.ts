import { DAYS } from './hours.ts'

/*
 * What the clocks of a zone show. Intl knows the rules but is slow, so each zone is asked once a minute.
 */

const MINUTE_MS = 60_000

/** Every clock of a zone shows the minute of its week, Sunday 00:00 being 0. */
export interface ZoneClock {
  minuteOfWeek(at: number): number
  /** Such as `Sat 23:10`. */
  show(at: number): string
}

/**
 * Whether a name is a time zone on every version of Node: newer ones also take offsets such as `+01:00`.
 */
export function isZone (name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    formatOf(name)
    return true
  } catch {
    return false
  }
}

/** Names of the zones that this process knows. */
export const zoneNames = (): string[] => ['UTC', ...Intl.supportedValuesOf('timeZone')]

const formatOf = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat('en-US', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

/** @throws {RangeError} when there is no such zone */
export function createZoneClock (zone: string): ZoneClock {
  const format = formatOf(zone)
  let lastMinute = NaN
  let shown = 0

  function minuteOfWeek (at: number): number {
    const minute = Math.floor(at / MINUTE_MS)
    if (minute === lastMinute) return shown
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]))
    const day = DAYS.findIndex(day => day === parts.get('weekday'))
    shown = (day * 24 + Number(parts.get('hour'))) * 60 + Number(parts.get('minute'))
    lastMinute = minute
    return shown
  }

  return {
    minuteOfWeek,
    show (at) {
      const minute = minuteOfWeek(at)
      const two = (n: number): string => String(n).padStart(2, '0')
      return `${DAYS[Math.floor(minute / 1440)]} ${two(Math.floor(minute / 60) % 24)}:${two(minute % 60)}`
    }
  }
}
