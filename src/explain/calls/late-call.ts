import { endOf } from '../../calls/fold/end.ts'
import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import type { Finding } from '../../finding.ts'
import type { ExplainedCall } from '../explanation.ts'
import { RINGING_STOPPED_MS } from '../findings/agent-leg.ts'
import { beginsLate } from '../findings/begins-late.ts'
import { causeFinding } from '../findings/cause.ts'
import { mergeFindings } from '../findings/merge.ts'
import type { Leg } from '../leg.ts'
import { baseOf, findingsOfParts, type CallParts, type FileFacts } from './call-parts.ts'

/** Final statuses of LiveKit that say the same whatever came before them (livekit/sip pkg/sip/inbound.go). */
const CLEAR: readonly number[] = [401, 404, 503]

/**
 * The leg to LiveKit of a call of which nothing else was seen, when the files begin too late to say more of it than
 * what is left: neither its INVITE nor its answer is in them.
 */
export function lateLeg ({ hooks, agentLegs, callerLeg }: CallParts): Leg | undefined {
  const leg = agentLegs.at(-1)
  if (!leg || leg.invite || hooks.length > 0 || callerLeg) return undefined
  if (leg.at.answered !== undefined || CLEAR.includes(leg.final?.status ?? 0) || stoppedRinging(leg)) return undefined
  return leg
}

/** LiveKit rings every second, or has found no trunk and rule. Then it does not even answer CANCEL. */
const stoppedRinging = ({ at, final, byes }: Leg): boolean =>
  final === undefined && byes.length === 0 && at.cancel !== undefined &&
  at.cancel - (at.lastRinging ?? at.cancel) >= RINGING_STOPPED_MS

/** Explains such a call: who hung up, or what its last response was. */
export function explainLate (leg: Leg, parts: CallParts, files: FileFacts): ExplainedCall {
  const { logged, naming } = parts
  const end = logged.cause && endOf(logged.cause)
  const late: Finding = { code: 'begins-late', severity: 'skipped', seen: beginsLate(leg, naming) }
  const findings = mergeFindings([
    ...end ? [causeFinding(end, logged.meaning ?? CATALOGUE[end.cause].meaning, naming)] : [],
    late,
    ...findingsOfParts(parts, files),
    ...logged.findings
  ])
  return { ...baseOf(parts), ...(end && { end }), summary: findings[0]?.seen ?? '', findings }
}
