import type { End } from './call.ts'
import type { Cause, EndedBy } from './vocabulary.ts'

/**
 * What a verdict would still like to know: LiveKit's view now, its participant_left, either leg's final status,
 * /action, or the result of a REFER.
 */
export type Missing = 'look' | 'livekit' | 'caller' | 'agent-leg' | 'action' | 'refer-result'

export interface Verdict extends End {
  missing?: Missing
}

const BY: Record<Cause, EndedBy> = {
  'caller-hung-up': 'caller',
  'callee-hung-up': 'callee',
  'agent-hung-up': 'agent',
  'operator-hung-up': 'operator',
  'agent-lost': 'caller',
  'media-lost': 'unknown',
  redirected: 'jambonz',
  'time-limit': 'jambonz',
  transferred: 'agent',
  'transfer-failed': 'carrier',
  'transfer-cancelled': 'agent',
  'person-hung-up': 'person',
  'caller-gone': 'caller',
  'caller-gave-up': 'caller',
  'agent-gave-up': 'agent',
  'livekit-no-route': 'jambonz',
  'no-agent': 'jambonz',
  'agent-without-audio': 'jambonz',
  'room-closed': 'unknown',
  'livekit-refused-credentials': 'unknown',
  'livekit-overloaded': 'unknown',
  'sip-unreachable': 'jambonz',
  'media-mismatch': 'unknown',
  'dial-timeout': 'jambonz',
  busy: 'carrier',
  declined: 'carrier',
  'no-answer': 'carrier',
  'number-unobtainable': 'carrier',
  'carrier-failed': 'carrier',
  'livekit-failed': 'unknown',
  'media-server-failed': 'jambonz',
  'reply-refused': 'jambonz',
  'retell-failed': 'unknown',
  announced: 'bridge',
  'not-allowed': 'bridge',
  'not-placed': 'bridge',
  'machine-answered': 'bridge',
  capacity: 'bridge',
  draining: 'bridge',
  'bridge-error': 'bridge',
  lost: 'unknown'
}

/** Builds an end of a call or attempt; `by` is what the cause implies unless said otherwise. */
export function endOf (cause: Cause, extra: Partial<Omit<End, 'cause'>> = {}): End {
  return { cause, by: BY[cause], waitingOn: 'none', ...extra }
}

/** What a verdict needs besides the call. */
export interface Circumstances {
  /** Other calls of the same application sent status events. */
  statusesExpected: boolean
  /** timeLimit of the dials, seconds. */
  timeLimitS: number
}
