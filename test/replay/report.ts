import { stepsOf } from '../../src/ladder/steps.ts'
import { renderLadder } from '../../src/ladder/ladder.ts'
import type { CallView } from '../../src/calls/view.ts'
import type { Fault } from './check.ts'
import { text, type Json } from './json.ts'
import { isPlayable, type Recording, type Unplayable } from './recording.ts'
import type { Played } from './session.ts'
import { describeEvent } from './webhooks.ts'

/** What became of one file, in one variant. */
export interface Outcome {
  file: Recording | Unplayable
  variant: string
  played?: Played
  faults: Fault[]
  /** Real time that it took, milliseconds. */
  tookMs: number
}

export type Mark = 'right' | 'wrong' | 'nothing' | 'unsupported' | 'unreadable'

export function markOf ({ file, faults }: Outcome): Mark {
  if (!isPlayable(file)) return file.why
  return faults.length === 0 ? 'right' : 'wrong'
}

const causesOf = ({ played }: Outcome): string =>
  (played?.calls ?? []).map(({ call }) => text((call?.['end'] as Json | undefined)?.['cause']) ?? '–').join(', ')

/** One line of a file. */
export function outcomeLine (outcome: Outcome): string {
  const { file, variant } = outcome
  const name = variant ? `${file.name}, ${variant}` : file.name
  const missing = isPlayable(file) && file.missing.length > 0 ? ` [without ${file.missing.join(', ')}]` : ''
  const rest = isPlayable(file) ? `${causesOf(outcome)}${missing}` : file.detail
  return `${markOf(outcome).padEnd(11)} ${name}: ${rest}`
}

/** What was wrong with a file: expected, got, and the ladder of its calls. */
export function faultLines (outcome: Outcome, width: number): string[] {
  const { played, faults } = outcome
  const wrong = faults.map(({ what, expected, got }) => `  ${what}: expected ${expected}, got ${got}`)
  if (!played) return wrong
  const ladders = played.calls.flatMap(({ call }) =>
    call
      ? renderLadder(stepsOf(call as unknown as CallView), { width, ascii: false, colour: false, rewrite: false })
        .trimEnd().split('\n').map(line => `  ${line}`)
      : eventLines(played))
  return [...wrong, ...ladders, '']
}

/** What was played, where the bridge has no record to draw. */
function eventLines ({ answered, webhooks, started }: Played): string[] {
  const lines = [
    ...answered.map(({ at, path, status }) => ({ at, line: `${path} -> ${status || 'no answer'}` })),
    ...webhooks.map(({ happened, taken, body }) => ({
      at: happened - started,
      line: `${describeEvent(body)} ${taken === undefined ? 'not taken' : `taken at ${taken - started} ms`}`
    }))
  ]
  return lines.sort((a, b) => a.at - b.at).map(({ at, line }) => `  ${String(at).padStart(8)} ms ${line}`)
}

/** Files by folder and mark. */
export function summaryLines (outcomes: Outcome[]): string[] {
  const marks: Mark[] = ['right', 'wrong', 'nothing', 'unsupported', 'unreadable']
  const folders = [...new Set(outcomes.map(({ file }) => file.name.split('/')[0]!))]
  const row = (cells: string[]) => cells.map((cell, i) => i === 0 ? cell.padEnd(16) : cell.padStart(12)).join('')
  const counts = (some: Outcome[]) => marks.map(mark => String(some.filter(other => markOf(other) === mark).length))
  return [
    row(['folder', ...marks]),
    ...folders.map(folder =>
      row([folder, ...counts(outcomes.filter(({ file }) => file.name.startsWith(`${folder}/`)))])),
    row(['all', ...counts(outcomes)])
  ]
}

/** The same for programs. */
export const asJson = (outcomes: Outcome[]): Json => ({
  files: outcomes.map(outcome => ({
    name: outcome.file.name,
    kind: outcome.file.kind,
    variant: outcome.variant || undefined,
    result: markOf(outcome),
    detail: isPlayable(outcome.file) ? undefined : outcome.file.detail,
    missing: isPlayable(outcome.file) ? outcome.file.missing : undefined,
    causes: causesOf(outcome),
    faults: outcome.faults,
    away: outcome.played?.variant.away,
    tookMs: outcome.tookMs
  }))
})
