import { countStatuses, type CheckResult } from '../doctor/run.ts'
import { findingLines, indented, severityMark } from '../finding-lines.ts'
import type { TerminalStyle } from '../terminal.ts'

/** A check that has ended, while others still run. */
export const progressLine = ({ name, status, ms }: CheckResult, style: Partial<TerminalStyle> = {}): string =>
  `${severityMark(status, style)} ${name} (${ms} ms)`

/** A check with what it found. */
export function checkLines (
  { name, title, status, findings }: CheckResult,
  style: Partial<TerminalStyle> = {}
): string[] {
  return [
    `${severityMark(status, style)} ${name}: ${title}`,
    ...indented(findings.flatMap(finding => findingLines(finding, style)), 4)
  ]
}

/** How many checks ended in which way. */
export function summaryLine (results: readonly CheckResult[]): string {
  const counts = countStatuses(results)
  const told =
    ([['ok', 'ok'], ['warning', counts.warning === 1 ? 'warning' : 'warnings'], ['failed', 'failed'], [
      'skipped',
      'skipped'
    ]] as const).filter(([status]) => counts[status] > 0)
  return `${results.length} check${results.length === 1 ? '' : 's'}: ${
    told.map(([status, word]) => `${counts[status]} ${word}`).join(', ')
  }`
}

export interface Screen {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
}

/** Progress as lines; on a terminal with what still runs below them. */
export function createProgress (
  line: (text: string) => void,
  screen: Screen | undefined,
  style: Partial<TerminalStyle> = {}
): { started(name: string): void, done(result: CheckResult): void } {
  const running = new Set<string>()
  const show = (text: string) => {
    if (screen?.isTTY) screen.write(`\r\x1b[K${text.slice(0, (screen.columns ?? 80) - 1)}`)
  }
  const showRunning = () => show(running.size === 0 ? '' : `… ${[...running].join(', ')}`)
  return {
    started (name) {
      running.add(name)
      showRunning()
    },
    done (result) {
      running.delete(result.name)
      show('')
      line(progressLine(result, style))
      showRunning()
    }
  }
}
