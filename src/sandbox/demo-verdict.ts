import type { LadderOptions } from '../ladder/ladder.ts'
import { plain } from '../terminal.ts'
import type { DemoCall } from './demo-calls.ts'

/** What the bridge says of a call that is over. */
export interface Verdict {
  /** The call's cause. */
  cause?: string
  /** What became of each attempt. */
  attempts?: { agent?: string, cause?: string, start?: string }[]
  by?: string
  waitingOn?: string
  problem?: string
  /** From the phone's INVITE to the 200, milliseconds. Absent: nobody answered, or nobody called. */
  answeredMs?: number
  /** The transfers of the caller, oldest first. */
  transfers?: { result?: string, reason?: string }[]
}

const causesOf = ({ attempts = [] }: Verdict): string[] => attempts.map(({ cause }) => cause ?? 'nothing')

/** Whether the call ended as announced. */
export const isRight = (call: DemoCall, verdict: Verdict): boolean =>
  verdict.cause === call.causes.at(-1) && causesOf(verdict).join() === call.causes.join() &&
  transferOf(verdict) === (call.transfer && saidOf(call.transfer)) &&
  (!call.warm || verdict.attempts?.[0]?.start === 'warm')

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

/** How soon a call was answered, beside one whose agent had to come first. */
export function answerLine ({ warm }: DemoCall, { answeredMs }: Verdict, coldMs: number | undefined): string {
  if (answeredMs === undefined) return ''
  const beside = warm && coldMs !== undefined ? `, instead of ${coldMs} ms` : ''
  return `     answered ${answeredMs} ms after the INVITE${beside}`
}

const attemptLines = ({ attempts = [] }: Verdict): string[] =>
  attempts.map(({ agent, cause }, i) => `     attempt ${i + 1}: ${agent ?? 'no agent'}, ${cause ?? 'nothing'}`)
