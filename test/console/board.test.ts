import t from 'tap'
import { project } from '../fixtures/paths.ts'

const {
  EMPTY_BOARD, isRead, MOST_HELD_FAILED, released, RESTS_MS, STAYS_MS, tidied, withChanges, withPicture
} = await import(project('console/board.js').href)
const { activeCount, countsOf, filtered, lateCount, waitOf } = await import(project('console/board-counts.js').href)

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

await t.test('a page is read for a minute after the last movement, scrolled down or not', async t => {
  const state = { pointer: false, focus: false, scrolled: false, hidden: false, movedAt: START }
  t.equal(isRead(state, START), false)
  for (const where of ['pointer', 'focus', 'scrolled']) {
    t.equal(isRead({ ...state, [where]: true }, START + RESTS_MS - 1), true, where)
    t.equal(isRead({ ...state, [where]: true }, START + RESTS_MS), false, `${where}, at rest`)
    t.equal(isRead({ ...state, [where]: true, hidden: true }, START), false, `${where}, in the background`)
  }
})

await t.test('a call that began and ended while it was held is seen only if it failed', async t => {
  const began = withChanges(board(row(1)), changes(row(2), row(3), row(4)), reading)
  const calls = withChanges(began, { ...changes(ended(2), ended(3, { failed: true })), gone: ['call-4'] }, reading)
  t.same(calls.held, ['call-3'])
  t.same([...calls.entries.keys()].sort(), ['call-1', 'call-3'], 'nothing is left of the others')
  t.same(withChanges(calls, changes(row(2, { seq: 8 })), reading).held, ['call-3'], 'and late news brings none back')
  t.same(withChanges(calls, changes(), reading).held, ['call-3'])
  t.same(withPicture(calls, picture([row(1)]), reading).held, ['call-3'], 'a new picture neither')

  const later = START + 60_000
  const shown = released(calls, later)
  t.same(shown.order, ['call-3', 'call-1'])
  t.same(tidied(shown, later + STAYS_MS.failed - 1).order, ['call-3', 'call-1'], 'its time begins when it is shown')
  t.same(tidied(shown, later + STAYS_MS.failed).order, ['call-1'])
})

await t.test('what is held does not grow for ever', async t => {
  let calls = board(row(0))
  const count = MOST_HELD_FAILED + 50
  for (let n = 1; n <= count; n++) {
    calls = withChanges(calls, changes(row(n)), reading)
    calls = withChanges(calls, changes(ended(n, { failed: true })), reading)
  }
  t.equal(calls.held.length, MOST_HELD_FAILED)
  t.equal(calls.entries.size, MOST_HELD_FAILED + 1)
  t.equal(calls.held.at(-1), `call-${count}`, 'the newest wait')
  t.equal(withChanges(calls, changes(row(count + 1)), reading).held.length, MOST_HELD_FAILED + 1, 'active ones as well')
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

  const gone = withChanges(board(row(1)), { ...changes(), gone: ['call-1', 'call-unknown'] }, idle)
  t.match(gone.entries.get('call-1'), { gone: true, endedAt: START })
})

await t.test('a picture that is cut takes no row away under the pointer', async t => {
  const waits = row(1, { phase: 'ringing', waitingOn: 'agent', since: at(1) })
  const later = { frozen: true, now: START + 60_000 }
  const cut = withPicture(board(waits, row(2), row(3)), picture([row(4), row(2)], { more: true }), later)
  t.same(cut.order, ['call-3', 'call-2', 'call-1'], 'an older call than those of the picture stays')
  t.same(cut.held, ['call-4'])
  t.match(cut.entries.get('call-1'), { row: waits, unsure: true })
  t.equal(cut.entries.get('call-1').endedAt, undefined)
  t.match(cut.entries.get('call-3'), { gone: true }, 'a newer one has ended')
  t.equal(lateCount(cut, later.now), 0, 'whether it still waits is not known')

  const news = withChanges(cut, changes({ ...waits, seq: 2 }), later)
  t.equal(lateCount(news, later.now), 1, 'until there is news of it')
  t.same(tidied(news, START).order, ['call-3', 'call-2', 'call-1'])
  t.same(tidied(cut, START).order, ['call-3', 'call-2'], 'it leaves once nobody reads')

  const whole = withPicture(cut, picture([row(4), row(2)]), later)
  t.match(whole.entries.get('call-1'), { gone: true }, 'a whole picture says that it has ended')
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
