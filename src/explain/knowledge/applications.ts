import { liveKitTodo, statusWords, unknownSteps } from './dialled.ts'
import { LIVEKIT_API_RULES } from './livekit-api.ts'
import type { LogSeen } from '../seen.ts'
import { captured, type LoggedLine, type LogRule } from './log-rule.ts'

const LIVEKIT_HOST = /\bsips?:[^\s"'@]{0,200}@[\w.-]{1,200}\.livekit\.cloud\b/i
const OTHER_DIAL = /\btel:|\bsips?:[^\s"'@]{0,200}@(?![\w.-]{1,200}\.livekit\.cloud\b)/i

/** Whether the lines of the call name LiveKit's host as the only one that was dialled. */
function dialsLiveKit ({ call }: LoggedLine): boolean {
  const names = (pattern: RegExp) => ({ text, fields }: LogSeen): boolean =>
    [text, ...Object.values(fields)].some(value => typeof value === 'string' && pattern.test(value.slice(0, 2000)))
  return call.some('a dial to LiveKit', names(LIVEKIT_HOST)) && !call.some('another dial', names(OTHER_DIAL))
}

const dialWords = (line: LoggedLine): string => dialsLiveKit(line)
  ? `The application saw its dial to LiveKit end with ${captured(line)}`
  : `The application saw its dial end with ${statusWords(captured(line))}`

function dialTodo (line: LoggedLine): string {
  const status = captured(line)
  if (!dialsLiveKit(line)) return unknownSteps(status)
  return `Check the SIP host. If LiveKit itself answered so: ${liveKitTodo(status) ?? "look at livekit-sip's log"}`
}

/** Lines that applications write about calls. */
export const APPLICATION_RULES: readonly LogRule[] = [
  {
    pattern: new RegExp(
      String.raw`\b(?:dial|call|invite)\w{0,4}\b[^\n]{0,60}?\bfailed\b[^\n]{0,40}?\b([3-6]\d\d) ?[-:]? ?` +
      '(?:Busy Here|Forbidden|Not Found|Decline|Temporarily Unavailable|Request T|Service Unavailable|Unauthorized|' +
      'Not Acceptable|Server Internal Error|Proxy Authentication)',
      'i'
    ),
    code: 'log-outdial-failed',
    severity: 'failed',
    says: dialWords,
    todo: dialTodo,
    source: 'applications'
  },
  {
    pattern:
      /\b(?:outbound dial|dial(?:ling|ed)?|outbound call|call)(?: to \S{1,80})? failed\b[^\n]{0,60}?\b([3-6]\d\d)\b|\bdial_sip_status['"]?[:=] ?['"]?([3-6]\d\d)\b/i,
    code: 'log-outdial-failed',
    severity: 'failed',
    says: dialWords,
    todo: dialTodo,
    isCommon: true,
    source: 'applications'
  },
  ...LIVEKIT_API_RULES
]
