import type { Finding, Severity } from '../../finding.ts'
import { calleeLegOf, type Leg } from '../leg.ts'
import { judgeOutgoing } from '../outgoing.ts'
import { outgoingLegFindings } from './outgoing-leg.ts'
import { outgoingWords } from './outgoing-words.ts'

/**
 * When Jambonz began to dial a carrier because LiveKit had not taken the call. Undefined where no leg to LiveKit failed
 * before, or another one came later.
 * @param legs all of one call
 */
export function fallbackAt (legs: readonly Leg[]): number | undefined {
  const last = legs.findLast(({ role }) => role === 'agent')
  const failedAt = last?.at.answered === undefined ? last?.at.final ?? last?.at.cancel : undefined
  if (failedAt === undefined) return undefined
  return legs.find(({ role, at }) => role === 'carrier-out' && (at.invite ?? 0) >= failedAt)?.at.invite
}

/** What became of the legs to carriers, in a call that had a leg to LiveKit. */
export function carrierLegFindings (legs: readonly Leg[], endAt: number): Finding[] {
  const since = fallbackAt(legs)
  const callee = calleeLegOf(legs)
  const callerLeg = legs.find(({ role }) => role === 'caller')
  return legs.filter(leg => leg.role === 'carrier-out' && leg !== callee).flatMap(leg => {
    const isFallback = since !== undefined && (leg.at.invite ?? 0) >= since
    const verdict = judgeOutgoing(leg, endAt, callerLeg)
    const { seen, todo } = outgoingWords(leg, verdict, endAt)
    const failed = verdict.outcome === 'refused' || verdict.outcome === 'unanswered'
    const answered = leg.at.answered !== undefined
    return [
      {
        code: isFallback ? 'fallback-dialled' : 'other-dial',
        severity: severityOf(failed, answered && isFallback),
        seen: isFallback
          ? `Because LiveKit had not taken the call, Jambonz then dialled ${leg.user} over a carrier. ${
            answered ? 'It was answered. ' : ''
          }${seen}`
          : `Jambonz dialled ${leg.user} over a carrier. ${seen}`,
        ...(failed && todo !== undefined && { todo })
      },
      ...outgoingLegFindings(leg, endAt)
    ] satisfies Finding[]
  })
}

function severityOf (failed: boolean, rescued: boolean): Severity {
  if (failed) return 'failed'
  return rescued ? 'ok' : 'skipped'
}
