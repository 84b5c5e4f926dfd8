import { API_REFUSED } from './api-server.ts'
import { dialledTodo, dialledWords, toLiveKit } from './dialled.ts'
import { JAMBONZ_BACKEND_RULES } from './jambonz-backends.ts'
import { captured, valueOf, type LoggedLine, type LogRule } from './log-rule.ts'

const REFER_TODO =
  'Ask the carrier whether it takes REFER on this trunk, and in which form it expects the target; 603, 405 and 501 ' +
  'often mean that it does not. The call goes on with the next verb'

const HOOK_STATUS_TODO =
  'See that the URL reaches the bridge itself: no redirect, no login page, no missing path prefix'
const HOOK_REACH_TODO =
  'See that Jambonz reaches PUBLIC_URL: DNS, certificate, firewall, and an answer within 10 s'

/** The status that the error of a hook has in its fields or in its words; feature-server's own words have none. */
function statusOf ({ fields: { err }, match }: LoggedLine): string | undefined {
  const own = typeof err === 'object' && err !== null ? (err as { statusCode?: unknown }).statusCode : undefined
  if (typeof own === 'number') return String(own)
  return /\b(?:status|code|response)(?: code)?[: ]{1,2}([1-5]\d\d)\b/i.exec(match[1] ?? '')?.[1]
}

/** Why a hook did not reach its URL. */
function unreachedText (error: string): string {
  if (/ENOTFOUND|EAI_AGAIN/i.test(error)) return `The host name of the call hook's URL did not resolve (${error})`
  if (/ECONNREFUSED/i.test(error)) return 'Nothing accepted the connection to the call hook (ECONNREFUSED)'
  if (/time|HEADERS/i.test(error)) return `The call hook was not answered in time (${error})`
  return `The call hook could not be delivered (${error})`
}

/** Lines of Jambonz's feature-server. */
export const FEATURE_SERVER_RULES: readonly LogRule[] = [
  {
    pattern: /^SingleDialer:exec outdial failure (\d{3})/,
    code: 'log-outdial-failed',
    severity: ({ match: [, status] }) => status === '487' ? 'warning' : 'failed',
    says: line =>
      toLiveKit(line.call)
        ? `A leg that Jambonz dialled to LiveKit ended with ${dialledWords(line)}`
        : `The side that Jambonz dialled ended its leg with ${dialledWords(line)}`,
    todo: dialledTodo,
    source: 'jambonz-feature-server lib/utils/place-outdial.js'
  },
  {
    pattern: /^SingleDialer:exec\b(?: Error creating call)?: [^\n]{1,300}|^SingleDialer:exec Error creating call\b/,
    code: 'log-outdial-failed',
    severity: 'failed',
    says: 'Jambonz could not even send the INVITE of a leg that it was to dial',
    todo: 'Look at the error in that line: an address that is no SIP URI, a wrong proxy, or drachtio that is down',
    source: 'jambonz-feature-server lib/utils/place-outdial.js'
  },
  {
    pattern: /^Dial:_attemptCall: ring no answer timer (\d{1,6})s exceeded/,
    code: 'log-no-answer',
    severity: 'failed',
    says: line =>
      `Nobody answered the dial within its timeout of ${captured(line)} s, so Jambonz gave it up (487)`,
    todo:
      'If it dialled LiveKit: see why no agent joined the room in that time. If it dialled a person: they did not ' +
      'answer. The timeout of the dial verb sets how long it rings',
    source: 'jambonz-feature-server lib/tasks/dial.js'
  },
  {
    pattern: /_onMaxCallDuration tearing down call as it has reached (\d{1,7})s/,
    code: 'log-time-limit',
    severity: 'warning',
    says: line => `Jambonz ended the call because it had reached its time limit of ${captured(line)} s`,
    todo: 'Raise timeLimit of the dial verb (or of the call), if calls may last longer',
    source: 'jambonz-feature-server lib/tasks/dial.js, lib/session/call-session.js'
  },
  {
    pattern: /^TaskSipRefer:exec - received ([3-6]\d\d) to REFER/,
    code: 'log-refer-failed',
    severity: 'failed',
    says: line => `The carrier refused Jambonz's REFER with ${captured(line)}, so the caller was not transferred`,
    todo: REFER_TODO,
    source: 'jambonz-feature-server lib/tasks/sip_refer.js'
  },
  {
    pattern: /^TaskSipRefer:exec - (?:no NOTIFY received in 15 secs|error sending REFER)/,
    code: 'log-refer-failed',
    severity: 'failed',
    says: ({ match: [words] }) => words.includes('NOTIFY')
      ? 'The carrier accepted the REFER, and said nothing of the transfer for 15 s: how it went is not known'
      : 'Jambonz could not send its REFER, so the caller was not transferred',
    todo: 'Ask the carrier whether the transfer was carried out, and whether it sends NOTIFY for a REFER',
    source: 'jambonz-feature-server lib/tasks/sip_refer.js'
  },
  {
    pattern: /^DialTask:handleRefer - got REFER but no referHook, responding 501/,
    code: 'log-refer-no-hook',
    severity: 'failed',
    says: 'The other side asked for a transfer (REFER), and the dial verb has no referHook: Jambonz answered 501',
    todo: 'Give the dial verb a referHook, and answer it with the verbs for the caller',
    source: 'jambonz-feature-server lib/tasks/dial.js'
  },
  {
    pattern: /handleRefer - (?:error processing incoming REFER|error setting new application|error while asking referHook)/,
    code: 'log-refer-failed',
    severity: 'failed',
    says: 'Jambonz asked the referHook about a transfer, and could not use what came back',
    todo: 'See that the referHook answers 200 with a JSON array of verbs (or an empty one)',
    source: 'jambonz-feature-server lib/tasks/dial.js, lib/session/call-session.js'
  },
  {
    pattern: /_handleMediaTimeout\b[^\n]{0,80}(?:media timeout|MEDIA_TIMEOUT)/,
    code: 'log-media-timeout',
    severity: 'failed',
    says: "Jambonz's media server heard no RTP for longer than its media timeout, and Jambonz hung up",
    todo: 'Open UDP in both directions to the media servers, and see which side stopped to send',
    source: 'jambonz-feature-server lib/session/call-session.js, lib/utils/place-outdial.js'
  },
  {
    pattern:
      /WsRequestor:request - all connection attempts failed|WsRequestor:_connect - not-ready event fired|WsRequestor:_onError|WsRequestor - socket closed unexpectedly|^WsRequestor\([^)\n]{1,60}\) - closed from far end (?!1000|1001)\d/,
    code: 'log-hook-failed',
    severity: 'failed',
    says: 'Jambonz could not reach the application over its websocket, or lost it during the call',
    todo: 'See that the websocket URL of the application answers (wss, certificate, firewall, a proxy that upgrades)',
    source: 'jambonz-feature-server lib/utils/ws-requestor.js'
  },
  {
    pattern:
      /SpeechCredentialError|no provisioned speech credentials|No (?:text-to-speech|speech-to-text) service credentials for|requested but creds not supplied|No speech credentials found for/i,
    code: 'log-speech-failed',
    severity: 'failed',
    says: 'Jambonz has no credentials for the speech service that a verb asks for, and left the verb out',
    todo: "Add the vendor under Speech in Jambonz's portal, with the label that the verb names",
    source: 'jambonz-feature-server lib/tasks/tts-task.js, lib/tasks/stt-task.js'
  },
  {
    pattern: /^Error synthesizing tts|TTS playback failed with response code|Error creating \w{1,30} live session/i,
    code: 'log-speech-failed',
    severity: 'failed',
    says: 'A speech service refused or failed, so the caller did not hear or was not heard',
    todo: 'Look at the error in that line: key, quota, voice and language of the vendor',
    source: 'jambonz-feature-server lib/tasks/tts-task.js, lib/tasks/say.js'
  },
  {
    pattern: /^Account is inactive or suspended|^Error retrieving account details for account|rejecting call due to missing X-Account-Sid/,
    code: 'log-account-refused',
    severity: 'failed',
    says: line =>
      `Jambonz refused the call because its account cannot be used${accountText(valueOf(line, 'account_sid'))}`,
    todo: "Look at the account in Jambonz's portal: it is inactive, or deleted, or the database does not answer",
    source: 'jambonz-feature-server lib/middleware.js'
  },
  {
    pattern: /URL parsing failed/i,
    code: 'log-url-parsing-failed',
    severity: 'failed',
    says: 'Jambonz could not use the URL of a hook, so it never sent it',
    todo: 'Give hooks as absolute URLs (PUBLIC_URL), or relative ones that begin with /',
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern: /error retrieving or parsing application: ([^\n]{0,200})/i,
    code: 'log-hook-status',
    severity: 'failed',
    says: line =>
      `The call hook was answered with ${statusOf(line) ?? 'a status'} which Jambonz does not take (only 200, 202 ` +
      'and 204), so it had no verbs and refused the call',
    todo: HOOK_STATUS_TODO,
    unless: line => !/unexpected (?:http response|status code)/i.test(line.match.input) && !statusOf(line),
    source: 'jambonz-feature-server lib/middleware.js, lib/utils/error.js'
  },
  {
    pattern: new RegExp(
      String.raw`error retrieving or parsing application: [^\n]{0,200}\b(ECONNREFUSED|ECONNRESET|EHOSTUNREACH|` +
      String.raw`ENETUNREACH|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|ERR_TLS\w{0,40}|CERT_\w{1,40}|UND_ERR\w{0,40}|` +
      'time(?:d )?-?out|other side closed|socket hang up|certificate)',
      'i'
    ),
    code: 'log-hook-failed',
    severity: 'failed',
    says: line => `${unreachedText(captured(line))}, so Jambonz had no verbs and refused the call`,
    todo: HOOK_REACH_TODO,
    source: 'jambonz-feature-server lib/middleware.js, lib/utils/http-requestor.js'
  },
  {
    pattern: /(TaskRestDial\S{0,40} )?error retrieving or parsing application/i,
    code: 'log-application-refused',
    severity: 'failed',
    says: ({ match: [, made] }) => made === undefined
      ? 'Jambonz could not use the reply to its call hook, and declined the caller'
      : 'Jambonz could not use the reply to the call hook of a call that it had made, and hung up',
    todo: 'The call hook must answer 200 with a JSON array of verbs that this version of Jambonz knows, within 10 s',
    cause: 'reply-refused',
    source: 'jambonz-feature-server lib/middleware.js'
  },
  {
    pattern: /no application or webhook url|no configured application/i,
    code: 'no-application',
    severity: 'failed',
    says: 'Jambonz has no application for the number that was called',
    todo: "Assign the application to the number in Jambonz's portal",
    source: 'jambonz-feature-server lib/middleware.js'
  },
  {
    pattern: /web callback returned unexpected status code (\d+)/i,
    code: 'log-hook-status',
    severity: 'failed',
    says: line => `A hook was answered with ${captured(line)}, which Jambonz does not take (only 200, 202 and 204)`,
    todo: HOOK_STATUS_TODO,
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern:
      /web callback returned unexpected error|(?:hook|callback|requestor|notif).{0,500}?(?:UND_ERR|Headers ?Timeout|ECONNREFUSED|ENOTFOUND|other side closed)/i,
    code: 'log-hook-failed',
    severity: 'failed',
    says: 'A hook could not be delivered',
    todo: HOOK_REACH_TODO,
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern: /media server failure|crankback: |no available (?:freeswitch|media)|error allocating endpoint|attempting to allocate endpoint|due to endpoint allocation failure|no freeswitch connections, stopping|^lost connection to freeswitch|^failed connecting to freeswitch/i,
    code: 'log-media-server',
    severity: 'failed',
    says: "Jambonz's media server did not take the call",
    todo: 'See that FreeSWITCH and rtpengine are up and not at their limits',
    cause: 'media-server-failed',
    source: 'jambonz-feature-server lib/session/call-session.js'
  },
  {
    pattern: /no (?:available )?SBCs?\b/i,
    code: 'log-no-sbc',
    severity: 'failed',
    says: 'feature-server found no SBC to dial through',
    todo: 'See that sbc-outbound runs and registers in Redis',
    source: 'jambonz-feature-server lib/utils/place-outdial.js'
  },
  {
    pattern: /^Retrying request \((\d{1,2}\/\d{1,2})\)/,
    code: 'log-hook-failed',
    severity: 'warning',
    says: line => `A hook could not be delivered at once, and was sent again (${captured(line)})`,
    todo: 'See whether a later try succeeded, and how Jambonz reaches the URL',
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern: /_onTasksDone auto-generating non-success response to invite/,
    code: 'log-not-answered',
    severity: 'failed',
    says: 'Every verb was done and none had answered the caller, so Jambonz declined the call with 603',
    todo: 'See how the dial before it ended; let another verb follow it (say, or a dial to a person)',
    source: 'jambonz-feature-server lib/session/inbound-call-session.js'
  },
  {
    pattern: /got quick CANCEL from caller|caller canceled quickly before we could respond|got CANCEL request$/,
    code: 'log-caller-gave-up',
    severity: 'warning',
    says: 'The caller hung up before anybody had answered',
    todo: 'That is normal after a short time. After a long one, find out what the call waited for',
    source: 'jambonz-feature-server lib/utils/place-outdial.js, lib/middleware.js'
  },
  API_REFUSED,
  ...JAMBONZ_BACKEND_RULES
]

const accountText = (account: string): string => account === '' ? '' : ` (${account})`
