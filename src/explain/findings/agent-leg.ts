import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import { header } from '../../sip/message.ts'
import type { Leg } from '../leg.ts'
import { isLiveKitId } from '../livekit-id.ts'
import type { RtpCounts } from '../seen.ts'
import { LATE_OFFER_TODO } from '../knowledge/late-offer.ts'
import { mediaFindings } from './media.ts'
import { hostHint, sipHostFindings } from './sip-host.ts'

/** A larger UDP packet may travel in fragments, which firewalls drop (RFC 3261 18.1.1 asks for TCP from here on). */
const SAFE_UDP_BYTES = 1300
/** LiveKit answers within milliseconds, and within some 3 s when it cannot ask its own server (psrpc). */
export const SILENT_MS = 4000
/** INVITEs that are sent again 0.5, 1.5 and 3.5 s later (RFC 3261 17.1.1.2) waited longer than for a slow answer. */
const SILENT_REPEATS = 3
/** LiveKit rings once a second while it waits for an agent. */
export const RINGING_STOPPED_MS = 1500

/**
 * What a leg to LiveKit shows besides how the call ended.
 * @param endAt when the last of the files ends
 */
export const agentLegFindings = (leg: Leg, rtp: RtpCounts, endAt: number): Finding[] => [
  ...addressFindings(leg),
  ...credentialsFindings(leg),
  ...silenceFindings(leg, endAt),
  ...routeFindings(leg),
  ...leg.at.answered === undefined ? sipHostFindings(leg.host) : [],
  ...sizeFindings(leg),
  ...mediaFindings(leg, rtp),
  ...lateOfferFindings(leg)
]

/** Whether nothing came back for long enough to mean something. A file that ends after an INVITE proves nothing. */
export const isSilent = ({ at, repeats }: Leg, endAt: number): boolean =>
  repeats >= SILENT_REPEATS || (at.cancel ?? endAt) - (at.invite ?? endAt) >= SILENT_MS

function addressFindings ({ user, host, at }: Leg): Finding[] {
  if (!isLiveKitId(user)) return []

  const effect = at.answered === undefined
    ? 'LiveKit does not look it up anywhere'
    : 'LiveKit took it for an unknown user, and the caller is in another room than the intended one'
  return [{
    code: 'scl-is-no-address',
    severity: 'failed',
    seen: `sip:${user}@${host} was dialled. SCL_… is LiveKit's own id of a call that it dials itself ` +
      `(createSIPParticipant), and no address: ${effect}.`,
    todo: 'Create a room, dial a token of your own, and let a Callee rule put the caller into that room',
    command: 'bridge provision --plan'
  }]
}

function credentialsFindings ({ final, authorized, invite, startLinesOnly }: Leg): Finding[] {
  if (authorized || !invite || startLinesOnly || (final?.status !== 401 && final?.status !== 407)) return []
  return [{
    code: 'sip-credentials-missing',
    severity: 'failed',
    seen: `LiveKit asked for credentials (${final.status}), and no INVITE with credentials follows in these files.`,
    todo: "Give the dial target `auth` with the trunk's user name and password"
  }]
}

/** The INVITE got no answer but 100, or none at all. */
function silenceFindings (leg: Leg, endAt: number): Finding[] {
  const { at, final, challenged, invite, acked } = leg
  if (final || at.ringing !== undefined || challenged || !invite || acked || leg.isUp) return []

  const silent = isSilent(leg, endAt)
  if (at.trying === undefined) return [nothingCameBack(leg, endAt, silent)]
  if (!silent) return []
  return [{
    code: 'sip-host-silent',
    severity: 'failed',
    seen: `LiveKit's edge sent 100 and then nothing for ${waited(leg, at.cancel ?? endAt)}. It does that when it ` +
      `finds no project for the SIP host ${leg.host}.`,
    todo: `Check LIVEKIT_SIP_HOST: on LiveKit Cloud it is the project id without p_${hostHint(leg.host)}`,
    command: 'bridge probe'
  }]
}

function nothingCameBack (leg: Leg, endAt: number, silent: boolean): Finding {
  const sent = leg.repeats > 0 ? `, sent ${leg.repeats + 1} times` : ''
  const howLong = silent
    ? `, for ${waited(leg, leg.at.cancel ?? endAt)}`
    : ` before the files end, ${waited(leg, endAt)} after it`
  return {
    code: 'sip-unreachable',
    severity: silent ? 'failed' : 'warning',
    seen: `Nothing came back to the INVITE${sent}${howLong}.`,
    ...silent
      ? {
          todo: 'Check the address, the port, the transport and the firewalls between the SBC and LiveKit',
          command: 'bridge probe'
        }
      : { todo: 'Add a file that goes on for some seconds after the INVITE' }
  }
}

const waited = ({ at }: Leg, until: number): string => duration(until - (at.invite ?? until))

/** LiveKit rang once and fell silent. */
function routeFindings ({ at, rings, final }: Leg): Finding[] {
  if (rings !== 1 || at.answered !== undefined || (final && final.status !== 487)) return []

  const silence = (at.cancel ?? at.last ?? 0) - (at.lastRinging ?? 0)
  if (silence < RINGING_STOPPED_MS) return []

  const unanswered = !final && at.cancel !== undefined ? ', not even an answer to CANCEL' : ''
  return [{
    code: 'livekit-no-route',
    severity: 'failed',
    seen: `LiveKit rang once, then nothing for ${duration(silence)}${unanswered}. With a trunk and a rule for the ` +
      'call it rings every second.',
    todo: "Compare the dialled user, the caller and the SBC's address with the trunk and the rule",
    command: 'bridge probe'
  }]
}

function sizeFindings ({ transport, inviteBytes = 0, at, final }: Leg): Finding[] {
  if (transport !== 'udp' || inviteBytes <= SAFE_UDP_BYTES) return []

  const unanswered = at.trying === undefined && at.ringing === undefined && !final
  return [{
    code: 'large-udp-invite',
    severity: unanswered ? 'failed' : 'warning',
    seen: `The INVITE has ${inviteBytes} bytes over UDP: it travels in fragments, which many firewalls drop.`,
    todo: 'Dial over TCP (LIVEKIT_SIP_TRANSPORT=tcp)'
  }]
}

/**
 * Whether an INVITE leaves the offer to the answer (RFC 3261 13.2.1), as LiveKit does not take it. One whose body was
 * cut off still has a Content-Type, and one that is no whole message lacks Via.
 */
export const isLateOffer = ({ invite, final }: Leg): boolean =>
  invite !== undefined && invite.body === '' && header(invite, 'content-type') === undefined &&
  header(invite, 'via') !== undefined &&
  // Somebody may have left out the body when they copied the INVITE: LiveKit looks at it after trunk and rule.
  (header(invite, 'content-length')?.trim() === '0' || final?.status === 400 || final?.status === 500)

/** An INVITE without SDP that LiveKit did not take. */
export function lateOfferFindings (leg: Leg): Finding[] {
  if (!isLateOffer(leg) || leg.at.answered !== undefined) return []
  return [{
    code: 'late-offer',
    severity: leg.final && leg.final.status >= 400 ? 'failed' : 'warning',
    seen: 'The INVITE has no SDP (a late offer), which LiveKit does not take: it answers 500.',
    todo: LATE_OFFER_TODO
  }]
}

/** The INVITE of a call that this bridge asked for has its header. */
export function callHeaderFinding ({ invite, startLinesOnly }: Leg): Finding | undefined {
  if (!invite || startLinesOnly || header(invite, 'x-lk-call') !== undefined) return undefined

  const names = invite.headers.map(({ name }) => name).filter(name => /^x-/i.test(name))
  const others = names.length > 0 ? ` (it has ${names.slice(0, 6).join(', ')})` : ''
  return {
    code: 'no-call-header',
    severity: 'skipped',
    seen: `The INVITE has no X-LK-Call${others}: this bridge did not ask for the dial, or an SBC removed the header.`
  }
}

/** A leg that LiveKit dialled. */
export const dialledByLiveKit = ({ user, host }: Leg): Finding => ({
  code: 'livekit-dialled',
  severity: 'skipped',
  seen: `LiveKit itself dialled sip:${user}@${host} (createSIPParticipant): this is an outbound call and brings no ` +
    'caller in.'
})
