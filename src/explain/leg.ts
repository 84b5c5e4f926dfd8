import type { SipRequest } from '../sip/message.ts'
import type { Sdp } from '../sip/sdp.ts'
import { endpointText, type Endpoint } from './capture/endpoint.ts'
import type { Bye, Refer, Side } from './dialog.ts'
import type { Role } from './roles.ts'
import type { SipSeen } from './seen.ts'

/** The final response to an INVITE, with the headers that tell who sent it and why. */
export interface Final {
  status: number
  reason: string
  /** Jambonz's reason. */
  xReason?: string | undefined
  /** Its Server or User-Agent header. */
  product?: string | undefined
}

/** One SIP dialog, by its Call-ID, and what its messages tell. Times are milliseconds as the messages have them. */
export interface Leg {
  role: Role
  /** Nothing tells whether a carrier or LiveKit was dialled. */
  unsure?: boolean
  /** feature-server's own leg to the SBC, where the one behind it is not in the files. */
  toSbc?: boolean
  /** LiveKit dialled Jambonz. */
  toJambonz?: boolean
  callId: string
  sid?: string
  messages: SipSeen[]
  /** From a list of packets: of the headers nothing is known. */
  startLinesOnly: boolean
  /** Absent when the file begins after it: then `at.invite` is when the file begins. */
  invite?: SipRequest
  /** SIP user and host that were dialled. */
  user: string
  host: string
  from: string
  transport?: string
  /** Size of the largest INVITE's datagram. */
  inviteBytes?: number
  /** INVITEs that were sent again because nothing came back (same branch). */
  repeats: number
  ends?: { source: Endpoint, destination: Endpoint }
  at: {
    invite?: number
    trying?: number
    ringing?: number
    lastRinging?: number
    early?: number
    answered?: number
    cancel?: number
    final?: number
    bye?: number
    last?: number
  }
  rings: number
  challenged: boolean
  /** An INVITE with Authorization or Proxy-Authorization was sent. */
  authorized: boolean
  final?: Final
  /** Absent without a BYE, and where the file does not show which side sent it. */
  byeFrom?: Side
  byes: Bye[]
  refers: Refer[]
  /** Something that only happens in a call that is up was seen. */
  isUp: boolean
  /** A final response was acknowledged, whether or not it was seen. */
  acked: boolean
  /** Every message has a time. */
  timed: boolean
  offer?: Sdp
  answer?: Sdp
  /** The media line of the offer, word for word. */
  mediaLine?: string
}

/** The leg of whom Jambonz called first, in a call that it placed: they had answered when LiveKit was dialled. */
export function calleeLegOf (legs: readonly Leg[]): Leg | undefined {
  if (legs.some(({ role }) => role === 'caller' || role === 'inside')) return undefined
  const toLiveKit = legs.find(({ role }) => role === 'agent')?.at.invite
  return legs.find(({ role, at }) => role === 'carrier-out' && (at.answered ?? Infinity) <= (toLiveKit ?? -Infinity))
}

/** `10.0.0.1:5060 to 10.0.0.2:5060 over TCP`, without the parts that are unknown. */
export const endsText = ({ ends, transport }: Leg): string =>
  [
    ends ? `${endpointText(ends.source)} to ${endpointText(ends.destination)}` : '',
    transport ? `over ${transport.toUpperCase()}` : ''
  ].filter(text => text !== '').join(' ')
