import type { CdrSeen } from '../seen.ts'
import { carrierFinal } from './carrier-finals.ts'
import { meaningOf } from './finals.ts'
import { twilioError } from './twilio-errors.ts'

/** What usually stands behind a status, and what to do about it. */
export interface UsualReasons {
  says: string
  todo?: string
  command?: string
}

type Table = Readonly<Record<number, UsualReasons>>

/**
 * A carrier's call to a SIP server, which is LiveKit or Jambonz here. Sources: twilio.com/docs/sip-trunking,
 * livekit/sip pkg/sip/inbound.go, jambonz sbc-inbound lib/middleware.js.
 */
const TO_SIP_SERVER: Table = {
  401: {
    says: 'The SIP server asks for credentials, and a trunk of Twilio sends none with calls to its Origination URI.',
    todo: "Take user name and password off LiveKit's inbound trunk, and allow the carrier's addresses there instead"
  },
  403: {
    says: 'The SIP server does not take calls from this address.',
    todo: "Allow the carrier's signalling addresses: in allowed_addresses of LiveKit's trunk, or as gateways of the " +
      "carrier in Jambonz's portal"
  },
  404: {
    says: 'LiveKit Cloud answers so when no inbound trunk takes the number and the address, or no dispatch rule ' +
      "takes the call; Jambonz's SBC when it knows neither carrier nor number.",
    todo: 'Compare the number of the call with the numbers of the trunk, digit for digit and with the plus sign'
  },
  408: {
    says: 'The SIP server did not answer in time: the host is wrong, a firewall drops the packets, or it is down.',
    todo: 'Check the host, port and transport of the Origination URI, and open UDP and TCP 5060 and TCP 5061 for the ' +
      "carrier's addresses"
  },
  480: {
    says: 'The SIP server took the call in and then declined it: Jambonz answers so when the application declines or ' +
      'its webhook fails.',
    todo: "Look at Jambonz's Recent Calls and Alerts of that moment"
  },
  486: {
    says: 'LiveKit answers so when nobody answered in the room in time, and when the room was closed; Jambonz passes ' +
      'on what it dialled.',
    todo: 'Look for the call in the log of livekit-sip: it names the reason'
  },
  487: {
    says: 'Nobody answered before the caller hung up or the wait was over. A LiveKit server of your own rings once ' +
      'and falls silent when no trunk or rule takes the call.'
  },
  488: {
    says: 'The SIP server takes none of the offered codecs or no such encryption.',
    todo: "Compare Secure Trunking at Twilio with media_encryption of LiveKit's trunk: both on, or both off"
  },
  500: {
    says: 'The SIP server had an internal error.',
    todo: 'Look at its log at the time of the call'
  },
  503: {
    says: 'LiveKit answers 503 when two inbound trunks take the call ("Try again later") and when it is overloaded; ' +
      'Jambonz when a limit of calls is reached, or no feature server or rtpengine is free.',
    todo: "List LiveKit's trunks and look for two that take the same number, then look at the log of the SIP server"
  }
}

/** The usual reasons for the status of a record's leg; undefined where the status alone says nothing. */
export function usualReasons (record: CdrSeen): UsualReasons | undefined {
  const { system, direction, trunk, sipStatus } = record
  const error = system === 'twilio' && record.error !== undefined ? twilioError(record.error) : undefined
  if (error) return { says: `${error.means}.`, todo: error.todo }
  if (sipStatus === undefined || sipStatus < 300) return system === 'twilio' ? withoutStatus(record) : undefined
  if (system === 'jambonz' && direction === 'inbound') return fromJambonz(sipStatus)
  if (system === 'twilio' && direction === 'trunking-originating') return TO_SIP_SERVER[sipStatus]
  if (system === 'jambonz' && !isCarrier(trunk)) return undefined
  if (system === 'livekit' && direction !== 'outbound') return undefined

  return fromCarrier(sipStatus, SETTINGS[system])
}

/** sbc-outbound names the carrier of a leg, or else how it was routed (lib/call-session.js). */
export const isCarrier = (trunk: string | undefined): boolean =>
  trunk !== undefined && !['sipUri', 'user', 'Microsoft Teams'].includes(trunk)

/** What Jambonz answers a caller, whose record has neither the reason phrase nor X-Reason. */
function fromJambonz (sipStatus: number): UsualReasons {
  const { means, todo, jambonz } = meaningOf(sipStatus)
  if (!jambonz) return { says: `${sipStatus} means that ${means}.`, todo }
  return { says: `Jambonz sends ${sipStatus} when ${jambonz.when}.`, todo: jambonz.todo }
}

/** Twilio's API shows no SIP status of most calls. */
function withoutStatus ({ result }: CdrSeen): UsualReasons | undefined {
  if (result === 'busy') return { says: 'Whoever was called was busy.' }
  if (result === 'no-answer') return { says: 'Nobody answered in time.' }
  return {
    says: 'The record names no SIP status.',
    todo: "Look for the call's sid among Twilio's alerts, which name the error and mostly the status",
    command: 'twilio debugger:logs:list -o json'
  }
}

/** Where the side that dials keeps the carrier's address, credentials and numbers. */
const SETTINGS = {
  jambonz: "Jambonz's carrier settings",
  livekit: "LiveKit's outbound trunk",
  twilio: 'the settings of the dialling side'
} as const

function fromCarrier (sipStatus: number, settings: string): UsualReasons {
  // A record does not say whether credentials were sent.
  if (sipStatus === 401 || sipStatus === 407) {
    return {
      says: 'The carrier asks for credentials, and got none that it accepts.',
      todo: `Compare user name and password in ${settings} with the carrier's own portal`
    }
  }

  const { means, reasons, todo } = carrierFinal(sipStatus)
  const usual = reasons === undefined ? '' : `. Usual reasons: ${reasons}`
  return {
    says: `What the carrier says: ${means}${usual}.`.replaceAll('{settings}', settings),
    todo: todo.replaceAll('{settings}', settings)
  }
}
