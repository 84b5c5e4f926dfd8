import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Finding } from '../finding.ts'
import type { LoggedLine, LogRule, Words } from './knowledge/log-rule.ts'
import { LOG_RULES, LONGEST_READ } from './knowledge/log-rules.ts'
import { LogLines } from './log-lines.ts'
import { quote } from './quote.ts'
import type { LogSeen } from './seen.ts'

export interface LogVerdict {
  findings: Finding[]
  /** Why the call ended, where a line tells it. */
  cause?: Cause
  /** How it ended, where that line says more than its cause. */
  meaning?: string
  /** What to do about what that line says. */
  todo?: string
}

/** Lines that match the same rule and say the same. */
interface Match {
  rule: LogRule
  first: LogSeen
  line: LoggedLine
  says: string
  count: number
}

/**
 * What the servers' own logs say of a call.
 * @param others lines of the same files that belong to no call
 */
export function judgeLogs (lines: readonly LogSeen[], others: LogLines): LogVerdict {
  const call = new LogLines(lines)
  const matches = new Map<string, Match>()
  for (const seen of lines) {
    const found = ruleFor(seen, call, others)
    if (!found) continue

    const key = `${found.rule.code} ${found.says}`
    const known = matches.get(key)
    if (known) known.count++
    else matches.set(key, found)
  }

  const all = [...matches.values()]
  const telling = all.find(({ rule, line }) => worded(rule.cause, line) !== undefined)
  const cause = telling && worded(telling.rule.cause, telling.line)
  const meaning = telling && worded(telling.rule.meaning, telling.line)
  const todo = telling && worded(telling.rule.todo, telling.line)
  return {
    findings: all.map(findingOf),
    ...(cause && { cause }),
    ...(meaning !== undefined && { meaning }),
    ...(todo !== undefined && { todo })
  }
}

/** The rule that a line fits first. */
export function ruleFor (first: LogSeen, call: LogLines, others: LogLines): Match | undefined {
  const { from, fields } = first
  const words = wordsOf(first)
  for (const rule of LOG_RULES[from] ?? []) {
    const match = rule.pattern.exec(words)
    const line = match && { match, fields, call, others }
    if (!line || rule.unless?.(line) === true) continue

    return { rule, first, line, says: worded(rule.says, line), count: 1 }
  }
  return undefined
}

/** Whether a rule knows lines with such words, if only as harmless ones. */
export function isKnownLine (line: LogSeen): boolean {
  const words = wordsOf(line)
  return LOG_RULES[line.from]?.some(({ pattern }) => pattern.test(words)) === true
}

/** What rules are looked for in. */
function wordsOf ({ text, fields }: LogSeen): string {
  const reason = typeof fields['reason'] === 'string' ? fields['reason'] : ''
  return [text, reason].filter(Boolean).map(part => part.slice(0, LONGEST_READ).trim()).join(' | ')
}

/** The words of a rule for a line. */
const worded = <T extends string | undefined>(words: Words<T>, line: LoggedLine): T =>
  typeof words === 'function' ? words(line) : words

function findingOf ({ rule, first: { text, place }, line, says, count }: Match): Finding {
  const times = count > 1 ? `, ${count} times` : ''
  const todo = worded(rule.todo, line)
  return {
    code: rule.code,
    severity: worded(rule.severity, line),
    seen: `${says}: "${quote(text)}" (${place.file}:${place.at}${times}).`,
    ...(todo !== undefined && { todo }),
    ...(rule.command !== undefined && { command: rule.command })
  }
}
