import type { Attempt, Call } from './call.ts'
import type { SipAttributes } from './events.ts'

/** What tells the leg of an attempt from others. */
export interface LegMark {
  callSid: string
  token?: string | undefined
  /** The room is not ours: a rule of the user's own may bring other callers into it. */
  foreign?: boolean | undefined
}

/** What tells the caller's leg of an attempt from others in the room. */
export const markOf = (call: Call, { token, foreign }: Pick<Attempt, 'token' | 'foreign'>): LegMark => ({
  callSid: call.callSid,
  token,
  foreign
})

/**
 * Whether a SIP participant is the caller's leg of an attempt. Others in the room are people whom the agent called.
 */
export function isCallerLeg (sip: SipAttributes, attempt: LegMark): boolean {
  const { callSid, called, dispatched, callStatus } = sip
  if (attempt.foreign) return callSid === attempt.callSid
  // Those who dial our token enter from outside through a dispatch rule: the caller, and people who join. People whom
  // an agent calls do not.
  if (dispatched) return callSid === undefined || callSid === attempt.callSid
  // LiveKit itself calls somebody.
  if (callStatus === 'dialing') return false
  if (callSid !== undefined) return callSid === attempt.callSid

  return called === undefined || called === attempt.token
}
