import fc from 'fast-check'
import t from 'tap'
import { defaultRoute, withoutLoops } from '../../src/routing/settings-table.ts'

const app = (fallbackNumber?: string) => ({ agent: 'demo-agent', metadata: '', fallbackNumber })
const ROOM = { strategy: 'room', agent: 'demo-agent' }

await t.test("the agent's room, and nothing else without a fallback number", async t => {
  t.same(defaultRoute(app(), '+15551230000'), { ways: [ROOM] })
})

await t.test('then the fallback number', async t => {
  const fallback = { strategy: 'phone', number: '+15551230009' }
  t.same(defaultRoute(app(fallback.number), '+15551230000'), { ways: [ROOM, fallback] })
})

await t.test('never the number that the call came in on: it would come back for ever', async t => {
  const spellings = [
    '+15551230000',
    '15551230000',
    '0015551230000',
    '5551230000',
    '+1 555 123 0000',
    'tel:+1-555-123-0000',
    'sip:+15551230000@sbc.example.com'
  ]
  for (const called of spellings) {
    for (const fallback of ['+15551230000', '15551230000', '5551230000', '005551230000']) {
      t.same(
        defaultRoute(app(fallback), called),
        { ways: [ROOM], refused: 'number-is-called-number' },
        `${fallback} for ${called}`
      )
    }
  }
})

await t.test('another number is another number', async t => {
  for (
    const [fallback, called] of [
      ['+15551230009', '+15551230000'],
      ['1000', '+15551231000'],
      ['100', '5100'],
      ['+15551230000', ''],
      ['*97', '+15551230000'],
      ['+15551230000', 'bob']
    ] as const
  ) {
    t.equal(defaultRoute(app(fallback), called).ways.length, 2, `${fallback} for ${called}`)
  }
  t.equal(defaultRoute(app('1000'), '1000').ways.length, 1, 'a short one that is the same is the same')
})

await t.test('whatever is called, the agent comes first and the fallback at most once', async t => {
  fc.assert(fc.property(fc.string(), fc.option(fc.string({ minLength: 1 }), { nil: undefined }), (called, fallback) => {
    const { ways, refused } = defaultRoute(app(fallback), called)
    return ways[0]?.strategy === 'room' && ways.length <= 2 &&
      (fallback === undefined || (ways.length === 1) === (refused !== undefined))
  }))
  t.pass('for all of them')
})

await t.test('a route keeps its ways to numbers that only end alike', async t => {
  const left = (number: string, called: string, country?: string) =>
    withoutLoops({ ways: [{ strategy: 'phone', number }] }, called, country).ways.length
  t.equal(left('+49891234567', '1234567', 'DE'), 1, 'a local number')
  t.equal(left('+49891234567', '1234567'), 1)
  t.equal(left('+445551230000', '555 123 0000', 'US'), 1, 'of another country')
  t.equal(left('+49891234567', '+491234567'), 1)

  const same = [
    ['+49891234567', '089 1234567', 'DE'],
    ['+49891234567', '0891234567', undefined],
    ['+49891234567', '49891234567', undefined],
    ['+49891234567', '0049891234567', 'US'],
    ['+49891234567', 'sip:0049891234567@sbc.example.com', undefined],
    ['+74951234567', '84951234567', 'RU'],
    ['+15551230000', 'tel:+1-555-123-0000', 'DE'],
    ['+15551230000', '5551230000', 'US'],
    ['+15551230000', '5551230000', 'DE'],
    ['1000', '1000', 'DE']
  ] as const
  for (const [number, called, country] of same) t.equal(left(number, called, country), 0, `${number} for ${called}`)
})
