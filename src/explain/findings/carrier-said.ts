import type { Finding } from '../../finding.ts'
import { header, headerList, type SipResponse } from '../../sip/message.ts'
import { methodOf } from '../keep.ts'
import { Q850 } from '../knowledge/q850.ts'
import { telnyxCode } from '../knowledge/telnyx-codes.ts'
import { twilioError } from '../knowledge/twilio-errors.ts'
import type { Leg } from '../leg.ts'
import { quote } from '../quote.ts'

/** Headers of a response that are quoted at most. */
const MOST_QUOTED = 4
/** A carrier's own headers that give reasons: X-Twilio-Error, X-Reason, X-Asterisk-HangupCause and the like. */
const OWN_REASON = /^x-[\w-]{0,40}(?:error|reason|cause|denied|blocked)[\w-]{0,40}$/i

/** The response that decided a leg. */
export function finalResponse ({ messages, final }: Leg): SipResponse | undefined {
  const found = messages.findLast(({ message }) =>
    message.kind === 'response' && message.status === final?.status && methodOf(message) === 'INVITE'
  )?.message
  return found?.kind === 'response' ? found : undefined
}

/** What the far end wrote besides its status: its own reason, in words where they are known. */
export function carrierSaid (leg: Leg): Finding[] {
  const response = finalResponse(leg)
  if (!response || response.status < 300) return []

  const error = header(response, 'x-twilio-error')
  const byTelnyx = telnyxCode(response.reason)
  const known = error === undefined ? byTelnyx : twilioError(error)
  const reasons = [
    ...byTelnyx ? [`code ${byTelnyx.code} of Telnyx`] : [],
    ...reasonWords(response),
    ...warningWords(response),
    ...ownReasons(response),
    ...retryWords(response),
    ...redirectWords(response)
  ].slice(0, MOST_QUOTED)
  if (reasons.length === 0) return []

  return [{
    code: 'carrier-said',
    severity: known ? 'failed' : 'skipped',
    seen: `The response also says: ${reasons.join('; ')}.${known ? ` ${known.means}.` : ''}`,
    ...(known && { todo: known.todo })
  }]
}

const reasonWords = (response: SipResponse): string[] =>
  headerList(response, 'reason').map(value => {
    const cause = /^\s*Q\.850\b[^\r\n]{0,200}?cause\s*=\s*(\d{1,3})/i.exec(value)?.[1]
    const words = cause === undefined ? undefined : Q850[Number(cause)]
    return `Reason "${quote(value)}"${words === undefined ? '' : ` (cause ${cause}: ${words})`}`
  })

const warningWords = (response: SipResponse): string[] =>
  headerList(response, 'warning').map(value => `Warning "${quote(value)}"`)

const ownReasons = ({ headers }: SipResponse): string[] =>
  headers.filter(({ name }) => OWN_REASON.test(name)).map(({ name, value }) => `${name} "${quote(value)}"`)

function retryWords (response: SipResponse): string[] {
  const seconds = /^\s*(\d{1,6})/.exec(header(response, 'retry-after') ?? '')?.[1]
  return seconds === undefined ? [] : [`Retry-After: call again in ${seconds} s at the earliest`]
}

function redirectWords (response: SipResponse): string[] {
  const contact = header(response, 'contact')
  return response.status < 400 && contact !== undefined ? [`Contact "${quote(contact)}"`] : []
}
