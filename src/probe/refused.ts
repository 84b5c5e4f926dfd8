import type { Finding } from '../finding.ts'
import { OFFERED_CODECS } from '../livekit/media-config.ts'
import type { ProbeCall } from './call.ts'
import {
  after,
  agentCommand,
  durationLimit,
  lastHeard,
  TRUNK_AND_RULE,
  type ProbeContext
} from './context.ts'
import { noRoute, notAnswered } from './not-answered.ts'

/** A refusal: the call, what it is judged with, and what was said, as the beginning of a sentence. */
interface Refusal {
  call: ProbeCall
  context: ProbeContext
  said: string
}

/** What each final status means that LiveKit, or something in front of it, refuses an INVITE with. */
const MEANINGS: Readonly<Record<number, (refusal: Refusal) => Finding>> = {
  400: mediaMismatch,
  401: credentialsRefused,
  403: refusal => refusal.call.answeredChallenge ? credentialsRefused(refusal) : otherRefusal(refusal),
  404: ({ said, context }) =>
    noRoute(`${said}: no trunk or rule of LiveKit takes this call, or the host is another project's.`, context),
  407: credentialsWanted,
  408: inBetween,
  415: mediaMismatch,
  480: inBetween,
  486: roomClosed,
  488: mediaMismatch,
  503: overloaded
}

/** The final response was a refusal. */
export function refused (call: ProbeCall, context: ProbeContext): Finding {
  const refusal = { call, context, said: `LiveKit said ${lastHeard(call)}${after(call, call.final?.at)}` }
  return (MEANINGS[call.final?.status ?? 0] ?? otherRefusal)(refusal)
}

function credentialsRefused ({ said }: Refusal): Finding {
  return {
    code: 'livekit-refused-credentials',
    severity: 'failed',
    seen: `${said}: it does not accept user name and password.`,
    todo: 'Give the inbound trunk LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD of the settings, or set new ones on ' +
      'both sides (bridge provision --rotate)',
    command: TRUNK_AND_RULE
  }
}

/** It asked again, or was never answered. */
function credentialsWanted ({ said, context: { hasCredentials, ours } }: Refusal): Finding {
  if (hasCredentials) {
    return {
      code: 'livekit-refused-credentials',
      severity: 'failed',
      seen: `${said}, again or in a way that cannot be answered (only MD5 digests can).`,
      todo: 'Make LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD those of the inbound trunk',
      command: TRUNK_AND_RULE
    }
  }
  if (ours) {
    return {
      code: 'sip-credentials-missing',
      severity: 'failed',
      seen: `${said}: its trunk wants credentials, and LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are not set.`,
      todo: 'Set both to those of the inbound trunk, which are printed as lines for .env',
      command: 'bridge provision'
    }
  }
  return {
    code: 'sip-credentials-missing',
    severity: 'failed',
    seen: `${said}: it wants credentials. The trunk's go to host and port of LIVEKIT_SIP_HOST alone, so none ` +
      'were sent.',
    todo: 'To try with credentials, set LIVEKIT_SIP_HOST, LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD to those of ' +
      'that host'
  }
}

function mediaMismatch ({ said, context: { srtp } }: Refusal): Finding {
  const encryption = srtp
    ? 'LIVEKIT_SIP_SRTP is set, so the trunk may insist on SRTP, which the probe cannot speak: call over Jambonz'
    : 'trunk and rule (media) must not insist on encryption, and their codecs must leave one of these'
  return {
    code: 'media-mismatch',
    severity: 'failed',
    seen: `${said}: it can do nothing with the audio that was offered (${
      OFFERED_CODECS.map(({ name }) => name).join(' and ')
    } over plain RTP, as Jambonz offers it).`,
    todo: `Compare it with the trunk and the rule: ${encryption}`,
    command: TRUNK_AND_RULE
  }
}

function roomClosed (refusal: Refusal): Finding {
  const { call, context, said } = refusal
  const limit = durationLimit(call, context, call.final?.at)
  if (limit) return limit
  const { room } = context
  if (room?.look && !room.closed && !room.look.agent?.audio) return notAnswered(call, context)
  return {
    code: 'room-closed',
    severity: 'failed',
    seen: `${said}. From LiveKit that is not busy: the room was deleted or closed while it rang, or LiveKit's ` +
      'ringing timeout came.',
    todo: 'See who deletes rooms (an agent that ends its job by deleting the room?), and whether an agent joins and ' +
      'publishes audio',
    command: agentCommand(room?.agent)
  }
}

function inBetween ({ said }: Refusal): Finding {
  return {
    code: 'sip-unreachable',
    severity: 'failed',
    seen: `${said}.`,
    todo: 'LiveKit itself never says that to an INVITE: something in between does. Dial LiveKit directly'
  }
}

function overloaded ({ call, said }: Refusal): Finding {
  if (/temporarily unavailable/i.test(call.final?.reason ?? '')) {
    return {
      code: 'livekit-overloaded',
      severity: 'failed',
      seen: `${said}: the project's quota is used up.`,
      todo: 'Look at the plan and the concurrent calls of the project in LiveKit Cloud'
    }
  }
  return {
    code: 'livekit-overloaded',
    severity: 'failed',
    seen: `${said}: LiveKit's SIP side does not get an answer from its server or Redis, or two trunks match the call.`,
    todo: 'Look for a second trunk without numbers; on your own server see that livekit-server and its Redis run',
    command: 'bridge doctor --only livekit-api,trunk-and-rule,matching'
  }
}

function otherRefusal ({ call, context, said }: Refusal): Finding {
  const status = call.final?.status ?? 0
  if ((status >= 500 && status < 600) || call.isLiveKit) {
    return {
      code: 'livekit-failed',
      severity: 'failed',
      seen: `${said}.`,
      todo: 'Look at the log of livekit-sip at this time: no media port, or no connection to its server'
    }
  }
  return {
    code: 'declined',
    severity: 'failed',
    seen: `${said.replace('LiveKit', context.host)}.`,
    todo: "That is no answer of LiveKit: something else listens there. Compare LIVEKIT_SIP_HOST with the project's " +
      'SIP URI',
    command: 'lk project list --json'
  }
}
