import type { Finding } from '../../finding.ts'
import { isPrivate } from '../../probe/address.ts'
import type { Sdp } from '../../sip/sdp.ts'
import { endpointText } from '../capture/endpoint.ts'
import type { Leg } from '../leg.ts'
import { quote } from '../quote.ts'
import type { RtpCounts } from '../seen.ts'

/** Final responses of LiveKit to an offer that it cannot take. */
const MEDIA_REFUSALS: readonly number[] = [400, 488, 500]

/** What a leg to LiveKit shows about its audio. */
export const mediaFindings = (leg: Leg, rtp: RtpCounts): Finding[] => [
  ...offerFindings(leg),
  ...leg.at.answered === undefined ? [] : [...addressFindings(leg), ...audioFindings(leg, rtp)]
]

function offerFindings ({ final, offer, mediaLine }: Leg): Finding[] {
  if (!final || !mediaLine || !MEDIA_REFUSALS.includes(final.status)) return []

  const offered = offer && offer.codecs.length > 0
    ? `${offer.codecs.map(({ name }) => name).join(', ')} over ${offer.profile}`
    : quote(mediaLine)
  return [{
    code: 'offered-media',
    severity: 'failed',
    seen: `The INVITE offered ${offered}; LiveKit's SIP side takes G722, PCMU and PCMA, and SRTP only where trunk or ` +
      'rule allow it.',
    todo: 'Offer PCMU or PCMA, and SRTP on both sides or on neither'
  }]
}

const addressFindings = ({ offer, answer }: Leg): Finding[] =>
  offer && answer ? [...privateAddress('The SBC', offer, answer), ...privateAddress('LiveKit', answer, offer)] : []

function privateAddress (who: string, own: Sdp, other: Sdp): Finding[] {
  if (!isPrivate(own.ip) || isPrivate(other.ip)) return []
  return [{
    code: 'private-media-address',
    severity: 'warning',
    seen: `${who} asks for its audio at ${own.ip}, a private address that the other side cannot reach.`,
    todo: 'Configure the public address that goes into the SDP'
  }]
}

function audioFindings ({ offer, answer }: Leg, rtp: RtpCounts): Finding[] {
  if (rtp.size === 0 || !offer || !answer) return []

  const packetsTo = ({ ip, port }: Sdp): number => rtp.get(endpointText({ address: ip, port }))?.packets ?? 0
  const toSbc = packetsTo(offer)
  const toLiveKit = packetsTo(answer)
  const counts = `${toLiveKit} RTP packets to LiveKit, ${toSbc} to the SBC`
  if (toSbc > 0 && toLiveKit > 0) {
    return [{ code: 'audio-both-ways', severity: 'ok', seen: `Audio went both ways: ${counts}.` }]
  }
  if (toSbc + toLiveKit === 0) return []
  return [{
    code: 'audio-one-way',
    severity: 'failed',
    seen: `Audio went one way: ${counts}.`,
    todo: 'Open UDP in the other direction, and check that both addresses in the SDP can be reached'
  }]
}
