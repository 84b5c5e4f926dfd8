import type { End } from '../../calls/fold/call.ts'
import type { Cause } from '../../calls/fold/vocabulary.ts'
import type { NextStep } from '../../diagnosis/causes-catalogue.ts'
import { diagnose } from '../../diagnosis/diagnose.ts'
import type { Finding } from '../../finding.ts'
import {
  assumptionText,
  CHALLENGED_AT_END,
  MAYBE_CLOSED,
  NO_BEGINNING,
  NO_INVITE,
  NO_STATUSES,
  TRANSFER_UNKNOWN
} from '../doubts.ts'
import type { ExplainedCall } from '../explanation.ts'
import { callHeaderFinding, isLateOffer, isSilent, lateOfferFindings, SILENT_MS } from '../findings/agent-leg.ts'
import { afterBye } from '../findings/byes.ts'
import { causeFinding, stepsUnseen } from '../findings/cause.ts'
import { carrierLegFindings } from '../findings/fallback.ts'
import { refusedFinding } from '../findings/files.ts'
import { isRefusedReply, missingHooks } from '../findings/hooks.ts'
import { mergeFindings } from '../findings/merge.ts'
import type { FollowedCall } from '../follow/follow-call.ts'
import type { Leg } from '../leg.ts'
import type { Naming } from '../parties.ts'
import type { Transfer } from '../transfer.ts'
import { findingInNamesOf, inNamesOf } from '../strangers.ts'
import { isUntimed, reportedTalk, withoutDurations } from '../untimed.ts'
import { baseOf, findingsOfParts, type CallParts, type FileFacts } from './call-parts.ts'
import { onlySeen } from './seen-evidence.ts'
import { spanOf, type Span } from './span.ts'
import { endOfTransfer, failedTransferText, mayHaveMoved, TARGET_FAILED, transferOnWire } from '../moved-call.ts'
import { earlierFailures, ofNumber, takenAway } from './several-dials.ts'
import { isVague, refined, standsAlone, withCause } from './vague-causes.ts'

/** A room may be closed while it rings for less than this, milliseconds. */
const RANG_MS = 3000

/** What is concluded of a call that the service's fold could follow. */
interface Conclusion {
  end: End
  /** Nothing came back from LiveKit for long enough to mean something. */
  silent: boolean
  /** How long LiveKit rang for nobody, where only the wire shows it, milliseconds. */
  rangMs: number | undefined
  /** The files have the call hook and nothing else. */
  hookOnly: boolean
  /** The call had not ended when the files end. */
  going: boolean
  span: Span
  /** A transfer on the leg to LiveKit that only SIP shows. */
  transfer: Transfer | undefined
  /** The last leg to LiveKit. */
  leg: Leg | undefined
  naming: Naming
}

/** Explains a call of which hooks, or a leg to LiveKit, were seen. */
export function explainFollowed (followed: FollowedCall, parts: CallParts, files: FileFacts): ExplainedCall {
  const conclusion = concludeOf(followed, parts, files)
  const { end, hookOnly, span } = conclusion
  const late = !span.begun && end.cause === 'lost'
  const going = conclusion.going || late
  const over = followed.over || isVague(end.cause)
  const call = { ...followed.call, ...(over && { phase: 'ended' as const }), end }
  const diagnosis = diagnose(call)
  // Without hooks nobody knows the agents of earlier dials: what became of these is told on its own.
  const last = parts.hooks.length > 0 ? diagnosis : diagnose({ ...call, attempts: call.attempts.slice(-1) })
  const { logged, naming } = parts
  const saidByLog = end.cause === logged.cause && span.begun ? logged.meaning : undefined
  const named = inNamesOf(naming)
  const asSeen = isUntimed(parts.seen)
    ? (text: string) => withoutDurations(named(text), reportedTalk(parts.hooks))
    : named
  const summary = asSeen(summaryOf(conclusion) ?? saidByLog ?? last.summary)
  const main: Finding = going
    ? { code: late ? 'begins-late' : 'still-going', severity: 'skipped', seen: summary }
    : findingInNamesOf(naming)(mainFinding(conclusion, summary, diagnosis.nextSteps, files.endAt))
  // What a diagnosis says of the cause is not about a finding that takes its place.
  const isCause = going || main.code === end.cause
  const doubtsOfCause = isCause ? aboutSeen(diagnosis.notToldApart, parts, conclusion.transfer) : []
  const steps = isCause ? stepsUnseen(end, diagnosis.nextSteps, naming) : [{ todo: main.todo ?? '' }]
  const doubts = going ? [] : [...doubtsOfCause, ...doubtsOf(conclusion, followed, parts, files)]

  return {
    ...baseOf(parts, followed.call),
    ...(!going && { end }),
    summary: main.seen,
    evidence: hookOnly
      ? []
      : onlySeen(diagnosis.evidence, parts).map(item => ({
        ...item,
        seen: asSeen(item.seen),
        shows: asSeen(item.shows)
      })),
    notToldApart: doubts,
    nextSteps: going ? [] : steps.map(step => ({ ...step, todo: named(step.todo) })),
    findings: mergeFindings([
      main,
      ...earlierFailures(followed, end, naming).map(findingInNamesOf(naming)),
      ...carrierLegFindings(parts.legs, files.endAt),
      ...findingsOfParts(parts, files),
      ...logged.findings,
      ...agentLegOnly(parts),
      ...missingHooks(parts.hooks, parts.legs),
      ...end.cause === 'sip-unreachable' ? files.refused.slice(0, 1).map(refusedFinding) : [],
      ...files.haveCallHeader ? parts.agentLegs.slice(0, 1).flatMap(leg => callHeaderFinding(leg) ?? []) : [],
      ...skippedFindings(followed),
      ...doubts.map((seen): Finding => ({ code: 'not-told-apart', severity: 'skipped', seen }))
    ])
  }
}

function concludeOf (followed: FollowedCall, parts: CallParts, files: FileFacts): Conclusion {
  const { agentLegs, rooms, hooks, legs, logged, logLines } = parts
  const { call } = followed
  const last = agentLegs.at(-1)
  const rangMs = rooms.length === 0 && last ? rangInVain(last) : undefined
  const silent = last ? isSilent(last, files.endAt) : files.endAt - (call.at.replied ?? files.endAt) >= SILENT_MS
  const byReply = agentLegs.length === 0 && hooks.some(isRefusedReply) ? 'reply-refused' as const : undefined
  const transfer = transferOnWire(agentLegs, hooks)
  const known = endOfTransfer(ofNumber(surestEnd(followed, silent), call), last, transfer)
  const span = spanOf(parts, files)
  const judged = lateOffered(refined(takenAway(seenOnWire(known, rangMs), parts), byReply ?? logged.cause), last)
  const end = byReply && judged.cause === 'media-server-failed' ? withCause(judged, byReply) : keptAlone(judged, span)
  const hookOnly = legs.length + rooms.length + logLines === 0 &&
    hooks.every(({ hook, reply }) => hook === 'call-hook' && reply === undefined)
  const undecided = end.cause === 'lost' || (end.cause === 'sip-unreachable' && !silent)
  const isUndecided = undecided && !followed.over && call.phase !== 'received'
  const mayGoOn = !span.over && (call.phase !== 'received' || end.cause !== 'lost')
  const going = hookOnly || (end.cause !== 'transferred' && (isUndecided || mayGoOn))
  return { end, silent, rangMs, hookOnly, going, span, transfer, leg: last, naming: parts.naming }
}

/** How the call ended, or what says more of it than its cause does. */
function mainFinding (
  { end, leg, transfer, naming }: Conclusion,
  summary: string,
  steps: readonly NextStep[],
  endAt: number
): Finding {
  const [lateOffer] = leg && end.cause === 'media-mismatch' && isLateOffer(leg) ? lateOfferFindings(leg) : []
  if (lateOffer) return lateOffer
  const finding = afterBye(causeFinding(end, summary, naming, steps), leg, endAt)
  if (end.cause === 'transfer-failed' && transfer?.outcome === 'failed') return { ...finding, todo: TARGET_FAILED }
  const mayGoOn = leg !== undefined && transfer !== undefined && mayHaveMoved(leg, transfer)
  return mayGoOn && finding.severity === 'ok' ? { ...finding, severity: 'skipped' } : finding
}

/** What LiveKit did is surer than who was behind Jambonz's CANCEL, where that is only assumed. */
function surestEnd ({ end, assumption }: FollowedCall, silent: boolean): End {
  if (assumption !== 'caller-gave-up') return end
  if (end.waitingOn === 'route') return withCause(end, 'livekit-no-route')
  return end.waitingOn === 'sip' && silent ? withCause(end, 'sip-unreachable') : end
}

/** What only the beginning of a call would tell is not concluded without it. */
const keptAlone = (end: End, { begun }: Span): End => begun || standsAlone(end) ? end : withCause(end, 'lost')

/** LiveKit answers 500 to an INVITE without an offer. */
const lateOffered = (end: End, leg: Leg | undefined): End =>
  leg && isLateOffer(leg) && end.cause === 'livekit-failed' ? withCause(end, 'media-mismatch') : end

/** LiveKit rings once a second for as long as it waits for an agent's audio. */
function seenOnWire (end: End, rangMs: number | undefined): End {
  if (rangMs === undefined || !['livekit-failed', 'no-agent', 'dial-timeout'].includes(end.cause)) return end
  return { ...end, cause: 'no-agent', waitingOn: 'agent' }
}

/** How long LiveKit rang for nobody, milliseconds; undefined when it was answered or stopped soon. */
function rangInVain ({ at, rings }: Leg): number | undefined {
  const { ringing, lastRinging } = at
  if (ringing === undefined || lastRinging === undefined || at.answered !== undefined || rings < 3) return undefined

  const rangMs = (at.final ?? at.cancel ?? lastRinging) - ringing
  return rangMs >= RANG_MS ? rangMs : undefined
}

/** What is said of calls whose beginning is not in the files: not how long they had lasted. */
const LATE: Partial<Record<Cause, string>> = {
  lost: 'The files begin in the middle of the call, and do not show how it ended.',
  'caller-hung-up': 'The caller hung up.',
  'callee-hung-up': 'The callee hung up.',
  'agent-hung-up': "The agent's side hung up."
}

/** Where the diagnosis of a call that a bridge connected would say too much. */
function summaryOf ({ end, going, hookOnly, transfer, leg, naming, span }: Conclusion): string | undefined {
  if (hookOnly) return 'The files have only the call hook of this call, and not what happened to it afterwards.'
  if (going) return 'The call had not ended when the files end.'
  if (end.cause === 'transfer-failed' && leg && transfer) return failedTransferText(leg, transfer, naming)
  if (!span.begun) return LATE[end.cause]
  if (end.cause === 'lost') return 'The files do not show how the call ended.'
  if (end.cause === 'bridge-error') return `The call hook was answered with a decline (${end.sipStatus ?? 480}).`
  return undefined
}

function doubtsOf (
  { end, rangMs, naming, leg, span, transfer }: Conclusion,
  { assumption }: FollowedCall,
  { hooks, legs }: CallParts,
  { haveStatuses, endAt }: FileFacts
): string[] {
  const maybeClosed = end.cause === 'no-agent' && rangMs !== undefined && end.sipStatus === 486
  const noStatuses = end.cause === 'lost' && hooks.length > 0 && !haveStatuses
  return [
    ...maybeClosed ? [MAYBE_CLOSED] : [],
    ...assumptionText(assumption, naming),
    ...transfer && leg && mayHaveMoved(leg, transfer) ? [TRANSFER_UNKNOWN] : [],
    ...noStatuses ? [NO_STATUSES] : [],
    ...isChallengedAtEnd(leg, endAt) ? [CHALLENGED_AT_END] : [],
    ...legs.some(({ invite }) => !invite) ? [NO_INVITE] : [],
    ...!span.whole && legs.length === 0 ? [NO_BEGINNING] : []
  ]
}

/** Without the doubts about Jambonz where nothing names it, or about a transfer whose outcome was reported. */
function aboutSeen (doubts: readonly string[], { naming }: CallParts, transfer: Transfer | undefined): string[] {
  const about = naming === 'named' ? doubts : doubts.filter(doubt => !doubt.includes('Jambonz'))
  return transfer?.outcome === 'done' ? about.filter(doubt => !doubt.includes('without reporting')) : [...about]
}

/** LiveKit's 407 came so late that the INVITE with credentials need not be in the files. */
const isChallengedAtEnd = (leg: Leg | undefined, endAt: number): boolean =>
  leg !== undefined && leg.challenged && !leg.authorized && endAt - (leg.at.final ?? -Infinity) < SILENT_MS

function agentLegOnly ({ hooks, callerLeg }: CallParts): Finding[] {
  if (hooks.length > 0 || callerLeg) return []
  return [{
    code: 'agent-leg-only',
    severity: 'skipped',
    seen: 'Only the leg to LiveKit is in these files: what the caller did is inferred from it.',
    todo: "Add the caller's leg or the webhooks of the same call"
  }]
}

function skippedFindings ({ skippedEvents }: FollowedCall): Finding[] {
  if (skippedEvents === 0) return []
  return [{
    code: 'left-out',
    severity: 'warning',
    seen: `${skippedEvents} events in the middle of this call were left out: no real call has so many.`,
    todo: 'Check that nothing else uses the identifiers of this call'
  }]
}
