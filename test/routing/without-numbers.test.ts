import t from 'tap'
import { compileExpression } from '../../src/routing/match/expression.ts'
import { withoutNumbers } from '../../src/routing/file/problems.ts'

await t.test('numbers are cut short; dates and IP addresses stay', async t => {
  const cases = [
    ['switched off on 2026-09-30. Write', 'switched off on 2026-09-30. Write'],
    ['host 192.168.10.20 is', 'host 192.168.10.20 is'],
    ['"+4953118054630" is', '"+49…" is'],
    ['0531 180-54630', '053…']
  ]
  for (const [text, says] of cases) t.equal(withoutNumbers(text!), says)
})

await t.test('the beginning of an expression is known, with either spelling of the plus sign', async t => {
  for (const text of ['/^[+]4953/', '/^\\+4953/']) t.match(compileExpression(text), { digits: '4953' }, text)
})
