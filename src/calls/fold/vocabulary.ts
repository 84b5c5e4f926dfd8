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
  'transfer-cancelled',
  'person-hung-up',
  'caller-gone',
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

export const ENDED_BY = [
  'caller',
  'callee',
  'person',
  'agent',
  'operator',
  'bridge',
  'jambonz',
  'carrier',
  'unknown'
] as const
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

/**
 * How a call is handed to a person. `blind`: the caller is dialled through. `refer`: the carrier moves the call.
 * `screen`: like `blind`, and the person presses a key to take the call. `consult`: an agent talks with the person
 * first. `add`: the person joins the caller and the agent.
 */
export const TRANSFER_MODES = ['blind', 'refer', 'screen', 'consult', 'add'] as const
export type TransferMode = typeof TRANSFER_MODES[number]

/** How far a transfer has come. */
export const TRANSFER_STATES = [
  'requested',
  'calling',
  'ringing',
  'answered',
  'consulting',
  'completing',
  'returning',
  'finished'
] as const
export type TransferState = typeof TRANSFER_STATES[number]

/**
 * What became of a transfer. `bridged`: caller and person talk. `returned`: the caller is with an agent, again or
 * still. `failed`: the caller is not.
 */
export const TRANSFER_RESULTS = ['bridged', 'returned', 'failed'] as const
export type TransferResult = typeof TRANSFER_RESULTS[number]

/** Why. */
export const TRANSFER_REASONS = [
  'completed',
  'busy',
  'declined',
  'no-answer',
  'person-hung-up',
  'caller-gone',
  'cancelled',
  'refused',
  'error'
] as const
export type TransferReason = typeof TRANSFER_REASONS[number]
