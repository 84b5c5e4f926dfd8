import fc from 'fast-check'
import t from 'tap'
import { consoleModule } from '../fixtures/console-modules.ts'

process.env['TZ'] = 'Europe/Berlin'
const {
  exportPath, filtersInWords, filtersOf, filtersOfForm, FILTERS, findAddress, formOf, isoOf, localFieldOf, searchPath,
  spanInWords
} = await consoleModule('filters.js')
const { placeOf } = await consoleModule('location.js')

const SID = 'd00d8a36-93f1-4a61-b3df-98751116d97a'
const queryIn = (path: string): Record<string, string> => Object.fromEntries(new URLSearchParams(path.split('?')[1]))

await t.test('a search is the same again when its address is opened', async t => {
  const text = fc.string({ minLength: 1, maxLength: 30 }).filter(text => text.trim() !== '').map(text => text.trim())
  const time = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
    .map(date => date.toISOString())
  const filters = fc.record({
    callSid: fc.constant(SID),
    number: text,
    cause: text,
    phase: text,
    agent: text,
    route: text,
    room: text,
    since: time,
    until: time
  }, { requiredKeys: [] })
  fc.assert(fc.property(filters, filters => {
    t.same(filtersOf(placeOf(findAddress(filters)).query), filters)
  }))
})

await t.test('the fields show what was searched, and ask for the same again', async t => {
  const filters = {
    number: '+49 151 (23)',
    cause: 'no-agent',
    phase: 'ended',
    agent: 'a b',
    route: 'sales at night',
    room: 'jambonz_x',
    since: '2026-11-29T08:03:07.000Z',
    until: '2026-11-29T09:00:00.000Z'
  }
  const form = formOf(filters)
  t.match(form, { who: '+49 151 (23)', since: '2026-11-29T09:03:07', until: '2026-11-29T10:00' }, 'times are local')
  t.same(filtersOfForm(form), filters)
  t.same(filtersOfForm(formOf({})), {})
  t.same(formOf({ callSid: SID }).who, SID)
})

await t.test('a whole call_sid finds that call; anything else is a number or a part of one', async t => {
  const wanted = (who: string) => filtersOfForm({ ...formOf({}), who, cause: who === SID ? 'busy' : '' })
  t.same(wanted(SID), { callSid: SID }, 'nothing else narrows it')
  t.same(wanted(` ${SID.toUpperCase()} `), { callSid: SID.toUpperCase() })
  t.same(wanted(`order-${SID}`), { callSid: `order-${SID}` })
  for (const who of ['+49 151', '4711', 'anonymous', SID.slice(1), `${SID}0`]) t.same(wanted(who), { number: who })
})

await t.test('local times of fields survive the change of the clocks', async t => {
  t.equal(isoOf('2026-10-24T12:00'), '2026-10-24T10:00:00.000Z', 'summer')
  t.equal(isoOf('2026-10-26T12:00'), '2026-10-26T11:00:00.000Z', 'winter')
  t.same(['', 'tomorrow', '2026-13-01T00:00'].map(isoOf), ['', '', ''])
  t.same([undefined, '', 'yesterday'].map(localFieldOf), ['', '', ''])
})

await t.test('the bridge is asked for exactly what is searched', async t => {
  const filters = { number: '+49 151', since: '2026-11-29T08:03:07.000Z' }
  t.same(queryIn(searchPath(filters)), { ...filters, limit: '50' })
  t.same(queryIn(searchPath(filters, 'c+/=')), { ...filters, limit: '50', cursor: 'c+/=' })
  t.match(searchPath(filters), /^calls\?/)
  t.equal(searchPath({ callSid: 'a/b?c' }), 'calls/a%2Fb%3Fc')
  t.match(exportPath(filters, 'csv'), /^calls\/export\?/)
  t.same(queryIn(exportPath(filters, 'json')), { ...filters, format: 'json' })
})

await t.test('what was searched is said in words', async t => {
  const all = Object.fromEntries(FILTERS.map((name: string) => [name, name === 'since' ? '2026-11-29T08:03:07Z' : 'x']))
  const words = filtersInWords({ ...all, cause: 'no-agent', phase: 'active' }).map(({ words }: any) => words)
  t.equal(words.length, FILTERS.length)
  for (const text of ['number x', 'cause: No agent joined the room', 'not ended yet']) t.ok(words.includes(text), text)
  t.ok(words.some((text: string) => /^since .*09:03:07$/.test(text)), 'in local time')
  t.same(filtersInWords({}), [])
  t.same(
    [86_400, 87_300, 604_800, 5400, 7200, 90, 1].map(spanInWords),
    ['24 hours', '24 hours', '7 days', '90 minutes', '2 hours', '90 seconds', '1 second']
  )
})
