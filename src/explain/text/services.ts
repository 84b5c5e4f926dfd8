import { fits, fitsAny } from '../knowledge/log-rules.ts'
import { SIP_CALL_LINE } from '../knowledge/livekit-sip-words.ts'
import type { Service } from '../seen.ts'
import { textOf, type Json } from './json.ts'

/**
 * Who wrote a log line.
 * @param text its message
 * @param writer what a collector or process manager calls its writer: a container, a unit, a process
 */
export function serviceOf (text: string, fields: Json, writer = ''): Service {
  const own = serviceByFields(fields)
  if (own) return own

  if (SIP_CALL_LINE.test(text)) return 'livekit-sip'

  if (SBC_INBOUND_LINE.test(text)) return 'sbc-inbound'

  // A name is somebody's choice: what only one service writes is surer.
  const named = serviceNamed(writer)
  if (named && fits(named, text)) return named
  return fitsAny(text) ?? named ?? serviceByCall(fields)
}

/** Lines of a call that goes well, which no rule knows (sbc-inbound lib/middleware.js, lib/call-session.js). */
const SBC_INBOUND_LINE = /^identifyAccount: |^call connected successfully to feature server$/

/** Fields that only one service gives to its lines. */
function serviceByFields (fields: Json): Service | undefined {
  const logger = textOf(fields['logger']) ?? ''
  const caller = textOf(fields['caller']) ?? ''
  if (/^(?:livekit\.)?sip\b/.test(logger)) return 'livekit-sip'
  if (/^livekit\b/.test(logger)) return 'livekit-server'
  if (/^sip\//.test(caller) || /psrpc/.test(caller)) return 'livekit-sip'
  if (/^(?:service|agent|rtc|routing|telemetry)\/\w+\.go/.test(caller)) return 'livekit-server'
  if (/^livekit\.(?:agents|plugins|api)\b|^livekit$/.test(textOf(fields['name']) ?? '')) return 'agent'

  const isSip = [fields['nodeID'], fields['sipCallID'], fields['sipTag']].some(value => value !== undefined) ||
    /^SCL_/.test(textOf(fields['callID']) ?? '')
  if (isSip) return 'livekit-sip'
  return /^AJ_/.test(textOf(fields['job_id']) ?? '') ? 'agent' : undefined
}

/** Names that people give to containers, units and processes. The first one that fits counts. */
const NAMES: ReadonlyArray<[RegExp, Service]> = [
  [/feature-?server/i, 'feature-server'],
  [/sbc-?(?:inbound|sip|registrar|options)/i, 'sbc-inbound'],
  [/sbc-?outbound/i, 'sbc-outbound'],
  [/api-?server/i, 'api-server'],
  [/livekit[-_]?sip/i, 'livekit-sip'],
  [/(?:datadog|grafana|elastic|node|user)[-_]?agent/i, 'application'],
  [/agent/i, 'agent'],
  [/(?:^|[^a-z])sip(?:$|[^a-z])/i, 'livekit-sip'],
  [/livekit/i, 'livekit-server'],
  [/asterisk|freepbx/i, 'asterisk']
]

const serviceNamed = (writer: string): Service | undefined => NAMES.find(([pattern]) => pattern.test(writer))?.[1]

/** feature-server names the call in each of its lines (lib/middleware.js, `child`). */
const serviceByCall = (fields: Json): Service =>
  fields['callSid'] !== undefined || fields['traceId'] !== undefined ? 'feature-server' : 'application'
