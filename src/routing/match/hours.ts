/*
 * Opening hours: `Mon-Fri 08:00-18:00`, in the local time of a zone. What counts is what a clock on the wall shows. An
 * hour that it shows twice in autumn counts twice, and one that it skips in spring never comes.
 */

export const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const

const MINUTES_PER_DAY = 24 * 60
const MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY

/** From a minute of the week (Sunday 00:00 is 0) to before another one. It may reach into the next week. */
export interface Span {
  from: number
  to: number
}

const EXAMPLES = 'Write hours such as "Mon-Fri 08:00-18:00", "Sat,Sun", "22:00-06:00" or "Fri 22:00-24:00".'

/**
 * Reads hours: days (`Mon`, `Mon-Fri`, `Sat,Sun`, `Fri-Mon`), times (`08:00-18:00`), or both. Times that end before
 * they begin reach into the next day. A string tells what is wrong.
 */
export function parseHours (text: string): Span[] | string {
  const words = text.trim().replace(/\s*([-–,])\s*/g, '$1').replaceAll('–', '-').split(/\s+/)
  const last = words.at(-1)!
  const times = last.includes(':') ? words.pop()! : '00:00-24:00'
  if (words.length > 1) return `These hours cannot be read. ${EXAMPLES}`

  const days = words.length === 0 ? DAYS.map((_, day) => day) : parseDays(words[0]!)
  if (typeof days === 'string') return days
  const span = parseTimes(times)
  if (typeof span === 'string') return span
  return days.map(day => ({ from: day * MINUTES_PER_DAY + span.from, to: day * MINUTES_PER_DAY + span.to }))
}

function parseDays (text: string): number[] | string {
  const days: number[] = []
  for (const part of text.split(',')) {
    const [first, last, more] = part.split('-')
    const from = dayOf(first!)
    const to = last === undefined ? from : dayOf(last)
    if (from < 0 || to < 0 || more !== undefined) {
      return `${JSON.stringify(part)} is not a day. Days are ${DAYS.slice(1).join(', ')}, Sun. ${EXAMPLES}`
    }
    // Fri-Mon goes over the end of the week.
    for (let day = from; ; day = (day + 1) % 7) {
      if (!days.includes(day)) days.push(day)
      if (day === to) break
    }
  }
  return days
}

const dayOf = (text: string): number => DAYS.findIndex(day => day.toLowerCase() === text.toLowerCase())

function parseTimes (text: string): Span | string {
  const match = /^(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})$/.exec(text)
  if (!match) return `${JSON.stringify(text)} is not a time such as 08:00-18:00. ${EXAMPLES}`
  const [hour, minute, endHour, endMinute] = match.slice(1).map(Number)
  const from = hour! * 60 + minute!
  const to = endHour! * 60 + endMinute!
  if (minute! > 59 || endMinute! > 59 || from >= MINUTES_PER_DAY || to > MINUTES_PER_DAY) {
    return `${JSON.stringify(text)} is not on the clock. Times go from 00:00 to 24:00, which ends a day.`
  }
  if (from === to) return `${JSON.stringify(text)} is no time at all. For a whole day leave the times out.`
  return { from, to: to > from ? to : to + MINUTES_PER_DAY }
}

/** Whether a minute of the week is in one of the spans. */
export function isWithin (minute: number, spans: readonly Span[]): boolean {
  for (const { from, to } of spans) {
    if (minute >= from && minute < to) return true
    if (minute + MINUTES_PER_WEEK < to) return true
  }
  return false
}
