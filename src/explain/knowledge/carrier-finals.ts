import { CARRIER_MEDIA_STATUSES } from './media-statuses.ts'

/**
 * What a final status of a carrier, phone or PBX means for whom it was called for (RFC 3261 section 21, RFC 8197, RFC
 * 8688), the usual reasons, and what to do. `{settings}` stands for where the dialling side keeps the carrier's
 * address, credentials and numbers.
 */
export interface CarrierFinal {
  statuses: readonly number[]
  /** Follows a colon. */
  means: string
  /** Follows "Usual reasons: ". */
  reasons?: string
  todo: string
}

/** 401 and 407 to an INVITE that had none. */
const WANTS_CREDENTIALS: CarrierFinal = {
  statuses: [401, 407],
  means: 'it wants a user name and a password, and no INVITE with them follows in these files',
  reasons: 'no credentials in {settings}, or a carrier that lets in known addresses and does not know this one',
  todo: "Enter the carrier's user name and password in {settings}, or have the carrier allow your address without them"
}

/** 401 and 407 to an INVITE with credentials. */
const REFUSED_CREDENTIALS: CarrierFinal = {
  statuses: [401, 407],
  means: 'it did not accept the user name and password',
  reasons: 'a wrong or changed password, the user name of another trunk, or a realm that the carrier does not expect',
  todo: "Compare user name and password in {settings} with the carrier's own portal"
}

/** 401 and 407 without the header that says what to answer: WWW-Authenticate or Proxy-Authenticate. */
const WANTS_UNKNOWN_CREDENTIALS: CarrierFinal = {
  statuses: [401, 407],
  means: 'it wants credentials, but its response has no challenge, so that nobody can answer it',
  reasons: 'an address that is not known there, or a server that does not authenticate calls of this kind',
  todo: 'Have the far end allow your address, or ask it which of its servers takes calls with credentials'
}

/** 403 to an INVITE with credentials. */
const FORBIDDEN_AFTER_CREDENTIALS: CarrierFinal = {
  statuses: [403],
  means: 'it had asked for credentials, got them, and still does not allow this call',
  reasons:
    'a wrong password (many carriers answer it with 403), a From user or caller id that this account may not use ' +
    '(some carriers want their user name there), or a destination that it may not call',
  todo:
    'Check the credentials, and call from a number that the carrier knows as yours. If it wants its user name as ' +
    'From user, send the number in P-Preferred-Identity or P-Asserted-Identity'
}

/** 480 and the like when the phone had rung. */
const RANG_UNAVAILABLE: CarrierFinal = {
  statuses: [408, 480],
  means: 'the phone rang, and nobody answered before the carrier gave up',
  todo: 'Nothing is broken: call again later'
}

export const CARRIER_FINALS: readonly CarrierFinal[] = [
  {
    statuses: [300, 301, 302, 305, 380],
    means: 'it redirects the call to the address in its Contact, and nobody followed it',
    reasons: 'a carrier with a redirect server, call forwarding, or a number that has moved',
    todo: 'Dial the address of the Contact, or ask the carrier for one that takes the call itself'
  },
  {
    statuses: [400],
    means: 'it cannot use the INVITE as it is',
    reasons: 'a number in a form that it does not read, or a malformed From, Contact or SDP',
    todo: 'Send the numbers of To and From in E.164 with the +, and ask the carrier which header it objects to'
  },
  {
    statuses: [402],
    means: 'the account has to pay first',
    todo: "Look at the balance in the carrier's portal"
  },
  {
    statuses: [403],
    means: 'it does not allow this call',
    reasons:
      'the address that the INVITE came from is not on its list (IP ACL), a From user or caller id that this account ' +
      'may not use, a destination that is blocked (geo permissions), or no credit',
    todo:
      "In the carrier's portal check the allowed addresses, the caller id, the permission for this country and the " +
      'credit'
  },
  {
    statuses: [404, 604],
    means: 'it does not know the number, or this address of it knows no such trunk',
    reasons: 'a number in another form than it expects (with or without +, country code), or one that is not in use',
    todo: 'Check the number, and dial it in the form that the carrier asks for, mostly E.164 with the +'
  },
  {
    statuses: [405, 501, 420, 421],
    means: 'it does not take this kind of request',
    todo: 'Ask the carrier which address of it takes INVITEs, and which extensions it requires'
  },
  {
    statuses: [...CARRIER_MEDIA_STATUSES],
    means: 'it takes nothing of what the SDP offers',
    reasons: 'no common codec, or SRTP that one side requires and the other does not offer',
    todo: 'Offer PCMU or PCMA, and encrypt the audio (SRTP) only where the carrier does, too'
  },
  {
    statuses: [408, 504],
    means: 'it got no answer from where it passed the call on to',
    reasons: 'a phone or PBX that is off or not registered, or a route of the carrier that is down',
    todo: 'Call again, and ask the carrier if it stays so'
  },
  {
    statuses: [410],
    means: 'the number is no longer in use',
    todo: 'Take the number out of your list'
  },
  {
    statuses: [413, 513],
    means: 'the INVITE is too large for it',
    todo: 'Offer fewer codecs, send fewer headers, or use TCP'
  },
  {
    statuses: [422],
    means: 'it wants longer session timers',
    todo: 'Raise Session-Expires to at least the Min-SE of its response'
  },
  {
    statuses: [433],
    means: 'it does not take anonymous calls',
    todo: 'Call with a number of yours'
  },
  {
    statuses: [428, 436, 437, 438],
    means: 'it does not accept the identity of the caller (STIR/SHAKEN)',
    todo: 'Call with a number that the carrier has verified as yours'
  },
  {
    statuses: [480],
    means: 'the called party is not available',
    reasons: 'a phone that is off or not registered, do not disturb, or a number that the carrier does not reach now',
    todo: 'Call again later; if it is so for every number, ask the carrier'
  },
  {
    statuses: [481],
    means: 'it does not know this call any more',
    todo: 'Look for an earlier failure of the same call'
  },
  {
    statuses: [482, 483],
    means: 'the call ran in a circle',
    reasons: "an address in {settings} that leads back to where the call comes from, or the carrier's own forwarding",
    todo: "Check that the carrier's address in {settings} is not one of your own"
  },
  {
    statuses: [484],
    means: 'digits of the number are missing',
    todo: 'Dial the whole number, in E.164 with the +'
  },
  {
    statuses: [485],
    means: 'the number is ambiguous',
    todo: 'Dial the whole number, in E.164 with the +'
  },
  {
    statuses: [486, 600],
    means: 'the called party is busy',
    todo: 'Nothing is broken: call again later. If every call is busy, the carrier may have no channel left for you'
  },
  {
    statuses: [487],
    means: 'the call was ended before anybody answered',
    todo: 'Let it ring for longer, if nobody could answer in time'
  },
  {
    statuses: [491],
    means: 'another request of this call was still pending',
    todo: 'Ask the carrier: a first INVITE does not get this'
  },
  {
    statuses: [500, 502, 580],
    means: 'it failed on its side',
    reasons: 'a fault at the carrier or behind it, or an INVITE that it does not understand',
    todo: "Look at the carrier's own log of the call, and ask it with the Call-ID"
  },
  {
    statuses: [503],
    means: 'it has no way or no capacity for the call now',
    reasons:
      'its route to this destination is down, more calls or calls per second than your plan allows, or it does not ' +
      'serve the destination',
    todo: 'Compare your concurrent calls and calls per second with the limits of the plan; add a second carrier'
  },
  {
    statuses: [505],
    means: 'it does not take this version of SIP',
    todo: 'Check that the address is that of a SIP server'
  },
  {
    statuses: [603],
    means: 'the called party, or the carrier for it, declined the call',
    reasons:
      'the person pressed "decline", the caller id is on a block list or marked as spam, or the carrier does not ' +
      'take the call',
    todo: 'Call with a caller id that is registered and not marked as spam; ask the carrier if every call gets this'
  },
  {
    statuses: [607, 608],
    means: 'the call was rejected as unwanted, by the called party or by an analytics service of its carrier',
    todo: 'Have the caller id registered with the analytics services, and follow the redress address of the response'
  }
]

/** Classes of statuses that have no entry of their own. */
const OTHERS: Readonly<Record<string, CarrierFinal>> = {
  3: CARRIER_FINALS[0]!,
  4: {
    statuses: [],
    means: 'it does not take the call as it was made',
    todo: "Look at the carrier's own log of the call, and ask it with the Call-ID"
  },
  5: CARRIER_FINALS.find(({ statuses }) => statuses.includes(500))!,
  6: CARRIER_FINALS.find(({ statuses }) => statuses.includes(603))!
}

/** How a leg came to its final status. */
export interface FinalCircumstances {
  /** An INVITE with credentials was sent. */
  authorized?: boolean
  /** The response has a header that asks for them. */
  challenges?: boolean
  rang?: boolean
}

/** What this final status of a carrier means. @param status 300 to 699 */
export function carrierFinal (
  status: number,
  { authorized, challenges = true, rang }: FinalCircumstances = {}
): CarrierFinal {
  if (status === 401 || status === 407) {
    if (authorized) return REFUSED_CREDENTIALS
    return challenges ? WANTS_CREDENTIALS : WANTS_UNKNOWN_CREDENTIALS
  }
  if (status === 403 && authorized) return FORBIDDEN_AFTER_CREDENTIALS
  if (rang && RANG_UNAVAILABLE.statuses.includes(status)) return RANG_UNAVAILABLE
  return CARRIER_FINALS.find(({ statuses }) => statuses.includes(status)) ??
    OTHERS[String(Math.floor(status / 100))] ?? OTHERS['4']!
}
