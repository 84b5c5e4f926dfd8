import type { DigitSender, SentDigit } from '../calls/ports.ts'
import { accountPath, type JambonzAccess } from './api.ts'
import { NoAnswerError } from './rest-request.ts'
import { RestQueueError, type RestQueue } from './rest-queue.ts'
import { isGone } from './rest.ts'

/** One digit may take this long, milliseconds. */
const TIMEOUT_MS = 5000

/**
 * Key presses over live call control. Jambonz answers 202 before it sends the SIP INFO with the digit to its SBC
 * (feature-server lib/http-routes/api/update-call.js), and the SBC plays 0-9, `*` and `#` alone (sbc-inbound and
 * sbc-outbound lib/call-session.js). So `sent` means that Jambonz has taken the digit.
 */
export function createDigitSender (access: JambonzAccess, queue: Pick<RestQueue, 'ask'>): DigitSender {
  return {
    async send (callSid, digit, durationMs) {
      try {
        const reply = await queue.ask({
          kind: 'digit',
          method: 'PUT',
          path: `${accountPath(access.accountSid)}/Calls/${encodeURIComponent(callSid)}`,
          body: { dtmf: { digit, duration: durationMs } },
          timeoutMs: TIMEOUT_MS
        })
        if (isGone(reply)) return { outcome: 'gone' }
        const isTaken = reply.status >= 200 && reply.status <= 299
        return isTaken ? { outcome: 'sent' } : { outcome: 'refused', status: reply.status }
      } catch (error) {
        return unsent(error)
      }
    }
  }
}

function unsent (error: unknown): SentDigit {
  if (error instanceof RestQueueError) {
    const { reason, retryInMs } = error
    return { outcome: 'not-sent', detail: reason, ...(retryInMs === undefined ? {} : { retryInMs }) }
  }
  if (error instanceof NoAnswerError) return { outcome: error.left ? 'unknown' : 'not-sent', detail: error.code }
  return { outcome: 'unknown', detail: 'failed' }
}
