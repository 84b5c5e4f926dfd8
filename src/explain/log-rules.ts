import type { Cause } from '../calls/fold/vocabulary.ts'
import type { FindingCode } from '../finding-codes.ts'
import type { Severity } from '../finding.ts'
import type { LogSeen } from './seen.ts'

/** A kind of log line, and what it says of its call. */
export interface LogRule {
  from: LogSeen['from']
  /** Is tested on the line's text and its `reason`. */
  pattern: RegExp
  code: FindingCode
  severity: Severity
  says: string
  todo?: string
  command?: string
  /** Why the call ended, where such a line alone tells it. */
  cause?: Cause
  /** Fields of lines that match the pattern and are harmless. */
  unless?: (fields: LogSeen['fields']) => boolean
}

const ROUTE =
  'Compare toUser, fromUser and fromIP of that line with the inbound trunk and the rule: an exact match, including ' +
  '+; inbound_numbers of a rule are callers'

/**
 * Lines that name the reason of a failure. The first rule that fits a line counts. livekit-sip: pkg/sip/inbound.go
 * (`reason` of "Closing inbound call"), livekit-server pkg/service/io_sip.go and pkg/agent/client.go, livekit/protocol
 * sip/sip.go; feature-server: lib/middleware.js, lib/utils/http-requestor.js, lib/tasks/dial.js,
 * lib/utils/place-outdial.js, lib/session/call-session.js.
 */
export const LOG_RULES: readonly LogRule[] = [
  {
    from: 'livekit-sip',
    pattern: /No SIP trunk matched|no trunk found|(?:doesn't|does not) match any (?:SIP )?Trunks/i,
    code: 'log-no-trunk',
    severity: 'failed',
    says: 'LiveKit found no inbound trunk for this call',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route'
  },
  {
    from: 'livekit-sip',
    pattern: /\bflood\b/i,
    code: 'log-flood',
    severity: 'failed',
    says:
      'LiveKit dropped the call as "flood": no trunk and rule matched it. It has nothing to do with the number of ' +
      'calls, and the 486 in that line is never sent',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route'
  },
  {
    from: 'livekit-sip',
    pattern: /doesn't match any Dispatch Rules|no-dispatch|Does not match Trunks or Dispatch Rules/i,
    code: 'log-no-rule',
    severity: 'failed',
    says: 'No dispatch rule matched',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route'
  },
  {
    from: 'livekit-sip',
    pattern: /Conflicting inbound SIP Trunks|Multiple (?:default )?SIP Trunks matched/i,
    code: 'log-trunk-conflict',
    severity: 'failed',
    says: 'Two trunks match the same call',
    todo: 'Keep one wildcard trunk in the project',
    command: 'bridge provision --list',
    cause: 'livekit-overloaded'
  },
  {
    from: 'livekit-sip',
    pattern: /auth check failed|quota exceeded/i,
    code: 'log-overloaded',
    severity: 'failed',
    says: 'livekit-sip could not ask LiveKit for trunk and rule, or a quota is used up, and answered 503',
    todo:
      "See that livekit-server and its Redis run and are those of livekit-sip; on LiveKit Cloud look at the plan's " +
      'limit of concurrent calls',
    cause: 'livekit-overloaded'
  },
  {
    from: 'livekit-sip',
    pattern: /cannot-subscribe|room subscription timed out/i,
    code: 'log-cannot-subscribe',
    severity: 'failed',
    says: 'The ringing timeout was over and nobody in the room had published audio',
    todo: 'See that an agent joins the room and publishes its audio at once',
    command: 'bridge provision --plan'
  },
  {
    from: 'livekit-sip',
    pattern: /media-timeout|media timeout|media timed out/i,
    code: 'log-media-timeout',
    severity: 'failed',
    says: 'LiveKit heard no RTP for longer than its media timeout',
    todo: "Open UDP between the SBC and LiveKit, and raise the trunk's media timeout",
    cause: 'media-lost'
  },
  {
    from: 'livekit-sip',
    pattern: /no-common-codec|common audio codec not found|no-common-crypto|no common encryption|sdp-error/i,
    code: 'log-media-mismatch',
    severity: 'failed',
    says: 'LiveKit could not agree on a codec or on encryption',
    todo: 'Offer PCMU or PCMA, and SRTP on both sides or on none',
    cause: 'media-mismatch'
  },
  {
    from: 'livekit-sip',
    pattern: /Cannot start media|media-failed/i,
    code: 'log-media-failed',
    severity: 'failed',
    says: 'livekit-sip could not open its side of the audio',
    todo: 'See that its rtp_port range is free and larger than the number of calls',
    cause: 'livekit-failed'
  },
  {
    from: 'livekit-sip',
    pattern: /no ACK received|\bno-ack\b|missing ACK/i,
    code: 'log-no-ack',
    severity: 'failed',
    says: 'LiveKit answered, and its answer was never acknowledged',
    todo:
      "The ACK goes to the address in the Contact of LiveKit's answer: of your own server see that it is one which " +
      'the SBC reaches (use_external_ip)'
  },
  {
    from: 'livekit-sip',
    pattern: /participant-failed|Cannot create LiveKit participant|failed joining room/i,
    code: 'log-join-failed',
    severity: 'failed',
    says: 'livekit-sip could not join the room',
    todo: "See that livekit-sip's ws_url, API key and secret are those of the LiveKit server",
    cause: 'livekit-failed'
  },
  {
    from: 'livekit-sip',
    pattern: /wrong-pin|wrong pin/i,
    code: 'log-wrong-pin',
    severity: 'failed',
    says: 'The dispatch rule asks for a PIN',
    todo: 'Use a rule without a PIN',
    command: 'bridge provision --plan'
  },
  {
    from: 'livekit-sip',
    pattern:
      /Bad credentials|invalid credentials|Authentication failed|Failed to parse Proxy-Authorization|No challenge state/i,
    code: 'log-bad-credentials',
    severity: 'failed',
    says: "LiveKit refused the trunk's credentials",
    todo: "Set the dial's credentials to those of the inbound trunk",
    command: 'bridge provision --plan',
    cause: 'livekit-refused-credentials'
  },
  {
    from: 'livekit-sip',
    pattern: /no worker is available/i,
    code: 'log-no-worker',
    severity: 'failed',
    says: 'LiveKit had no agent worker to give the job to',
    todo: "Start the agent worker with this project's URL and key",
    cause: 'no-agent',
    unless: ({ jobType }) => jobType === 'JT_PARTICIPANT' || jobType === 'JT_PUBLISHER'
  },
  {
    from: 'feature-server',
    pattern: /URL parsing failed/i,
    code: 'log-url-parsing-failed',
    severity: 'failed',
    says: 'Jambonz could not use the URL of a hook, so it never sent it',
    todo: 'Give hooks as absolute URLs (PUBLIC_URL), or relative ones that begin with /'
  },
  {
    from: 'feature-server',
    pattern: /Error retrieving or parsing application/i,
    code: 'log-application-refused',
    severity: 'failed',
    says: 'Jambonz could not use the reply to its call hook, and declined the caller',
    todo: 'The call hook must answer 200 with a JSON array of verbs that this version of Jambonz knows, within 10 s',
    cause: 'reply-refused'
  },
  {
    from: 'feature-server',
    pattern: /no application or webhook url|no configured application/i,
    code: 'no-application',
    severity: 'failed',
    says: 'Jambonz has no application for the number that was called',
    todo: "Assign the application to the number in Jambonz' portal"
  },
  {
    from: 'feature-server',
    pattern: /web callback returned unexpected status code (\d+)/i,
    code: 'log-hook-status',
    severity: 'failed',
    says: 'A hook was answered with a status that Jambonz does not take (only 200, 202 and 204)',
    todo: 'See that the URL reaches the bridge itself: no redirect, no login page, no missing path prefix'
  },
  {
    from: 'feature-server',
    pattern:
      /web callback returned unexpected error|(?:hook|callback|requestor|notif).{0,500}?(?:UND_ERR|Headers ?Timeout|ECONNREFUSED|ENOTFOUND|other side closed)/i,
    code: 'log-hook-failed',
    severity: 'failed',
    says: 'A hook could not be delivered',
    todo: 'See that Jambonz reaches PUBLIC_URL: DNS, certificate, firewall, and an answer within 10 s'
  },
  {
    from: 'feature-server',
    pattern: /media server failure|crankback|no available (?:freeswitch|media)|error allocating endpoint/i,
    code: 'log-media-server',
    severity: 'failed',
    says: "Jambonz' media server did not take the call",
    todo: 'See that FreeSWITCH and rtpengine are up and not at their limits',
    cause: 'media-server-failed'
  },
  {
    from: 'feature-server',
    pattern: /no (?:available )?SBCs?\b/i,
    code: 'log-no-sbc',
    severity: 'failed',
    says: 'feature-server found no SBC to dial through',
    todo: 'See that sbc-outbound runs and registers in Redis',
    cause: 'media-server-failed'
  }
]
