import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Finding } from '../finding.ts'
import { LOG_RULES, type LogRule } from './log-rules.ts'
import { quote } from './quote.ts'
import type { LogSeen } from './seen.ts'

export interface LogVerdict {
  findings: Finding[]
  /** Why the call ended, where a line tells it. */
  cause?: Cause
}

/** Lines that match the same rule. */
interface Match {
  rule: LogRule
  first: LogSeen
  count: number
}

/** Characters of a line in which rules are looked for. */
const LONGEST_READ = 2000

/** What the servers' own logs say of a call. */
export function judgeLogs (logs: readonly LogSeen[]): LogVerdict {
  const matches = new Map<LogRule['code'], Match>()
  for (const line of logs) {
    const rule = ruleFor(line)
    if (!rule) continue

    const known = matches.get(rule.code)
    if (known) known.count++
    else matches.set(rule.code, { rule, first: line, count: 1 })
  }

  const all = [...matches.values()]
  const cause = all.find(({ rule }) => rule.cause)?.rule.cause
  return { findings: all.map(findingOf), ...(cause && { cause }) }
}

function ruleFor ({ from, text, fields }: LogSeen): LogRule | undefined {
  const reason = typeof fields['reason'] === 'string' ? fields['reason'] : ''
  const words = `${text.slice(0, LONGEST_READ)} ${reason.slice(0, LONGEST_READ)}`
  return LOG_RULES.find(rule => rule.from === from && rule.pattern.test(words) && rule.unless?.(fields) !== true)
}

function findingOf ({ rule: { code, severity, says, todo, command }, first: { text, place }, count }: Match): Finding {
  const times = count > 1 ? `, ${count} times` : ''
  return {
    code,
    severity,
    seen: `${says}: "${quote(text)}" (${place.file}:${place.at}${times}).`,
    ...(todo !== undefined && { todo }),
    ...(command !== undefined && { command })
  }
}
