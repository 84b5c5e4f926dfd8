import type { Finding } from '../finding.ts'
import { checkSipHost } from '../livekit/sip-host.ts'
import type { ProbeCall } from './call.ts'
import { after, AGENT, isElsewhere, lastHeard, otherRoom, PROVISION, type ProbeContext } from './context.ts'
import { localFinding } from './network-error.ts'

/** The request never got an answer from the far end: what the system, DNS or TLS said. */
export function unsent ({ final, invitedAt }: ProbeCall, { host, remote, transport }: ProbeContext): Finding {
  return localFinding(final?.local ?? { code: '', message: '' }, {
    host,
    remote,
    transport,
    sent: invitedAt !== undefined,
    status: final?.status ?? 503
  })
}

/** The probe gave up waiting. */
export function unanswered (
  call: ProbeCall,
  context: ProbeContext,
  gaveUp: 'no-response' | 'no-ringing' | 'no-further-ringing' | 'not-answered'
): Finding {
  switch (gaveUp) {
    case 'no-response':
      return call.challenged
        ? silentAfterChallenge(call, context)
        : localFinding({ code: '', message: '' }, {
          host: context.host,
          remote: context.remote,
          transport: context.transport,
          sent: true,
          status: 408
        })
    case 'no-ringing':
      return hostSilent(call, context)
    case 'no-further-ringing':
      return noRoute(
        'LiveKit said 100, one 180 and then nothing: it found no trunk or no dispatch rule for the call.',
        context
      )
    case 'not-answered':
      return notAnswered(call, context)
  }
}

const silentAfterChallenge = (call: ProbeCall, { transport }: ProbeContext): Finding => ({
  code: 'sip-unreachable',
  severity: 'failed',
  seen: `LiveKit asked for credentials (${lastHeard(call)}) and did not answer the second INVITE.`,
  ...(transport === 'udp'
    ? {
        todo: 'The second INVITE is larger: over UDP a firewall may drop its fragments. Dial over TCP',
        command: 'bridge probe --transport tcp'
      }
    : {
        todo:
        'Something in between lets the first request through and not the second: a SIP helper (ALG) of a router or ' +
        'firewall. Switch it off, or dial over TLS',
        command: `bridge probe --transport ${transport === 'tls' ? 'tcp' : 'tls'}`
      })
})

/** LiveKit Cloud takes every host and port; only the project's own name leads anywhere. */
function hostSilent (call: ProbeCall, { host, livekitUrl, user }: ProbeContext): Finding {
  const seen = `LiveKit said ${
    lastHeard(call)
  } and then nothing, not even ringing: the host belongs to no project of it, or its trunk dropped the call.`
  const form = livekitUrl === undefined ? undefined : checkSipHost({ LIVEKIT_SIP_HOST: host, LIVEKIT_URL: livekitUrl })
  return {
    code: 'sip-host-silent',
    severity: 'failed',
    seen: form && form.severity !== 'ok' ? `${seen} ${form.seen}.` : seen,
    todo:
      'Set LIVEKIT_SIP_HOST to the project id without p_ (11 characters) and .sip.livekit.cloud; on your own server ' +
      `compare the trunk's numbers, allowed_numbers and allowed_addresses with ${user || 'the call'}`,
    command: 'lk project list --json'
  }
}

const noRoute = (seen: string, { ours }: ProbeContext): Finding => ({
  code: 'livekit-no-route',
  severity: 'failed',
  seen,
  todo: ours
    ? 'Make trunk and rule as the bridge needs them: numbers [], a Callee rule bound to the trunk, with our prefix; ' +
      "allowed_addresses must hold this machine's address for the probe, and the SBC's for calls"
    : 'LiveKit routes by what is dialled: without a trunk and a rule for exactly this user the call goes nowhere',
  command: PROVISION
})

/** It rang until the time was over, or LiveKit's own ringing timeout came first. */
function notAnswered (call: ProbeCall, context: ProbeContext): Finding {
  const { room } = context
  const long = call.invitedAt === undefined
    ? ''
    : ` for ${Math.round(((call.final?.at ?? call.responses.at(-1)?.at ?? call.invitedAt) - call.invitedAt) / 1000)} s`
  if (isElsewhere(call, context)) return otherRoom(`It rang${long}`, context)
  if (!room?.look) {
    return {
      code: 'dial-timeout',
      severity: 'failed',
      seen: `It rang${long} and nobody answered${call.final ? ` (${lastHeard(call)})` : ''}.`,
      todo: 'LiveKit answers when an agent in the room has published audio: see whether one joins',
      command: AGENT
    }
  }
  if (!room.look.agent) {
    return {
      code: 'no-agent',
      severity: 'failed',
      seen:
        `It rang${long}; the SIP participant was in the room and no agent came. A wrong agent name and no running ` +
        'worker look alike.',
      todo:
        `Start a worker registered as ${room.agent} in this LiveKit project, and compare the name (agentName of its ` +
        'WorkerOptions) letter by letter',
      command: AGENT
    }
  }
  if (!room.look.agent.audio) {
    return {
      code: 'agent-without-audio',
      severity: 'failed',
      seen: `It rang${long}; agent ${room.agent} was in the room and published no audio, which LiveKit waits for.`,
      todo: 'The agent must publish its audio on joining (session.start), and not wait for sip.callStatus or for the ' +
        "caller's audio first",
      command: AGENT
    }
  }
  return {
    code: 'dial-timeout',
    severity: 'failed',
    seen: `It rang${long} although agent ${room.agent} was there with audio.`,
    todo: "Look at the log of livekit-sip: it could not subscribe to the agent's track",
    command: AGENT
  }
}

/** The final response was a refusal. */
export function refused (call: ProbeCall, context: ProbeContext): Finding {
  const status = call.final?.status ?? 0
  const said = `LiveKit said ${lastHeard(call)}${after(call, call.final?.at)}`
  switch (status) {
    case 401:
    case 403:
      if (status === 401 || call.answeredChallenge) {
        return {
          code: 'livekit-refused-credentials',
          severity: 'failed',
          seen: `${said}: it does not accept user name and password.`,
          todo:
            'Make LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD those of the inbound trunk, or set new ones on both ' +
            'sides',
          command: 'bridge provision --rotate'
        }
      }
      break
    case 407:
      return context.hasCredentials
        ? {
            code: 'livekit-refused-credentials',
            severity: 'failed',
            seen: `${said}, again or in a way that cannot be answered (only MD5 digests can).`,
            todo: 'Make LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD those of the inbound trunk',
            command: PROVISION
          }
        : context.ours
          ? {
              code: 'sip-credentials-missing',
              severity: 'failed',
              seen: `${said}: its trunk wants credentials, and LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are ` +
            'not set.',
              todo: 'Set both to those of the inbound trunk',
              command: PROVISION
            }
          : {
              code: 'sip-credentials-missing',
              severity: 'failed',
              seen: `${said}: it wants credentials. The trunk's are given to LIVEKIT_SIP_HOST alone, so none were ` +
            'sent.',
              todo:
            'To try with credentials, set LIVEKIT_SIP_HOST, LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD to those ' +
            'of that host'
            }
    case 404:
      return noRoute(`${said}: no trunk or rule of LiveKit takes this call, or the host is another project's.`, context)
    case 400:
    case 415:
    case 488:
      return {
        code: 'media-mismatch',
        severity: 'failed',
        seen: `${said}: it can do nothing with the audio that was offered (G.722, PCMU and PCMA over plain RTP).`,
        todo: `Compare the codecs and the encryption of the trunk and rule (media): ${
          context.srtp
            ? 'LIVEKIT_SIP_SRTP is set, so the trunk may well insist on SRTP, which the probe cannot speak; make a ' +
              'call over Jambonz to see'
            : 'with encryption REQUIRE set LIVEKIT_SIP_SRTP=true, and note that the probe cannot speak SRTP'
        }`,
        command: PROVISION
      }
    case 486:
      if (context.room?.look && !context.room.closed && !context.room.look.agent?.audio) {
        return notAnswered(call, context)
      }
      return {
        code: 'room-closed',
        severity: 'failed',
        seen: `${said}. From LiveKit that is not busy: the room was deleted or closed while it rang, or LiveKit's ` +
          'ringing timeout came.',
        todo:
          'See who deletes rooms (an agent that ends its job by deleting the room?), and whether an agent joins and ' +
          'publishes audio',
        command: AGENT
      }
    case 480:
    case 408:
      return {
        code: 'sip-unreachable',
        severity: 'failed',
        seen: `${said}.`,
        todo: 'LiveKit itself never says that to an INVITE: something in between does. Dial LiveKit directly'
      }
    case 503:
      return overloaded(call, said)
    default:
  }
  return (status >= 500 && status < 600) || call.isLiveKit
    ? {
        code: 'livekit-failed',
        severity: 'failed',
        seen: `${said}.`,
        todo: 'Look at the log of livekit-sip at this time: no media port, or no connection to its server'
      }
    : {
        code: 'declined',
        severity: 'failed',
        seen: `${said.replace('LiveKit', context.host)}.`,
        todo: "That is no answer of LiveKit: something else listens there. Compare LIVEKIT_SIP_HOST with the project's " +
        'SIP URI',
        command: 'lk project list --json'
      }
}

function overloaded (call: ProbeCall, said: string): Finding {
  const quota = /temporarily unavailable/i.test(call.final?.reason ?? '')
  return {
    code: 'livekit-overloaded',
    severity: 'failed',
    seen: quota
      ? `${said}: the project's quota is used up.`
      : `${said}: LiveKit's SIP side does not get an answer from its server or Redis, or two trunks match the call.`,
    ...(quota
      ? { todo: 'Look at the plan and the concurrent calls of the project in LiveKit Cloud' }
      : {
          todo: 'Look for a second trunk without numbers; on your own server see that livekit-server and its Redis run',
          command: 'bridge provision --list'
        })
  }
}
