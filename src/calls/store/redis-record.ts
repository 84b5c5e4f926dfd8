import { randomBytes } from 'node:crypto'
import type { Call } from '../fold/call.ts'
import { wakeAt } from '../fold/wake.ts'
import { migrate } from '../fold/migrate.ts'
import { entriesOf, partEntriesOf, timeOf, type EntryRules, type PartEntries } from './redis-index.ts'
import { HEADER_LENGTH, REVISION_LENGTH } from './redis-scripts.ts'

/** A call as it stood in Redis at some revision, with its entries and wake-up time there. */
export interface Held {
  /** Empty when there is no record. */
  revision: string
  call: Call | undefined
  entries: ReadonlySet<string>
  /** Absent: there are none. */
  parts?: PartEntries
  wake: number | undefined
}

export const NOTHING: Held = { revision: '', call: undefined, entries: new Set(), wake: undefined }

/**
 * Makes the revisions of this process. No other process ever makes the same, so that a record that was deleted and
 * written again is not taken for the old one.
 */
export function createRevisions (): { mine: string, next(): string } {
  const mine = randomBytes(6).toString('base64url')
  const digits = REVISION_LENGTH - mine.length
  let count = 0
  return { mine, next: () => mine + (++count).toString(36).padStart(digits, '0') }
}

/** How a record becomes what is held of it. */
export interface HoldOptions {
  /** What was held of the call before. */
  before?: Held
  rules?: EntryRules
}

/** @throws when the call is not one: an index entry cannot be made of it */
export function hold (
  callSid: string,
  call: Call | undefined,
  revision = '',
  { before, rules }: HoldOptions = {}
): Held {
  return call
    ? {
        revision,
        call,
        entries: entriesOf(callSid, call, rules),
        parts: partEntriesOf(callSid, call, before?.parts),
        wake: wakeAt(call)
      }
    : NOTHING
}

export const encodeRecord = (call: Call, revision: string): string =>
  revision + timeOf(call.at.received) + JSON.stringify(call)

const parseRecord = (record: string): Call => JSON.parse(record.slice(HEADER_LENGTH)) as Call

export const decodeCall = (record: string): Call => migrate(parseRecord(record))

export function decodeRecord (callSid: string, record: string, options: HoldOptions = {}): Held {
  const stored = parseRecord(record)
  const call = migrate(stored)
  const held = hold(callSid, call, record.slice(0, REVISION_LENGTH), options)

  // Writers of version 1 indexed numbers as they were spelled. The next update replaces these entries.
  const isOld = (stored.v as number) === 1
  const keyOf = (number: string) => number
  return isOld ? { ...held, entries: entriesOf(callSid, call, { ...options.rules, keyOf }) } : held
}
