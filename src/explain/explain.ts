import type { Call, Cause, End } from '../calls/fold/call.ts'
import { endOf } from '../calls/fold/causes.ts'
import type { Finding } from '../finding.ts'
import type { ExplainedCall, Explanation } from './explanation.ts'
import { CATALOGUE } from '../diagnosis/causes-catalogue.ts'
import { diagnose, stepsFor } from '../diagnosis/diagnose.ts'
import type { Evidence } from '../diagnosis/signals/evidence.ts'
import { judgeCallerLeg } from './carrier.ts'
import { assumedText, MAYBE_CLOSED, NO_INVITE, NO_STATUSES } from './doubts.ts'
import {
  agentLegFindings,
  carrierFindings,
  causeFinding,
  headerFinding,
  hookFindings,
  isRefusedReply,
  isSilent,
  missingHooks,
  refusedFinding,
  SILENT_MS,
  stepsUnseen
} from './findings.ts'
import { groupByCall } from './group.ts'
import type { Keep } from './keep.ts'
import { endsText, legsOf, type Leg } from './legs.ts'
import { judgeLogs } from './logs.ts'
import { inOrder } from './order.ts'
import { stepsOf } from './picture.ts'
import type { HookSeen, LogSeen, RefusedSeen, Seen } from './seen.ts'
import { tell, type Told } from './story.ts'

/** How much a cause of the servers' own logs is better than what the wire alone tells. */
const VAGUE: ReadonlySet<Cause> = new Set([
  'lost',
  'dial-timeout',
  'livekit-failed',
  'no-agent',
  'agent-hung-up',
  'livekit-no-route',
  'sip-unreachable',
  'livekit-overloaded'
])

/** Explains every call in what was read. Pure. */
export function explainSeen (keep: Keep): Explanation {
  const ordered = inOrder(keep.seen)
  const { calls, loose } = groupByCall(ordered.seen)
  const refused = keep.seen.filter((item): item is RefusedSeen => item.kind === 'refused')
  const files: Files = {
    keep,
    refused,
    endAt: ordered.seen.reduce((last, { at = 0 }) => Math.max(last, at), 0),
    haveStatuses: ordered.seen.some(item => item.kind === 'hook' && item.hook === 'status')
  }
  const explained = calls.map(seen => explainCall(seen, files)).filter(call => call !== undefined)
    .sort((a, b) => (a.began ?? 0) - (b.began ?? 0))
  const looseLogs = judgeLogs(loose.filter((item): item is LogSeen => item.kind === 'log'))
  const findings = [...looseLogs.findings]
  if (explained.length === 0 && refused.length > 0) findings.push(refusedFinding(refused[0]!))
  if (ordered.aligned) {
    findings.push({
      code: 'clocks-not-comparable',
      severity: 'warning',
      seen:
        'Some of the files have dates and others only count from their own start: how the ones lie to the others in ' +
        'time is a guess.',
      todo: 'Give files whose lines have a date'
    })
  }
  if (keep.leftOut > 0) {
    findings.push({
      code: 'left-out',
      severity: 'warning',
      seen: `${keep.leftOut} messages were left out: there are more than fit into memory.`,
      todo: 'Cut the capture to the time of the call first',
      command: 'editcap -A "2026-01-31 10:00:00" -B "2026-01-31 10:05:00" all.pcap call.pcap'
    })
  }
  if (explained.length === 0 && findings.length === 0 && keep.noise > 0) {
    findings.push({
      code: 'no-call',
      severity: 'failed',
      seen: `${keep.noise} SIP messages, all OPTIONS, REGISTER and the like: no call is among them.`,
      todo: 'Capture while a call is made'
    })
  }
  return { calls: explained, findings }
}

/** What all of the files tell beside the call. */
interface Files {
  keep: Keep
  refused: readonly RefusedSeen[]
  /** When the last of them ends. */
  endAt: number
  /** Somebody collected statuses: that a call has none means something. */
  haveStatuses: boolean
}

/** Less than that may be a room that was closed. */
const RANG_MS = 3000

/** How long LiveKit rang, once a second, for nobody: as it does while it waits for an agent's audio. */
function rangInVain (leg: Leg | undefined): number | undefined {
  if (
    leg?.at.ringing === undefined || leg.at.lastRinging === undefined || leg.at.answered !== undefined || leg.rings < 3
  ) return undefined
  const rang = (leg.at.final ?? leg.at.cancel ?? leg.at.lastRinging) - leg.at.ringing
  return rang >= RANG_MS ? rang : undefined
}

/** What is seen at LiveKit is surer than who was behind Jambonz's CANCEL, where that is a guess. */
function sureOf ({ end, assumed }: Told, silent: boolean): End {
  if (assumed !== 'caller-gave-up') return end
  const cause = end.waitingOn === 'route'
    ? 'livekit-no-route'
    : end.waitingOn === 'sip' && silent
      ? 'sip-unreachable'
      : undefined
  return cause === undefined
    ? end
    : { ...endOf(cause), waitingOn: end.waitingOn, ...(end.sipStatus !== undefined && { sipStatus: end.sipStatus }) }
}

function explainCall (seen: Seen[], { keep, refused, endAt, haveStatuses }: Files): ExplainedCall | undefined {
  const legs = legsOf(seen)
  const hooks = seen.filter(item => item.kind === 'hook')
  const rooms = seen.filter(item => item.kind === 'room')
  const logs = seen.filter(item => item.kind === 'log')
  if (legs.length === 0 && hooks.length === 0 && logs.length === 0 && rooms.length === 0) return undefined
  const logged = judgeLogs(logs)
  // Log lines of a call of which nothing is wrong and nothing else is known are no call.
  if (legs.length === 0 && hooks.length === 0 && rooms.length === 0 && logged.findings.length === 0) return undefined
  const told = tell(seen, legs, hooks.length === 0 || haveStatuses)
  const agentLegs = legs.filter(({ role }) => role === 'agent')
  const { steps, leftOut } = stepsOf(seen, legs)
  const facts = factsOf(seen, legs, told?.call)
  const base = {
    ...facts,
    legs: legs.map(leg => ({
      role: leg.role,
      callId: leg.callId,
      dialled: leg.user === '' ? leg.host : `${leg.user}@${leg.host}`,
      ends: endsText(leg)
    })),
    sources: {
      sip: seen.filter(({ kind }) => kind === 'sip').length,
      hooks: hooks.length,
      rooms: rooms.length,
      logs: logs.length
    },
    evidence: [],
    notToldApart: [],
    nextSteps: [],
    steps,
    stepsLeftOut: leftOut
  }
  const aboutLegs = [
    ...agentLegs.flatMap(leg => agentLegFindings(leg, keep.rtp, endAt)),
    ...hookFindings(hooks),
    ...legs.filter(({ role }) => role === 'livekit-out').map(dialledByLiveKit)
  ]
  if (told) {
    const rang = rooms.length === 0 ? rangInVain(agentLegs.at(-1)) : undefined
    const last = agentLegs.at(-1)
    const silent = last ? isSilent(last, endAt) : endAt - (told.call.at.replied ?? endAt) >= SILENT_MS
    const sure = sureOf(told, silent)
    const wire = rang !== undefined && ['livekit-failed', 'no-agent', 'dial-timeout'].includes(sure.cause)
      ? { ...sure, cause: 'no-agent' as const, waitingOn: 'agent' as const }
      : sure
    const end = refine(wire, agentLegs.length === 0 && hooks.some(isRefusedReply) ? 'reply-refused' : logged.cause)
    const maybeClosed = end.cause === 'no-agent' && rang !== undefined && end.sipStatus === 486
    const diagnosis = diagnose(
      told.over || VAGUE.has(end.cause) ? { ...told.call, phase: 'ended', end } : { ...told.call, end }
    )
    const nothingElse = legs.length + rooms.length + logs.length === 0 &&
      hooks.every(({ hook, reply }) => hook === 'call-hook' && reply === undefined)
    const going = nothingElse ||
      (!told.over && told.call.phase !== 'received' &&
        (end.cause === 'lost' || (end.cause === 'sip-unreachable' && !silent)))
    const summary = nothingElse
      ? 'Of this call the files have only its call hook, and not what became of it.'
      : going
        ? 'The call had not ended when the files end.'
        : end.cause === 'lost'
          ? 'The files do not tell how the call ended.'
          : end.cause === 'bridge-error'
            ? `The call hook was answered with a decline (${end.sipStatus ?? 480}).`
            : diagnosis.summary
    const apart = going
      ? []
      : [
          ...diagnosis.notToldApart,
          ...maybeClosed ? [MAYBE_CLOSED] : [],
          ...assumedText(told.assumed),
          ...end.cause === 'lost' && hooks.length > 0 && !haveStatuses ? [NO_STATUSES] : [],
          ...legs.some(({ invite }) => !invite)
            ? [NO_INVITE]
            : []
        ]
    const missing = hooks.length === 0 && !legs.some(({ role }) => role === 'caller' || role === 'inside')
      ? [{
          code: 'agent-leg-only' as const,
          severity: 'skipped' as const,
          seen: 'Only the leg to LiveKit is in these files: what the caller did is concluded from it.',
          todo: "Add the caller's leg or the webhooks of the same call"
        }]
      : []
    return {
      ...base,
      ...(!going && { end }),
      summary,
      evidence: nothingElse ? [] : onlySeen(diagnosis.evidence, hooks, legs),
      notToldApart: apart,
      nextSteps: going ? [] : stepsUnseen(diagnosis.nextSteps),
      findings: unique([
        going ? { code: 'still-going', severity: 'skipped', seen: summary } : causeFinding(end, summary),
        ...aboutLegs,
        ...logged.findings,
        ...missing,
        ...missingHooks(hooks, legs),
        ...end.cause === 'sip-unreachable' ? refused.slice(0, 1).map(refusedFinding) : [],
        ...agentLegs.slice(0, 1).flatMap(leg => headerFinding(leg) ?? []),
        ...apart.map((seen): Finding => ({ code: 'not-told-apart', severity: 'skipped', seen }))
      ])
    }
  }
  const callerLeg = legs.find(({ role }) => role === 'caller') ?? legs.find(({ role }) => role === 'inside')
  if (callerLeg) {
    const verdict = judgeCallerLeg(callerLeg)
    const end = refine(verdict.end, logged.cause)
    const findings = unique([
      ...logged.cause && end.cause !== verdict.end.cause ? [causeFinding(end, CATALOGUE[end.cause].meaning)] : [],
      ...carrierFindings(callerLeg, verdict),
      ...aboutLegs,
      ...logged.findings
    ])
    return {
      ...base,
      ...(verdict.over && { end }),
      summary: findings[0]?.seen ?? '',
      notToldApart: verdict.alike,
      nextSteps: verdict.over ? stepsUnseen(stepsFor(end)) : [],
      findings
    }
  }
  const end = logged.cause && endOf(logged.cause)
  const findings = unique([
    ...end ? [causeFinding(end, CATALOGUE[end.cause].meaning)] : [],
    ...logged.findings,
    ...aboutLegs,
    ...rooms.length > 0 && !end
      ? [{
          code: 'room-only' as const,
          severity: 'skipped' as const,
          seen: "Only LiveKit's events of a room are here: how the SIP leg ended is not.",
          todo: "Add the SIP capture or Jambonz' webhooks of the same call"
        }]
      : [],
    ...missingHooks(hooks, legs)
  ])
  return {
    ...base,
    ...(end && { end }),
    summary: findings[0]?.seen ?? '',
    nextSteps: end ? stepsUnseen(stepsFor(end)) : [],
    findings
  }
}

const refine = (end: End, logged: Cause | undefined): End =>
  logged && logged !== end.cause && VAGUE.has(end.cause)
    ? { ...endOf(logged), ...(end.sipStatus !== undefined && { sipStatus: end.sipStatus }), waitingOn: end.waitingOn }
    : end

/**
 * Where no hook or caller's leg was seen the fold was told of what must have been: that is no evidence. Its own rooms
 * and deadlines never are.
 */
function onlySeen (evidence: readonly Evidence[], hooks: readonly HookSeen[], legs: readonly Leg[]): Evidence[] {
  const ofHooks: ReadonlyArray<Evidence['signal']> = ['action', 'no-action', 'refer-result', 'decline']
  const ofCaller: ReadonlyArray<Evidence['signal']> = ['caller-leg-final', 'late-trying']
  const callHook = hooks.some(({ hook }) => hook === 'call-hook')
  const replied = hooks.some(({ hook, reply }) => hook === 'call-hook' && reply?.at !== undefined)
  const posted = hooks.some(({ hook, body }) => hook === 'status' && body.parent_call_sid !== undefined)
  const callerSeen = hooks.length > 0 || legs.some(({ role }) => role === 'caller' || role === 'inside')
  return evidence
    .filter(({ signal }) => signal !== 'create-room' && signal !== 'deadline' && (replied || signal !== 'call-hook'))
    .filter(({ signal }) =>
      (hooks.length > 0 || !ofHooks.includes(signal)) && (callerSeen || !ofCaller.includes(signal))
    )
    .map(item =>
      posted || item.signal !== 'agent-leg-dialled'
        ? item
        : { ...item, seen: 'INVITE to LiveKit', shows: 'Jambonz dialled' }
    )
    .map(item => callHook ? item : { ...item, seen: item.seen.replace(' after the call hook', ' after the INVITE') })
}

const dialledByLiveKit = ({ user, host }: Leg): Finding => ({
  code: 'livekit-dialled',
  severity: 'skipped',
  seen:
    `LiveKit itself dialled sip:${user}@${host} (createSIPParticipant): that is a call out, and brings no caller in.`
})

function factsOf (
  seen: readonly Seen[],
  legs: readonly Leg[],
  call: Call | undefined
): Pick<ExplainedCall, 'id' | 'from' | 'to' | 'began'> {
  const first = legs.find(({ role }) => role === 'caller') ?? legs.find(({ role }) => role === 'inside') ?? legs[0]
  const hook = seen.find(item => item.kind === 'hook')
  const log = seen.find(item => item.kind === 'log')
  const text = (name: string): string => log && typeof log.fields[name] === 'string' ? log.fields[name] as string : ''
  const began = seen.find(({ at }) => at !== undefined)?.at
  const known = call && call.callSid !== 'unknown' ? call.callSid : undefined
  return {
    id: known ?? first?.callId ??
      (hook?.body.call_sid || text('callSid') || text('sipCallID') || text('callID') || roomOf(seen)),
    from: first?.from || call?.facts.from || text('fromUser') || text('callingNumber'),
    to: first?.user || call?.facts.to || text('toUser') || text('calledNumber'),
    ...(began !== undefined && { began })
  }
}

const roomOf = (seen: readonly Seen[]): string => seen.find(item => item.kind === 'room')?.event.room ?? ''

/** One finding a code, the first one, with what else was seen of the same; but every doubt. */
function unique (findings: readonly Finding[]): Finding[] {
  const found: Finding[] = []
  for (const finding of findings) {
    const i = found.findIndex(({ code, seen }) =>
      code === finding.code && (code !== 'not-told-apart' || seen === finding.seen)
    )
    const first = found[i]
    if (!first) found.push(finding)
    else if (!first.seen.includes(finding.seen)) {
      found[i] = { ...first, seen: `${sentence(first.seen)} ${finding.seen}` }
    }
  }
  return found
}

const sentence = (text: string): string => /[.?!]$/.test(text) ? text : `${text}.`
