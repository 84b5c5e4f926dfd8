import type { End } from '../../calls/fold/call.ts'
import type { Cause } from '../../calls/fold/vocabulary.ts'
import { CATALOGUE, type NextStep } from '../../diagnosis/causes-catalogue.ts'
import { stepsFor } from '../../diagnosis/diagnose.ts'
import type { Finding } from '../../finding.ts'
import type { Naming } from '../parties.ts'

const MORE_FILES: NextStep = {
  todo: 'These files show nothing that was missing: add one that begins earlier, or one from the other side'
}

type Steps = Partial<Record<Cause, readonly NextStep[]>>

/** Steps where no bridge, and so no route with further ways, is known. */
const WITHOUT_ROUTE: Steps = {
  busy: [{ todo: 'Call again later, or let another dial follow this one' }]
}
/** Steps where nothing names Jambonz. */
const WITHOUT_JAMBONZ: Steps = {
  'media-lost': [{
    todo: "Let RTP through: open UDP in both directions between the side that calls and LiveKit's SIP addresses, and " +
      'announce public addresses in the SDP'
  }]
}

/** Steps for a call that no bridge knows: without the commands that ask a bridge for the call. */
export function stepsUnseen ({ cause }: Pick<End, 'cause'>, steps: readonly NextStep[], naming: Naming): NextStep[] {
  const own = (naming === 'unnamed' ? WITHOUT_JAMBONZ[cause] : undefined) ?? WITHOUT_ROUTE[cause] ?? steps
  return own.map(({ todo, command }) =>
    command === undefined || command.startsWith('bridge calls ') ? { todo } : { todo, command }
  )
}

/**
 * The cause of a call as a finding.
 * @param steps what to do about it, the most likely first; of the cause, unless more is known of the call
 */
export function causeFinding (
  end: Pick<End, 'cause' | 'waitingOn' | 'sipStatus'>,
  seen: string,
  naming: Naming,
  steps: readonly NextStep[] = stepsFor(end)
): Finding {
  const { severity } = CATALOGUE[end.cause]
  const [first = severity === 'failed' ? MORE_FILES : undefined] = stepsUnseen(end, steps, naming)
  return {
    code: end.cause,
    severity,
    seen,
    ...(first && { todo: first.todo, ...(first.command !== undefined && { command: first.command }) })
  }
}

/** Causes that look the same as the one that was found, each with what it means. */
export const alikeFinding = (causes: readonly Cause[]): Finding => ({
  code: 'not-told-apart',
  severity: 'skipped',
  seen: `${causes.length === 1 ? 'Another cause' : 'Other causes'} would look the same from here: ${
    causes.map(cause => `${firstSentence(CATALOGUE[cause].meaning)} (${cause})`).join('; ')
  }.`
})

const firstSentence = (text: string): string => text.split('. ', 1)[0]!.replace(/\.$/, '')
