import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import { isPrivate } from '../../probe/address.ts'
import { header } from '../../sip/message.ts'
import type { Bye } from '../dialog.ts'
import { methodOf } from '../keep.ts'
import { addressUri } from '../lenient-sip.ts'
import type { Leg } from '../leg.ts'
import { nameOf, namingOf } from '../parties.ts'
import type { SipSeen } from '../seen.ts'

/*
 * Requests inside a dialog go to the Contact of the other side (RFC 3261 12.2.1.1). When that is an address which
 * cannot be reached, the answer is sent again and again, or the BYE is.
 */

/** Times that a request or an answer was sent again before it counts as lost. */
const LOST_REPEATS = 2
/** A BYE that nothing answered for this long is lost, milliseconds. */
const LOST_MS = 4000

const PUBLIC_CONTACT =
  'Have the far end put its public address into Contact (or Record-Route): behind NAT it has to be configured'
const PUBLIC_LIVEKIT = "Have LiveKit's SIP service announce its public address: set use_external_ip or " +
  'nat_1_to_1_ip in its configuration, and open its SIP port for the carrier'

const isAnswer = ({ message }: SipSeen): boolean =>
  message.kind === 'response' && message.status === 200 && methodOf(message) === 'INVITE'

const answersOf = ({ messages }: Leg): SipSeen[] => messages.filter(isAnswer)

/** The host in the Contact of the side that a request goes to. */
function contactOf (leg: Leg, side: 'caller' | 'called'): string | undefined {
  const message = side === 'caller' ? leg.invite : answersOf(leg)[0]?.message
  return message && addressUri(header(message, 'contact'))?.host
}

/** A hang-up that nothing answered for long enough, of a leg whose other side was seen. */
export function lostBye (leg: Leg, endAt: number): Bye | undefined {
  const [bye] = leg.byes
  if (!bye?.from || bye.status !== undefined || hasByeResponse(leg)) return undefined
  if (bye.from === 'called' ? !leg.invite : answersOf(leg).length === 0) return undefined
  return bye.repeats >= LOST_REPEATS || endAt - (bye.at ?? endAt) >= LOST_MS ? bye : undefined
}

const hasByeResponse = ({ messages }: Leg): boolean =>
  messages.some(({ message }) => message.kind === 'response' && methodOf(message) === 'BYE')

/** Whether the answer was sent again and again, and no ACK came: nobody knows that there was any talk. */
export const isUnacknowledged = (leg: Leg): boolean =>
  leg.invite !== undefined && !leg.acked && answersOf(leg).length > LOST_REPEATS

/** What is said of a call whose answer was not acknowledged; undefined of every other one. */
export function unacknowledged (leg: Leg): Finding | undefined {
  if (!isUnacknowledged(leg)) return undefined

  const contact = contactOf(leg, 'called')
  const [bye] = leg.byes
  const { answered } = leg.at
  const later = bye?.at === undefined || answered === undefined ? 'later' : `${duration(bye.at - answered)} later`
  const hungUp = bye ? ` ${nameOf(leg, bye.from, namingOf(leg))} hung up ${later}.` : ''
  const where = contact === undefined ? '' : ` ACK goes to the Contact of the answer: ${contact}${privacyOf(contact)}.`
  return {
    code: 'contact-unreachable',
    severity: 'failed',
    seen: `The call was answered (200), and the answer was sent ${answersOf(leg).length} times and never ` +
      `acknowledged (no ACK).${hungUp}${where}`,
    todo: 'Find out on both sides whether the answer did not arrive, or the ACK: firewalls and NAT between them, and ' +
      'the addresses in Contact, Via and Record-Route'
  }
}

const privacyOf = (contact: string): string =>
  isPrivate(contact) ? ', a private address that the other side may not reach' : ''

/**
 * The Contact of a leg that LiveKit or Jambonz dialled does not lead to its side.
 * @param endAt when the last of the files ends
 */
export function unreachableContact (leg: Leg, endAt: number): Finding[] {
  const lost = lostBye(leg, endAt)
  const target = lost?.from === 'called' ? 'caller' : 'called'
  const contact = contactOf(leg, target)
  if (lost) return [unansweredBye(leg, lost, contact, endAt)]
  if (contact === undefined) return []

  const answers = answersOf(leg).length
  if (answers > LOST_REPEATS) return [manyAnswers(answers, contact)]
  return leg.byeFrom === 'caller' && !hasByeResponse(leg) ? openBye(leg, contact) : []
}

function unansweredBye (leg: Leg, { from, at, repeats }: Bye, contact: string | undefined, endAt: number): Finding {
  const isCallers = from === 'caller'
  const times = repeats > 0 ? `, though it was sent ${repeats + 1} times` : ''
  const waited = leg.timed && at !== undefined ? `, for ${duration(endAt - at)}` : ''
  const stays = isCallers ? '' : ' The side that dialled may keep the call up.'
  const where = isCallers
    ? `ACK and BYE go to the Contact of the answer: ${contact}`
    : `It goes to the Contact of the INVITE: ${contact}`
  const goes = contact === undefined ? '' : ` ${where}${privacyOf(contact)}.`
  return {
    code: 'contact-unreachable',
    severity: 'failed',
    seen: `The BYE${isCallers ? '' : ' of the called side'} was never answered${times}${waited}.${goes}${stays}`,
    todo: !isCallers && leg.role === 'livekit-out' ? PUBLIC_LIVEKIT : PUBLIC_CONTACT
  }
}

const manyAnswers = (answers: number, contact: string): Finding => ({
  code: 'contact-unreachable',
  severity: 'failed',
  seen: `The answer was sent ${answers} times: its ACK did not arrive. ACK and BYE go to the Contact of the answer: ` +
    `${contact}${privacyOf(contact)}.`,
  todo: PUBLIC_CONTACT
})

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
