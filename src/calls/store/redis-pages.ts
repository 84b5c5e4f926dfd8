import type { Call } from '../fold/call.ts'
import { matcher, type CallFilter } from './call-filter.ts'
import { LATEST, listPlace, timeOf } from './redis-index.ts'
import type { Position } from './registry.ts'

/** Entries that a script looks at in one go: Redis does nothing else meanwhile. */
export const ENTRIES_AT_ONCE = 1000
/** Records that are decoded in one go: this process does nothing else meanwhile. */
const RECORDS_AT_ONCE = 25

/** A range of the list, and how much of it. Places are those of redis-index.ts; '' = no bound. */
export interface PageRequest {
  after: string
  before: string
  /** The most calls. */
  wanted: number
  /** The most entries to look at. */
  entries: number
}

export interface RawPage<Raw> {
  /** Records of calls that have all kinds of the filter. */
  records: Raw[]
  /** The place after which the next page begins; '' after the last one. */
  next: string
}

/**
 * Reads page after page until enough calls fit the filter.
 * @param from where to begin: after this call
 */
export async function readPages<Raw> (
  filter: CallFilter,
  { wanted, from, kinds }: { wanted: number, from: Position | undefined, kinds: number },
  read: (request: PageRequest) => Promise<RawPage<Raw>>,
  decode: (raw: Raw) => Call
): Promise<Call[]> {
  const fits = matcher(filter)
  const { after, before } = boundsOf(filter, from)
  const calls: Call[] = []
  let next = after
  do {
    const left = wanted - calls.length
    const page = await read({ after: next, before, wanted: left, entries: kinds === 1 ? left : ENTRIES_AT_ONCE })
    for (const [i, record] of page.records.entries()) {
      if (i > 0 && i % RECORDS_AT_ONCE === 0) await new Promise(resolve => setImmediate(resolve))
      const call = decode(record)
      if (fits(call)) calls.push(call)
    }
    next = page.next
  } while (next !== '' && calls.length < wanted)
  return calls
}

/** Where a list begins and ends. Later calls have smaller places. */
function boundsOf ({ since, until }: CallFilter, from: Position | undefined): { after: string, before: string } {
  const begins = [from ? listPlace(from) : '', until === undefined ? '' : afterAll(until)]
  return { after: begins.sort().at(-1)!, before: since === undefined ? '' : afterAll(since) }
}

/** The place behind all calls of a millisecond. */
export const afterAll = (received: number): string => `${timeOf(clamp(received))}\u0001`

const clamp = (time: number): number => Math.min(LATEST, Math.max(0, Math.floor(time)))
