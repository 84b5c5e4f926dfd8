import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import { stepsFor } from '../../diagnosis/diagnose.ts'
import { judgeCallerLeg } from '../caller-leg-verdict.ts'
import type { ExplainedCall } from '../explanation.ts'
import { callerLegFindings, callerLegSteps } from '../findings/caller-leg.ts'
import { causeFinding, stepsUnseen } from '../findings/cause.ts'
import { mergeFindings } from '../findings/merge.ts'
import type { Leg } from '../leg.ts'
import { baseOf, findingsOfParts, type CallParts, type FileFacts } from './call-parts.ts'
import { refined } from './vague-causes.ts'

/** Explains a call of which only the caller's leg was seen, and maybe log lines. */
export function explainCallerLeg (callerLeg: Leg, parts: CallParts, files: FileFacts): ExplainedCall {
  const { logged, naming } = parts
  const verdict = judgeCallerLeg(callerLeg, files.endAt, naming)
  const end = refined(verdict.end, logged.cause)
  const meaning = (end.cause === logged.cause ? logged.meaning : undefined) ?? CATALOGUE[end.cause].meaning
  const findings = mergeFindings([
    ...end.cause === verdict.end.cause ? [] : [causeFinding(end, meaning, naming)],
    ...callerLegFindings(callerLeg, verdict, files.endAt),
    ...findingsOfParts(parts, files),
    ...logged.findings
  ])
  return {
    ...baseOf(parts),
    ...(verdict.over && { end }),
    summary: findings[0]?.seen ?? '',
    notToldApart: verdict.alike,
    nextSteps: end.cause === verdict.end.cause
      ? callerLegSteps(callerLeg, verdict)
      : stepsUnseen(end, stepsFor(end), naming),
    findings
  }
}
