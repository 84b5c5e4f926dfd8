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
