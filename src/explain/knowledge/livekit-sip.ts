import { textOf } from '../log-lines.ts'
import { quote } from '../quote.ts'
import { LIVEKIT_API_RULES } from './livekit-api.ts'
import { LIVEKIT_CLOSE_RULES } from './livekit-close-reasons.ts'
import { LIVEKIT_MEDIA_RULES } from './livekit-media.ts'
import { NO_RULE, NO_TRUNK, partiesText, ROUTE, SIP_MATCH_RULES } from './livekit-trunks.ts'
import { valueOf, type LoggedLine, type LogRule } from './log-rule.ts'

/**
 * Which of trunk and rule was missing. livekit-sip names the trunk in each line after it has found one, so a line with
 * the call's other fields and without a trunk means that none matched.
 */
function missingText (line: LoggedLine): string {
  const parties = partiesText(line)
  const trunk = valueOf(line, 'sipTrunk')
  if (trunk !== '') return `no dispatch rule matched it${parties}. The trunk ${trunk} did match`
  if (line.fields['toUser'] !== undefined) return `no inbound trunk matched it${parties}, nor a rule without trunks`
  return `no trunk or no rule matched it${parties}. The line has no sipTrunk that would tell which of both was missing`
}

function floodMeaning (line: LoggedLine): string | undefined {
  if (valueOf(line, 'sipTrunk') !== '') return NO_RULE
  return line.fields['toUser'] === undefined ? undefined : NO_TRUNK
}

const TRANSFER_TODO =
  'Ask the carrier whether it takes REFER on this trunk, and in which form it expects the target; 603, 405 and 501 ' +
  'often mean that it does not. The call goes on: let the agent say so, or dial the person into the room instead'

const transferTarget = (line: LoggedLine): string => {
  const target = valueOf(line, 'transferTo')
  return target === '' ? '' : ` to ${target}`
}

/** The status and the reason of a refusal. */
const statusText = ({ match: [, status, reason] }: LoggedLine): string =>
  status === undefined ? '' : `: the other side answered ${quote([status, reason?.trim()].filter(Boolean).join(' '))}`

const methodText = (method: string): string => method === '' ? '' : ` (${method})`

/** Lines of livekit-sip. */
export const LIVEKIT_SIP_RULES: readonly LogRule[] = [
  ...LIVEKIT_MEDIA_RULES,
  {
    pattern: /\bflood\b/i,
    code: 'log-flood',
    severity: 'failed',
    says: line =>
      `LiveKit dropped the call as "flood": ${missingText(line)}. The number of calls does not matter, and the 486 ` +
      'in that line is never sent',
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route',
    meaning: floodMeaning,
    isCommon: true,
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  ...SIP_MATCH_RULES,
  {
    pattern: /quota exceeded/i,
    code: 'log-overloaded',
    severity: 'failed',
    says: 'A quota of the LiveKit project is used up, and livekit-sip answered 503',
    todo: "Look at the project's usage and the limits of its plan, such as concurrent calls",
    cause: 'livekit-overloaded',
    meaning: 'LiveKit refused the call because a quota of the project is used up.',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /auth check failed/i,
    code: 'log-overloaded',
    severity: 'failed',
    says: 'livekit-sip could not ask LiveKit for trunk and rule, and answered 503',
    todo: 'See that livekit-server and its Redis run and are those of livekit-sip',
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
    pattern: /dispatch evaluation failed|SIP handle dispatch rule error|\bdispatch-error\b/i,
    code: 'log-dispatch-error',
    severity: 'failed',
    says: line =>
      `livekit-sip got an error instead of a dispatch rule, and answered 503${partiesText(line)}`,
    todo:
      "Look at livekit-server's log at that moment: no Redis in common, two trunks that match, or a rule that cannot " +
      'be used',
    cause: 'livekit-overloaded',
    source: 'livekit/sip pkg/sip/inbound.go, pkg/service/psrpc.go'
  },
  {
    pattern: /^(?:inbound|outbound) call failed to transfer\b[^\n]{0,200}?(?:sip status: ([3-6]\d\d)(?:: ([^\n|]{1,80}))?)?$/i,
    code: 'log-transfer-failed',
    severity: 'failed',
    says: line => `The transfer${transferTarget(line)} failed${statusText(line)}`,
    todo: TRANSFER_TODO,
    source: 'livekit/sip pkg/sip/inbound.go, pkg/sip/outbound.go'
  },
  {
    pattern: /refer canceled: call ended before transfer completed/i,
    code: 'log-transfer-failed',
    severity: 'failed',
    says: 'The call ended before its transfer was decided',
    todo: 'Let the agent stay in the call until the transfer is done',
    source: 'livekit/sip pkg/sip/inbound.go, pkg/sip/outbound.go'
  },
  {
    pattern: /^BYE for non-existent call\b/i,
    code: 'log-late-bye',
    severity: 'warning',
    says:
      'LiveKit got a BYE for a call that it does not have any more, and answered 481. One BYE means that both sides ' +
      'hung up at the same moment, or that livekit-sip was restarted: that is harmless. Many of them mean that the ' +
      "sender does not get LiveKit's answers",
    todo: 'If there are many: see that responses of LiveKit reach the address in the Via of the BYE (NAT, firewall)',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /^Inbound SIP request not handled\b/i,
    code: 'log-register-refused',
    severity: 'failed',
    says: ({ fields }) => textOf(fields['method']) === 'REGISTER'
      ? 'Somebody tried to register with LiveKit, which takes no REGISTER: it answered 405'
      : `LiveKit answered a SIP request that it does not know with 405${methodText(textOf(fields['method']))}`,
    todo: 'Remove the registration: send INVITEs to LiveKit, with the credentials of the inbound trunk if it has any',
    unless: ({ fields: { method } }) => typeof method === 'string' && method !== 'REGISTER',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /auth challenge timed out without authenticated retry/i,
    code: 'log-bad-credentials',
    severity: 'failed',
    says: 'LiveKit asked for the credentials of its trunk (407), and no INVITE with credentials came',
    todo: "Give the side that calls the trunk's user name and password, or take them off the trunk",
    command: 'bridge provision --plan',
    cause: 'livekit-refused-credentials',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /^remote appears to be retrying an invite/i,
    code: 'log-retransmits',
    severity: 'warning',
    says: 'The same INVITE came again: the side that calls does not get what LiveKit answers, or gets it late',
    todo: 'See that responses of LiveKit reach the side that calls (NAT, firewall, use_external_ip)',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /^invalid invite\b(?:: ([^\n]{1,120}))?/i,
    code: 'log-invalid-invite',
    severity: 'failed',
    says: 'LiveKit could not read the INVITE, and answered 400',
    todo: 'Look at the INVITE: Call-ID, From with a tag, and To must be there',
    isCommon: true,
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /^Waiting for track subscription/i,
    code: 'log-waiting',
    severity: 'warning',
    says: ({ call }) => call.has(/^Closing (?:inbound|outbound) call/)
      ? 'LiveKit had joined the room and rang while it waited for audio of an agent, and the call ended before any came'
      : 'LiveKit had joined the room and waited for audio of an agent: the file shows no more of the call',
    todo: 'See whether an agent got a job for the room, joined it, and published audio',
    unless: ({ call }) =>
      call.has(/^Accepting the call/) || call.has(/cannot-subscribe|room subscription timed out|media[ -]timeout/),
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /^Closing inbound call\b[^\n]{0,300}\bcancelled$/,
    code: 'log-caller-gave-up',
    severity: 'warning',
    says: 'The side that calls cancelled the call before LiveKit had answered it',
    todo: 'See how long it rang, and what LiveKit waited for: an agent, mostly',
    unless: ({ call }) => call.has(/^Waiting for track subscription/),
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /^(?:no response to BYE|cannot send BYE)\b/i,
    code: 'bye-unanswered',
    severity: 'warning',
    says: "LiveKit's BYE was not answered: the other side may believe that the call goes on",
    todo: 'See that the address in the Contact of the other side can be reached from livekit-sip',
    source: 'livekit/sip pkg/sip/protocol.go'
  },
  {
    pattern: /^(?:lost connection to room, recovering|disconnected from room)\b/i,
    code: 'log-room-lost',
    severity: 'warning',
    says: 'livekit-sip lost its connection to the room',
    todo: 'A short loss is made good: if calls end there, look at livekit-server and at the network between both',
    unless: ({ match, fields: { reason } }) =>
      match[0].startsWith('disconnected') && !/SIGNAL_CLOSE|CONNECTION_TIMEOUT|STATE_MISMATCH|JOIN_FAILURE/.test(
        textOf(reason)
      ),
    source: 'livekit/sip pkg/sip/room.go'
  },
  {
    pattern:
      /redis configuration is required|cannot listen on the (?:UDP|TCP|TLS) signaling port|cannot resolve node hostname|could not resolve external IP/i,
    code: 'log-not-started',
    severity: 'failed',
    says: 'livekit-sip could not start as it is configured',
    todo: 'See its configuration: redis as in livekit-server, a free sip_port, and an address it can find for itself',
    source: 'livekit/sip pkg/config/config.go, pkg/sip/server.go'
  },
  ...LIVEKIT_API_RULES,
  ...LIVEKIT_CLOSE_RULES
]
