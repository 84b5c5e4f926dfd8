import type { Seen } from '../seen.ts'

/** Reads one form of text, line by line. */
export interface LineReader {
  /**
   * @param number from 1
   * @returns what the line completes, and whether the line is of this form, so that no other reader gets it
   */
  push(line: string, number: number): { seen: Seen[], taken: boolean }
  /** What stands open at the end of the file, or before a record of another kind. */
  end(): Seen[]
}
