import fc from 'fast-check'
import t from 'tap'
import { cleanText } from '../src/clean-text.ts'

const cases: Array<[text: string, clean: string]> = [
  ['+15550001111', '+15550001111'],
  [' Zoë ☎ 山田 👩‍👩‍👧 ', ' Zoë ☎ 山田 👩‍👩‍👧 '],
  ['', ''],
  ['\u0000\r\nX-Evil: 1', 'X-Evil: 1'],
  ['a\r\nVia: b', 'a Via: b'],
  ['\u001b[2J\u009b31mred\u007f', '[2J 31mred'],
  ['one\u2028two\u2029three', 'one two three'],
  ['user\u202egnp.exe', 'user gnp.exe'],
  ['\u2066\u061c\u200e\u200f', ''],
  ['half \ud83d of a character', 'half   of a character']
]
for (const [i, [text, clean]] of cases.entries()) t.equal(cleanText(text), clean, `text ${i + 1}`)

await t.test('whatever the text, it is left with no character that steers anything', async t => {
  const unit = fc.oneof(fc.integer({ min: 0, max: 0xffff }).map(code => String.fromCharCode(code)), fc.string())
  fc.assert(fc.property(fc.array(unit).map(units => units.join('')), text => {
    const clean = cleanText(text)
    // eslint-disable-next-line no-control-regex
    return !/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/.test(clean) &&
      Buffer.from(clean).toString() === clean && cleanText(clean) === clean
  }))
  t.pass('for all of them')
})
