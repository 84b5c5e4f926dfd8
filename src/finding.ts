import type { FindingCode } from './finding-codes.ts'

export const SEVERITIES = ['ok', 'warning', 'failed', 'skipped'] as const
export type Severity = typeof SEVERITIES[number]

/** One result of a command that checks something, or of a diagnosis. */
export interface Finding {
  /** Stable: docs/troubleshooting.md has a row or a section for each. */
  code: FindingCode
  severity: Severity
  /** What was seen. */
  seen: string
  /** What to do about it. */
  todo?: string
  /** The command that does it. */
  command?: string
}

/** What was asked for was not done. The finding says why and what to do, and so does the message. */
export class FindingError extends Error {
  readonly finding: Finding
  constructor (finding: Finding, cause?: unknown) {
    super(
      [finding.seen, finding.todo].filter(part => part !== undefined).join('. '),
      cause === undefined ? undefined : { cause }
    )
    this.name = 'FindingError'
    this.finding = finding
  }
}
