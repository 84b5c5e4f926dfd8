import fc from 'fast-check'
import t from 'tap'
import { columnWidths, tableRow, wrapIndented, wrapWords } from '../../src/cli/text-layout.ts'

await t.test('words are kept whole; a word that is too long breaks after a hyphen', async t => {
  t.same(wrapWords('one two three', 7), ['one two', 'three'])
  t.same(wrapWords('livekit-refused-credentials (sip)', 17), ['livekit-refused-', 'credentials (sip)'])
  t.same(wrapWords('abcdefgh', 3), ['abc', 'def', 'gh'])
  t.same(wrapWords('', 3), [''])
})

await t.test('any text: no line is too long and no letter is lost', async () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '-', ' ', 'é') })
  fc.assert(fc.property(texts, fc.integer({ min: 1, max: 12 }), (text, width) => {
    const lines = wrapWords(text, width)
    return lines.every(line => line.length <= width) && lines.join('').replaceAll(' ', '') === text.replaceAll(' ', '')
  }))
})

await t.test('continuation lines are indented deeper', async t => {
  t.same(wrapIndented('  one two three four five', 32), ['  one two three four', '          five'])
})

await t.test('a table shrinks the columns that may shrink, down to what they need', async t => {
  const columns = [{ title: 'id' }, { title: 'state', atLeast: 6 }]
  const rows = [['0123456789', 'caller-gave-up']]
  t.same(columnWidths(columns, rows, 100), [10, 14])
  t.same(columnWidths(columns, rows, 20), [10, 8])
  t.same(columnWidths(columns, rows, 5), [10, 6])
  t.same(columnWidths([{ title: 'from, to' }], [['123\n4567890123']], 5), [10])
  t.same(tableRow(['a\nb', 'c'], [1, 1]), ['a  c', 'b'])
  t.same(tableRow(rows[0]!, [10, 8]), ['0123456789  caller-', '            gave-up'])
})
