import type { Finding } from '../finding.ts'
import { isPrivate } from './address.ts'
import { agentSlow, SLOW_AGENT_MS } from './agent-slow.ts'
import type { ProbeCall } from './call.ts'
import {
  after,
  durationLimit,
  isElsewhere,
  lastHeard,
  otherRoom,
  TRUNK_AND_RULE,
  type ProbeContext
} from './context.ts'
import { unanswered, unsent } from './not-answered.ts'
import { refused } from './refused.ts'

/** What a probe call means, the outcome first. Pure. */
export function findingsOf (call: ProbeCall, context: ProbeContext): Finding[] {
  return [
    outcome(call, context),
    ...(call.final && call.final.status < 300
      ? [
          ...credentialsFindings(call, context),
          ...slowness(context),
          audioFinding(call, context),
          ...goodbye(call, context)
        ]
      : []),
    ...(/^SCL_/.test(context.user) ? [sclFinding(context)] : [])
  ]
}

function outcome (call: ProbeCall, context: ProbeContext): Finding {
  const { final, gaveUp } = call
  if (gaveUp === 'interrupted' && (!final || final.status >= 300)) {
    return {
      code: 'interrupted',
      severity: 'skipped',
      seen: `The probe was interrupted ${
        call.responses.length === 0 ? 'before any response' : `after ${lastHeard(call)}`
      }.`,
      todo: 'Run it again'
    }
  }
  if (gaveUp !== undefined && gaveUp !== 'interrupted') return unanswered(call, context, gaveUp)
  if (!final) {
    return {
      code: 'lost',
      severity: 'failed',
      seen: 'The call ended without a word.',
      todo: 'Run it again with a capture beside it'
    }
  }
  if (final.local) return unsent(call, context)
  return final.status < 300 ? answered(call, context) : refused(call, context)
}

function answered (call: ProbeCall, context: ProbeContext): Finding {
  const { room } = context
  if (isElsewhere(call, context)) return otherRoom(`LiveKit answered${after(call, call.final?.at)}`, context)
  const agent = room?.agentJoinedMs === undefined
    ? ''
    : ` Agent ${room.agent} was seen in the room ${room.agentJoinedMs} ms${
      room.agentAudioMs === undefined ? '' : `, with audio ${room.agentAudioMs} ms`
    } after it was made.`
  return { code: 'answered', severity: 'ok', seen: `LiveKit answered${after(call, call.final?.at)}.${agent}` }
}

/** The caller waited for the agent. */
function slowness ({ room }: ProbeContext): Finding[] {
  const { agent, agentJoinedMs, agentAudioMs } = room ?? {}
  if (agent === undefined || agentJoinedMs === undefined || agentAudioMs === undefined) return []
  return agentAudioMs > SLOW_AGENT_MS ? [agentSlow(agent, { agentJoinedMs, agentAudioMs })] : []
}

/** A trunk that asks nobody for a password lets everybody in. */
function credentialsFindings (call: ProbeCall, { ours, hasCredentials }: ProbeContext): Finding[] {
  if (call.challenged || !ours) return []
  return [{
    code: 'trunk-open',
    severity: 'warning',
    seen: `LiveKit answered without asking for credentials${
      hasCredentials ? ', although LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are set' : ''
    }: unless allowed_addresses keeps them out, anybody can call the agents.`,
    todo: 'Give the trunk both, user name and password: with one of them alone LiveKit asks for neither',
    command: TRUNK_AND_RULE
  }]
}

function audioFinding (call: ProbeCall, { own, remote }: ProbeContext): Finding {
  const { codec, audio } = call
  if (codec === undefined || !audio) {
    return {
      code: 'media-mismatch',
      severity: 'failed',
      seen: 'The answer has no codec that was offered.',
      todo: 'Compare the codecs of trunk and rule (media) with PCMU and PCMA',
      command: TRUNK_AND_RULE
    }
  }
  if (audio.audible >= MIN_AUDIBLE) {
    return {
      code: 'audio-heard',
      severity: 'ok',
      seen: `Audio came back over ${codec}${
        audio.firstAudibleAt === undefined || !call.final
          ? ''
          : `, ${Math.max(0, Math.round(audio.firstAudibleAt - call.final.at))} ms after the answer`
      }: ${audio.audible} of ${audio.received} packets could be heard.`
    }
  }
  if (audio.received > 0) {
    return {
      code: 'audio-silent',
      severity: 'warning',
      seen: `${audio.received} packets of ${codec} came back, all of them silence.`,
      todo: 'Good for an agent that waits for the caller to speak. If it should greet: see that it speaks first, and ' +
        'listen longer',
      command: 'bridge probe --seconds 15'
    }
  }
  const behindNat = isPrivate(own) && !isPrivate(remote)
  return {
    code: 'audio-missing',
    severity: behindNat ? 'warning' : 'failed',
    seen: `Not one RTP packet came back over ${codec}; ${audio.sent} were sent.${
      behindNat
        ? ` This machine offered its private address ${own}, which LiveKit cannot send to: that says nothing about ` +
          'Jambonz.'
        : ''
    }`,
    todo: behindNat
      ? 'Run the probe on a machine with a public address, best beside the SBC'
      : "Open UDP from LiveKit's RTP ports (10000-20000 on your own server) to this machine; on your own server see " +
        'that livekit-sip announces its public address (use_external_ip)'
  }
}

/** Fewer packets of 20 ms than this are a click, and no audio. */
const MIN_AUDIBLE = 3

/** How an answered call ended. */
function goodbye (call: ProbeCall, context: ProbeContext): Finding[] {
  const { ended, final, gaveUp } = call
  if (!ended) return []
  if (ended.by === 'livekit') {
    return [durationLimit(call, context, ended.at) ?? {
      code: 'hung-up-early',
      severity: 'warning',
      seen: `LiveKit hung up ${((ended.at - (final?.at ?? ended.at)) / 1000).toFixed(1)} s after the answer.`,
      todo: 'Most likely the agent ended the call or deleted the room: see its log'
    }]
  }
  const findings: Finding[] = []
  if (gaveUp === 'interrupted') {
    findings.push({
      code: 'interrupted',
      severity: 'skipped',
      seen: 'The probe was interrupted while it listened; it hung up first.'
    })
  }
  if (ended.status === undefined || ended.status >= 300) {
    const what = ended.status === undefined ? 'did not answer our BYE' : `answered our BYE with ${ended.status}`
    findings.push({
      code: 'bye-unanswered',
      severity: 'warning',
      seen: `LiveKit ${what}.`,
      todo: "Requests within a call do not get through: over UDP see the firewall's timeouts, or dial over TCP"
    })
  }
  return findings
}

/** `sip:SCL_…`: the id of createSipParticipant, taken for an address. */
const sclFinding = ({ user, room }: ProbeContext): Finding => ({
  code: 'scl-is-no-address',
  severity: 'failed',
  seen:
    `${user} is the id of a call that LiveKit makes, not an address: LiveKit looks for it among the numbers of its ` +
    `trunks${
      room?.look?.exists
        ? `, and put the call into a room of its own, ${room.name}, not into that of createSipParticipant`
        : ''
    }.`,
  todo:
    'Dial a token of the bridge: make the room with its agent and dial sip:<token>@<SIP host>, which a Callee rule ' +
    'puts into that room',
  command: 'bridge probe'
})
