import type { Finding } from '../../finding.ts'
import type { Leg } from '../leg.ts'
import { isNumber } from '../roles.ts'
import { carrierSaid } from './carrier-said.ts'
import { isUnacknowledged, unreachableContact } from './contact.ts'
import { carrierIn, isSelfDial } from './outgoing-words.ts'

/** What a leg to a carrier shows besides how it ended. */
export const outgoingLegFindings = (leg: Leg, endAt: number): Finding[] => [
  ...carrierSaid(leg),
  ...numberFindings(leg),
  ...selfDialFindings(leg),
  ...isUnacknowledged(leg) ? [] : unreachableContact(leg, endAt),
  ...unsureFindings(leg)
]

/** Statuses that a number in the wrong form gets. */
const ABOUT_NUMBER: readonly number[] = [400, 403, 404, 480, 484, 485, 488, 500, 503, 603, 604]

/** A number in a form that carriers do not read. */
function numberFindings (leg: Leg): Finding[] {
  const { user, from, final } = leg
  const wantsPlus = carrierIn(leg)?.e164 === true
  const faults = [
    formFault('The number that was dialled', user, wantsPlus),
    formFault('The number in From', from, wantsPlus)
  ].filter(fault => fault !== undefined)
  if (faults.length === 0) return []

  return [{
    code: 'number-form',
    severity: final && ABOUT_NUMBER.includes(final.status) ? 'failed' : 'warning',
    seen: `${faults.join('. ')}.`,
    todo: 'Write numbers in E.164: +, country code, number, and nothing else'
  }]
}

/** Long enough for a number with its country code. Shorter ones are extensions or short codes. */
const WHOLE_NUMBER = 10

function formFault (what: string, user: string, wantsPlus: boolean): string | undefined {
  if (wantsPlus && /[a-z]/i.test(user) && !/^(?:anonymous|restricted|unavailable|unknown)$/i.test(user)) {
    return `${what} is none (${user}), and this carrier takes numbers only`
  }
  const written = user.replace(/%20/g, ' ')
  if (/\d/.test(written) && isNumber(written) && /[ ().-]/.test(written)) {
    return `${what} has spaces or punctuation in it (${written})`
  }
  if (wantsPlus && /^\d+$/.test(written) && written.length >= WHOLE_NUMBER) {
    return `${what} has no + (${written}), and this carrier takes E.164`
  }
  return undefined
}

function selfDialFindings (leg: Leg): Finding[] {
  if (!isSelfDial(leg)) return []
  return [{
    code: 'outbound-livekit',
    severity: 'failed',
    seen: `The outbound trunk's address is LiveKit's own SIP host (${leg.host}): LiveKit dialled itself.`,
    todo: "Set the address of the outbound trunk to the carrier's, or to Jambonz's SBC"
  }]
}

function unsureFindings (leg: Leg): Finding[] {
  if (leg.unsure !== true) return []
  return [{
    code: 'not-told-apart',
    severity: 'skipped',
    seen: `Nothing in these files tells whether ${leg.host || 'the other side'} is a carrier or a LiveKit server. If ` +
      'it is a carrier, look there; if it is LiveKit, compare its inbound trunk and its rule with the number.'
  }]
}
