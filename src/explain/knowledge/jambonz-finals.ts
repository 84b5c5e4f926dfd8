import { carrierFinal, type CarrierFinal, type FinalCircumstances } from './carrier-finals.ts'

/**
 * What a final status of Jambonz means for a call that LiveKit makes through it (jambonz/sbc-inbound lib/middleware.js
 * and lib/call-session.js, jambonz-feature-server lib/middleware.js and lib/session/inbound-call-session.js; recorded
 * with livekit-sip 1.10.0). A status that the application passed on from whom it dialled looks the same.
 */
const JAMBONZ_FINALS: readonly CarrierFinal[] = [
  {
    statuses: [401, 407],
    means: 'it does not know the address that LiveKit called from, and wants the credentials of an auth trunk',
    todo: "Give LiveKit's outbound trunk the user name and password of the carrier of type auth trunk in Jambonz"
  },
  {
    statuses: [403],
    means: 'it did not let the call in',
    reasons: "the user name or password of the auth trunk, or the application's own decline",
    todo: "Compare the credentials of LiveKit's outbound trunk with Jambonz's carrier, then read the application's log"
  },
  {
    statuses: [404],
    means: 'it has no carrier, number or application for this call',
    reasons:
      "an outbound trunk whose address is the SBC's IP address instead of the account's SIP realm, or a carrier " +
      'without an application',
    todo: "Use the account's SIP realm as address of LiveKit's outbound trunk, and give the carrier an application"
  },
  {
    statuses: [480],
    means: 'the call was not connected',
    reasons:
      'the number was dialled and did not answer or refused (Jambonz answers 480 unless the application passes the ' +
      'status on), the call hook failed, or the application declined',
    todo: "Look at Jambonz's leg to the carrier, at its alerts and at the application's log"
  },
  {
    statuses: [503],
    means: 'it takes no call now',
    reasons: "no feature-server, a limit of calls, an inactive account, or the carrier's own 503",
    todo: 'Check that feature-server runs, and the limits of the account; X-Reason names the reason where there is one'
  },
  {
    statuses: [603],
    means: 'the call was declined',
    reasons: 'verbs that ended without an answer, or the called party',
    todo: "Look at Jambonz's leg to the carrier and at the application's log"
  }
]

/** What this final status of Jambonz means. @param status 300 to 699 */
export const jambonzFinal = (status: number, circumstances: FinalCircumstances): CarrierFinal =>
  JAMBONZ_FINALS.find(({ statuses }) => statuses.includes(status)) ?? carrierFinal(status, circumstances)
