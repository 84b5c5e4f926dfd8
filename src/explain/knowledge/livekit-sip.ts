import type { LogRule } from './log-rule.ts'

const ROUTE =
  'Compare toUser, fromUser and fromIP of that line with the inbound trunk and the rule: an exact match, including ' +
  '+; inbound_numbers of a rule are callers'

/** Lines of livekit-sip, and of livekit-server about SIP calls. */
export const LIVEKIT_SIP_RULES: readonly LogRule[] = [
  {
    pattern: /No SIP trunk matched|no trunk found|(?:doesn't|does not) match any (?:SIP )?Trunks/i,
    code: 'log-no-trunk',
    severity: 'failed',
    says: 'LiveKit found no inbound trunk for this call',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /\bflood\b/i,
    code: 'log-flood',
    severity: 'failed',
    says:
      'LiveKit dropped the call as "flood": no trunk and rule matched it. It has nothing to do with the number of ' +
      'calls, and the 486 in that line is never sent',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /doesn't match any Dispatch Rules|no-dispatch|Does not match Trunks or Dispatch Rules/i,
    code: 'log-no-rule',
    severity: 'failed',
    says: 'No dispatch rule matched',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route',
    source: 'livekit/sip pkg/sip/inbound.go, livekit/protocol sip/sip.go'
  },
  {
    pattern: /Conflicting inbound SIP Trunks|Multiple (?:default )?SIP Trunks matched/i,
    code: 'log-trunk-conflict',
    severity: 'failed',
    says: 'Two trunks match the same call',
    todo: 'Keep one wildcard trunk in the project',
    command: 'bridge provision --list',
    cause: 'livekit-overloaded',
    source: 'livekit/livekit pkg/service/io_sip.go, livekit/protocol sip/sip.go'
  },
  {
    pattern: /auth check failed|quota exceeded/i,
    code: 'log-overloaded',
    severity: 'failed',
    says: 'livekit-sip could not ask LiveKit for trunk and rule, or a quota is used up, and answered 503',
    todo:
      "See that livekit-server and its Redis run and are those of livekit-sip; on LiveKit Cloud look at the plan's " +
      'limit of concurrent calls',
    cause: 'livekit-overloaded',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /cannot-subscribe|room subscription timed out/i,
    code: 'log-cannot-subscribe',
    severity: 'failed',
    says: 'The ringing timeout was over and nobody in the room had published audio',
    todo: 'See that an agent joins the room and publishes its audio at once',
    command: 'bridge provision --plan',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /media-timeout|media timeout|media timed out/i,
    code: 'log-media-timeout',
    severity: 'failed',
    says: 'LiveKit heard no RTP for longer than its media timeout',
    todo: "Open UDP between the SBC and LiveKit, and raise the trunk's media timeout",
    cause: 'media-lost',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /no-common-codec|common audio codec not found|no-common-crypto|no common encryption|sdp-error/i,
    code: 'log-media-mismatch',
    severity: 'failed',
    says: 'LiveKit could not agree on a codec or on encryption',
    todo: 'Offer PCMU or PCMA, and SRTP on both sides or on none',
    cause: 'media-mismatch',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /Cannot start media|media-failed/i,
    code: 'log-media-failed',
    severity: 'failed',
    says: 'livekit-sip could not open its side of the audio',
    todo: 'See that its rtp_port range is free and larger than the number of calls',
    cause: 'livekit-failed',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /no ACK received|\bno-ack\b|missing ACK/i,
    code: 'log-no-ack',
    severity: 'failed',
    says: 'LiveKit answered, and its answer was never acknowledged',
    todo:
      "The ACK goes to the address in the Contact of LiveKit's answer: of your own server see that it is one which " +
      'the SBC reaches (use_external_ip)',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /participant-failed|Cannot create LiveKit participant|failed joining room/i,
    code: 'log-join-failed',
    severity: 'failed',
    says: 'livekit-sip could not join the room',
    todo: "See that livekit-sip's ws_url, API key and secret are those of the LiveKit server",
    cause: 'livekit-failed',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /wrong-pin|wrong pin/i,
    code: 'log-wrong-pin',
    severity: 'failed',
    says: 'The dispatch rule asks for a PIN',
    todo: 'Use a rule without a PIN',
    command: 'bridge provision --plan',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern:
      /Bad credentials|invalid credentials|Authentication failed|Failed to parse Proxy-Authorization|No challenge state/i,
    code: 'log-bad-credentials',
    severity: 'failed',
    says: "LiveKit refused the trunk's credentials",
    todo: "Set the dial's credentials to those of the inbound trunk",
    command: 'bridge provision --plan',
    cause: 'livekit-refused-credentials',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /no worker is available/i,
    code: 'log-no-worker',
    severity: 'failed',
    says: 'LiveKit had no agent worker to give the job to',
    todo: "Start the agent worker with this project's URL and key",
    cause: 'no-agent',
    unless: ({ jobType }) => jobType === 'JT_PARTICIPANT' || jobType === 'JT_PUBLISHER',
    source: 'livekit/livekit pkg/agent/client.go'
  }
]
