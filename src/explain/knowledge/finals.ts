/*
 * Final responses to a call: what each says, and when Jambonz sends it to a caller.
 *
 * Which table is asked what a final status means:
 * finals.ts: a caller was refused, by Jambonz or by somebody who is not known;
 * carrier-finals.ts: LiveKit or Jambonz dialled a carrier, a phone or a PBX;
 * jambonz-finals.ts: LiveKit dialled Jambonz;
 * record-finals.ts: only a call detail record has the status;
 * refer-refusals.ts: a REFER was answered with it.
 */

/** Who refuses a call inside Jambonz. */
export type Refuser = 'drachtio' | 'sbc-inbound' | 'feature-server' | 'application'

/** A refusal that only one of Jambonz's servers sends, known by its words. */
export interface KnownRefusal {
  status?: number
  /** Tests the reason phrase. */
  phrase?: RegExp
  /** Tests the X-Reason header. */
  xReason?: RegExp
  by: Refuser
  /** A sentence about the refuser: "It has …". */
  says: string
  todo: string
  /** The project and the file that sends it. */
  source: string
}

const GATEWAYS = "the carrier's signalling addresses as inbound gateways in Jambonz's portal"
const CARRIERS = `Enter ${GATEWAYS}`
const LIMITS = 'Compare the calls at that time with the limits of the account and of the service provider in ' +
  'Jambonz\'s portal; sbc-inbound writes "limits exceeded"'
const ONE_CARRIER = 'Leave the gateway, or the number, with one carrier and one account only'

/** In the order in which they are tried. */
export const KNOWN_REFUSALS: readonly KnownRefusal[] = [
  {
    status: 404,
    phrase: /^Number Not Provisioned$/i,
    by: 'sbc-inbound',
    says: 'It knows the carrier, and the number that was called is not provisioned for it.',
    todo: "Add the number to this carrier in Jambonz's portal, in the form in which the carrier sends it",
    source: 'jambonz/sbc-inbound lib/middleware.js'
  },
  {
    phrase: /^Loop Detected on x-application-sid$/i,
    by: 'sbc-inbound',
    says: 'The call came back to the application that had dialled it.',
    todo: 'Do not dial a number of Jambonz from the application that answers it',
    source: 'jambonz/sbc-inbound lib/middleware.js'
  },
  {
    phrase: /^Max(?:imum)? (?:Account |Service Provider )?Calls In Progress$/i,
    by: 'sbc-inbound',
    says: 'The limit of simultaneous calls was reached.',
    todo: LIMITS,
    source: 'jambonz/sbc-inbound lib/middleware.js'
  },
  {
    phrase: /^No Active Subscription$/i,
    by: 'sbc-inbound',
    says: 'The account has no active subscription.',
    todo: 'Renew the subscription of the account',
    source: 'jambonz/sbc-inbound lib/middleware.js'
  },
  {
    xReason: /^Account exists but is inactive/i,
    by: 'sbc-inbound',
    says: 'The account is inactive.',
    todo: "Activate the account in Jambonz's portal",
    source: 'jambonz/sbc-inbound lib/middleware.js, feature-server lib/middleware.js'
  },
  {
    xReason: /^No Account exists for sid/i,
    by: 'feature-server',
    says: 'It could not read the account.',
    todo: "Check that feature-server reaches Jambonz's database, and that the account exists there",
    source: 'jambonz/feature-server lib/middleware.js'
  },
  {
    xReason: /^Multiple (?:carriers|gateways|accounts) /i,
    by: 'sbc-inbound',
    says: 'Several carriers or accounts claim this call.',
    todo: ONE_CARRIER,
    source: 'jambonz/sbc-inbound lib/db-utils.js'
  },
  {
    xReason: /^Invalid credentials/i,
    by: 'sbc-inbound',
    says: 'It took the call for one of a SIP user, whose user name or password is wrong.',
    todo: `Correct the SIP user's credentials. Of a carrier's call: enter ${GATEWAYS}`,
    source: 'jambonz/digest-utils index.js'
  },
  {
    xReason: /^Unknown or invalid realm/i,
    by: 'sbc-inbound',
    says: "No account has the SIP realm that was called, and the sender is no carrier's address that it knows.",
    todo: CARRIERS,
    source: 'jambonz/digest-utils index.js'
  },
  {
    xReason: /^detected potential spammer/i,
    by: 'sbc-inbound',
    says: 'The registration hook has put the sender on its list of spammers.',
    todo: 'Look at what the registration hook answered',
    source: 'jambonz/digest-utils index.js'
  }
]

/** What a final response says of a call that begins. */
interface FinalMeaning {
  /** In SIP's words (RFC 3261 21, RFC 3398), as the end of "404 means that …". */
  means: string
  todo: string
  /** When Jambonz's servers send it to a caller, as the end of "Jambonz sends 404 when …". */
  jambonz?: { when: string, todo: string, source: string }
}

const NUMBER = 'Compare the number that was called with what the called side has configured: digits, + and country code'
const SBC_LOG = 'Look in the log of sbc-inbound for the Call-ID'
const DECLINE =
  'the application declines with this status (sip:decline), which Jambonz marks with X-Reason "SIP Decline Verb"'
const FROM_INSIDE = 'a server behind the SBC refuses, because the SBC passes its status on'

const declined = (means: string, todo: string): FinalMeaning => ({
  means,
  todo,
  jambonz: {
    when: `${DECLINE}, or ${FROM_INSIDE}`,
    todo: `${SBC_LOG}, and in that of feature-server at the same time`,
    source: 'jambonz/feature-server lib/tasks/sip_decline.js, jambonz/sbc-inbound lib/call-session.js'
  }
})

/** By their statuses. */
export const FINALS: Readonly<Record<number, FinalMeaning>> = {
  400: {
    means: 'the request was malformed, or lacked a header',
    todo: 'Compare the INVITE with RFC 3261: Contact, From with a tag, To, Call-ID, CSeq, Content-Length',
    jambonz: {
      when: 'drachtio cannot parse the INVITE, or it has no Contact or no tag in From',
      todo: "Look in drachtio's log for \"discarding\", \"Invalid or missing\" or \"Missing tag\" and the Call-ID",
      source: 'drachtio/drachtio-server src/controller.cpp'
    }
  },
  401: {
    means: 'credentials are wanted',
    todo: "Send the called side's user name and password, or have it know the sender by its address"
  },
  402: declined('the called side wants to be paid first', "Check the account's balance with the called side"),
  403: {
    means: 'the called side understood the call and does not allow it',
    todo: "Ask the called side what it allows: the sender's address, the caller's number, the destination",
    jambonz: {
      when: 'the credentials of a SIP user are wrong (with an X-Reason), or the registration hook refuses them',
      todo: `${SBC_LOG}. Of a carrier's call: enter ${GATEWAYS}`,
      source: 'jambonz/digest-utils index.js'
    }
  },
  404: {
    means: 'the called side does not know the number or name that was called',
    todo: NUMBER,
    jambonz: {
      when: "the sender is no carrier that it knows and the host that was called is no account's SIP realm, or the " +
        'number is not provisioned',
      todo: `${CARRIERS}, and the number under that carrier`,
      source: 'jambonz/sbc-inbound lib/middleware.js'
    }
  },
  405: declined('the called side takes no INVITE at this address', 'Check the address that is called'),
  406: declined('the called side has nothing to offer that the caller accepts', 'Compare the Accept header'),
  407: {
    means: 'a proxy wants credentials',
    todo: "Send the proxy's user name and password, or have it know the sender by its address"
  },
  408: {
    means: 'the called side could not be reached in time by the server that sent it',
    todo: 'Find out whom that server had called, and why nothing came back: its log at that time tells it',
    jambonz: {
      when: 'feature-server does not answer the SBC for 32 s',
      todo: `Check that feature-server runs and is reached from the SBC. ${SBC_LOG}`,
      source: 'jambonz/sbc-inbound lib/call-session.js'
    }
  },
  410: declined('the number or name is no longer used', NUMBER),
  413: declined('the request was too large', 'Send fewer headers, or a shorter SDP'),
  414: declined('the address that was called is too long', 'Shorten the Request-URI'),
  415: {
    means: 'the called side does not take the type of the body',
    todo: 'Send one body of type application/sdp',
    jambonz: {
      when: FROM_INSIDE,
      todo: `Compare the Content-Type of the INVITE. ${SBC_LOG}`,
      source: 'jambonz/sbc-inbound lib/call-session.js'
    }
  },
  416: declined('the called side does not know the scheme of the address', 'Call a sip: address'),
  420: {
    means: 'the INVITE requires an extension that the called side does not have',
    todo: 'Compare Require of the INVITE with Unsupported of the response, and switch the extension off at the sender'
  },
  421: {
    means: 'the called side requires an extension that the sender does not offer',
    todo: 'Compare Require of the response with Supported of the INVITE'
  },
  422: {
    means: 'the session timer is too short',
    todo: 'Raise Session-Expires to the Min-SE of the response'
  },
  480: {
    means: 'nobody could be reached there at the moment',
    todo: 'Check that the called side is registered and up',
    jambonz: {
      when: 'it has no feature-server, no rtpengine or no media server, or cannot use the reply to its call hook',
      todo: "Check that feature-server, FreeSWITCH and rtpengine run and are registered; look at the account's alerts",
      source: 'jambonz/sbc-inbound lib/call-session.js, jambonz/feature-server lib/middleware.js'
    }
  },
  481: {
    means: 'the called side does not know the dialog that the request belongs to',
    todo: 'Check that the INVITE has no tag in its To header, and that no proxy sends it into an older dialog',
    jambonz: {
      when: 'the INVITE has a tag in its To header, as one inside a call has, and drachtio knows no such call, for ' +
        'example after a restart',
      todo: "Look in drachtio's log for the Call-ID",
      source: 'drachtio/drachtio-server src/pending-request-controller.cpp'
    }
  },
  482: {
    means: 'the call came back to a server that it had passed',
    todo: 'Follow the Via headers, and remove the route that leads back',
    jambonz: {
      when: 'the call comes from the application that it would be given to',
      todo: 'Do not dial a number of Jambonz from the application that answers it',
      source: 'jambonz/sbc-inbound lib/middleware.js'
    }
  },
  483: {
    means: 'the call passed too many servers',
    todo: 'Follow the Via headers: a loop is likelier than a Max-Forwards that is too small'
  },
  484: declined('the number that was called is incomplete', NUMBER),
  485: declined('the address is ambiguous', NUMBER),
  486: declined('the called side is busy', 'Call again later; if it is always busy, ask for its limit of lines'),
  487: {
    means: 'the request was ended before an answer',
    todo: 'Look for who ended it: without a CANCEL on this leg, it was ended behind the server that answered'
  },
  488: {
    means: 'the called side accepts no offered codec or transport of the media',
    todo: 'Offer PCMU or PCMA, and SRTP on both sides or on neither',
    jambonz: {
      when: 'its media server takes no offered codec, which newer versions mark with an X-Reason',
      todo: 'Offer PCMU or PCMA over RTP/AVP',
      source: 'jambonz/feature-server lib/session/call-session.js'
    }
  },
  491: {
    means: 'another change of the same call was under way',
    todo: 'Send the request again after a moment'
  },
  500: {
    means: 'the server that sent it failed',
    todo: 'Look in the log of that server at that time',
    jambonz: {
      when: 'sbc-inbound or feature-server cannot read the database, or an error of its own stops it',
      todo: `${SBC_LOG} and "database error": then check MySQL and Redis`,
      source: 'jambonz/sbc-inbound lib/middleware.js, jambonz/feature-server lib/middleware.js'
    }
  },
  501: declined('the server that sent it does not know the method', 'Check the address that is called'),
  502: {
    means: 'a gateway got no usable answer from the next server',
    todo: 'Look in the log of the server that sent it for the next hop',
    jambonz: {
      when: FROM_INSIDE,
      todo: SBC_LOG,
      source: 'jambonz/sbc-inbound lib/call-session.js'
    }
  },
  503: {
    means: 'the server that sent it is overloaded, in maintenance, or cannot pass the call on',
    todo: 'Try again later, or another address of the called side',
    jambonz: {
      when: 'sbc-inbound is not connected to drachtio, a limit of calls is reached, the account is inactive, or ' +
        'somebody ended the call over the API',
      todo: 'Check that sbc-inbound runs and is connected to drachtio, then the limits of the account',
      source: 'drachtio/drachtio-server src/pending-request-controller.cpp, jambonz/sbc-inbound lib/middleware.js'
    }
  },
  504: {
    means: 'a gateway got no answer from the next server in time',
    todo: 'Look in the log of the server that sent it for the next hop'
  },
  505: declined('the server does not know this version of SIP', 'Send SIP/2.0'),
  513: {
    means: 'the message was too large for the server that sent it',
    todo: 'Send fewer headers, or a shorter SDP'
  },
  600: declined('the called side is busy everywhere', 'Call again later'),
  603: {
    means: 'the called side declined',
    todo: 'Ask the called side: a person, a filter against spam calls or an application declined',
    jambonz: {
      when: 'its verbs ended before the call was answered, as after a dial that failed; without a 100 before, ' +
        "drachtio's filter against spammers sends it",
      todo: 'Look at the other leg, and put a sip:decline behind the dial so that the caller gets a status of your own',
      source: 'jambonz/feature-server lib/session/inbound-call-session.js, drachtio/drachtio-server src/controller.cpp'
    }
  },
  604: declined('the number or name exists nowhere', NUMBER),
  606: declined('the called side accepts no offered media', 'Offer PCMU or PCMA, and SRTP on both sides or on neither'),
  607: declined('the called side does not want this caller', 'Use a caller number that is not on its list'),
  608: declined('a filter against spam calls rejected the call', 'Use a caller number with a good reputation')
}

/** What is said of a status that no table has, by its class. */
export function meaningOf (status: number): FinalMeaning {
  const known = FINALS[status]
  if (known) return known
  if (status >= 600) return { means: 'the called side does not want the call', todo: 'Ask the called side why' }
  if (status >= 500) return { means: 'the server that sent it failed', todo: 'Look in the log of that server' }
  if (status >= 400) return { means: 'the request cannot be served as it is', todo: 'Ask the called side why' }
  return { means: 'the call is to be sent to another address', todo: 'Follow the Contact of the response' }
}
