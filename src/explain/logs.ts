import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Finding } from '../finding.ts'
import type { LoggedLine, LogRule, Words } from './knowledge/log-rule.ts'
import { LOG_RULES } from './knowledge/log-rules.ts'
import { quote } from './quote.ts'
import type { LogSeen } from './seen.ts'

export interface LogVerdict {
  findings: Finding[]
  /** Why the call ended, where a line tells it. */
  cause?: Cause
}

/** Lines that match the same rule and say the same. */
interface Match {
  rule: LogRule
  first: LogSeen
  line: LoggedLine
  says: string
  count: number
}

/** Characters of a line in which rules are looked for. */
const LONGEST_READ = 2000

/** What the servers' own logs say of a call. */
export function judgeLogs (lines: readonly LogSeen[]): LogVerdict {
  const matches = new Map<string, Match>()
  for (const seen of lines) {
    const found = matchOf(seen, lines)
    if (!found) continue

    const key = `${found.rule.code} ${found.says}`
    const known = matches.get(key)
    if (known) known.count++
    else matches.set(key, found)
  }

  const all = [...matches.values()]
  const cause = all.map(({ rule, line }) => worded(rule.cause, line)).find(named => named !== undefined)
  return { findings: all.map(findingOf), ...(cause && { cause }) }
}

function matchOf (seen: LogSeen, lines: readonly LogSeen[]): Match | undefined {
  const { from, text, fields } = seen
  const reason = typeof fields['reason'] === 'string' ? fields['reason'] : ''
  const words = `${text.slice(0, LONGEST_READ)} ${reason.slice(0, LONGEST_READ)}`
  for (const rule of LOG_RULES[from] ?? []) {
    const match = rule.pattern.exec(words)
    if (!match || rule.unless?.(fields, lines) === true) continue

    const line = { match, fields, lines }
    return { rule, first: seen, line, says: worded(rule.says, line), count: 1 }
  }
  return undefined
}

/** The words of a rule for a line. */
const worded = <T extends string | undefined>(words: Words<T>, line: LoggedLine): T =>
  typeof words === 'function' ? words(line) : words

function findingOf ({ rule, first: { text, place }, line, says, count }: Match): Finding {
  const times = count > 1 ? `, ${count} times` : ''
  const todo = worded(rule.todo, line)
  return {
    code: rule.code,
    severity: rule.severity,
    seen: `${says}: "${quote(text)}" (${place.file}:${place.at}${times}).`,
    ...(todo !== undefined && { todo }),
    ...(rule.command !== undefined && { command: rule.command })
  }
}
