import type { SipAttributes } from './events.ts'

/** What tells the leg of an attempt from others. */
export interface LegMark {
  callSid: string
  token?: string
  /** The room is not ours: a rule of the user's own may bring other callers into it. */
  foreign?: boolean
}

/**
 * Whether a SIP participant is the caller's leg of an attempt. Others in the room are people whom the agent called.
 */
export function isCallerLeg (sip: SipAttributes, attempt: LegMark): boolean {
  const { callSid, called, dispatched, callStatus } = sip
  if (attempt.foreign) return callSid === attempt.callSid
  // Only whoever dials our token enters from outside through a dispatch rule. People whom an agent calls do not.
  if (dispatched) return true
  // LiveKit itself calls somebody.
  if (callStatus === 'dialing') return false
  if (callSid !== undefined) return callSid === attempt.callSid

  return called === undefined || called === attempt.token
}
