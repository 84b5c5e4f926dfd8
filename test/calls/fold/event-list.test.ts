import t from 'tap'
import { addLine, type EventLine, type NewLine } from '../../../src/calls/fold/event-list.ts'

const listOf = (lines: NewLine[]): { events: EventLine[], dropped: number } =>
  lines.reduce((list, line, i) => {
    const { events, dropped } = addLine(list.events, line, i)
    return { events, dropped: list.dropped + dropped }
  }, { events: [] as EventLine[], dropped: 0 })

await t.test('a text that a carrier made long is cut, and two that differ behind the cut are one event', async t => {
  const line = (end: string): NewLine => ({ from: 'jambonz', what: 'status', reason: `${'x'.repeat(80)}${end}` })
  const { events } = listOf([line('y'), line('z')])
  t.match(events, [{ reason: /^x{80}$/, count: 2 }])
})

await t.test('equal consecutive events are one, with the times of the first and the last', async t => {
  const ringing: NewLine = { from: 'jambonz', what: 'status', status: 'ringing' }
  const { events, dropped } = listOf([ringing, ringing, ringing, { ...ringing, status: 'in-progress' }, ringing])
  t.match(events, [
    { status: 'ringing', first: 0, last: 2, count: 3 },
    { status: 'in-progress', count: 1 },
    { status: 'ringing', first: 4, last: 4, count: 1 }
  ])
  t.equal(dropped, 0)
})

await t.test('of a long list the first and the last 32 events remain, and the others are counted', async t => {
  const { events, dropped } = listOf(Array.from({ length: 100 }, (_, i) => ({ from: 'livekit', what: `event ${i}` })))
  t.equal(dropped, 36)
  t.same(
    events.map(({ first }) => first),
    [...Array.from({ length: 32 }, (_, i) => i), ...Array.from({ length: 32 }, (_, i) => 68 + i)]
  )
})
