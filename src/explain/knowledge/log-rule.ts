import type { Cause } from '../../calls/fold/vocabulary.ts'
import type { FindingCode } from '../../finding-codes.ts'
import type { Severity } from '../../finding.ts'
import type { LogSeen } from '../seen.ts'

/** A line that a rule fits, and what else the same call logged. */
export interface LoggedLine {
  match: RegExpExecArray
  fields: LogSeen['fields']
  /** All lines of the call, this one among them, in the order of time. */
  lines: readonly LogSeen[]
}

/** A sentence, or one that repeats something of the line. */
export type Words<T> = T | ((line: LoggedLine) => T)

/** A kind of log line, and what it says of its call. */
export interface LogRule {
  /** Is tested on the line's text and its `reason`. */
  pattern: RegExp
  code: FindingCode
  severity: Severity
  says: Words<string>
  todo?: Words<string | undefined>
  command?: string
  /** Why the call ended, where such a line alone tells it. */
  cause?: Words<Cause | undefined>
  /** Lines that match the pattern and are harmless. */
  unless?: (fields: LogSeen['fields'], lines: readonly LogSeen[]) => boolean
  /** The project and the file that writes such lines. */
  source: string
}
