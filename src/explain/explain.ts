import type { Finding } from '../finding.ts'
import { header } from '../sip/message.ts'
import { partsOf, type CallParts, type FileFacts } from './calls/call-parts.ts'
import { explainCallerLeg } from './calls/caller-leg-call.ts'
import { explainFollowed } from './calls/followed-call.ts'
import { explainOutgoing } from './calls/outgoing-call.ts'
import { explainLate, lateLeg } from './calls/late-call.ts'
import { explainPartial } from './calls/partial-call.ts'
import { withRouteStep } from './calls/route-step.ts'
import { reviewConfig } from './config/review.ts'
import type { RouteQuestion } from './config/route.ts'
import { joinCrankBacks } from './crank-back.ts'
import type { ExplainedCall, Explanation } from './explanation.ts'
import { clocksFinding, leftOutFinding, noCallFinding, refusedFinding } from './findings/files.ts'
import { quietFindings } from './findings/quiet.ts'
import { retiredHostFindings } from './findings/retired-host.ts'
import { loggedHostFindings } from './findings/sip-host.ts'
import { followCall } from './follow/follow-call.ts'
import { adoptLoose, groupByCall } from './group.ts'
import { joinServices } from './join-services.ts'
import type { Keep } from './keep.ts'
import { withDialogs } from './listed-dialogs.ts'
import { LogLines } from './log-lines.ts'
import { judgeLogs } from './logs.ts'
import { inOrder } from './order.ts'
import { pairRecords } from './pair-records.ts'
import type { Seen } from './seen.ts'

/**
 * Explains every call in what was read. Pure.
 * @param question a call of which trunk and rule are looked for in lists of them
 */
export function explainSeen (keep: Keep, question?: RouteQuestion): Explanation {
  const configs = keep.seen.filter(item => item.kind === 'config')
  const listed = withDialogs(keep.seen.filter(item => item.kind !== 'config'))
  const { seen, aligned } = inOrder(listed.seen)
  const { calls: named, loose } = adoptLoose(groupByCall(pairRecords(seen)))
  const calls = joinServices(named)
  const looseLogs = loose.filter(item => item.kind === 'log')
  const refused = seen.filter(item => item.kind === 'refused')
  const files: FileFacts = {
    rtp: keep.rtp,
    refused,
    endAt: seen.reduce((last, { at = 0 }) => Math.max(last, at), 0),
    haveStatuses: seen.some(item => item.kind === 'hook' && item.hook === 'status'),
    haveCallHeader: seen.some(item => item.kind === 'sip' && header(item.message, 'x-lk-call') !== undefined),
    looseLogs: new LogLines(looseLogs)
  }
  const quiet: Seen[][] = []
  const explained = joinCrankBacks(calls).flatMap(items => {
    const call = explainCall(items, files)
    if (!call) quiet.push(items)
    return call ?? []
  }).sort((a, b) => (a.began ?? 0) - (b.began ?? 0))

  const findings: Finding[] = [
    ...listed.findings,
    ...judgeLogs(looseLogs, files.looseLogs).findings,
    ...retiredHostFindings(loose),
    ...loggedHostFindings(looseLogs),
    ...reviewConfig(configs, question)
  ]
  if (explained.length === 0) findings.push(...refused.slice(0, 1).map(refusedFinding))
  if (aligned) findings.push(clocksFinding())
  if (keep.leftOut > 0) findings.push(leftOutFinding(keep.leftOut))
  if (explained.length === 0 && findings.length === 0 && keep.noise > 0) findings.push(noCallFinding(keep.noise))
  const isSilent = explained.length === 0 && findings.length === 0
  findings.push(...quietFindings(quiet, isSilent ? loose : [], isSilent))
  return { calls: explained, findings }
}

/** Explains one call by the kind of what was seen of it; undefined when that says nothing of a call. */
function explainCall (seen: readonly Seen[], files: FileFacts): ExplainedCall | undefined {
  const parts = partsOf(seen, files)
  if (!parts) return undefined

  return withRouteStep(explainParts(seen, parts, files), parts)
}

function explainParts (seen: readonly Seen[], parts: CallParts, files: FileFacts): ExplainedCall {
  const { legs, hooks, callerLeg, outgoing } = parts
  const late = lateLeg(parts)
  if (late) return explainLate(late, parts, files)
  const followed = followCall(seen, legs, hooks.length === 0 || files.haveStatuses)
  if (followed) return explainFollowed(followed, parts, files)
  if (outgoing.length > 0) return explainOutgoing(parts, files)
  return callerLeg ? explainCallerLeg(callerLeg, parts, files) : explainPartial(parts, files)
}
