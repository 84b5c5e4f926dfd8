import { carrierFinal } from './carrier-finals.ts'
import { quote } from '../quote.ts'
import type { LoggedLine, LogRule } from './log-rule.ts'

/** A status with its words, as LiveKit writes it (livekit/protocol livekit/sip.go, `SIPStatus.Error`). */
const SIP_STATUS = String.raw`sip status: ([3-6]\d\d)(?:: ([^\n"',|\\]{1,80})| \((\w{1,40})\))?`

const TRANSFER = /transfer_?sip_?participant/i

/** Whether the line, or the call's other lines, speak of a transfer. */
const isTransfer = ({ fields, call }: LoggedLine): boolean =>
  TRANSFER.test(`${stringOf(fields['traceback'])} ${stringOf(fields['method'])} ${stringOf(fields['exc_info'])}`) ||
  call.has(TRANSFER)

const stringOf = (value: unknown): string => typeof value === 'string' ? value.slice(0, 20_000) : ''

function statusWords ({ match }: LoggedLine): string {
  const [status, reason, name] = match.slice(1).filter(group => group !== undefined)
  return quote([status, (reason ?? name)?.trim()].filter(Boolean).join(' '))
}

const firstStatus = ({ match }: LoggedLine): number => Number(match.slice(1).find(group => /^\d{3}$/.test(group ?? '')))

/**
 * Errors of LiveKit's API. SDKs raise them as exceptions, servers and applications log them, and curl prints them.
 * The words are the same wherever they stand.
 */
export const LIVEKIT_API_RULES: readonly LogRule[] = [
  {
    pattern: new RegExp(`call transfer failed: ${SIP_STATUS}`, 'i'),
    code: 'log-transfer-failed',
    severity: 'failed',
    says: line => `The transfer failed: the other side answered ${statusWords(line)} to it`,
    todo:
      'Ask the carrier whether it takes REFER on this trunk, and in which form it expects the target. The call goes ' +
      'on: let the agent say so, or dial the person into the room instead',
    source: 'livekit/sip pkg/sip/protocol.go'
  },
  {
    pattern: /(?:INVITE )?blocked by carrier\b|carrier blocked call \((\w{1,20}) error (\d{1,6})\)/i,
    code: 'log-outbound-failed',
    severity: 'failed',
    says: ({ match: [, provider, code] }) =>
      `The carrier blocks calls to this number${provider && code ? ` (${provider} error ${code})` : ''}`,
    todo: 'Do not call it again: the carrier blocks it as fraud or by law. Ask the carrier if the number is right',
    source: 'livekit/sip pkg/sip/errors.go'
  },
  {
    pattern: new RegExp(
      `(?:unexpected status from INVITE response|INVITE failed): ${SIP_STATUS}|` +
      String.raw`unexpected status ?code from INVITE response[: ]{1,2}([3-6]\d\d)|` +
      String.raw`SIP call failed: ([3-6]\d\d)(?: ([^\n([]{1,60}?))? \(\w{1,30}\)|` +
      String.raw`\bsip_status_code['"]?[:=] ?['"]?([3-6]\d\d)`,
      'i'
    ),
    code: 'log-outbound-failed',
    severity: 'failed',
    says: line =>
      `LiveKit dialled out, and the side that it dialled answered ${statusWords(line)}: ` +
      carrierFinal(firstStatus(line)).means,
    todo: line => carrierFinal(firstStatus(line)).todo.replaceAll('{settings}', 'the outbound trunk'),
    source: 'livekit/sip pkg/sip/outbound.go'
  },
  {
    pattern: /sip server required auth, but no username or password was provided|\bmissing sip auth\b/i,
    code: 'log-outbound-auth',
    severity: 'failed',
    says: 'The carrier asks for a user name and a password (401 or 407), and the outbound trunk has none',
    todo: "Set auth_username and auth_password of the outbound trunk to the carrier's",
    source: 'livekit/sip pkg/sip/protocol.go'
  },
  {
    pattern: /max auth retry attempts reached for SIP invite/i,
    code: 'log-outbound-auth',
    severity: 'failed',
    says: "The carrier did not accept the outbound trunk's user name and password",
    todo: "Compare auth_username and auth_password of the outbound trunk with the carrier's own portal",
    source: 'livekit/sip pkg/sip/protocol.go'
  },
  {
    pattern: /no auth header in (?:sip invite )?response/i,
    code: 'log-outbound-auth',
    severity: 'failed',
    says:
      'The carrier asks for a user name and a password (401 or 407) without a challenge that LiveKit could answer: ' +
      'its response has no WWW-Authenticate or Proxy-Authenticate header',
    todo: 'Ask the carrier how this trunk authenticates: by password it must send a challenge; by address none is due',
    source: 'livekit/sip pkg/sip/outbound.go, pkg/sip/protocol.go'
  },
  {
    pattern: /transaction failed to complete \((\d{1,4}) intermediate responses\)/i,
    code: 'log-outbound-silent',
    severity: 'failed',
    says: ({ match: [, count] }) => count === '0'
      ? 'LiveKit dialled out, and nothing came back from the address of the outbound trunk'
      : 'LiveKit dialled out, the far end began to answer, and never finished',
    todo: 'Check address, port and transport of the outbound trunk, and whether the carrier lets this server in',
    source: 'livekit/sip pkg/sip/errors.go'
  },
  {
    pattern: /\blookup ([\w.-]{1,100})(?: on [\d.:[\]a-f]{2,60})?: (?:no such host|server misbehaving)/i,
    code: 'log-outbound-address',
    severity: 'failed',
    says: ({ match: [, host] }) => `The address ${host} does not resolve`,
    todo: 'Set the address of the outbound trunk to a host name that DNS knows, without sip: in front of it',
    isCommon: true,
    source: 'livekit/sip pkg/sip/errors.go'
  },
  {
    pattern: /\bsip request timed out\b/i,
    code: 'log-outbound-no-answer',
    severity: 'failed',
    says: 'LiveKit dialled out, and nobody answered within ringing_timeout',
    todo: 'That is normal if the phone rang. Call again later, or raise ringing_timeout',
    source: 'livekit/sip pkg/sip/outbound.go'
  },
  {
    pattern: /(?:object cannot be found|requested sip trunk does not exist)/i,
    code: 'api-not-found',
    severity: 'failed',
    says: line => isTransfer(line)
      ? 'LiveKit does not know the room or the SIP participant that was to be transferred: the call may have ended'
      : 'LiveKit does not know what the request names: for createSIPParticipant that is the outbound trunk',
    todo: line => isTransfer(line)
      ? 'Ask for the transfer while the participant is in the room, by its identity'
      : 'Use the id (ST_…) of an outbound trunk of this project, not of an inbound one, of another project or of ' +
        "Twilio's (TK…)",
    command: 'lk sip outbound list',
    source: 'livekit/livekit pkg/service/errors.go, LiveKit Cloud'
  },
  {
    pattern: /participant does not exist|requested room does not exist|requested sip participant does not exist|no SIP session associated with participant|\bunknown call\b/i,
    code: 'api-not-found',
    severity: 'failed',
    says: 'LiveKit does not know the room or the participant that the request names: it may have left',
    todo:
      'Use the identity of the SIP participant, in the room where it is now; a caller who hung up cannot be ' +
      'transferred',
    command: 'lk room list',
    isCommon: true,
    source: 'livekit/livekit pkg/service/errors.go, livekit/sip pkg/sip/service.go'
  },
  {
    pattern: /requested sip dispatch rule does not exist/i,
    code: 'api-not-found',
    severity: 'failed',
    says: 'LiveKit does not know the dispatch rule that the request names',
    todo: 'Use the id (SDR_…) of a rule of this project',
    command: 'lk sip dispatch list',
    source: 'livekit/livekit pkg/service/errors.go'
  },
  {
    pattern: /can't transfer (?:non established|hung up) call|call already being transferred elsewhere|don't yet support transfers for this phone number type/i,
    code: 'log-transfer-failed',
    severity: 'failed',
    says: ({ match: [words] }) => /phone number type/.test(words)
      ? 'LiveKit does not transfer calls of this kind of number'
      : 'The transfer was refused by LiveKit itself: the call was not up, or another transfer of it was under way',
    todo: 'Ask for one transfer, after the caller has been answered and before anybody has hung up',
    source: 'livekit/sip pkg/sip/service.go, pkg/sip/inbound.go'
  },
  {
    pattern: /no response from servers|no servers available \(received \d{1,4} responses\)/i,
    code: 'api-no-sip-server',
    // A job that ends with its worker.
    unless: ({ match }) => match.input.startsWith('failed to send job request'),
    severity: 'failed',
    says: line => isTransfer(line)
      ? 'No livekit-sip answered for this call: it had ended, or its livekit-sip is gone'
      : 'No livekit-sip took the request: none runs, none has the same Redis, or all are full',
    todo:
      'See that livekit-sip runs, with the redis, api_key and api_secret of livekit-server; it logs "sip ' +
      'signaling listening on"',
    command: 'docker compose logs livekit-sip',
    source: 'livekit/psrpc errors.go, pkg/client/rpc.go'
  },
  {
    pattern: /sip not connected \(redis required\)/i,
    code: 'livekit-without-redis',
    severity: 'failed',
    says: 'LiveKit runs without Redis, so it has no SIP',
    todo: 'Give livekit-server and livekit-sip the same redis in their configurations',
    source: 'livekit/livekit pkg/service/errors.go'
  },
  {
    pattern: /permissions denied\b|\bpermission_denied\b[^\n]{0,80}requires sip/i,
    code: 'livekit-key-without-sip',
    severity: 'failed',
    says: 'The token of the request may not do this',
    todo:
      'Give the token the grants sip.call (to dial and transfer), sip.admin (trunks and rules), and roomAdmin ' +
      'for the room',
    source: 'livekit/livekit pkg/service/auth.go'
  },
  {
    pattern:
      /\bunauthenticated\b|invalid API key\b|invalid authorization (?:token|header)|invalid token: \S|go-jose\/go-jose\S{0,20}: error in cryptographic primitive/i,
    code: 'livekit-key-refused',
    severity: 'failed',
    says: 'LiveKit refused the API key or the token of a request',
    todo: 'Use URL, API key and secret of one and the same project, and a clock that is right',
    isCommon: true,
    source: 'livekit/livekit pkg/service/auth.go'
  },
  {
    pattern: /twirp error resource_exhausted\b|\bresource_exhausted\b|quota limit exceeded/i,
    code: 'api-quota',
    severity: 'failed',
    says: 'LiveKit refused the request because a limit is used up',
    todo: 'Look at the limits of the plan (concurrent calls, participants, agents), and at what of them is in use',
    isCommon: true,
    source: 'livekit/livekit pkg/service, LiveKit Cloud'
  },
  {
    pattern: /twirp error deadline_exceeded\b|\bdeadline_exceeded\b|context deadline exceeded|psrpc: request timed out|TimeoutError: The operation was aborted due to timeout/i,
    code: 'api-timeout',
    severity: 'failed',
    says:
      'A request to LiveKit took longer than it may. Whether the call was made or transferred is not known from ' +
      'that',
    todo:
      'With wait_until_answered give the client a timeout that is longer than ringing_timeout (80 s); then look ' +
      'whether the participant is in the room',
    isCommon: true,
    source: 'livekit/livekit pkg/service/sip.go, SDKs'
  },
  {
    pattern:
      /\b(?:trunk ID is required|Missing room name|Missing participant identity|should be a phone number or SIP user, not a full SIP URI|address must be a hostname without 'sip:' prefix|room name must be set|number must be set|address must be set|cannot use both CallTo and SipToHeader|invalid request URI|legacy address must not contain parameters)/i,
    code: 'api-invalid',
    severity: 'failed',
    says: 'LiveKit could not use the request: something in it is missing or has a wrong form',
    todo: 'Give sip_call_to a number or user (no sip: URI), the trunk a host name as address, and name room and trunk',
    source: 'livekit/sip pkg/sip/client.go, livekit/livekit pkg/service/sip.go'
  },
  {
    pattern: /twirp error (unknown|internal|unavailable|failed_precondition|aborted|malformed|invalid_argument): ([^\n]{1,300})/i,
    code: 'api-refused',
    severity: 'failed',
    says: ({ match: [, code = ''] }) => `LiveKit answered a request with an error (${code.toLowerCase()})`,
    todo: "The words behind it are the reason. If they say little, look at livekit-sip's or livekit-server's log",
    source: 'twitchtv/twirp errors.go'
  }
]
