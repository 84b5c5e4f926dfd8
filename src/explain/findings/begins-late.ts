import type { Leg } from '../leg.ts'
import { nameOf, type Naming } from '../parties.ts'
import { quote } from '../quote.ts'

/** What is known of a leg whose INVITE is not in the files. */
export function beginsLate (leg: Leg, naming: Naming): string {
  const { at, final, acked } = leg
  const [bye] = leg.byes
  if (bye) {
    const reason = bye.reason === undefined ? '' : ` (Reason "${quote(bye.reason)}")`
    return `${nameOf(leg, bye.from, naming)} hung up${reason}. The files begin in the middle of the call, so they do ` +
      `not show ${bye.from === undefined ? 'which side had called' : 'what had happened before'}.`
  }
  if (at.answered !== undefined) {
    return 'The files begin after the INVITE, with its answer, and do not show how the call ended.'
  }
  if (final && final.status >= 300) {
    const cancelled = at.cancel === undefined ? '' : ' after a CANCEL'
    const response = `${final.status} ${quote(final.reason)}`.trim()
    return `The files begin after the INVITE. Its final response is ${response}${cancelled}; they do not show what ` +
      'had come before it.'
  }
  if (at.cancel !== undefined) {
    return 'The files begin after the INVITE. It was cancelled, and they do not show what the call was waiting for.'
  }
  return acked
    ? 'The files begin after the INVITE and its final response: they do not show whether the call was answered, or ' +
      'how it ended.'
    : 'The files begin in the middle of the call: they do not show how it began, or how it ended.'
}
