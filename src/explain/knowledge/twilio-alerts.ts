import type { LogRule } from './log-rule.ts'
import { twilioError } from './twilio-errors.ts'

const SOURCE = 'twilio.com/docs/api/errors'

/** Alerts of Twilio by their error code. */
export const TWILIO_ALERT_RULES: readonly LogRule[] = [
  {
    pattern: /^(32011)\b/,
    code: 'twilio-error',
    severity: 'failed',
    says: ({ fields }) => `Twilio error 32011. ${whatCameBack(fields['sipResponse'])}`,
    todo: twilioError(32011)?.todo,
    source: SOURCE
  },
  {
    pattern: /^(\d{5})\b/,
    code: 'twilio-error',
    severity: 'failed',
    says: ({ match: [, code = ''] }) => [`Twilio error ${code}`, twilioError(code)?.means].filter(Boolean).join('. '),
    todo: ({ match: [, code = ''] }) =>
      twilioError(code)?.todo ?? `Look it up: https://www.twilio.com/docs/api/errors/${code}`,
    source: SOURCE
  }
]

/** What the SIP server that Twilio called did. */
function whatCameBack (sipResponse: unknown): string | undefined {
  if (sipResponse === undefined) return twilioError(32011)?.means
  if (sipResponse === '408') return 'The SIP server at the Origination URI did not answer in time (408)'
  return `The SIP server at the Origination URI answered ${String(sipResponse).slice(0, 20)}`
}
