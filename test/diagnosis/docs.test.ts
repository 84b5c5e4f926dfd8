import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { CAUSES } from '../../src/calls/call.ts'
import { CATALOGUE } from '../../src/diagnosis/causes-catalogue.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const troubleshooting = read('docs/troubleshooting.md')
const [causesPart = '', findingsPart = ''] = troubleshooting.split('\n## Findings\n')

/** Codes of findings stand in the sources as `code: 'like-this'`, also where one of two is chosen. */
function codesOfSources (): Set<string> {
  const codes = new Set<string>()
  for (const folder of ['src/diagnosis', 'src/cli', 'src/livekit', 'src/jambonz']) {
    for (const file of readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue
      for (const [, value] of read(`${folder}/${file}`).matchAll(/\bcode: ([^\n]*)/g)) {
        for (const code of [...value!.matchAll(/'([a-z0-9-]+)'/g)].slice(0, /^'/.test(value!) ? 1 : /\?/.test(value!.split(',')[0]!) ? 9 : 0)) codes.add(code[1]!)
      }
    }
  }
  for (const cause of CAUSES) codes.delete(cause)
  for (const word of NO_CODES) codes.delete(word)
  return codes
}

/** Words beside a chosen code: what it is chosen by, and the rest of the line. */
const NO_CODES = ['failed', 'warning', 'ok', 'skipped', 'call-hook', 'string', 'number']

await t.test('every cause: what it means, its signals, what to do, as the code says', async t => {
  const sections = new Map(causesPart.split('\n### ').slice(1).map(section => [/^`([a-z-]+)`/.exec(section)?.[1], section]))
  t.strictSame([...sections.keys()].sort(), [...CAUSES].sort())
  for (const [cause, { meaning, signals, fix }] of Object.entries(CATALOGUE)) {
    const section = sections.get(cause) ?? ''
    t.ok(section.includes(meaning), `${cause}: ${meaning}`)
    t.ok(section.includes(`Signals: ${signals}`), `${cause}: ${signals}`)
    for (const { todo, command } of fix) t.ok(section.includes(`- ${todo}${command === undefined ? '' : `: \`${command}\``}`), `${cause}: ${todo}`)
  }
})

await t.test('every finding code, and no others', async t => {
  const documented = new Set(findingsPart.split('\n').filter(line => line.startsWith('| `')).flatMap(line => [...line.split('|')[1]!.matchAll(/`([a-z0-9-]+)`/g)].map(([, code]) => code!)))
  const codes = codesOfSources()
  for (const code of codes) t.ok(documented.has(code), `${code} is in docs/troubleshooting.md`)
  const sources = ['src/diagnosis', 'src/cli', 'src/livekit', 'src/jambonz'].flatMap(folder => readdirSync(new URL(`${folder}/`, root), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts')).map(file => read(`${folder}/${file}`))).join('\n')
  for (const code of documented) t.ok(sources.includes(`'${code}'`), `${code} is in the sources`)
})

await t.test('myths: each claim with what is true and how to see it', async t => {
  const rows = read('docs/myths.md').split('\n').filter(line => line.startsWith('| ')).slice(2).map(line => line.split(/(?<!\\)\|/).slice(1, -1).map(cell => cell.trim()))
  for (const row of rows) t.ok(row.length === 3 && row.every(cell => cell.length > 0), row[0] ?? 'a row')
  for (const claim of [/createSipParticipant.*pre-registers/, /sip:SCL_/, /X-LiveKit-Call-ID and X-LiveKit-Project/, /websocket name/, /Pre-registration expires/, /OPTIONS 200/, /No `\/action` means/]) {
    t.ok(rows.some(([said]) => claim.test(said!)), String(claim))
  }
})
