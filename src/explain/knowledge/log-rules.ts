import type { Service } from '../seen.ts'
import { AGENT_RULES } from './agents.ts'
import { API_SERVER_RULES } from './api-server.ts'
import { APPLICATION_RULES } from './applications.ts'
import { FEATURE_SERVER_RULES } from './feature-server.ts'
import { JAMBONZ_ALERT_RULES } from './jambonz-alerts.ts'
import { LIVEKIT_SERVER_RULES } from './livekit-server.ts'
import { LIVEKIT_SIP_RULES } from './livekit-sip.ts'
import type { LogRule } from './log-rule.ts'
import { PBX_RULES } from './pbx.ts'
import { SBC_INBOUND_RULES } from './sbc-inbound.ts'
import { SBC_OUTBOUND_RULES } from './sbc-outbound.ts'
import { TWILIO_ALERT_RULES } from './twilio-alerts.ts'

/** What is known of each service's log lines. The first rule that fits a line counts. */
export const LOG_RULES: Partial<Record<Service, readonly LogRule[]>> = {
  'feature-server': FEATURE_SERVER_RULES,
  'sbc-inbound': SBC_INBOUND_RULES,
  'sbc-outbound': SBC_OUTBOUND_RULES,
  'api-server': API_SERVER_RULES,
  agent: AGENT_RULES,
  'livekit-sip': LIVEKIT_SIP_RULES,
  'livekit-server': LIVEKIT_SERVER_RULES,
  asterisk: PBX_RULES,
  application: APPLICATION_RULES,
  'jambonz-alerts': JAMBONZ_ALERT_RULES,
  twilio: TWILIO_ALERT_RULES
}

/** Characters of a line in which rules are looked for. */
export const LONGEST_READ = 2000

/** All patterns of a service in one: it is asked of every line of which the writer is not known. */
function patternOf (rules: readonly LogRule[]): RegExp | undefined {
  if (rules.length === 0) return undefined
  return new RegExp(rules.map(({ pattern }) => `(?:${pattern.source})`).join('|'), 'i')
}

const ALL = new Map(Object.entries(LOG_RULES).map(([service, rules]) => [service, patternOf(rules)]))
/** Records of alerts name who wrote them. */
const ALERTS: readonly string[] = ['jambonz-alerts', 'twilio']
const DISTINCT = Object.entries(LOG_RULES).flatMap(([service, rules]) => {
  const distinct = ALERTS.includes(service) ? [] : rules.filter(({ isCommon }) => isCommon !== true)
  const pattern = patternOf(distinct)
  return pattern ? [{ service: service as Service, pattern }] : []
})

/** Whether a service writes such lines. */
export const fits = (service: Service, text: string): boolean =>
  ALL.get(service)?.test(text.slice(0, LONGEST_READ)) === true

/** The service that alone writes such lines; undefined for a line that anybody may have written. */
export function fitsAny (text: string): Service | undefined {
  const read = text.slice(0, LONGEST_READ)
  return DISTINCT.find(({ pattern }) => pattern.test(read))?.service
}
