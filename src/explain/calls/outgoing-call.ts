import type { End } from '../../calls/fold/call.ts'
import { endOf } from '../../calls/fold/end.ts'
import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import type { Finding, Severity } from '../../finding.ts'
import type { ExplainedCall } from '../explanation.ts'
import { afterBye } from '../findings/byes.ts'
import { mergeFindings } from '../findings/merge.ts'
import { outgoingLegFindings } from '../findings/outgoing-leg.ts'
import { diallerOf, farEndOf, outgoingWords } from '../findings/outgoing-words.ts'
import type { Leg } from '../leg.ts'
import { judgeOutgoing, type OutgoingVerdict } from '../outgoing.ts'
import { quote } from '../quote.ts'
import { baseOf, findingsOfParts, type CallParts, type FileFacts } from './call-parts.ts'

interface Judged {
  leg: Leg
  verdict: OutgoingVerdict
}

/** Explains a call that LiveKit or Jambonz dialled, of which no leg to LiveKit and no hook was seen. */
export function explainOutgoing (parts: CallParts, files: FileFacts): ExplainedCall {
  const all = parts.outgoing.map((leg): Judged => ({
    leg,
    verdict: judgeOutgoing(leg, files.endAt, parts.callerLeg)
  }))
  const main = decisive(all)
  const { leg, verdict } = main
  const { cause } = parts.logged
  const end = verdict.end ?? (cause && endOf(cause))
  const words = verdict.end || !cause ? outgoingWords(leg, verdict, files.endAt) : { seen: CATALOGUE[cause].meaning }
  const ended = afterBye(mainFinding(end, verdict, words), leg, files.endAt)
  const findings = mergeFindings([
    ended,
    ...outgoingLegFindings(leg, files.endAt),
    ...all.filter(other => other !== main).flatMap(other => otherFindings(other, main)),
    ...findingsOfParts(parts, files),
    ...parts.logged.findings
  ])
  return {
    ...baseOf(parts),
    ...(end && { end }),
    summary: ended.seen,
    nextSteps: end && words.todo !== undefined ? [{ todo: words.todo }] : [],
    findings
  }
}

/**
 * The leg that says most about how the call ended: of a call that LiveKit makes through Jambonz it is Jambonz's leg to
 * the carrier, when that failed; else the last one.
 */
function decisive (all: readonly Judged[]): Judged {
  const fromLiveKit = all.findLast(({ leg }) => leg.role === 'livekit-out')
  const toCarrier = all.findLast(({ leg }) => leg.role === 'carrier-out')
  const failed = toCarrier && (toCarrier.verdict.outcome === 'refused' || toCarrier.verdict.outcome === 'unanswered')
  return (failed ? toCarrier : fromLiveKit ?? toCarrier) ?? all.at(-1)!
}

/** Ends that are no failure of anything. */
const FINE: ReadonlySet<string> = new Set(['caller-hung-up', 'callee-hung-up', 'agent-hung-up', 'transferred'])

function mainFinding (end: End | undefined, { outcome }: OutgoingVerdict, { seen, todo }: {
  seen: string
  todo?: string
}): Finding {
  if (!end) return { code: 'still-going', severity: 'skipped', seen }
  return { code: end.cause, severity: severityOf(end, outcome), seen, ...(todo !== undefined && { todo }) }
}

/** A final status of the carrier is a failure of the call, also where the service takes it for a normal end. */
function severityOf ({ cause }: End, outcome: OutgoingVerdict['outcome']): Severity {
  if (outcome === 'refused' || outcome === 'unanswered') return 'failed'
  if (outcome === 'cancelled') return 'warning'
  return FINE.has(cause) ? 'ok' : CATALOGUE[cause].severity
}

/** What became of the other legs, in one sentence each. */
function otherFindings ({ leg, verdict }: Judged, main: Judged): Finding[] {
  if (verdict.outcome !== 'refused' && verdict.outcome !== 'unanswered') return []

  const { status, reason } = leg.final ?? {}
  const got = status === undefined ? 'no answer' : quote(`${status} ${reason ?? ''}`.trim())
  const isLater = (leg.at.final ?? 0) > (main.leg.at.final ?? 0)
  return [{
    code: 'other-dial',
    severity: 'skipped',
    seen: `${isLater ? 'After that' : 'Before that'}, ${diallerOf(leg)} got ${got} from ${farEndOf(leg)}.`
  }]
}
