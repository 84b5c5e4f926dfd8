import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CAUSES } from '../../src/calls/fold/vocabulary.ts'
import { CATALOGUE, type NextStep } from '../../src/diagnosis/causes-catalogue.ts'
import { REASONS_OF_TRANSFERS } from '../../src/diagnosis/reasons-of-transfers.ts'
import { STEPS_OF_WAY } from '../../src/diagnosis/way-steps.ts'
import { FINDING_CODES } from '../../src/finding-codes.ts'
import { project } from '../fixtures/paths.ts'

const root = project('')
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const troubleshooting = read('docs/troubleshooting.md')
const lines = (steps: readonly NextStep[]): string =>
  steps.map(({ todo, command }) => `- ${todo}${command === undefined ? '' : `: \`${command}\``}`).join('\n')
const [causesPart = '', findingsPart = ''] = troubleshooting.split('\n## Findings\n')

await t.test('every cause: what it means, its signals, what to do, as the code says', async t => {
  const sections = new Map(
    causesPart.split('\n### ').slice(1).map(section => [/^`([a-z-]+)`/.exec(section)?.[1], section])
  )
  t.strictSame([...sections.keys()].sort(), [...CAUSES].sort())
  for (const [cause, { meaning, signals, fix }] of Object.entries(CATALOGUE)) {
    const section = sections.get(cause) ?? ''
    t.ok(section.includes(meaning), `${cause}: ${meaning}`)
    t.ok(section.includes(`Signals: ${signals}`), `${cause}: ${signals}`)
    for (const { todo, command } of fix) {
      t.ok(section.includes(`- ${todo}${command === undefined ? '' : `: \`${command}\``}`), `${cause}: ${todo}`)
    }
  }
})

await t.test('what to do about a cause where the attempt was of a certain way', async t => {
  for (const [cause, ofWays] of Object.entries(STEPS_OF_WAY)) {
    const [, section = ''] = causesPart.split(`\n### \`${cause}\`\n`)
    for (const [way, steps] of Object.entries(ofWays)) {
      if (steps.length === 0) continue
      const [, behind = ''] = section.split('\n### ')[0]!.split(`\nFix, way \`${way}\`:\n`)
      t.equal(behind.trim().split('\n\n')[0], lines(steps), `${cause}, ${way}`)
    }
  }
})

await t.test('every reason of a transfer: what it means, what to do', async t => {
  for (const [reason, { meaning, fix }] of Object.entries(REASONS_OF_TRANSFERS)) {
    const steps = fix.map(({ todo, command }) => command === undefined ? todo : `${todo}: \`${command}\``).join('. ')
    t.ok(causesPart.includes(`\n| \`${reason}\` | ${meaning} | ${steps || '–'} |\n`), reason)
  }
})

await t.test('every finding code, once, and no others: what it means', async t => {
  const rows = findingsPart.split('\n').filter(line => line.startsWith('| `')).map(line =>
    line.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim())
  )
  for (const row of rows) t.ok(row.length === 3 && row[1], row[0] ?? '')
  const documented = rows.flatMap(([codes = '']) => [...codes.matchAll(/`([a-z0-9-]+)`/g)].map(([, code]) => code!))
  const causes: readonly string[] = CAUSES
  t.strictSame(documented.toSorted(), FINDING_CODES.filter(code => !causes.includes(code)).toSorted())
})

await t.test('every code of the list is that of some finding', async t => {
  const sources = readdirSync(new URL('src/', root), { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.ts') && !file.endsWith('finding-codes.ts')
  ).map(file => read(`src/${file}`)).join('\n')
  t.strictSame(FINDING_CODES.filter(code => !sources.includes(`'${code}'`)), [])
  t.equal(new Set(FINDING_CODES).size, FINDING_CODES.length, 'each once')
})

await t.test('myths: each claim with what is true and how to see it', async t => {
  const rows = read('docs/myths.md').split('\n').filter(line => line.startsWith('| ')).slice(2).map(line =>
    line.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim())
  )
  for (const row of rows) t.ok(row.length === 3 && row.every(cell => cell.length > 0), row[0] ?? 'a row')
  for (
    const claim of [
      /createSipParticipant.*pre-registers/,
      /sip:SCL_/,
      /X-LiveKit-Call-ID and X-LiveKit-Project/,
      /websocket name/,
      /Pre-registration expires/,
      /200 to OPTIONS/,
      /No `\/action` means/
    ]
  ) {
    t.ok(rows.some(([said]) => claim.test(said!)), String(claim))
  }
})
