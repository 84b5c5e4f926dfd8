import t from 'tap'
import { project } from '../fixtures/paths.ts'

const {
  activeCount, countsOf, EMPTY_BOARD, filtered, lateCount, released, STAYS_MS, tidied, waitOf, withChanges, withPicture
} = await import(project('console/board.js').href)

const START = Date.parse('2026-11-29T10:00:00.000Z')
const at = (seconds: number): string => new Date(START + seconds * 1000).toISOString()

/** A row of a call that was received that many seconds after the start, and is named by that. */
const row = (received: number, extra: object = {}) => ({
  callSid: `call-${received}`,
  seq: 1,
  direction: 'inbound',
  phase: 'connected',
  from: '+15550001111',
  to: '+15551230000',
  attempt: 1,
  at: { received: at(received) },
  waitingOn: 'none',
  failed: false,
  ...extra
})
const ended = (received: number, extra: object = {}) =>
  row(received, { seq: 9, phase: 'ended', end: { cause: 'caller-hung-up', by: 'caller', waitingOn: 'none' }, ...extra })

const picture = (calls: object[], extra: object = {}) => ({ at: at(0), counts: {}, calls, more: false, ...extra })
const changes = (...calls: object[]) => ({ at: at(0), counts: {}, calls })
const reading = { frozen: true, now: START }
const idle = { frozen: false, now: START }

const board = (...calls: object[]) => withPicture(EMPTY_BOARD, picture(calls), idle)

await t.test('the newest call is on top, whichever came first', async t => {
  t.same(board(row(1), row(3), row(2)).order, ['call-3', 'call-2', 'call-1'])
  t.same(withChanges(board(row(1), row(3)), changes(row(4), row(2)), idle).order, [
    'call-4', 'call-3', 'call-2', 'call-1'
  ])
})

await t.test('nothing moves while somebody reads', async t => {
  const before = board(row(1), row(2))
  const after = withChanges(before, changes(row(3), ended(2), row(1, { seq: 2, phase: 'transferring' })), reading)
  t.same(after.order, before.order, 'the new call waits, and the ended one stays')
  t.same(after.held, ['call-3'])
  t.equal(after.entries.get('call-2').row.phase, 'ended', 'what is there is up to date')
  t.equal(after.entries.get('call-1').row.phase, 'transferring')

  const anew = withPicture(after, picture([row(4), row(3), row(1)]), reading)
  t.same(anew.order, before.order, 'nor when the connection was lost meanwhile')
  t.same(anew.held, ['call-4', 'call-3'])

  t.same(released(anew, START).order, ['call-4', 'call-3', 'call-2', 'call-1'])
  t.same(released(anew, START).held, [])
  t.equal(released(before, START), before)
})

await t.test('the first picture is shown, also to somebody whose pointer is there already', async t => {
  t.same(withPicture(EMPTY_BOARD, picture([row(1)]), reading).order, ['call-1'])
})

await t.test('an ended call is seen for a while, a failed one longer', async t => {
  const calls = withChanges(board(row(1), row(2), row(3)), changes(ended(1), ended(2, { failed: true })), idle)
  t.same(tidied(calls, START + STAYS_MS.other - 1), calls, 'no other board when there is nothing to do')
  t.same(tidied(calls, START + STAYS_MS.other).order, ['call-3', 'call-2'])
  t.same(tidied(calls, START + STAYS_MS.failed).order, ['call-3'])
  t.ok(STAYS_MS.failed > STAYS_MS.other)
})

await t.test('a call that began and ended while it was held is seen as well', async t => {
  let calls = withChanges(board(row(1)), changes(row(2)), reading)
  calls = withChanges(calls, changes(ended(2)), reading)
  const later = START + 60_000
  const shown = released(calls, later)
  t.same(shown.order, ['call-2', 'call-1'])
  t.same(tidied(shown, later + STAYS_MS.other - 1).order, ['call-2', 'call-1'], 'its time begins when it is shown')
  t.same(tidied(shown, later + STAYS_MS.other).order, ['call-1'])
})

await t.test('late news changes nothing', async t => {
  const calls = withChanges(board(row(1, { seq: 5 })), changes(row(1, { seq: 4, phase: 'ringing' })), idle)
  t.equal(calls.entries.get('call-1').row.phase, 'connected')
  const same = withChanges(calls, changes(row(1, { seq: 5, phase: 'transferring' })), idle)
  t.equal(same.entries.get('call-1').row.phase, 'transferring', 'of two with the same number the later one is right')

  const over = tidied(withChanges(calls, changes(ended(1)), idle), START + STAYS_MS.other)
  t.same(withChanges(over, changes(row(1, { seq: 8 })), idle).order, [], 'a call that is gone does not come back')
  const again = row(1, { seq: 1, at: { received: at(90) } })
  t.same(withChanges(over, changes(again), idle).order, ['call-1'], 'unless it was brought back to the bridge')
})

await t.test('calls that ended while the page was away are said to have', async t => {
  const calls = withPicture(board(row(1), row(2)), picture([row(2)]), idle)
  t.match(calls.entries.get('call-1'), { gone: true, endedAt: START })
  t.same(calls.order, ['call-2', 'call-1'])
  t.same(tidied(calls, START + STAYS_MS.other).order, ['call-2'])

  const cut = withPicture(board(row(1), row(2), row(3)), picture([row(4), row(2)], { more: true }), idle)
  t.same(cut.order, ['call-4', 'call-3', 'call-2'], 'of those that a cut picture leaves out nothing is known')
  t.match(cut.entries.get('call-3'), { gone: true })

  const gone = withChanges(board(row(1)), { ...changes(), gone: ['call-1', 'call-unknown'] }, idle)
  t.match(gone.entries.get('call-1'), { gone: true, endedAt: START })
})

await t.test('an ordered call that Jambonz names stays where it is', async t => {
  const order = row(2, { callSid: 'order-1', orderId: 'order-1', seq: 7, phase: 'requested' })
  const named = row(2, { callSid: 'call-2', orderId: 'order-1', seq: 6, phase: 'ringing' })
  const before = board(row(1), order, row(3))
  for (const moment of [reading, idle]) {
    const after = withChanges(before, { ...changes(named), gone: ['order-1'] }, moment)
    t.same(after.order, ['call-3', 'call-2', 'call-1'])
    t.same(after.held, [])
    t.equal(after.entries.get('call-2').row.phase, 'ringing')
    t.same([...after.entries.keys()].sort(), ['call-1', 'call-2', 'call-3'])
    t.same(withPicture(before, picture([row(3), named, row(1)]), moment).order, after.order)
  }
  const held = withChanges(board(row(1)), changes(order), reading)
  t.same(withChanges(held, changes(named), reading).held, ['call-2'])
})

await t.test('calls are counted by phase', async t => {
  const calls = withChanges(board(row(1), row(2, { phase: 'ringing' }), row(3)), changes(ended(3), row(4)), reading)
  t.same(countsOf(calls), { connected: 2, ringing: 1 }, 'with those that are held, without those that ended')
  t.equal(activeCount(countsOf(calls)), 3)
  const many = withPicture(EMPTY_BOARD, picture([row(1)], { more: true, counts: { connected: 9000, ended: 3 } }), idle)
  t.equal(activeCount(countsOf(many)), 9000, 'the bridge counts when not all are here')
})

await t.test('a call that waits too long is told from others', async t => {
  const waiting = (extra: object) => ({ row: row(0, { phase: 'ringing', since: at(0), ...extra }) })
  const after = (seconds: number) => START + seconds * 1000
  t.match(waitOf(waiting({ waitingOn: 'agent' }), after(8)), { on: 'agent', since: at(0), late: false })
  t.match(waitOf(waiting({ waitingOn: 'agent' }), after(9)), { late: true })
  t.match(waitOf(waiting({ waitingOn: 'hook' }), after(3)), { late: true })
  t.equal(waitOf(waiting({ waitingOn: 'none' }), after(999)), undefined)
  t.equal(waitOf({ ...waiting({ waitingOn: 'agent' }), endedAt: START }, after(999)), undefined, 'nor one that is over')

  const calls = board(row(0, { waitingOn: 'agent', since: at(0), phase: 'ringing' }), row(1))
  t.equal(lateCount(calls, after(1)), 0)
  t.equal(lateCount(calls, after(20)), 1)
  t.same(filtered(calls, 'late', after(20)), ['call-0'])
  t.same(filtered(calls, 'connected', after(20)), ['call-1'])
  t.same(filtered(calls, undefined, after(20)), ['call-1', 'call-0'])
})
