import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import { fixture } from '../fixtures/paths.ts'

/*
 * Files in the forms in which people have them. cases.json says what is true of each: the report must match `says` and
 * must not match `never`.
 */

interface Case {
  file: string
  truth: string
  says: string
  never?: string
}

const cases = JSON.parse(readFileSync(fixture('explain/cases.json'), 'utf8')) as Case[]

/** Codes of a file that was not understood. */
const NOT_UNDERSTOOD = /nothing-known|not-a-capture|no-sip\)/

for (const { file, truth, says, never } of cases) {
  await t.test(`${file}: ${truth}`, async t => {
    const path = fileURLToPath(fixture(`explain/${file}`))
    let report = ''
    const write = (text: string) => {
      report += text
    }
    const status = await explain([path], {
      stdin: Readable.from([]),
      stdout: { write },
      stderr: { write },
      env: { NO_COLOR: '1' }
    })
    // The name of the file is no answer.
    const told = report.replaceAll(file, '')
    t.match(told, new RegExp(says, 'i'))
    t.notMatch(told, NOT_UNDERSTOOD)
    if (never !== undefined) t.notMatch(told, new RegExp(never, 'i'))
    t.not(status, 2, 'something could be read')
  })
}
