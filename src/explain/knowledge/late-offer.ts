/** What to do about an INVITE without SDP, in a log or on the wire. */
export const LATE_OFFER_TODO = 'Have the sender put its SDP into the INVITE (an early offer). On Cisco CUBE that is ' +
  '"early-offer forced"'
