import type { TransportName } from '../sip/user-agent.ts'
import type { ProbeCall } from './probe-call.ts'
import type { Finding } from './finding.ts'
import { isPrivate } from './probe-address.ts'
import type { Watched } from './probe-watch.ts'
import { checkSipHost } from './sip-host.ts'

/** What a probe call is judged with besides itself. */
export interface ProbeContext {
  /** `sip:` URI as it may be shown. */
  uri: string
  /** User part of the URI. */
  user: string
  host: string
  /** How it was called; unknown: tcp, as the settings have it. */
  transport?: TransportName
  own: string
  remote: string
  /** The host is LIVEKIT_SIP_HOST: our trunk and rule are meant to take the call. */
  ours: boolean
  hasCredentials: boolean
  srtp: boolean
  /** For the trap of a SIP host made out of the websocket name. */
  livekitUrl?: string | undefined
  /** The room the call should have landed in, and what LiveKit showed of it during the call. `closed`: it went away before its time. */
  room?: { name: string, made: boolean, agent: string, closed?: boolean } & Watched | undefined
}

const PROVISION = 'bridge provision --plan'
const AGENT = 'bridge doctor --only agent'

/** What a probe call means, the outcome first. Pure. */
export function findingsOf (call: ProbeCall, context: ProbeContext): Finding[] {
  return [
    outcome(call, context),
    ...(call.final && call.final.status < 300 ? [...credentialsOf(call, context), audioOf(call, context), ...goodbyeOf(call)] : []),
    ...(/^SCL_/.test(context.user) ? [sclFinding(context)] : [])
  ]
}

function outcome (call: ProbeCall, context: ProbeContext): Finding {
  const { final, gaveUp } = call
  if (gaveUp === 'interrupted' && (!final || final.status >= 300)) return { code: 'interrupted', severity: 'skipped', seen: `The probe was interrupted ${call.responses.length === 0 ? 'before any response' : `after ${lastHeard(call)}`}.`, todo: 'Run it again' }
  if (gaveUp !== undefined && gaveUp !== 'interrupted') return unanswered(call, context, gaveUp)
  if (!final) return { code: 'lost', severity: 'failed', seen: 'The call ended without a word.', todo: 'Run it again with a capture beside it' }
  if (final.local) return unsent(call, context)
  return final.status < 300 ? answered(call, context) : refused(call, context)
}

const lastHeard = ({ responses }: ProbeCall): string => {
  const last = responses.at(-1)
  return last ? `${last.status} ${last.reason}`.trim() : 'nothing'
}

/** From the INVITE on, as text. */
const after = (call: ProbeCall, at: number | undefined): string => at === undefined || call.invitedAt === undefined ? '' : ` after ${Math.max(0, Math.round(at - call.invitedAt))} ms`

function answered (call: ProbeCall, context: ProbeContext): Finding {
  const { room } = context
  if (isElsewhere(call, context)) return otherRoom(`LiveKit answered${after(call, call.final?.at)}`, context)
  const agent = room?.agentJoinedMs === undefined ? '' : ` Agent ${room.agent} was seen in the room ${room.agentJoinedMs} ms${room.agentAudioMs === undefined ? '' : `, with audio ${room.agentAudioMs} ms`} after it was made.`
  return { code: 'answered', severity: 'ok', seen: `LiveKit answered${after(call, call.final?.at)}.${agent}` }
}

/** LiveKit rings before it has chosen a room, milliseconds: both of its questions to its server take no longer than 3 s. */
const CHOOSING_MS = 6000

/** Somebody looked into the room that was made for the call while it had to be in one, and never saw it there. */
function isElsewhere ({ final, ended, responses }: ProbeCall, { room }: ProbeContext): boolean {
  const { made, looks = [] } = room ?? {}
  const rang = responses.find(({ status }) => status >= 180 && status < 200)?.at
  const since = final && final.status < 300 ? final.at : rang === undefined ? Infinity : rang + CHOOSING_MS
  const over = ended?.at ?? final?.at ?? Infinity
  return made === true && !looks.some(({ sip }) => sip) && looks.some(({ from, until }) => from > since && until < over)
}

const otherRoom = (seen: string, { room, host }: ProbeContext): Finding => ({
  code: 'other-room',
  severity: 'failed',
  seen: `${seen}, and the call was not in its room ${room?.name}: another rule took it, or ${host} is another project's.`,
  todo: 'See where a call lands by the project\'s trunks and rules, and compare LIVEKIT_SIP_HOST with the project\'s SIP URI. The room it went to closes by itself',
  command: 'bridge doctor --only sip-host,trunk-and-rule,matching'
})

/** The request never got an answer from the far end: what the system, DNS or TLS said. */
function unsent ({ final, invitedAt }: ProbeCall, { host, remote, transport }: ProbeContext): Finding {
  return localFinding(final?.local ?? { code: '', message: '' }, { host, remote, transport, sent: invitedAt !== undefined, status: final?.status ?? 503 })
}

/** What an error of the network means. `sent`: there was a connection, and the request went out. */
export function localFinding ({ code, message }: { code: string, message: string }, { host, remote, transport = 'tcp', sent, status }: { host: string, remote?: string, transport?: TransportName | undefined, sent: boolean, status: number }): Finding {
  // What was just tried says the same again.
  const tryOver = (...others: TransportName[]) => `bridge probe --transport ${others.find(other => other !== transport)}`
  const where = remote === undefined || remote === host ? host : `${host} (${remote})`
  if (/^(ENOTFOUND|EAI_|ENODATA)/.test(code)) {
    return { code: 'sip-host-unresolved', severity: 'failed', seen: `No address is known for ${host} (${code}).`, todo: 'Correct LIVEKIT_SIP_HOST. On LiveKit Cloud it is the project id without p_, before .sip.livekit.cloud; the list of projects shows it', command: 'lk project list --json' }
  }
  if (code === 'ECONNREFUSED') {
    return { code: 'sip-refused', severity: 'failed', seen: `${where} is there, and nobody listens on that port (ECONNREFUSED).`, todo: 'Start livekit-sip, or correct port and transport: LiveKit takes UDP and TCP on 5060, TLS on 5061. Try the other transports', command: tryOver('udp', 'tcp') }
  }
  if (/CERT|SSL|TLS|EPROTO|SELF_SIGNED|UNABLE_TO_|HOSTNAME|ISSUER/.test(code)) return tlsFinding(code, message, where)
  if (sent && status === 503) {
    return { code: 'sip-connection-closed', severity: 'failed', seen: `${where} took the connection and closed it without an answer${code ? ` (${code})` : ''}.`, todo: 'Something other than SIP listens there, or it wants TLS: correct the port of LIVEKIT_SIP_HOST, or try the other transports', command: tryOver('tls', 'tcp') }
  }
  return { code: 'sip-unreachable', severity: 'failed', seen: `Nothing came back from ${where}${code ? ` (${code})` : ''}.`, todo: 'A firewall drops it, or the host is wrong: allow outgoing SIP to it (TCP and UDP 5060, TLS 5061), compare LIVEKIT_SIP_HOST with the project\'s SIP URI, and try another transport', command: tryOver('tcp', 'tls') }
}

function tlsFinding (code: string, message: string, where: string): Finding {
  if (/WRONG_VERSION|EPROTO|PACKET_LENGTH|HTTP_REQUEST|UNEXPECTED|HANDSHAKE_TIMEOUT/.test(code)) {
    return { code: 'tls-failed', severity: 'failed', seen: `${where} does not speak TLS on that port (${code}).`, todo: 'LiveKit takes TLS on port 5061 and TCP on 5060: correct the port of LIVEKIT_SIP_HOST, or dial over TCP', command: 'bridge probe --transport tcp' }
  }
  // OpenSSL's text names the names of a certificate, nothing secret.
  return { code: 'tls-failed', severity: 'failed', seen: `The TLS certificate of ${where} is not accepted: ${message.split('\n')[0] || code} (${code}).`, todo: 'Dial the name that the certificate was made for, renew it, or, with an authority of your own, name it in NODE_EXTRA_CA_CERTS', command: 'NODE_EXTRA_CA_CERTS=ca.pem bridge probe --transport tls' }
}

function unanswered (call: ProbeCall, context: ProbeContext, gaveUp: 'no-response' | 'no-ringing' | 'no-further-ringing' | 'not-answered'): Finding {
  switch (gaveUp) {
    case 'no-response': return call.challenged ? silentAfterChallenge(call, context) : localFinding({ code: '', message: '' }, { host: context.host, remote: context.remote, transport: context.transport, sent: true, status: 408 })
    case 'no-ringing': return hostSilent(call, context)
    case 'no-further-ringing': return noRoute('LiveKit said 100, one 180 and then nothing: it found no trunk or no dispatch rule for the call.', context)
    case 'not-answered': return notAnswered(call, context)
  }
}

const silentAfterChallenge = (call: ProbeCall, { transport }: ProbeContext): Finding => ({
  code: 'sip-unreachable',
  severity: 'failed',
  seen: `LiveKit asked for credentials (${lastHeard(call)}) and did not answer the second INVITE.`,
  ...(transport === 'udp'
    ? { todo: 'The second INVITE is larger: over UDP a firewall may drop its fragments. Dial over TCP', command: 'bridge probe --transport tcp' }
    : { todo: 'Something in between lets the first request through and not the second: a SIP helper (ALG) of a router or firewall. Switch it off, or dial over TLS', command: `bridge probe --transport ${transport === 'tls' ? 'tcp' : 'tls'}` })
})

/** LiveKit Cloud takes every host and port; only the project's own name leads anywhere. */
function hostSilent (call: ProbeCall, { host, livekitUrl, user }: ProbeContext): Finding {
  const seen = `LiveKit said ${lastHeard(call)} and then nothing, not even ringing: the host belongs to no project of it, or its trunk dropped the call.`
  const form = livekitUrl === undefined ? undefined : checkSipHost({ LIVEKIT_SIP_HOST: host, LIVEKIT_URL: livekitUrl })
  return {
    code: 'sip-host-silent',
    severity: 'failed',
    seen: form && form.severity !== 'ok' ? `${seen} ${form.seen}.` : seen,
    todo: `Set LIVEKIT_SIP_HOST to the project id without p_ (11 characters) and .sip.livekit.cloud; on your own server compare the trunk's numbers, allowed_numbers and allowed_addresses with ${user || 'the call'}`,
    command: 'lk project list --json'
  }
}

const noRoute = (seen: string, { ours }: ProbeContext): Finding => ({
  code: 'livekit-no-route',
  severity: 'failed',
  seen,
  todo: ours
    ? 'Make trunk and rule as the bridge needs them: numbers [], a Callee rule bound to the trunk, with our prefix; allowed_addresses must hold this machine\'s address for the probe, and the SBC\'s for calls'
    : 'LiveKit routes by what is dialled: without a trunk and a rule for exactly this user the call goes nowhere',
  command: PROVISION
})

/** It rang until the time was over, or LiveKit's own ringing timeout came first. */
function notAnswered (call: ProbeCall, context: ProbeContext): Finding {
  const { room } = context
  const long = call.invitedAt === undefined ? '' : ` for ${Math.round(((call.final?.at ?? call.responses.at(-1)?.at ?? call.invitedAt) - call.invitedAt) / 1000)} s`
  if (isElsewhere(call, context)) return otherRoom(`It rang${long}`, context)
  if (!room?.look) {
    return { code: 'dial-timeout', severity: 'failed', seen: `It rang${long} and nobody answered${call.final ? ` (${lastHeard(call)})` : ''}.`, todo: 'LiveKit answers when an agent in the room has published audio: see whether one joins', command: AGENT }
  }
  if (!room.look.agent) {
    return { code: 'no-agent', severity: 'failed', seen: `It rang${long}; the SIP participant was in the room and no agent came. A wrong agent name and no running worker look alike.`, todo: `Start a worker registered as ${room.agent} in this LiveKit project, and compare the name (agentName of its WorkerOptions) letter by letter`, command: AGENT }
  }
  if (!room.look.agent.audio) {
    return { code: 'agent-without-audio', severity: 'failed', seen: `It rang${long}; agent ${room.agent} was in the room and published no audio, which LiveKit waits for.`, todo: 'The agent must publish its audio on joining (session.start), and not wait for sip.callStatus or for the caller\'s audio first', command: AGENT }
  }
  return { code: 'dial-timeout', severity: 'failed', seen: `It rang${long} although agent ${room.agent} was there with audio.`, todo: 'Look at the log of livekit-sip: it could not subscribe to the agent\'s track', command: AGENT }
}

function refused (call: ProbeCall, context: ProbeContext): Finding {
  const status = call.final?.status ?? 0
  const said = `LiveKit said ${lastHeard(call)}${after(call, call.final?.at)}`
  switch (status) {
    case 401:
    case 403:
      if (status === 401 || call.answeredChallenge) {
        return { code: 'livekit-refused-credentials', severity: 'failed', seen: `${said}: it does not accept user name and password.`, todo: 'Make LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD those of the inbound trunk, or set new ones on both sides', command: 'bridge provision --rotate' }
      }
      break
    case 407:
      return context.hasCredentials
        ? { code: 'livekit-refused-credentials', severity: 'failed', seen: `${said}, again or in a way that cannot be answered (only MD5 digests can).`, todo: 'Make LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD those of the inbound trunk', command: PROVISION }
        : context.ours
          ? { code: 'sip-credentials-missing', severity: 'failed', seen: `${said}: its trunk wants credentials, and LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are not set.`, todo: 'Set both to those of the inbound trunk', command: PROVISION }
          : { code: 'sip-credentials-missing', severity: 'failed', seen: `${said}: it wants credentials. The trunk's are given to LIVEKIT_SIP_HOST alone, so none were sent.`, todo: 'To try with credentials, set LIVEKIT_SIP_HOST, LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD to those of that host' }
    case 404:
      return noRoute(`${said}: no trunk or rule of LiveKit takes this call, or the host is another project's.`, context)
    case 400:
    case 415:
    case 488:
      return { code: 'media-mismatch', severity: 'failed', seen: `${said}: it can do nothing with the audio that was offered (G.722, PCMU and PCMA over plain RTP).`, todo: `Compare the codecs and the encryption of the trunk and rule (media): ${context.srtp ? 'LIVEKIT_SIP_SRTP is set, so the trunk may well insist on SRTP, which the probe cannot speak; make a call over Jambonz to see' : 'with encryption REQUIRE set LIVEKIT_SIP_SRTP=true, and note that the probe cannot speak SRTP'}`, command: PROVISION }
    case 486:
      if (context.room?.look && !context.room.closed && !context.room.look.agent?.audio) return notAnswered(call, context)
      return { code: 'room-closed', severity: 'failed', seen: `${said}. From LiveKit that is not busy: the room was deleted or closed while it rang, or LiveKit's ringing timeout came.`, todo: 'See who deletes rooms (an agent that ends its job by deleting the room?), and whether an agent joins and publishes audio', command: AGENT }
    case 480:
    case 408:
      return { code: 'sip-unreachable', severity: 'failed', seen: `${said}.`, todo: 'LiveKit itself never says that to an INVITE: something in between does. Dial LiveKit directly' }
    case 503:
      return overloaded(call, said)
    default:
  }
  return (status >= 500 && status < 600) || call.isLiveKit
    ? { code: 'livekit-failed', severity: 'failed', seen: `${said}.`, todo: 'Look at the log of livekit-sip at this time: no media port, or no connection to its server' }
    : { code: 'declined', severity: 'failed', seen: `${said.replace('LiveKit', context.host)}.`, todo: 'That is no answer of LiveKit: something else listens there. Compare LIVEKIT_SIP_HOST with the project\'s SIP URI', command: 'lk project list --json' }
}

function overloaded (call: ProbeCall, said: string): Finding {
  const quota = /temporarily unavailable/i.test(call.final?.reason ?? '')
  return {
    code: 'livekit-overloaded',
    severity: 'failed',
    seen: quota ? `${said}: the project's quota is used up.` : `${said}: LiveKit's SIP side does not get an answer from its server or Redis, or two trunks match the call.`,
    ...(quota ? { todo: 'Look at the plan and the concurrent calls of the project in LiveKit Cloud' } : { todo: 'Look for a second trunk without numbers; on your own server see that livekit-server and its Redis run', command: 'bridge provision --list' })
  }
}

/** A trunk that asks nobody for a password lets everybody in. */
function credentialsOf (call: ProbeCall, { ours, hasCredentials }: ProbeContext): Finding[] {
  if (call.challenged || !ours) return []
  return [{
    code: 'trunk-open',
    severity: 'warning',
    seen: `LiveKit answered without asking for credentials${hasCredentials ? ', although LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD are set' : ''}: unless allowed_addresses keeps them out, anybody can call the agents.`,
    todo: 'Give the trunk both, user name and password: with one of them alone LiveKit asks for neither',
    command: PROVISION
  }]
}

function audioOf (call: ProbeCall, { own, remote }: ProbeContext): Finding {
  const { codec, audio } = call
  if (codec === undefined || !audio) return { code: 'media-mismatch', severity: 'failed', seen: 'The answer has no codec that was offered.', todo: 'Compare the codecs of the trunk (media) with G.722, PCMU and PCMA', command: PROVISION }
  if (audio.audible >= MIN_AUDIBLE) {
    return { code: 'audio-heard', severity: 'ok', seen: `Audio came back over ${codec}${audio.firstAudibleAt === undefined || !call.final ? '' : `, ${Math.max(0, Math.round(audio.firstAudibleAt - call.final.at))} ms after the answer`}: ${audio.audible} of ${audio.received} packets could be heard.` }
  }
  if (audio.received > 0) {
    return { code: 'audio-silent', severity: 'warning', seen: `${audio.received} packets of ${codec} came back, all of them silence.`, todo: 'Good for an agent that waits for the caller to speak. If it should greet: see that it speaks first, and listen longer', command: 'bridge probe --seconds 15' }
  }
  const behindNat = isPrivate(own) && !isPrivate(remote)
  return {
    code: 'audio-missing',
    severity: behindNat ? 'warning' : 'failed',
    seen: `Not one RTP packet came back over ${codec}; ${audio.sent} were sent.${behindNat ? ` This machine offered its private address ${own}, which LiveKit cannot send to: that says nothing about Jambonz.` : ''}`,
    todo: behindNat
      ? 'Run the probe on a machine with a public address, best beside the SBC'
      : 'Open UDP from LiveKit\'s RTP ports (10000-20000 on your own server) to this machine; on your own server see that livekit-sip announces its public address (use_external_ip)'
  }
}

/** A click is no audio: packets of 20 ms. */
const MIN_AUDIBLE = 3

function goodbyeOf ({ ended, final, gaveUp }: ProbeCall): Finding[] {
  if (!ended) return []
  if (ended.by === 'livekit') return [{ code: 'hung-up-early', severity: 'warning', seen: `LiveKit hung up ${((ended.at - (final?.at ?? ended.at)) / 1000).toFixed(1)} s after the answer.`, todo: 'See why the agent ended the call: its log, or its code that deletes the room' }]
  const cut: Finding[] = gaveUp === 'interrupted' ? [{ code: 'interrupted', severity: 'skipped', seen: 'The probe was interrupted while it listened; it hung up first.' }] : []
  return ended.status === undefined || ended.status >= 300
    ? [...cut, { code: 'bye-unanswered', severity: 'warning', seen: `LiveKit ${ended.status === undefined ? 'did not answer our BYE' : `answered our BYE with ${ended.status}`}.`, todo: 'Requests within a call do not get through: over UDP see the firewall\'s timeouts, or dial over TCP' }]
    : cut
}

/** `sip:SCL_…`: the id of createSipParticipant, taken for an address. */
const sclFinding = ({ user, room }: ProbeContext): Finding => ({
  code: 'scl-is-no-address',
  severity: 'failed',
  seen: `${user} is the id of a call that LiveKit makes, not an address: LiveKit looks for it among the numbers of its trunks${room?.look?.exists ? `, and put the call into a room of its own, ${room.name}, not into that of createSipParticipant` : ''}.`,
  todo: 'Dial a token of the bridge: make the room with its agent and dial sip:<token>@<SIP host>, which a Callee rule puts into that room',
  command: 'bridge probe'
})
