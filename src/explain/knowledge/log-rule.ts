import type { Cause } from '../../calls/fold/vocabulary.ts'
import type { FindingCode } from '../../finding-codes.ts'
import type { Severity } from '../../finding.ts'
import { textOf, type LogLines } from '../log-lines.ts'
import { quote } from '../quote.ts'
import type { LogSeen } from '../seen.ts'

/** A line that a rule fits, and what else was logged. */
export interface LoggedLine {
  match: RegExpExecArray
  fields: LogSeen['fields']
  /** All lines of the call, this one among them, in the order of time. */
  call: LogLines
  /** Lines of the same files that belong to no call. */
  others: LogLines
}

/** The first group of the pattern that matched, without secrets and numbers; empty where none did. */
export const captured = ({ match }: LoggedLine): string =>
  quote(match.slice(1).find(group => group !== undefined)?.trim() ?? '')

/** A field of the line, or else of another line of its call; empty where none has it. */
export const valueOf = ({ fields, call }: LoggedLine, ...names: string[]): string =>
  names.map(name => textOf(fields[name])).find(value => value !== '') ?? call.value(...names)

/** A sentence, or one that repeats something of the line. */
export type Words<T> = T | ((line: LoggedLine) => T)

/** A kind of log line, and what it says of its call. */
export interface LogRule {
  /** Is tested on the line's text and its `reason`. */
  pattern: RegExp
  code: FindingCode
  severity: Words<Severity>
  says: Words<string>
  todo?: Words<string | undefined>
  command?: string
  /** Why the call ended, where such a line alone tells it. */
  cause?: Words<Cause | undefined>
  /** How the call ended, where the line says more than the cause in general. */
  meaning?: Words<string | undefined>
  /** Lines that match the pattern and are harmless. */
  unless?: (line: LoggedLine) => boolean
  /** Other programs may write such words too: they count only where the writer is known. */
  isCommon?: boolean
  /** The project and the file that writes such lines. */
  source: string
}
