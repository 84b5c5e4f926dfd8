import fc from 'fast-check'
import t from 'tap'
import { cleanText } from '../src/clean-text.ts'
import { createReport } from '../src/cli/provision-report.ts'
import { findingLines } from '../src/finding-lines.ts'
import { ladderRow } from '../src/ladder/ladder.ts'
import { plain } from '../src/terminal.ts'

const text = fc.string({ unit: 'binary', maxLength: 60 })

await t.test('plain text is clean text, and on an ASCII terminal it is ASCII only', async () => {
  fc.assert(fc.property(text, text => plain(text) === cleanText(text)))
  fc.assert(fc.property(text, text => /^[\x20-\x7e]*$/.test(plain(text, { ascii: true }))))
})

await t.test('the signs of this program have a spelling in ASCII, other characters become a question mark', async t => {
  t.equal(plain('a → b… 2× – that’s Zoë 😀', { ascii: true }), "a -> b... 2x - that's Zo? ?")
  t.equal(plain('a → b… Zoë 😀'), 'a → b… Zoë 😀')
})

await t.test('ladders, findings and reviews print the text of others as plain text', async t => {
  const evil = 'a\x1b[2J\r\nb\u202ec\u009b1m'
  // eslint-disable-next-line no-control-regex
  const unsafe = /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/
  const printed: string[] = []
  const out = (line: string) => printed.push(line)
  createReport('wss://project', { json: false, out, err: out }).list([
    { kind: 'inbound trunk', id: evil, name: evil, ours: false, does: evil, findings: [] }
  ])
  const step = { at: 0, from: 'caller', to: 'jambonz', what: evil, via: 'sip' } as const
  for (const ascii of [false, true]) {
    const style = { ascii, colour: false }
    const finding = { code: 'trunk-missing', severity: 'failed', seen: evil, todo: evil, command: evil } as const
    printed.push(...findingLines(finding, style))
    printed.push(...ladderRow({ step, count: 1 }, 0, { ...style, width: 120, rewrite: false }))
  }
  t.equal(printed.filter(line => line.includes('a [2J b c 1m')).length, 9)
  t.same(printed.filter(line => unsafe.test(line)), [])
})
