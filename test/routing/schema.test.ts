import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { parse } from 'yaml'
import { SCHEMA_FILE, schemaDocument } from '../../scripts/routes-schema.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { fixture, project } from '../fixtures/paths.ts'

const EXAMPLE = readFileSync(fixture('routes/example.yaml'), 'utf8')

/** As an editor checks the file. */
const validate = new Ajv({ allErrors: true, strictTypes: false }).compile(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')))

await t.test('the published schema is current and part of the package', async t => {
  t.equal(readFileSync(SCHEMA_FILE, 'utf8'), schemaDocument())
  t.ok(JSON.parse(readFileSync(project('package.json'), 'utf8')).files.includes('routes.schema.json'))
})

await t.test('takes the example', async t => {
  validate(parse(EXAMPLE))
  t.same(validate.errors, null)
})

/** The example with one change. */
function changed (from: string, to: string): string {
  if (!EXAMPLE.includes(from)) throw new Error(`The example has no ${from}`)
  return EXAMPLE.replace(from, to)
}

const WRONG: [string, string][] = [
  ['version: 1', 'version: 2'],
  ['version: 1', ''],
  ['    when:\n', '    whne:\n'],
  ['        ring: 20s', '        rnig: 20s'],
  ['        ring: 20s', '        ring: 20'],
  ['        ring: 20s', '        ring: 20 seconds'],
  ['hours: { zone: Europe/Berlin,', 'hours: {'],
  ['weight: 95', 'weight: lots'],
  ['weight: 95', 'weight: -1'],
  ['key: RETELL_API_KEY', 'key: key_0123456789abcdef'],
  ['ring: 20s', 'warm: 0'],
  ['ring: 20s', 'warm: 1001'],
  ['ring: 20s', 'warm: lots'],
  ['ring: 20s', 'warm: { max: 2 }'],
  ['ring: 20s', 'warm: { min: 2, most: 3 }'],
  ['weight: 95', 'weight: 95, warm: -1'],
  ['decline: 603', 'decline: 200'],
  ['[{ decline: 603 }]', '[]'],
  ['  - name: blocked\n', '  - title: blocked\n'],
  ['say: "Nobody is here. Please call again tomorrow."', 'say: ""'],
  ['- agent: night-desk', '- agent: night-desk\n        phone: "+49531"'],
  ['numbers: ["+4953118054630"]', 'numbers: [4953118054630]'],
  ['{ to: "+4953118054632" }', '{}'],
  ['{ to: "+4953118054632" }', '{ to: [] }'],
  ['allow: [DE, AT,', 'allow: [Germany, AT,']
]

await t.test('refuses what reading refuses', async t => {
  for (const [from, to] of WRONG) {
    const text = changed(from, to)
    t.equal(validate(parse(text)), false, `schema: ${to}`)
    t.ok(readRoutes(text).problems.some(({ severity }) => severity === 'error'), `reading: ${to}`)
  }
})

const RIGHT: [string, string][] = [
  ['- agent: night-desk', '- agent:'],
  ['metadata: { tenant: acme, language: de }', 'metadata: text'],
  ['ring: 20s', 'ring: 2m30s'],
  ['ring: 20s', 'warm: 1000'],
  ['ring: 20s', 'warm: { min: 2, max: 2 }'],
  ['ring: 20s', 'warm: { min: 2 }'],
  ['weight: 95', 'weight: 95, warm: { min: 1, max: 5 }'],
  ['X-Tenant: acme', 'X-Tenant: [acme, present, /a/]'],
  ['agent: agent_0123,', 'agent: agent_0123, version: 0, metadata: { a: 1 }, variables: { b: c },'],
  ['carrier: Schmidtkom     #', 'from: "+49 531 18054630"\n        carrier: Schmidtkom     #'],
  ['{ decline: 603 }', '{ sip: "sip:a@example.com", auth: { username: A_USER, password: A_PASSWORD } }, { play: "https://a.b/c" }'],
  ['"+1555"]', '"+1555"]\n  deny: ["+49180"]\n  sip: [pbx.example.com]\n  per_caller_per_day: 5\n  longest: 1h30m'],
  ['connect: [{ decline: 603 }]', ''],
  ['numbers: ["+4953118054630"]', 'numbers: []']
]

await t.test('takes what reading takes', async t => {
  for (const [from, to] of RIGHT) {
    const text = changed(from, to)
    validate(parse(text))
    t.same(validate.errors, null, `schema: ${to}`)
    t.same(readRoutes(text).problems, [], `reading: ${to}`)
  }
})
