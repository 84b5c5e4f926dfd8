import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import type { Explanation } from '../../src/explain/explanation.ts'
import { findingsOf } from '../fixtures/explained.ts'
import { fixture } from '../fixtures/paths.ts'

/*
 * Files in the forms in which people have them. cases.json says what is true of each: the findings must match `says`,
 * and nothing in the report must match `never`. expected.json has the codes of the findings and the exit code.
 */

interface Case {
  file: string
  truth: string
  says: string
  never?: string
}

interface Expected {
  /** Codes of all findings that are failures or warnings, and of others that have to be there. */
  codes: string[]
  exit: number
}

const json = (name: string): unknown => JSON.parse(readFileSync(fixture(`explain/${name}`), 'utf8'))
const cases = json('cases.json') as Case[]
const expected = json('expected.json') as Record<string, Expected>

async function run (args: string[]): Promise<{ report: string, exit: number }> {
  let report = ''
  const write = (text: string) => {
    report += text
  }
  const stdin = Readable.from([])
  const exit = await explain(args, { stdin, stdout: { write }, stderr: { write }, env: { NO_COLOR: '1' } })
  return { report, exit }
}

for (const { file, truth, says, never } of cases) {
  await t.test(`${file}: ${truth}`, async t => {
    const path = fileURLToPath(fixture(`explain/${file}`))
    const { report, exit } = await run(['--json', path])
    const findings = findingsOf(JSON.parse(report) as Explanation)
    // The name of the file is no answer.
    const told = findings.map(({ code, seen, todo = '' }) => `${code} ${seen} ${todo}`).join('\n').replaceAll(file, '')
    t.match(told, new RegExp(says, 'i'))

    const { codes, exit: expectedExit } = expected[file]!
    const present = new Set<string>(findings.map(({ code }) => code))
    t.strictSame(codes.filter(code => !present.has(code)), [], 'every expected finding is there')
    const wrong = findings.filter(({ severity }) => severity === 'failed' || severity === 'warning')
    const others = wrong.map(({ code }): string => code).filter(code => !codes.includes(code))
    t.strictSame(others, [], 'nothing else is wrong')
    t.equal(exit, expectedExit)

    if (never === undefined) return
    const { report: text } = await run([path])
    t.notMatch(text.replaceAll(file, ''), new RegExp(never, 'i'))
  })
}

await t.test('every file has its expected findings', async t => {
  t.strictSame(Object.keys(expected).sort(), cases.map(({ file }) => file).sort())
  t.strictSame(Object.values(expected).filter(({ codes }) => codes.length === 0), [])
})
