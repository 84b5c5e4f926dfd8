import t from 'tap'
import { createKeep } from '../../src/explain/keep.ts'
import { LOG_RULES } from '../../src/explain/knowledge/log-rules.ts'
import { LogLines } from '../../src/explain/log-lines.ts'
import { ruleFor } from '../../src/explain/logs.ts'
import { readInput } from '../../src/explain/read.ts'
import type { LogSeen } from '../../src/explain/seen.ts'
import { explainedAll, findingsOf } from '../fixtures/explained.ts'
import { LOG_LINE_CASES } from './log-line-cases.ts'

/** The log lines in a text, as they are read. */
async function linesIn (text: string): Promise<LogSeen[]> {
  const keep = createKeep()
  await readInput({ name: 'case.log', chunks: chunksOf(text) }, keep)
  return keep.seen.filter(item => item.kind === 'log')
}

async function * chunksOf (text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}

await t.test('a line of each kind, as its project writes it', async t => {
  for (const { code, says, text } of LOG_LINE_CASES) {
    const findings = findingsOf(await explainedAll([text]))
    const found = findings.find(finding => finding.code === code)
    t.match(found?.seen, says, `${code}: ${text.slice(0, 160)}`)
  }
})

await t.test('each rule has a line that it is the first to fit', async t => {
  const hit = new Set<unknown>()
  for (const { text } of LOG_LINE_CASES) {
    const lines = await linesIn(text)
    const all = new LogLines(lines)
    for (const line of lines) hit.add(ruleFor(line, all, all)?.rule.pattern)
  }

  for (const [service, rules] of Object.entries(LOG_RULES)) {
    if (service === 'jambonz-alerts' || service === 'twilio') continue
    for (const { pattern, code } of rules) t.ok(hit.has(pattern), `${service} ${code} ${pattern.source.slice(0, 80)}`)
  }
})
