import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import { isPrivate } from '../../probe/address.ts'
import { header } from '../../sip/message.ts'
import { methodOf } from '../keep.ts'
import { addressUri } from '../lenient-sip.ts'
import type { Leg } from '../leg.ts'
import type { SipSeen } from '../seen.ts'

/** Times that a request or an answer was sent again before it counts as lost. */
const LOST_REPEATS = 2
/** A BYE that nothing answered for this long is lost, milliseconds. */
const LOST_MS = 4000

/** The file ends too soon after the BYE to show that it is lost; a private address makes it likely. */
function openBye ({ ends }: Leg, contact: string): Finding[] {
  if (!isPrivate(contact) || (ends && isPrivate(ends.source.address))) return []
  return [{
    code: 'contact-unreachable',
    severity: 'warning',
    seen: `The Contact of the answer is ${contact}, a private address, and ACK and BYE go there: the file shows no ` +
      'answer to the BYE.',
    todo: PUBLIC_CONTACT
  }]
}

const PUBLIC_CONTACT =
  'Have the far end put its public address into Contact (or Record-Route): behind NAT it has to be configured'

const isAnswer = ({ message }: SipSeen): boolean =>
  message.kind === 'response' && message.status === 200 && methodOf(message) === 'INVITE'
const isRequest = (method: string) => ({ message }: SipSeen): boolean =>
  message.kind === 'request' && message.method === method

/**
 * ACK and BYE of the dialling side go to the Contact of the answer (RFC 3261 12.2.1.1): when that is an address which
 * it cannot reach, the answer is sent again and again, or the BYE is.
 * @param endAt when the last of the files ends
 */
export function unreachableContact (leg: Leg, endAt: number): Finding[] {
  const { messages, byeFrom, at } = leg
  const answers = messages.filter(isAnswer)
  const contact = answers[0] && addressUri(header(answers[0].message, 'contact'))?.host
  if (contact === undefined) return []

  const lostAck = answers.length > LOST_REPEATS
  const byes = byeFrom === 'caller' ? messages.filter(isRequest('BYE')) : []
  const isByeAnswered = messages.some(({ message }) => message.kind === 'response' && methodOf(message) === 'BYE')
  const lostBye = byes.length > 0 && !isByeAnswered &&
    (byes.length > LOST_REPEATS || endAt - (at.bye ?? endAt) >= LOST_MS)
  if (!lostAck && !lostBye) return byes.length > 0 && !isByeAnswered ? openBye(leg, contact) : []

  const what = lostBye
    ? `The BYE was never answered${byes.length > 1 ? `, though it was sent ${byes.length} times` : ''}` +
      `${leg.timed ? `, for ${duration(endAt - (at.bye ?? endAt))}` : ''}`
    : `The answer was sent ${answers.length} times: no ACK reached whoever answered`
  const where = isPrivate(contact) ? ', a private address that the dialling side may not reach' : ''
  return [{
    code: 'contact-unreachable',
    severity: 'failed',
    seen: `${what}. ACK and BYE go to the Contact of the answer: ${contact}${where}.`,
    todo: PUBLIC_CONTACT
  }]
}
