/*
 * The closed lists of words in which a call is described.
 */

export const PHASES = ['requested', 'received', 'dialing', 'ringing', 'connected', 'transferring', 'ended'] as const
export type Phase = typeof PHASES[number]

/** Why an attempt or a call ended: a closed list. */
export const CAUSES = [
  'caller-hung-up',
  'callee-hung-up',
  'agent-hung-up',
  'operator-hung-up',
  'agent-lost',
  'media-lost',
  'redirected',
  'time-limit',
  'transferred',
  'transfer-failed',
  'caller-gave-up',
  'agent-gave-up',
  'livekit-no-route',
  'no-agent',
  'agent-without-audio',
  'room-closed',
  'livekit-refused-credentials',
  'livekit-overloaded',
  'sip-unreachable',
  'media-mismatch',
  'dial-timeout',
  'busy',
  'declined',
  'no-answer',
  'number-unobtainable',
  'carrier-failed',
  'livekit-failed',
  'media-server-failed',
  'reply-refused',
  'retell-failed',
  'announced',
  'not-allowed',
  'not-placed',
  'machine-answered',
  'capacity',
  'draining',
  'bridge-error',
  'lost'
] as const
export type Cause = typeof CAUSES[number]

export const ENDED_BY = ['caller', 'callee', 'agent', 'operator', 'bridge', 'jambonz', 'carrier', 'unknown'] as const
export type EndedBy = typeof ENDED_BY[number]

/** What an unanswered call was waiting for when it ended. */
export const WAITING_ON = ['hook', 'sip', 'route', 'agent', 'agent-audio', 'none'] as const
export type WaitingOn = typeof WAITING_ON[number]

/**
 * `inbound`: somebody calls. `outbound`: Jambonz calls somebody for its REST API. `agent`: LiveKit calls somebody
 * through Jambonz, because an agent asked it to. Jambonz takes that for an inbound call.
 */
export const DIRECTIONS = ['inbound', 'outbound', 'agent'] as const
export type Direction = typeof DIRECTIONS[number]
