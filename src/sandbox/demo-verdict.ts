import type { LadderOptions } from '../ladder/ladder.ts'
import { plain } from '../terminal.ts'
import type { DemoCall } from './demo-calls.ts'

/** What the bridge says of a call that is over. */
export interface Verdict {
  /** The call's cause. */
  cause?: string
  /** What became of each attempt. */
  attempts?: { agent?: string, cause?: string }[]
  by?: string
  waitingOn?: string
  problem?: string
  /** The transfers of the caller, oldest first. */
  transfers?: { result?: string, reason?: string }[]
}

const causesOf = ({ attempts = [] }: Verdict): string[] => attempts.map(({ cause }) => cause ?? 'nothing')

/** Whether the call ended as announced. */
export const isRight = (call: DemoCall, verdict: Verdict): boolean =>
  verdict.cause === call.causes.at(-1) && causesOf(verdict).join() === call.causes.join() &&
  transferOf(verdict) === (call.transfer && saidOf(call.transfer))

/** The last transfer of the call. */
const transferOf = ({ transfers = [] }: Verdict): string | undefined => transfers.map(saidOf).at(-1)

const saidOf = ({ result = 'open', reason }: { result?: string, reason?: string }): string =>
  `${result}${reason === undefined ? '' : ` (${reason})`}`

/** What was announced beside what the bridge says. */
export function judge (call: DemoCall, verdict: Verdict, view: LadderOptions): string {
  const right = isRight(call, verdict)
  const [good, bad] = view.ascii ? ['ok', 'NOT OK'] : ['✓', '✗']
  const mark = right ? good : bad
  const details = [
    verdict.by && `by ${verdict.by}`,
    verdict.waitingOn && verdict.waitingOn !== 'none' && `while waiting on ${verdict.waitingOn}`,
    transferOf(verdict) && `transfer ${transferOf(verdict)}`
  ].filter(Boolean).join(', ')
  const causes = causesOf(verdict).join(', then ') || 'nothing'
  const said = verdict.problem ?? `the bridge says ${causes}${details && ` (${details})`}`
  const text = [
    `   ${mark} announced ${call.causes.join(', then ')}, ${plain(said, view)}`,
    ...call.causes.length > 1 ? attemptLines(verdict) : []
  ].join('\n')
  return view.colour ? `\x1b[${right ? 32 : 31}m${text}\x1b[0m` : text
}

const attemptLines = ({ attempts = [] }: Verdict): string[] =>
  attempts.map(({ agent, cause }, i) => `     attempt ${i + 1}: ${agent ?? 'no agent'}, ${cause ?? 'nothing'}`)
