import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { fixture } from '../fixtures/paths.ts'

const EXAMPLE = readFileSync(fixture('routes/example.yaml'), 'utf8')
const QUERY = { callSid: 'a', at: 0, to: '+491', from: '+492', direction: 'inbound' as const, headers: new Map() }

/** Cuts out, doubles, or puts in something. */
const edit = fc.tuple(
  fc.nat(EXAMPLE.length),
  fc.nat(40),
  fc.oneof(
    fc.constantFrom('', '"', '!', '%', '|', "'", '[', ']', '{', '}', ': ', '- ', '\n', '\t', '*', '&a ', '*a', '---\n'),
    fc.string({ maxLength: 5 }),
    fc.constant(undefined)
  )
)

await t.test('whatever is done to a file: a table, or an error at a place that exists', async t => {
  fc.assert(fc.property(fc.array(edit, { minLength: 1, maxLength: 6 }), edits => {
    const text = edits.reduce((text, [at, length, put]) =>
      text.slice(0, at) + (put ?? text.slice(at, at + length).repeat(2)) + text.slice(at + length), EXAMPLE)
    const { table, problems } = readRoutes(text, { secretOf: () => undefined })
    const lines = text.split('\n').length
    const placed = problems.every(({ line, column, message }) => line >= 1 && line <= lines && column >= 1 && message)
    table?.choose(QUERY, { agent: 'a', metadata: '' })
    return placed && (table === undefined) === problems.some(({ severity }) => severity === 'error')
  }), { numRuns: 1000 })
  t.pass()
})
