import type { Cause, End } from '../calls/fold/call.ts'
import type { Finding } from '../finding.ts'
import { isProjectId, isRetellHost } from '../livekit/sip-host.ts'
import { header } from '../sip/message.ts'
import { CATALOGUE, type NextStep } from '../diagnosis/causes-catalogue.ts'
import { stepsFor } from '../diagnosis/diagnose.ts'
import { duration } from '../diagnosis/facts.ts'
import { isPrivate } from '../probe/address.ts'
import type { CarrierVerdict } from './carrier.ts'
import { isLiveKitHost, type Leg } from './legs.ts'
import { quote } from './logs.ts'
import type { HookSeen, RefusedSeen, RtpCounts } from './seen.ts'

/**
 * Larger UDP packets are cut into fragments, which firewalls like to lose (RFC 3261 18.1.1 asks for TCP from 1300 on).
 */
const SAFE_UDP_BYTES = 1300

const MORE_FILES: NextStep = {
  todo: 'These files show nothing that was missing: add one that begins earlier, or one of the other side'
}

/** Steps without commands that only help with a call that a bridge knows. */
export const stepsUnseen = (steps: readonly NextStep[]): NextStep[] =>
  steps.map(({ todo, command }) =>
    command === undefined || command.startsWith('bridge calls ') ? { todo } : { todo, command }
  )

export const causeFinding = (end: Pick<End, 'cause' | 'waitingOn' | 'sipStatus'>, seen: string): Finding => {
  const { severity } = CATALOGUE[end.cause]
  const [first = severity === 'failed' ? MORE_FILES : undefined] = stepsUnseen(stepsFor(end))
  return {
    code: end.cause,
    severity,
    seen,
    ...(first && { todo: first.todo, ...(first.command !== undefined && { command: first.command }) })
  }
}

/** LiveKit answers within milliseconds, and within some 3 s when it cannot ask its own server (psrpc). */
export const SILENT_MS = 4000
/**
 * So many INVITEs sent again take longer than an answer of LiveKit's that is only slow (RFC 3261 17.1.1.2: 0.5, 1.5,
 * 3.5 s).
 */
const SILENT_REPEATS = 3

/** Whether a leg that nothing came back on was waited for: a file that ends behind an INVITE proves nothing. */
export const isSilent = ({ at, repeats }: Leg, endAt: number): boolean =>
  repeats >= SILENT_REPEATS || (at.cancel ?? endAt) - (at.invite ?? endAt) >= SILENT_MS

/** What a leg to LiveKit shows beside how the call ended. @param endAt when the last of the files ends */
export function agentLegFindings (leg: Leg, rtp: RtpCounts, endAt: number): Finding[] {
  const { at, user, host, final, challenged, authorized } = leg
  const found: Finding[] = []
  const waited = (until: number): string => duration(until - (at.invite ?? until))
  if (/^SCL_/.test(user)) {
    found.push({
      code: 'scl-is-no-address',
      severity: 'failed',
      seen: `sip:${user}@${host} was dialled. SCL_… is LiveKit's own id of a call it dials itself ` +
        `(createSIPParticipant), and no address: ${
          at.answered !== undefined
            ? 'the call was taken as one to an unknown user, and the caller sits in another room than the one that ' +
              'was meant'
            : 'nothing in LiveKit looks it up'
        }.`,
      todo: 'Create a room, dial a token of your own, and let a Callee rule put the caller into that room',
      command: 'bridge provision --plan'
    })
  }
  if (final && (final.status === 401 || final.status === 407) && !authorized) {
    found.push({
      code: 'sip-credentials-missing',
      severity: 'failed',
      seen: `LiveKit asked for credentials (${final.status}), and no INVITE with credentials followed.`,
      todo: "Give the dial target `auth` with the trunk's user name and password"
    })
  }
  if (!final && at.ringing === undefined && !challenged && leg.invite) {
    const silent = isSilent(leg, endAt)
    if (at.trying !== undefined && silent) {
      found.push({
        code: 'sip-host-silent',
        severity: 'failed',
        seen: `LiveKit's edge sent 100 and then nothing for ${
          waited(at.cancel ?? endAt)
        }. So it does with calls for a project that it does not find by the SIP host ${host}.`,
        todo: `Check LIVEKIT_SIP_HOST: on LiveKit Cloud it is the project id without p_${hostHint(host)}`,
        command: 'bridge probe'
      })
    } else if (at.trying === undefined) {
      found.push({
        code: 'sip-unreachable',
        severity: silent ? 'failed' : 'warning',
        seen: `Nothing came back to the INVITE${leg.repeats > 0 ? `, sent ${leg.repeats + 1} times` : ''}${
          silent ? `, for ${waited(at.cancel ?? endAt)}` : `; but the files end ${waited(endAt)} behind it`
        }.`,
        todo: 'Check the address, the port, the transport and the firewalls between the SBC and LiveKit',
        command: 'bridge probe'
      })
    }
  }
  if (
    leg.rings === 1 && at.answered === undefined && (!final || final.status === 487) &&
    (at.cancel ?? at.last ?? 0) - (at.lastRinging ?? 0) >= 1500
  ) {
    found.push({
      code: 'livekit-no-route',
      severity: 'failed',
      seen: `LiveKit rang once, then nothing for ${duration((at.cancel ?? at.last ?? 0) - (at.lastRinging ?? 0))}${
        final ? '' : at.cancel === undefined ? '' : ', not even an answer to CANCEL'
      }. With a trunk and a rule for the call it rings every second.`,
      todo: "Compare the dialled user, the caller and the SBC's address with trunk and rule",
      command: 'bridge probe'
    })
  }
  if (isRetellHost(host.toLowerCase())) {
    found.push({
      code: 'sip-host-retell',
      severity: 'warning',
      seen: `${host} is Retell's LiveKit project.`,
      todo: "For rooms of your own dial your own project's SIP host: the project id without p_",
      command: 'lk project list --json'
    })
  }
  if (isLiveKitHost(host) && !isProjectId(host.split('.')[0] ?? '')) {
    found.push({
      code: 'sip-host-form',
      severity: 'warning',
      seen: `${host} does not look like a project's SIP host (11 letters and digits).`,
      todo: `Set LIVEKIT_SIP_HOST to the project id without p_${hostHint(host)}`,
      command: 'lk project list --json'
    })
  }
  if (leg.transport === 'udp' && (leg.inviteBytes ?? 0) > SAFE_UDP_BYTES) {
    found.push({
      code: 'large-udp-invite',
      severity: at.trying === undefined && at.ringing === undefined && !final ? 'failed' : 'warning',
      seen: `The INVITE has ${leg.inviteBytes} bytes over UDP: it travels in fragments, which many firewalls drop.`,
      todo: 'Dial over TCP (LIVEKIT_SIP_TRANSPORT=tcp)'
    })
  }
  return [...found, ...mediaFindings(leg, rtp), ...referFindings(leg)]
}

const hostHint = (host: string): string => {
  const label = host.split('.')[0] ?? ''
  if (!isLiveKitHost(host)) return ''
  if (/-[a-z0-9]{8}$/.test(label)) return `; ${label} looks like the websocket's name`
  return /^[a-z0-9]{8}$/.test(label) ? `; ${label} looks like the end of the websocket's name` : ''
}

function mediaFindings ({ at, final, offer, answer, mediaLine }: Leg, rtp: RtpCounts): Finding[] {
  const found: Finding[] = []
  if (final && (final.status === 400 || final.status === 488 || final.status === 500) && mediaLine) {
    found.push({
      code: 'offered-media',
      severity: 'failed',
      seen: `The INVITE offered ${
        offer && offer.codecs.length > 0
          ? `${offer.codecs.map(({ name }) => name).join(', ')} over ${offer.profile}`
          : quote(mediaLine)
      }; LiveKit's SIP side takes G722, PCMU and PCMA, and SRTP only where trunk or rule allow it.`,
      todo: 'Offer PCMU or PCMA, and SRTP on both sides or on none'
    })
  }
  if (at.answered === undefined) return found
  for (const [who, sdp] of [['The SBC', offer], ['LiveKit', answer]] as const) {
    const other = who === 'LiveKit' ? offer : answer
    if (sdp && other && isPrivate(sdp.ip) && !isPrivate(other.ip)) {
      found.push({
        code: 'private-media-address',
        severity: 'warning',
        seen: `${who} wants its audio sent to ${sdp.ip}, which the other side cannot reach.`,
        todo: 'Have the public address put into the SDP'
      })
    }
  }
  if (rtp.size === 0 || !offer || !answer) return found
  const count = (sdp: { ip: string, port: number }): number =>
    rtp.get(sdp.ip.includes(':') ? `[${sdp.ip}]:${sdp.port}` : `${sdp.ip}:${sdp.port}`)?.packets ?? 0
  const [toSbc, toLiveKit] = [count(offer), count(answer)]
  if (toSbc > 0 && toLiveKit > 0) {
    found.push({
      code: 'audio-both-ways',
      severity: 'ok',
      seen: `Audio went both ways: ${toLiveKit} RTP packets to LiveKit, ${toSbc} to the SBC.`
    })
  } else if (toSbc + toLiveKit > 0) {
    found.push({
      code: 'audio-one-way',
      severity: 'failed',
      seen: `Audio went one way: ${toLiveKit} RTP packets to LiveKit, ${toSbc} to the SBC.`,
      todo: 'Open UDP in the other direction, and see that both addresses in the SDP can be reached'
    })
  }
  return found
}

function referFindings ({ refer }: Leg): Finding[] {
  if (!refer) return []
  const { status, notified } = refer
  if (status === undefined) {
    return [{
      code: 'refer-unanswered',
      severity: 'failed',
      seen: 'A REFER was never answered.',
      todo: 'See that Jambonz is still in the call, and that REFER is let through'
    }]
  }
  if (status === 501) {
    return [{
      code: 'refer-refused',
      severity: 'failed',
      seen: 'Jambonz refused the REFER (501): the dial has no referHook.',
      todo: 'Give the dial a referHook'
    }]
  }
  if (status >= 300) {
    return [{
      code: 'refer-refused',
      severity: 'failed',
      seen: `The REFER was refused (${status}); the call went on.`,
      todo: status === 603 || status === 405
        ? 'The far end takes no REFER: transfer by dialling'
        : 'See what the referHook answered'
    }]
  }
  if (notified !== undefined && notified >= 300) {
    return [{
      code: 'refer-failed',
      severity: 'failed',
      seen: `The REFER was accepted, and the call to its target failed (${notified}).`,
      todo: 'Dial the target by hand over the same carrier'
    }]
  }
  return [{
    code: 'refer-accepted',
    severity: 'ok',
    seen: `The REFER was accepted (${status}${
      notified === undefined ? ', no word of the outcome' : `, target ${notified}`
    }).`
  }]
}

/** What the caller's leg alone tells. */
export function carrierFindings (leg: Leg, { end, code, alike, over }: CarrierVerdict): Finding[] {
  const { at, final } = leg
  const seconds = (when: number | undefined): string => duration((when ?? 0) - (at.invite ?? 0))
  const reason = final?.xReason === undefined ? '' : ` with X-Reason "${quote(final.xReason)}"`
  const found: Finding[] = [{
    code: 'carrier-leg-only',
    severity: 'skipped',
    seen:
      "Only the caller's leg is in these files: what Jambonz and LiveKit said to each other cannot be told from it.",
    todo: 'Capture on the SBC, where both legs pass, or add the webhooks or logs of the same call',
    command: 'tcpdump -s 0 -i any -w call.pcap port 5060'
  }]
  switch (code) {
    case 'reply-refused':
      found.unshift({
        code,
        severity: 'failed',
        seen: `Jambonz declined with ${final?.status}${reason} ${
          seconds(at.final)
        } after the INVITE, before any dial: its call hook failed, or the reply was none it could use.`,
        todo: hookTodo(final?.xReason ?? '', (at.final ?? 0) - (at.invite ?? 0))
      })
      break
    case 'no-application':
      found.unshift({
        code,
        severity: 'failed',
        seen: `Jambonz declined with ${final?.status}${reason}: no application for the number that was called.`,
        todo: "Assign the application to the number in Jambonz' portal"
      })
      break
    case 'no-feature-server':
      found.unshift({
        code,
        severity: 'failed',
        seen: `Jambonz declined with ${final?.status} and no X-Reason, ${
          seconds(at.final)
        } after the INVITE: its SBC found no feature-server or no rtpengine, or an older one does not say why.`,
        todo:
          "See that feature-server, FreeSWITCH and rtpengine run and are registered; look at the account's alerts " +
          'in the portal'
      })
      break
    case 'sbc-wants-credentials':
      found.unshift({
        code,
        severity: 'failed',
        seen: `The SBC refused the call (${final?.status}): ${end.detail}. It did not know the carrier by its address.`,
        todo: "Enter the carrier's signalling addresses as inbound gateways in Jambonz' portal"
      })
      break
    case 'sbc-silent':
      found.unshift({
        code,
        severity: 'failed',
        seen: 'The SBC never answered the INVITE.',
        todo: 'Check the address and port that the carrier sends to, the firewall, and that the SBC knows this carrier'
      })
      break
    case 'dial-failed':
      found.unshift({
        code,
        severity: 'failed',
        seen: at.early === undefined
          ? `The application declined with ${final?.status}${reason}, ${
            seconds(at.final)
          } after the INVITE, without dialling.`
          : `The dial to LiveKit failed: the caller heard ringing from ${
            seconds(at.early)
          } on, and ${final?.status}${reason} came ${duration((at.final ?? 0) - at.early)} later.`,
        todo: 'Look at the other leg',
        command: 'bridge calls'
      })
      break
    case undefined:
      found.unshift(
        over
          ? causeFinding(end, carrierSays(leg, end))
          : { code: 'still-going', severity: 'skipped', seen: 'The call had not ended when the file ends.' }
      )
  }
  if (alike.length > 0) found.push(notToldApart(alike))
  return [...found, ...referFindings(leg)]
}

const notToldApart = (causes: readonly Cause[]): Finding => ({
  code: 'not-told-apart',
  severity: 'skipped',
  seen: `These look alike from here: ${causes.join(', ')}.`
})

function carrierSays (leg: Leg, end: End): string {
  const { at } = leg
  const talk = at.answered !== undefined && at.bye !== undefined
    ? ` after ${duration(at.bye - at.answered)} of talk`
    : ''
  switch (end.cause) {
    case 'caller-hung-up':
      return `The caller hung up${talk}.`
    case 'agent-hung-up':
      return `Jambonz hung up${talk}.`
    case 'caller-gave-up':
      return gaveUp(leg, end)
    case 'transferred':
      return `The caller was transferred${talk}.`
    default:
      return `${CATALOGUE[end.cause].meaning}${
        leg.final
          ? ` The caller got ${leg.final.status}${
            leg.final.xReason === undefined ? '' : ` with X-Reason "${quote(leg.final.xReason)}"`
          }.`
          : ''
      }`
  }
}

function gaveUp ({ at, invite }: Leg, { waitingOn }: End): string {
  if (!invite) {
    return 'The caller gave up (CANCEL, 487); the files begin behind the INVITE, so what it was waiting for is not ' +
      'in them.'
  }
  const when = `The caller gave up ${duration((at.cancel ?? 0) - (at.invite ?? 0))} after the INVITE (CANCEL, 487)`
  return waitingOn === 'hook'
    ? `${when}, before Jambonz had begun to dial: it was still waiting for the reply to its call hook.`
    : `${when}, while the dial was running.`
}

const HOOK_TIMEOUT_MS = 9500

function hookTodo (reason: string, waited: number): string {
  if (
    /unknown property|invalid|missing|malformed|illegal|no application provided|Unexpected (?:token|end)/i.test(reason)
  ) {
    return 'The reply is none that this version of Jambonz takes: 200, application/json, an array of verbs it ' +
      'knows, and none empty'
  }
  if (waited >= HOOK_TIMEOUT_MS || /timeout/i.test(reason)) {
    return 'The call hook took 10 s or more: let it answer at once'
  }
  if (/ECONNREFUSED|ENOTFOUND|connect|certificate|socket/i.test(reason)) {
    return 'Jambonz does not reach the call hook: check its URL, DNS, certificate and firewall'
  }
  return "See that the call hook's URL reaches the application, without a redirect or a login in front, and that it " +
    'answers 200 with a JSON array of verbs'
}

/** Jambonz waits 10 s for verbs (JAMBONES_HTTP_TIMEOUT); only these statuses are good to it. */
const GOOD = [200, 202, 204]
const VERBS_WITHIN_MS = 10_000

/** A REFER is refused by a status: that is what the one who sent it gets (feature-server lib/tasks/dial.js). */
const isGood = ({ hook, reply }: HookSeen): boolean =>
  reply?.status === undefined || GOOD.includes(reply.status) ||
  (hook === 'refer' && reply.status >= 400 && reply.status < 500)

/** Whether a call hook was answered with what Jambonz cannot use: then it declines the caller and tells nobody. */
export const isRefusedReply = (hook: HookSeen): boolean =>
  hook.hook === 'call-hook' && hook.reply !== undefined && (
    !isGood(hook) || (Array.isArray(hook.reply.verbs) && hook.reply.verbs.length === 0) ||
    (hook.reply.at ?? 0) - (hook.at ?? Infinity) >= VERBS_WITHIN_MS
  )

/** Hooks whose replies were logged and are none that Jambonz takes. */
export function hookFindings (hooks: readonly HookSeen[]): Finding[] {
  const bad = hooks.filter(hook => !isGood(hook))
  const found: Finding[] = bad.slice(0, 3).map(({ hook, reply, place }) => ({
    code: hook === 'call-hook' ? 'call-hook-refused' : 'hook-refused',
    severity: 'failed',
    seen: `The ${hook} was answered ${reply?.status} (${place.file}:${place.at}); Jambonz takes only 200, 202 and 204.`,
    todo: hook === 'call-hook'
      ? 'The caller got 480 and nobody heard of it: answer 200 with verbs, sip:decline if need be'
      : 'Answer 200'
  }))
  for (const { hook, reply, at } of hooks) {
    if (hook === 'call-hook' && reply?.at !== undefined && at !== undefined && reply.at - at >= 1000) {
      found.push({
        code: 'slow-call-hook',
        severity: 'warning',
        seen: `The reply to the call hook took ${duration(reply.at - at)}: the caller hears nothing until then.`,
        todo: 'Measure what it waits for (createRoom, an API, a database), and answer in less than a second'
      })
    }
  }
  return found
}

/** Webhooks that were not collected; statuses only where no SIP tells the same. */
export function missingHooks (hooks: readonly HookSeen[], legs: readonly Leg[]): Finding[] {
  if (hooks.length === 0) return []
  const callHook = hooks.find(({ hook }) => hook === 'call-hook')
  const missing = [
    callHook === undefined ? 'the call hook' : callHook.reply === undefined && 'the reply to the call hook',
    legs.length === 0 && !hooks.some(({ hook, body }) => hook === 'status' && body.call_status !== undefined) &&
    'statuses (the status hook)'
  ].filter(name => name !== false)
  if (missing.length === 0) return []
  return [{
    code: 'hooks-missing',
    severity: 'skipped',
    seen: `Not in these files: ${missing.join(', ')}. What they would tell is concluded from the rest.`,
    todo: 'Log every request of Jambonz: when, path, body, and what it was answered'
  }]
}

export const refusedFinding = ({ destination, place }: RefusedSeen): Finding => ({
  code: 'sip-refused',
  severity: 'failed',
  seen: `${destination.address}:${destination.port} reset a TCP connection (${place.file}:${place.at}).`,
  todo: 'See that something listens there: SIP over TCP is 5060, over TLS 5061'
})

/** Headers that a caller's leg should have brought along. */
export function headerFinding (leg: Leg): Finding | undefined {
  if (!leg.invite || leg.role !== 'agent') return undefined
  const names = leg.invite.headers.map(({ name }) => name).filter(name => /^x-/i.test(name))
  if (header(leg.invite, 'x-lk-call') !== undefined) return undefined
  return {
    code: 'no-call-header',
    severity: 'skipped',
    seen: `The INVITE has no X-LK-Call${
      names.length > 0 ? ` (it has ${names.slice(0, 6).join(', ')})` : ''
    }: this bridge did not ask for the dial, or an SBC took the header away.`
  }
}
