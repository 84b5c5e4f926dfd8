/*
 * Final responses to a REFER that refuse it: what each says, and what to do.
 */

interface ReferRefusal {
  /** As the end of "Jambonz refused the REFER (…): ". */
  says: string
  todo: string
}

const DIAL_INSTEAD = 'transfer by dialling instead'

/** By Jambonz, on the leg to LiveKit or on the caller's. */
const BY_JAMBONZ: Readonly<Record<number, ReferRefusal>> = {
  // jambonz/sbc-inbound lib/call-session.js
  400: {
    says: 'the REFER has no Referred-By',
    todo: 'Send a Referred-By header with the REFER'
  },
  // The status of the referHook is passed on: jambonz/feature-server lib/tasks/dial.js
  403: {
    says: 'the referHook was answered 403, so the application does not allow this transfer',
    todo: 'Compare the target with the numbers that the application allows'
  },
  // The same file
  501: {
    says: 'the dial has no referHook, or the REFER has no Referred-By',
    todo: "Give the dial a referHook, and pass a Referred-By header to LiveKit's transferSipParticipant"
  }
}

/** Statuses that a SIP stack gives by itself, whatever an application says. */
const BY_STACK: ReadonlySet<number> = new Set([401, 407, 420, 481])

/** Of any other status: feature-server passes on the one with which its referHook was answered (lib/tasks/dial.js). */
const byReferHook = (status: number): ReferRefusal => ({
  says: `usually its referHook was answered ${status}, which Jambonz passes on`,
  todo: "Look at the answer of the dial's referHook at that moment: 200 lets the REFER pass"
})

const BY_ANYBODY: Readonly<Record<number, ReferRefusal>> = {
  400: { says: 'it cannot read it', todo: 'Compare its Refer-To with the form that the other side wants' },
  401: { says: 'credentials are wanted', todo: 'Ask the other side which credentials it wants for transfers' },
  403: {
    says: 'it does not allow transfers, or not to this target',
    todo: 'Have transfers by SIP REFER enabled for the trunk at the carrier, and for calls to the telephone network'
  },
  404: {
    says: 'it does not know the target',
    todo: 'Compare its Refer-To with the form that the other side wants'
  },
  405: { says: 'it takes no REFER', todo: `Have REFER enabled for the trunk, or ${DIAL_INSTEAD}` },
  407: { says: 'credentials are wanted', todo: 'Ask the other side which credentials it wants for transfers' },
  420: {
    says: 'it lacks an extension that the REFER requires',
    todo: 'Compare Require of the REFER with Unsupported of the response'
  },
  481: {
    says: 'it no longer knew the call',
    todo: 'Find out how the call had ended on the other side before'
  },
  501: { says: 'it takes no REFER', todo: `Have REFER enabled for the trunk, or ${DIAL_INSTEAD}` },
  603: {
    says: 'it declines transfers',
    todo: `Have transfers by SIP REFER enabled for the trunk at the carrier, or ${DIAL_INSTEAD}`
  }
}

/** https://www.twilio.com/docs/sip-trunking/call-transfer */
const BY_TWILIO: ReferRefusal = {
  says: 'Twilio does not allow transfers on this trunk, or not to this target',
  todo: "Enable Call Transfer (SIP REFER) on the trunk in Twilio's console, and PSTN transfer with it"
}

/** What a refusal of a REFER says. */
export function referRefusalOf (status: number, who: 'jambonz' | 'twilio' | 'anybody'): ReferRefusal {
  const other = {
    says: 'it does not carry out the transfer',
    todo: 'Ask the other side which transfers it takes'
  }
  if (who === 'twilio') return BY_TWILIO
  if (who === 'jambonz' && !BY_STACK.has(status)) return BY_JAMBONZ[status] ?? byReferHook(status)
  return BY_ANYBODY[status] ?? other
}
