import { randomBytes } from 'node:crypto'
import { wakeAt, type Call } from '../fold/call.ts'
import { migrate } from '../fold/migrate.ts'
import { entriesOf, timeOf } from './redis-index.ts'
import { HEADER_LENGTH, REVISION_LENGTH } from './redis-scripts.ts'

/** A call as it stood in Redis at some revision, with what Redis was told of it. */
export interface Held {
  /** Empty: there is no record. */
  revision: string
  call: Call | undefined
  entries: ReadonlySet<string>
  wake: number | undefined
}

export const NOTHING: Held = { revision: '', call: undefined, entries: new Set(), wake: undefined }

/**
 * Revisions of this process; no other process ever makes the same, so that a record made anew is not taken for the old
 * one.
 */
export function createRevisions (): { mine: string, next(): string } {
  const mine = randomBytes(6).toString('base64url')
  const digits = REVISION_LENGTH - mine.length
  let count = 0
  return { mine, next: () => mine + (++count).toString(36).padStart(digits, '0') }
}

/** @throws whatever a call that is none provokes */
export function hold (callSid: string, call: Call | undefined, revision = ''): Held {
  return call ? { revision, call, entries: entriesOf(callSid, call), wake: wakeAt(call) } : NOTHING
}

export const encodeRecord = (call: Call, revision: string): string =>
  revision + timeOf(call.at.received) + JSON.stringify(call)

export const decodeCall = (record: string): Call => migrate(JSON.parse(record.slice(HEADER_LENGTH)) as Call)

export const decodeRecord = (callSid: string, record: string): Held =>
  hold(callSid, decodeCall(record), record.slice(0, REVISION_LENGTH))

/** Keeps what was used last. */
export interface Recent<T> {
  get(key: string): T | undefined
  set(key: string, value: T): void
  delete(key: string): void
}

/** @param size most entries */
export function createRecent<T> (size: number): Recent<T> {
  const entries = new Map<string, T>()
  return {
    get: key => entries.get(key),
    set (key, value) {
      entries.delete(key)
      entries.set(key, value)
      if (entries.size > size) entries.delete(entries.keys().next().value!)
    },
    delete (key) {
      entries.delete(key)
    }
  }
}
