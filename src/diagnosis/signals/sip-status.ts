import type { Attempt } from '../../calls/fold/call.ts'
import type { AttemptFacts } from '../facts.ts'
import { leadsToOurRoom } from '../far-end.ts'

/*
 * What the final SIP status of an agent leg shows. That depends on who was dialled.
 */

/** What the end of an agent leg shows. */
export function meaningOfFinal (
  { callStatus, sipStatus, reason }: NonNullable<AttemptFacts['agentFinal']>,
  attempt: Attempt | undefined
): string {
  if (callStatus === 'completed') return 'it had been answered, and was hung up'
  if (sipStatus === undefined) return 'it was not answered'
  if (!leadsToOurRoom(attempt)) return meaningElsewhere(sipStatus, attempt!.strategy)
  if (sipStatus === 503) return meaningOf503(reason)
  return FINALS[sipStatus] ?? EITHER
}

const EITHER = "the response of the far end, or Jambonz's own"

/** What a status means that did not come from our LiveKit. */
function meaningElsewhere (sipStatus: number, strategy: Attempt['strategy']): string {
  return OF_WAY[strategy]?.[sipStatus] ?? ELSEWHERE[sipStatus] ?? EITHER
}

const ELSEWHERE: Record<number, string> = {
  408: 'nothing came back on the INVITE',
  486: "the far end's response: busy",
  487: "the response to Jambonz's own CANCEL, not the far end's decision",
  488: 'no codec or encryption in common',
  503: "the far end could not take the call, or Jambonz's SBC could not reach it"
}

/** sbc-outbound answers 603 itself when a carrier has no outbound gateway (lib/call-session.js). */
const NUMBERS: Record<number, string> = {
  403: 'the carrier does not allow this number or this caller id',
  404: 'the far end does not know this number, or not in this format',
  484: 'the number is not complete, or not in the format of the carrier',
  603: 'the far end declined, or the carrier has no outbound gateway in Jambonz'
}

/** LiveKit may be behind these: its 486 does not mean busy. */
const REJECTED = "the far end's response: busy, or LiveKit's \"Rejected\", where LiveKit is behind it"

const OF_WAY: Partial<Record<Attempt['strategy'], Record<number, string>>> = {
  phone: NUMBERS,
  carrier: { ...NUMBERS, 486: REJECTED },
  retell: {
    404: 'Retell does not know the id: it is valid for five minutes after the registration, and for one call',
    486: REJECTED
  },
  sip: {
    401: 'the user name or password of `auth` is wrong, or none was sent',
    407: 'the address requires credentials and none were sent',
    404: 'the host does not know the user of this address'
  }
}

const meaningOf503 = (reason = ''): string =>
  /try again later|service temporarily unavailable/i.test(reason)
    ? "a phrase of LiveKit's own: the INVITE reached it and it could not take the call"
    : "a phrase of Jambonz's SBC: the call did not get through to LiveKit"

/** What a final response shows of which only the status is known. */
export const meaningOfResponse = (sipStatus: number, attempt: Attempt | undefined): string | undefined =>
  leadsToOurRoom(attempt) ? FINALS[sipStatus] : meaningElsewhere(sipStatus, attempt!.strategy)

/** Of LiveKit. */
const FINALS: Record<number, string> = {
  400: 'LiveKit found no codec or encryption in common, or considered the INVITE malformed',
  401: 'the user name or password of the trunk is wrong',
  407: 'the trunk requires credentials and none were sent',
  404: 'no trunk or rule matches this call',
  408: 'nothing came back on the INVITE',
  486: 'LiveKit\'s "Rejected": the call ended while it rang. It does not mean busy',
  487: "the response to Jambonz's own CANCEL, not LiveKit's decision",
  488: 'no codec or encryption in common'
}
