const DAY = /(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?/
const CLOCK = /(?:^|[^\d:])(\d{2}):(\d{2}):(\d{2})[.,](\d{1,9})/

/** The first point in time in a line: a date with a time, or a time of day alone. Without a zone it counts as UTC. */
export function timeIn (line: string): number | undefined {
  const text = line.slice(0, 300)
  const day = DAY.exec(text)
  if (day) {
    const [, year, month, date, hour, minute, second, fraction = '0', zone = 'Z'] = day
    const at = Date.parse(
      `${year}-${month}-${date}T${hour}:${minute}:${second}${zone === 'Z' ? 'Z' : zone.replace(/^(...):?/, '$1:')}`
    )
    return Number.isNaN(at) ? undefined : at + Number(`0.${fraction}`) * 1000
  }
  const clock = CLOCK.exec(text)
  if (!clock) return undefined
  const [, hour, minute, second, fraction] = clock
  return (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000 + Number(`0.${fraction}`) * 1000
}

/** The time that a JSON record tells, whichever of the usual names and units it has. */
export function timeOf (record: Record<string, unknown>): number | undefined {
  for (const name of ['at', 'time', 'timestamp', 'ts', '@timestamp', 'at_ms', 'receivedAt', 'date']) {
    const value = record[name]
    if (typeof value === 'number' && Number.isFinite(value) && value >= 0) {
      if (name === 'at_ms') return value
      // Seconds, milliseconds, microseconds or nanoseconds since the epoch; a small number counts from the file's own
      // start.
      if (value > 1e17) return value / 1e6
      if (value > 1e14) return value / 1e3
      return value > 1e11 || value < 1e8 ? value : value * 1000
    }
    if (typeof value === 'string') {
      const at = timeIn(value)
      if (at !== undefined) return at
      if (/^\d{10,13}$/.test(value)) return value.length > 11 ? Number(value) : Number(value) * 1000
    }
  }
  return undefined
}

/** Times before this count from some start of their own and are no dates: 2001. */
export const isDate = (at: number): boolean => at > 9e11
