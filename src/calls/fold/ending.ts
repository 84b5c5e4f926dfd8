import { currentAttempt, type Attempt, type Call, type End } from './call.ts'
import { isDialled } from './attempt-facts.ts'
import { causeOf } from './causes.ts'
import { causeWithoutDial } from './undialled-cause.ts'
import type { Verdict } from './end.ts'
import { endedAt, takeTalk } from './evidence.ts'
import { beginClosing, endAttempt, noWayLeft } from './attempts.ts'
import { note, oweLook, unowe } from './duties.ts'
import { timeLimitOf, type Rules } from './rules.ts'

/** Ends what is closing and whose cause is known, or can be waited for no longer. Called after every event. */
export function finishClosing (draft: Call, at: number, rules: Rules): void {
  for (const attempt of draft.attempts) {
    if (!attempt.closing) continue
    const verdict = causeOfAttempt(draft, attempt, rules)
    if (verdict.missing && at < attempt.closing.until) {
      waitFor(draft, attempt, verdict, at)
      continue
    }
    endAttempt(draft, attempt, at, endFrom(verdict))
  }
  if (!draft.closing || draft.phase === 'ended') return
  const attempt = currentAttempt(draft)
  if (attempt) takeTalk(draft, attempt)
  const verdict = causeOf(draft, attempt, circumstances(draft, attempt, rules))
  if (verdict.missing && at < draft.closing.until) {
    if (attempt) waitFor(draft, attempt, verdict, at)
    return
  }
  endCall(draft, at, endFrom(verdict), rules)
}

/** Ends the call with what is known now. */
export function endNow (draft: Call, at: number, rules: Rules): void {
  beginClosing(draft, at)
  if (draft.closing) draft.closing = { until: at }
  finishClosing(draft, at, rules)
}

/** Writes the end of the call: phase and cause together, once. */
export function endCall (draft: Call, at: number, end: End, rules: Rules): void {
  if (draft.phase === 'ended') return
  for (const attempt of draft.attempts) {
    const hasOwnEnd = attempt.closing || !isDialled(attempt)
    endAttempt(draft, attempt, at, hasOwnEnd ? endFrom(causeOfAttempt(draft, attempt, rules)) : end)
  }
  draft.phase = 'ended'
  draft.end = end
  const attempt = currentAttempt(draft)
  draft.at.ended = endedAt(draft, attempt, at)
  if (attempt?.at.ended !== undefined) attempt.at.ended = Math.min(attempt.at.ended, draft.at.ended)
  draft.deadline = draft.settleAt = draft.closing = undefined
  draft.overdue = false
  draft.plan = []
  for (const hook of draft.hooks) if (hook.attempt !== undefined) hook.reply ??= noWayLeft(draft)
  unowe(draft, duty => duty.kind === 'look' || (duty.kind === 'hang-up' && draft.caller.final !== undefined))
  draft.expiresAt = at + rules.retentionS * 1000
  note(draft, at, { from: 'bridge', what: 'call ended', status: end.cause, by: end.by })
}

function waitFor (draft: Call, attempt: Attempt, { missing }: Verdict, at: number): void {
  const looking = draft.duties.some(duty =>
    duty.kind === 'look' && duty.target === String(attempt.n) && duty.since >= (attempt.at.ended ?? at)
  )
  if (missing === 'look' && !looking) oweLook(draft, attempt, at, at)
  attempt.at.ended ??= at
}

/** Why an attempt ended, whatever then became of the call. */
function causeOfAttempt (draft: Call, attempt: Attempt, rules: Rules): Verdict {
  if (!isDialled(attempt)) return causeWithoutDial(draft, attempt)
  return causeOf(attemptAlone(draft), attempt, circumstances(draft, attempt, rules))
}

/** What later befell the call is no reason for the end of an attempt that was over before. */
const attemptAlone = (call: Call): Call => ({
  ...call,
  caller: { ...call.caller, final: undefined },
  transfer: call.transfer?.result === 'failed' ? call.transfer : undefined,
  hangupAt: undefined
})

const circumstances = (call: Call, attempt: Attempt | undefined, rules: Rules) => ({
  statusesExpected: call.statusesExpected,
  timeLimitS: timeLimitOf(call, rules, attempt)
})

function endFrom ({ missing: _, ...end }: Verdict): End {
  return Object.fromEntries(Object.entries(end).filter(([, value]) => value !== undefined)) as unknown as End
}
