import { deepStrictEqual, equal } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import type { RouteQuery, RoutesTable } from '../../src/routing/routes.ts'

const APP = { agent: 'app-agent', metadata: '', fallbackNumber: '+15550009999' }

const query = (over: Partial<RouteQuery> = {}): RouteQuery => ({
  callSid: 'CS1',
  at: Date.parse('2026-11-28T22:10:00Z'),
  to: '+4953118054630',
  from: '+4917012345678',
  direction: 'inbound',
  headers: new Map(),
  ...over
})

/** JSON is YAML. */
function tableOf (file: Record<string, unknown>): RoutesTable {
  const { table, problems } = readRoutes(JSON.stringify({ version: 1, ...file }))
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (!table) throw new Error(errors.map(({ path, message }) => `${path}: ${message}`).join('\n'))
  return table
}

const digits = fc.string({ unit: fc.constantFrom('1', '2', '4'), minLength: 1, maxLength: 4 })
const number = digits.map(digits => `+4${digits}`)
const pattern = fc.oneof(
  number,
  number.map(number => `${number}*`),
  digits.map(digits => `0${digits}`),
  digits.map(digits => `/^\\+4${digits}/`),
  digits.map(digits => `/^\\+4${digits}?1/`),
  digits.map(digits => `/^\\+4${digits}|2$/`),
  digits.map(digits => `/${digits}/`),
  fc.constantFrom('sip:sales', 'sip:42x@example.com', '/^\\+42x/')
)
const written = fc.oneof(
  number,
  number.map(number => number.slice(1)),
  number.map(number => `00${number.slice(1)}`),
  digits.map(digits => `0${digits}`),
  number.map(number => `sip:${number}@example.com`),
  fc.constantFrom('sales', '+42x', '', 'anonymous')
)
const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { minLength: 1, maxLength: 3 })
const value = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 2 })
const when = fc.record({
  to: some(pattern),
  from: some(fc.oneof(pattern, fc.constant('anonymous'))),
  carrier: some(fc.constantFrom('a', 'b', 'c')),
  application: some(fc.constantFrom('a', 'b')),
  direction: some(fc.constantFrom('inbound', 'outbound')),
  header: fc.dictionary(
    fc.constantFrom('X', 'x-y'),
    some(fc.oneof(value, value.map(value => `${value}*`), fc.constantFrom('present', '/b/'))),
    { minKeys: 1 }
  ),
  hours: fc.constantFrom({ zone: 'Europe/Berlin', in: ['Sat'] }, { zone: 'UTC', not: ['20:00-02:00'] })
}, { requiredKeys: [] }).filter(when => Object.keys(when).length > 0)
const tables = fc.record({
  country: fc.constantFrom(undefined, 'DE'),
  routes: fc.array(fc.option(when, { nil: undefined, freq: 20 }), { maxLength: 12 })
}).map(({ country, routes }) => tableOf({
  defaults: country === undefined ? {} : { country },
  routes: routes.map((when, i) => ({ name: `r${i}`, ...(when ? { when } : {}) }))
}))
const queries = fc.record({
  to: written,
  from: written,
  carrier: fc.constantFrom(undefined, 'a', 'c'),
  application: fc.constantFrom(undefined, 'a', 'c'),
  direction: fc.constantFrom('inbound' as const, 'outbound' as const),
  headers: fc.dictionary(
    fc.constantFrom('x', 'x-y'),
    fc.oneof(value, value.map(value => ` ${value} `), fc.constant(''))
  ).map(headers => new Map(Object.entries(headers))),
  at: fc.integer({ min: 0, max: 14 * 24 }).map(hours => Date.parse('2026-11-28T00:30:00Z') + hours * 3600_000)
}).map(query)

await t.test('the first route whose conditions all hold, however many there are', async t => {
  fc.assert(fc.property(tables, queries, (table, query) => {
    deepStrictEqual(table.choose(query, APP), table.explain(query, APP).route)
  }), { numRuns: 2000 })
  t.pass()
})

await t.test('without the headers only what every possible route begins with', async t => {
  fc.assert(fc.property(tables, queries, (table, query) => {
    const certain = table.choose({ ...query, headers: undefined }, APP)
    const actual = table.choose(query, APP)
    if (certain.name !== undefined) equal(certain.name, actual.name)
    deepStrictEqual(certain.ways, actual.ways.slice(0, certain.ways.length))
  }), { numRuns: 500 })

  const table = tableOf({
    routes: [
      { name: 'tenant', when: { to: '+491*', header: { X: 'a' } }, connect: [{ agent: 'a' }, { agent: 'b' }] },
      { name: 'rest', connect: [{ agent: 'a' }, { decline: 486 }] }
    ]
  })
  t.same(table.choose(query({ to: '+4911', headers: undefined }), APP), { ways: [{ strategy: 'room', agent: 'a' }] })
  t.equal(table.choose(query({ to: '+4922', headers: undefined }), APP).name, 'rest', 'no header could change that')
  const other = tableOf({ routes: [{ name: 'tenant', when: { header: { X: 'a' } }, connect: [{ agent: 'a' }] }] })
  t.same(other.choose(query({ headers: undefined }), APP), { ways: [] }, 'not even the default agent is certain')
})
