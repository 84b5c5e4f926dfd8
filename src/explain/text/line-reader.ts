import type { Seen } from '../seen.ts'
import type { Origin } from './origin.ts'

/** Reads one form of text, line by line. */
export interface LineReader {
  /**
   * @param line without what collectors and process managers put around it
   * @param number from 1
   * @param origin what those say about it: a time and a service that the line may not have itself
   * @returns what the line completes, and whether the line is of this form, so that no other reader gets it
   */
  push(line: string, number: number, origin?: Origin): { seen: Seen[], taken: boolean }
  /** What stands open at the end of the file, or before a record of another kind. */
  end(): Seen[]
}
