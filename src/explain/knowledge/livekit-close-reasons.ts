import { carrierFinal } from './carrier-finals.ts'
import type { LogRule } from './log-rule.ts'

/** Why livekit-sip closed a call, where its `reason` tells it and no earlier line does. */
interface CloseReason {
  reasons: readonly string[]
  says: string
  todo: string
}

/**
 * Reasons of "Closing inbound call" and "Closing outbound call". hangup, bye, cancelled, removed, rpc and "call
 * transferred" are ends as they should be.
 */
const CLOSE_REASONS: readonly CloseReason[] = [
  {
    reasons: ['publish-failed'],
    says: "livekit-sip could not publish the caller's audio in the room",
    todo: 'Look at livekit-server, and at the UDP ports between both (rtc.port_range, use_external_ip)'
  },
  {
    reasons: ['accept-failed'],
    says: 'livekit-sip could not send its answer to the INVITE',
    todo: 'Look at the lines before: a connection that the caller closed, or an address that cannot be reached'
  },
  {
    reasons: ['room-failed', 'room-disconnected', 'connection-timeout', 'migration', 'join-failed'],
    says: 'livekit-sip lost the room, so the call ended',
    todo: 'Look at livekit-server at that moment: a restart, no memory or CPU, or no network between both'
  },
  {
    reasons: ['server-shutdown', 'shutdown'],
    says: 'The call was cut off because a server of LiveKit was shut down',
    todo: 'Drain livekit-sip and livekit-server before an update: they wait for their calls after SIGTERM'
  },
  {
    reasons: ['duplicate-identity'],
    says: 'Somebody with the same identity joined the room, so LiveKit removed the SIP participant',
    todo: 'Give each participant a different identity'
  },
  {
    reasons: ['media-config-error', 'unexpected-result'],
    says: 'livekit-sip could not use what the trunk and the rule say',
    todo: 'Update livekit-sip and livekit-server together, and look at the media settings of trunk and rule'
  },
  {
    reasons: ['agent-error'],
    says: 'The agent ended the call because of an error',
    todo: "Look in the agent worker's log at that time"
  }
]

/** Reasons of outbound calls that stand for a status of the side that was dialled (pkg/sip/errors.go). */
const STATUS_REASONS: Readonly<Record<string, number>> = {
  'auth-required': 407,
  forbidden: 403,
  'not-found': 404,
  'request-timeout': 408,
  unavailable: 480,
  busy: 486,
  'not-acceptable': 488,
  'cps-limit-exceeded': 503,
  'concurrent-limit-exceeded': 503
}
const NUMBERED = String.raw`(?:client-error|upstream-server-error|global-decline)-([3-6]\d\d)`

/** The status that a reason stands for. */
const statusOf = ([, named = '', numbered]: RegExpExecArray): number =>
  numbered === undefined ? STATUS_REASONS[named] ?? 500 : Number(numbered)

/** Other reasons of outbound calls. */
const OUTBOUND_REASONS: readonly CloseReason[] = [
  {
    reasons: ['no-answer'],
    says: 'LiveKit dialled out, and nobody answered within ringing_timeout',
    todo: 'That is normal if the phone rang. Call again later, or raise ringing_timeout'
  },
  {
    reasons: ['upstream-no-response', 'no-final-response', 'network-error', 'deadline-exceeded'],
    says: 'LiveKit dialled out, and got no final answer from the address of the outbound trunk',
    todo: 'Check address, port and transport of the outbound trunk, and whether the carrier lets this server in'
  },
  {
    reasons: ['dns-resolution', 'address-error'],
    says: 'LiveKit could not find the address of the outbound trunk',
    todo: 'Set the address of the trunk to a host name that DNS knows, without sip: in front of it'
  },
  {
    reasons: ['auth-failed'],
    says: "The carrier did not accept the outbound trunk's user name and password, or it has none",
    todo: "Compare auth_username and auth_password of the outbound trunk with the carrier's own portal"
  },
  {
    reasons: ['carrier-blocked'],
    says: 'The carrier blocks calls to this number',
    todo: 'Do not call it again: the carrier blocks it as fraud or by law'
  },
  {
    reasons: ['encryption-required', 'no-common-codec', 'sdp-error'],
    says: 'LiveKit dialled out, and could not agree on a codec or on encryption with the carrier',
    todo: 'Set media_encryption of the outbound trunk to what the carrier does, and let it take PCMU or PCMA'
  },
  {
    reasons: ['invite-failed', 'other'],
    says: 'LiveKit dialled out, and the call failed',
    todo: 'Look at the error in the lines before'
  }
]

const CLOSING = String.raw`^Closing (?:inbound|outbound) call\b[^\n]{0,300}\b`
const CLOSING_OUTBOUND = String.raw`^Closing outbound call\b[^\n]{0,300}\b`

const closeRules = (closing: string, code: LogRule['code'], reasons: readonly CloseReason[]): LogRule[] =>
  reasons.map(({ reasons, says, todo }) => ({
    pattern: new RegExp(`${closing}(?:${reasons.join('|')})$`),
    code,
    severity: 'failed',
    says,
    todo,
    source: 'livekit/sip pkg/sip/inbound.go, pkg/sip/participant.go, pkg/sip/errors.go'
  }))

export const LIVEKIT_CLOSE_RULES: readonly LogRule[] = [
  {
    pattern: new RegExp(`${CLOSING_OUTBOUND}(?:(${Object.keys(STATUS_REASONS).join('|')})|${NUMBERED})$`),
    code: 'log-outbound-failed',
    severity: 'failed',
    says: ({ match }) => {
      const status = statusOf(match)
      return `LiveKit dialled out, and the side that it dialled answered ${status}: ${carrierFinal(status).means}`
    },
    todo: ({ match }) => carrierFinal(statusOf(match)).todo.replaceAll('{settings}', 'the outbound trunk'),
    source: 'livekit/sip pkg/sip/errors.go'
  },
  ...closeRules(CLOSING_OUTBOUND, 'log-outbound-failed', OUTBOUND_REASONS),
  ...closeRules(CLOSING, 'log-call-closed', CLOSE_REASONS)
]
