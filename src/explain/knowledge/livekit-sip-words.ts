/**
 * How lines of livekit-sip begin that are about one call (pkg/sip/inbound.go, pkg/sip/outbound.go). Somebody may have
 * cut the fields away that name their writer and their call.
 */
export const SIP_CALL_LINE = new RegExp(
  '^(?:' + [
    'Closing (?:inbound|outbound) call',
    'Inbound call closed',
    'Rejecting inbound',
    'Cannot (?:start media|create LiveKit participant|accept the call|publish track)',
    'Call accepted, but no ACK',
    'Waiting for track subscription',
    'Accepting the call',
    'SDP offer',
    '(?:inbound|outbound) call failed to transfer',
    'SIP (?:invite|call) failed',
    'processing invite$'
  ].join('|') + ')'
)
