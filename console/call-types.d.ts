/*
 * A call with its ladder and its diagnosis, as the operator API tells them. docs: /docs of the bridge.
 */

import type { Direction, End, Phase, WaitingOn } from './types.js'

export interface CallEvent {
  from: string
  what: string
  leg?: string
  attempt?: number
  status?: string
  sipStatus?: number
  reason?: string
  by?: string
  detail?: string
  first: string
  last: string
  count: number
}

export interface Attempt {
  attempt: number
  strategy: string
  room?: string
  agent?: string
  number?: string
  transfer?: string
  start?: 'warm' | 'replaced' | 'cold'
  whyCold?: string
  degraded: boolean
  cause?: string
  sipStatus?: number
  detail?: string
  at: Partial<Record<string, string>>
}

export interface Transfer {
  id?: string
  mode: string
  state: string
  result?: string
  reason?: string
  sipStatus?: number
  detail?: string
  to?: string
  requestedBy?: string
  person?: { callSid: string }
  at: { requested: string, answered?: string, joined?: string, finished?: string }
}

export interface RoomView {
  room?: string
  exists?: boolean
  participants: {
    kind: string
    state: string
    joinedAt: string | null
    audio: boolean
    sipCallStatus?: string
  }[]
  error?: string
}

export interface Call {
  callSid: string
  direction: Direction
  phase: Phase
  from: string
  to: string
  agent?: string
  route?: string
  joins?: string
  orderId?: string
  reference?: string
  placedBy?: string
  carrier?: string
  calledFor?: { callSid: string, transfer: string, mode: string }
  transfers?: Transfer[]
  degraded: boolean
  attempts: Attempt[]
  at: Partial<Record<string, string>>
  end?: End
  voicemail?: { verdict: string, by: string, reason?: string, at: string }
  duties: { kind: string, target: string, due: string, tries: number }[]
  events: CallEvent[]
  eventsDropped: number
  earlier: { at: Partial<Record<string, string>>, end: End }[]
  live?: RoomView
}

export interface LadderRow {
  seq: number
  at: string
  ms: number
  from: string
  to: string
  via: 'sip' | 'http' | 'room'
  what: string
  count: number
  /** Place in the call's `events`. */
  event?: number
}

export interface Ladder {
  callSid: string
  start: string
  parties: string[]
  rows: LadderRow[]
}

export interface Evidence {
  signal: string
  at: string
  last?: string
  count?: number
  seen: string
  shows: string
}

export interface NextStep {
  todo: string
  command?: string
}

export interface Diagnosis {
  callSid: string
  cause?: string
  by?: string
  waitingOn: WaitingOn
  sipStatus?: number
  severity: 'ok' | 'warning' | 'failed'
  summary: string
  meaning?: string
  evidence: Evidence[]
  answers: { id: string, question: string, answer: 'yes' | 'no' | 'unknown' | 'because', says: string }[]
  nextSteps: NextStep[]
  notToldApart: string[]
  earlierAttempts: {
    attempt: number
    strategy: string
    cause: string
    summary: string
    evidence: Evidence[]
    nextSteps: NextStep[]
  }[]
}

/** All that is known of one call. */
export interface Picture {
  call: Call
  ladder: Ladder
  diagnosis: Diagnosis
}

/** What the number policy and the call say of a transfer that nobody has asked for yet. */
export interface TransferVerdict {
  allowed: boolean
  to?: string
  from?: string
  carrier?: string
  code?: string
  message?: string
  limits?: boolean
}
