import { LATE_OFFER_TODO } from './late-offer.ts'
import { valueOf, type LoggedLine, type LogRule } from './log-rule.ts'

/** The offer of a call was empty. */
const EMPTY_OFFER = /^(?:no offer type specified|unsupported offer type|SDP offer|Cannot start media: EOF\b)/
/** An INVITE without SDP: LiveKit answers only offers (pkg/sip/media.go). */
const hasNoOffer = ({ call }: LoggedLine): boolean =>
  call.has(/^Cannot start media: EOF\b|^(?:no offer type specified|unsupported offer type)/) ||
  call.some('an empty offer', ({ text, fields }) => /^SDP offer\b/.test(text) && fields['sdp'] === '')

/** What was in the INVITE instead of an offer. */
function offerText ({ call }: LoggedLine): string {
  const type = call.value('contentType')
  const size = call.value('contentLength')
  if (type !== '' && type !== 'application/sdp') return `: its body is ${type}`
  return size !== '' && size !== '0' ? ': it does not say what its body is' : ': it came without any'
}

/** Lines of livekit-sip about the audio of a call: its offer, its ports, its codecs. */
export const LIVEKIT_MEDIA_RULES: readonly LogRule[] = [
  {
    pattern: EMPTY_OFFER,
    code: 'log-no-offer',
    severity: 'failed',
    says: line => `The INVITE had no SDP offer that LiveKit can use${offerText(line)}`,
    todo: line => valueOf(line, 'contentType') === '' ? LATE_OFFER_TODO : 'Have the side that calls send plain SDP',
    unless: ({ match, fields: { sdp } }) => match[0].startsWith('SDP offer') && sdp !== '',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /media-timeout|media timeout|media timed out/i,
    code: 'log-media-timeout',
    severity: 'failed',
    says: 'LiveKit heard no RTP for longer than its media timeout',
    todo: "Open UDP between the SBC and LiveKit, and raise the trunk's media timeout",
    cause: 'media-lost',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /no-common-codec|common audio codec not found|no-common-crypto|no common encryption|sdp-error/i,
    code: 'log-media-mismatch',
    severity: 'failed',
    says: 'LiveKit could not agree on a codec or on encryption',
    todo: 'Offer PCMU or PCMA, and SRTP on both sides or on none',
    cause: 'media-mismatch',
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /Cannot start media|media-failed/i,
    code: 'log-media-failed',
    severity: 'failed',
    says: 'livekit-sip could not open its side of the audio',
    todo: 'See that its rtp_port range is free and larger than the number of calls',
    cause: 'livekit-failed',
    unless: hasNoOffer,
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /no ACK received|\bno-ack\b|missing ACK/i,
    code: 'log-no-ack',
    severity: 'failed',
    says: 'LiveKit answered, and its answer was never acknowledged',
    todo:
      "The ACK goes to the address in the Contact of LiveKit's answer: of your own server see that it is one which " +
      'the SBC reaches (use_external_ip)',
    source: 'livekit/sip pkg/sip/inbound.go'
  }
]
