export const SEVERITIES = ['ok', 'warning', 'failed', 'skipped'] as const
export type Severity = typeof SEVERITIES[number]

/** One result of a command that checks something, or of a diagnosis. */
export interface Finding {
  /** Stable and kebab-case: docs/troubleshooting.md has a section for each. */
  code: string
  severity: Severity
  /** What was seen. */
  seen: string
  /** What to do about it. */
  todo?: string
  /** The command that does it. */
  command?: string
}
