const DAY = /(\d{4})[-/](\d{2})[-/](\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?/
/** Syslog: `Mar  4 09:00:00`, without a year. Web servers: `04/Mar/2026:09:00:00 +0000`. */
const MONTH = new RegExp(
  String.raw`(?:\b([A-Z][a-z]{2}) {1,2}(\d{1,2})|\b(\d{2})/([A-Z][a-z]{2})/(\d{4})):? ?` +
  String.raw`(\d{2}:\d{2}:\d{2})(\.\d{1,9})?(?: ([+-]\d{4}))?`
)
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const CLOCK = /(?:^|[^\d:])(\d{2}):(\d{2}):(\d{2})[.,](\d{1,9})/

/** `Jan 31, 2026 10:00:00.001000000 UTC`, as Wireshark writes it. */
const NAMED = /\b((?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2}, \d{4}) (\d{2}:\d{2}:\d{2})\.(\d{1,9}) UTC/

/**
 * The first point in time in a line: a date with a time, or a time of day alone. Without a zone it counts as UTC.
 * @param year the one of times that have none; without it they count from some start of their own
 */
export function timeIn (line: string, year = NO_YEAR): number | undefined {
  const text = line.slice(0, 300)
  const day = DAY.exec(text)
  if (day) {
    const [, year, month, date, hour, minute, second, fraction = '0', zone = 'Z'] = day
    const at = Date.parse(
      `${year}-${month}-${date}T${hour}:${minute}:${second}${zone === 'Z' ? 'Z' : zone.replace(/^(...):?/, '$1:')}`
    )
    return Number.isNaN(at) ? undefined : at + Number(`0.${fraction}`) * 1000
  }
  const named = NAMED.exec(text)
  if (named) return Date.parse(`${named[1]} ${named[2]} UTC`) + Number(`0.${named[3]}`) * 1000
  const month = MONTH.exec(text)
  if (month) return monthTime(month, year)
  const clock = CLOCK.exec(text)
  if (!clock) return undefined
  const [, hour, minute, second, fraction] = clock
  return (Number(hour) * 3600 + Number(minute) * 60 + Number(second)) * 1000 + Number(`0.${fraction}`) * 1000
}

/** The year from which times without a year count. They are no dates. */
const NO_YEAR = 1970

function monthTime (match: RegExpExecArray, otherwise: number): number | undefined {
  const [, before, day, dayOfYear, name = before, year = String(otherwise), clock = '', fraction = '0', zone] = match
  const month = MONTHS.indexOf(name ?? '') + 1
  const two = (value: string | number): string => String(value).padStart(2, '0')
  const at = Date.parse(
    `${year}-${two(month)}-${two(day ?? dayOfYear ?? 0)}T${clock}${zone?.replace(/^(...)/, '$1:') ?? 'Z'}`
  )
  return Number.isNaN(at) ? undefined : at + Number(fraction) * 1000
}

/** Names of a record's time. What collectors call the time at which they got it comes last. */
const NAMES = [
  // HAR has a duration called time.
  'startedDateTime',
  'at',
  'time',
  'timestamp',
  'ts',
  '@timestamp',
  'at_ms',
  'receivedAt',
  'date',
  'Date',
  'Time',
  'Timestamp',
  '_time',
  'datetime',
  'eventTime',
  'TimeGenerated',
  'TimeGenerated [UTC]',
  '_SOURCE_REALTIME_TIMESTAMP',
  '__REALTIME_TIMESTAMP',
  'timeUnixNano',
  'receiveTimestamp',
  'created_at'
]

/** The time that a JSON record tells, whichever of the usual names and units it has. */
export function timeOf (record: Record<string, unknown>): number | undefined {
  const [at] = NAMES.map(name => name === 'at_ms' ? plainNumber(record[name]) : instantOf(record[name]))
    .filter(time => time !== undefined)
  return at
}

const plainNumber = (value: unknown): number | undefined => typeof value === 'number' ? value : undefined

function instantOf (value: unknown): number | undefined {
  // Elasticsearch has each value in a list.
  if (Array.isArray(value) && value.length === 1) return instantOf(value[0])
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? epochMs(value) : undefined
  if (typeof value !== 'string') return undefined
  return timeIn(value) ?? (/^\d{10,19}(?:\.\d{1,9})?$/.test(value) ? epochMs(Number(value)) : undefined)
}

/**
 * Seconds, milliseconds, microseconds or nanoseconds since the epoch; a small number counts from the file's own start.
 */
function epochMs (value: number): number {
  if (value > 1e17) return value / 1e6
  if (value > 1e14) return value / 1e3
  return value > 1e11 || value < 1e8 ? value : value * 1000
}

/**
 * The time of something that has one itself, and one at which it was collected: its own is better, unless it is a time
 * of day alone.
 */
export const bestTime = (own: number | undefined, collected: number | undefined): number | undefined =>
  own === undefined || (!isDate(own) && collected !== undefined && isDate(collected)) ? collected : own

/** Times before this count from some start of their own and are no dates: 2001. */
export const isDate = (at: number): boolean => at > 9e11
