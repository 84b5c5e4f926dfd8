import type { Finding, Severity } from './finding.ts'
import { plain, type TerminalStyle } from './terminal.ts'

const MARKS: Readonly<Record<Severity, readonly [mark: string, ascii: string, colour: string]>> = {
  ok: ['✓', 'ok', '\x1b[32m'],
  warning: ['!', '!', '\x1b[33m'],
  failed: ['✗', 'FAILED', '\x1b[31m'],
  skipped: ['–', '-', '\x1b[2m']
}

/** How it went, in one sign; in words where there is only ASCII. */
export function severityMark (
  severity: Severity,
  { colour = false, ascii = false }: Partial<TerminalStyle> = {}
): string {
  const [mark, word, paint] = MARKS[severity]
  const sign = ascii ? word : mark
  return colour ? `${paint}${sign}\x1b[0m` : sign
}

/**
 * A finding for people, the same from every command: what was seen, what to do, the command that does it. Whoever
 * prints it indents it.
 */
export function findingLines (
  { code, severity, seen, todo, command }: Finding,
  style: Partial<TerminalStyle> = {}
): string[] {
  return [
    `${severityMark(severity, style)} ${plain(seen, style)}  (${code})`,
    ...(todo === undefined ? [] : [`    ${plain(`→ ${todo}`, style)}`]),
    // A command keeps its characters, because somebody copies it.
    ...(command === undefined ? [] : [`    $ ${plain(command)}`])
  ]
}

/** Lines below something else. */
export const indented = (lines: readonly string[], columns: number): string[] =>
  lines.map(line => ' '.repeat(columns) + line)
