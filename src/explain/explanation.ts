import type { End } from '../calls/fold/call.ts'
import type { NextStep } from '../diagnosis/causes-catalogue.ts'
import type { Evidence } from '../diagnosis/signals/evidence.ts'
import type { Finding } from '../finding.ts'
import type { Step } from '../ladder/trace.ts'
import type { Role } from './roles.ts'

/** What the files show of one call. */
export interface ExplainedCall {
  /** The call_sid where one is known, else the SIP Call-ID of the call's first leg. */
  id: string
  from: string
  to: string
  /** Milliseconds since the epoch, or since the moment from which the file counts. */
  began?: number
  /** Nothing of the call has a time: the order of its steps is known, and not when they were. */
  untimed?: boolean
  legs: Array<{ role: Role, callId: string, dialled: string, ends: string }>
  sources: { sip: number, hooks: number, rooms: number, logs: number, records: number }
  /** Absent while nothing shows that the call ended. */
  end?: End
  summary: string
  evidence: Evidence[]
  notToldApart: string[]
  nextSteps: NextStep[]
  findings: Finding[]
  steps: Step[]
  stepsLeftOut: number
}

export interface Explanation {
  calls: ExplainedCall[]
  /** About the files rather than one call. */
  findings: Finding[]
}
