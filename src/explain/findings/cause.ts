import type { End } from '../../calls/fold/call.ts'
import type { Cause } from '../../calls/fold/vocabulary.ts'
import { CATALOGUE, type NextStep } from '../../diagnosis/causes-catalogue.ts'
import { stepsFor } from '../../diagnosis/diagnose.ts'
import type { Finding } from '../../finding.ts'

const MORE_FILES: NextStep = {
  todo: 'These files show nothing that was missing: add one that begins earlier, or one from the other side'
}

/** Steps for a call that no bridge knows: without the commands that ask a bridge for the call. */
export const stepsUnseen = (steps: readonly NextStep[]): NextStep[] =>
  steps.map(({ todo, command }) =>
    command === undefined || command.startsWith('bridge calls ') ? { todo } : { todo, command }
  )

/** The cause of a call as a finding. */
export function causeFinding (end: Pick<End, 'cause' | 'waitingOn' | 'sipStatus'>, seen: string): Finding {
  const { severity } = CATALOGUE[end.cause]
  const [first = severity === 'failed' ? MORE_FILES : undefined] = stepsUnseen(stepsFor(end))
  return {
    code: end.cause,
    severity,
    seen,
    ...(first && { todo: first.todo, ...(first.command !== undefined && { command: first.command }) })
  }
}

/** Causes that look the same as the one that was found. */
export const alikeFinding = (causes: readonly Cause[]): Finding => ({
  code: 'not-told-apart',
  severity: 'skipped',
  seen: `These look alike from here: ${causes.join(', ')}.`
})
