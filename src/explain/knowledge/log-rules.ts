import type { Service } from '../seen.ts'
import { FEATURE_SERVER_RULES } from './feature-server.ts'
import { JAMBONZ_ALERT_RULES } from './jambonz-alerts.ts'
import { LIVEKIT_SIP_RULES } from './livekit-sip.ts'
import type { LogRule } from './log-rule.ts'
import { TWILIO_ALERT_RULES } from './twilio-alerts.ts'

/** What is known of each service's log lines. The first rule that fits a line counts. */
export const LOG_RULES: Partial<Record<Service, readonly LogRule[]>> = {
  'feature-server': FEATURE_SERVER_RULES,
  'livekit-sip': LIVEKIT_SIP_RULES,
  'jambonz-alerts': JAMBONZ_ALERT_RULES,
  twilio: TWILIO_ALERT_RULES
}
