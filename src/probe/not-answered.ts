import type { Finding } from '../finding.ts'
import { checkSipHost } from '../livekit/sip-host.ts'
import type { ProbeCall } from './call.ts'
import { agentCommand, isElsewhere, lastHeard, otherRoom, TRUNK_AND_RULE, type ProbeContext } from './context.ts'
import { networkErrorFinding } from './network-error.ts'

/** The request never got an answer from the far end: what the system, DNS or TLS said. */
export function unsent ({ final, invitedAt }: ProbeCall, { host, port, remote, transport }: ProbeContext): Finding {
  return networkErrorFinding(final?.local ?? { code: '', message: '' }, {
    host,
    port,
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
        : networkErrorFinding({ code: '', message: '' }, {
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

export const noRoute = (seen: string, { ours }: ProbeContext): Finding => ({
  code: 'livekit-no-route',
  severity: 'failed',
  seen,
  todo: ours
    ? 'Make trunk and rule as the bridge needs them: numbers [], a Callee rule bound to the trunk, with our prefix; ' +
      "allowed_addresses must hold this machine's address for the probe, and the SBC's for calls"
    : 'LiveKit routes by what is dialled: without a trunk and a rule for exactly this user the call goes nowhere',
  command: TRUNK_AND_RULE
})

/** It rang until the time was over, or LiveKit's own ringing timeout came first. */
export function notAnswered (call: ProbeCall, context: ProbeContext): Finding {
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
      command: agentCommand(room?.agent)
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
      command: agentCommand(room?.agent)
    }
  }
  if (!room.look.agent.audio) {
    return {
      code: 'agent-without-audio',
      severity: 'failed',
      seen: `It rang${long}; agent ${room.agent} was in the room and published no audio, which LiveKit waits for.`,
      todo: 'The agent must publish its audio on joining (session.start), and not wait for sip.callStatus or for the ' +
        "caller's audio first",
      command: agentCommand(room?.agent)
    }
  }
  return {
    code: 'dial-timeout',
    severity: 'failed',
    seen: `It rang${long} although agent ${room.agent} was there with audio.`,
    todo: "Look at the log of livekit-sip: it could not subscribe to the agent's track",
    command: agentCommand(room?.agent)
  }
}
