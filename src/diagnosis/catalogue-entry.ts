import type { Severity } from '../finding.ts'

export interface NextStep {
  todo: string
  command?: string
}

/** What a cause means, which signals decide for it, and what to do about it. */
export interface CatalogueEntry {
  severity: Exclude<Severity, 'skipped'>
  meaning: string
  /** The signals that decide for it, in the form in which an operator sees them. */
  signals: string
  fix: NextStep[]
}

export const ALERTS: NextStep = {
  todo: "Read Jambonz's own records of the call: its SIP trace and its alerts",
  command: 'bridge calls <callSid> --fetch'
}
