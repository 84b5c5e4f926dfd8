/*
 * What the operator API answers to the views that are opened on demand.
 */

import type { Direction, End, Phase } from './types.js'

/** A call as GET /calls lists it. */
export interface FoundCall {
  callSid: string
  direction: Direction
  phase: Phase
  from: string
  to: string
  agent?: string
  route?: string
  reference?: string
  attempts: { attempt: number, room?: string }[]
  at: { received?: string, answered?: string, ended?: string }
  end?: End
  /** It ended as no call should. */
  failed?: boolean
  transfers?: { mode: string, state: string, result?: string }[]
}

/** Answer of GET /routes. Conditions and ways are as the file writes them. */
export interface RoutesView {
  file?: string
  readAt?: string
  routes: { name: string, when?: Record<string, unknown>, connect?: Record<string, any>[] }[]
  agent?: string
  country?: string
  numbers?: string[]
  policy?: {
    allow: string[]
    deny: string[]
    sip: string[]
    caps: { concurrent?: number, perMinute?: number, perDay?: number, perCallerPerDay?: number, longestS?: number }
  }
  problems: { severity: 'error' | 'warning', line: number, column: number, path: string, message: string }[]
}

/** Answer of POST /routes/test. */
export interface Trial {
  call: { callSid: string, at: string, to: string, from: string, direction: string }
  route?: { name: string, line?: number }
  before: { route: string, line?: number, reason: string }[]
  ways: {
    attempt: number
    way: Record<string, any>
    ringS?: number
    warm?: { min: number, max: number }
    verbs: unknown
    policy?: { number: string, allowed: boolean, why?: string }
    missing?: string[]
  }[]
  longestWaitS: number
  notes: string[]
}

export type Severity = 'ok' | 'warning' | 'failed' | 'skipped'

export interface Finding {
  code: string
  severity: Severity
  seen: string
  todo?: string
  command?: string
}

/** A check of the doctor that has ended. */
export interface Check {
  name: string
  title: string
  status: Severity
  findings: Finding[]
  ms: number
}

/** Answer of GET /doctor. */
export interface DoctorReport {
  at: string
  summary: Record<Severity, number>
  checks: Check[]
}

/** A row of a probe's ladder. One that comes again has the same `seq` and a larger `count`. */
export interface ProbeRow {
  seq: number
  at: string
  ms: number
  from: string
  to: string
  via: 'sip' | 'http' | 'room'
  what: string
  count: number
}

/** What a probe found. Timings are in milliseconds. */
export interface ProbeResult {
  uri?: string
  transport?: string
  room?: { name: string, agent?: string }
  codec?: string
  timings: Partial<Record<
    'createRoom' | 'firstResponse' | 'ringing' | 'answered' | 'audio' | 'agentJoined' | 'agentAudio', number
  >>
  findings: Finding[]
  notProven: string[]
  failed: boolean
}
