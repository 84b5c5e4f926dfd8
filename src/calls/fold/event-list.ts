/** One line of a call's event list: whitelisted fields only, so that nothing secret can get in. */
export interface EventLine {
  /** Who said it. */
  from: 'jambonz' | 'livekit' | 'retell' | 'bridge' | 'operator' | 'agent' | 'person'
  what: string
  leg?: 'caller' | 'agent'
  attempt?: number
  status?: string
  sipStatus?: number
  reason?: string
  by?: string
  detail?: string
  /** Milliseconds since the epoch of the first and the last of `count` equal consecutive events. */
  first: number
  last: number
  count: number
}

export type NewLine = Omit<EventLine, 'first' | 'last' | 'count'>

const KEEP_FIRST = 32
const KEEP_LAST = 32
const LONGEST_TEXT = 80

/**
 * Adds an event to a list. Equal consecutive events are folded (Jambonz repeats `ringing` every second);
 * of a long list the first and the last 32 are kept.
 */
export function addLine (
  events: readonly EventLine[],
  line: NewLine,
  at: number
): { events: EventLine[], dropped: number } {
  const clean = trim(line)
  const last = events.at(-1)
  if (last && same(last, clean)) {
    return {
      events: [...events.slice(0, -1), { ...last, last: Math.max(last.last, at), count: last.count + 1 }],
      dropped: 0
    }
  }
  const all = [...events, { ...clean, first: at, last: at, count: 1 }]
  if (all.length <= KEEP_FIRST + KEEP_LAST) return { events: all, dropped: 0 }
  return {
    events: [...all.slice(0, KEEP_FIRST), ...all.slice(-KEEP_LAST)],
    dropped: all.length - KEEP_FIRST - KEEP_LAST
  }
}

/**
 * Counts an event that anybody can cause as often as they like, so that it pushes nothing else out: it is added to its
 * equal, wherever that stands. A new one is left out of a full list, and when there are `most` of its kind.
 */
export function countLine (events: readonly EventLine[], line: NewLine, at: number, most: number): EventLine[] {
  const clean = trim(line)
  const equal = events.find(known => same(known, clean))
  if (equal) {
    const again = { ...equal, last: Math.max(equal.last, at), count: equal.count + 1 }
    return events.map(known => known === equal ? again : known)
  }
  const alike = events.filter(({ what }) => what === clean.what)
  if (alike.length >= most || events.length >= KEEP_FIRST + KEEP_LAST) return [...events]
  return [...events, { ...clean, first: at, last: at, count: 1 }]
}

const FIELDS = ['from', 'what', 'leg', 'attempt', 'status', 'sipStatus', 'reason', 'by', 'detail'] as const

const same = (one: NewLine, other: NewLine): boolean => FIELDS.every(field => one[field] === other[field])

function trim (line: NewLine): NewLine {
  const entries = FIELDS.filter(field => line[field] !== undefined)
    .map(field => [field, typeof line[field] === 'string' ? line[field].slice(0, LONGEST_TEXT) : line[field]])
  return Object.fromEntries(entries) as NewLine
}
