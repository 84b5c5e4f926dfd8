import type { SipAttributes } from './events.ts'

/**
 * Whether a SIP participant is the caller's leg of an attempt. Others in the room are people whom the agent called.
 */
export function isCallerLeg (
  { callSid, called, dispatched }: SipAttributes,
  attempt: { callSid: string, token?: string }
): boolean {
  // Only whoever dials our token enters from outside through a dispatch rule. People whom an agent calls do not.
  if (dispatched) return true
  if (callSid !== undefined) return callSid === attempt.callSid

  return called === undefined || called === attempt.token
}
