import t from 'tap'
import { project } from '../fixtures/paths.ts'

process.env['TZ'] = 'Asia/Kolkata'
const {
  bridgeNow, clockDuration, duration, heardClock, localTime, spokenDuration, zoneName, zoneShortName
} = await import(project('console/time.js').href)

const S = 1000
const MIN = 60 * S
const H = 60 * MIN

await t.test('durations are exact, and never negative', async t => {
  t.same([0, 999, 7 * S, 59_999].map(duration), ['0 s', '0 s', '7 s', '59 s'])
  t.same([MIN, 4 * MIN + 5 * S, H - 1].map(duration), ['1:00', '4:05', '59:59'])
  t.same([H, 25 * H + 2 * MIN + 3 * S].map(duration), ['1:00:00', '25:02:03'])
  t.equal(duration(-5000), '0 s', 'the clocks of two machines differ')
  t.same([7 * S, MIN, H].map(clockDuration), ['0:07', '1:00', '1:00:00'])
  t.same([0, S, MIN + 2 * S, 2 * H].map(spokenDuration), ['0 seconds', '1 second', '1 minute 2 seconds', '2 hours'])
})

await t.test('times are local, with the date when it is another day', async t => {
  const now = Date.parse('2026-11-29T10:00:00Z')
  t.equal(localTime('2026-11-29T08:33:07.042Z', { now }), '14:03:07')
  t.equal(localTime('2026-11-29T08:33:07.042Z', { now, ms: true }), '14:03:07.042')
  t.equal(localTime('2026-11-28T18:29:59Z', { now }), 'Nov 28 23:59:59')
  t.equal(localTime('2026-11-28T18:30:00Z', { now }), '00:00:00', 'the day begins at the local midnight')
  t.equal(localTime('2026-11-29T08:33:07Z', { now, date: true }), 'Nov 29 14:03:07')
  t.equal(localTime('no time', { now }), '')
  t.match(zoneName(new Date(now)), /^Asia\/(Calcutta|Kolkata) \(UTC\+5:30\)$/)
  t.equal(zoneShortName(new Date(now)), 'GMT+5:30')
})

await t.test('durations are measured on the clock of the bridge', async t => {
  const off = () => Math.round((bridgeNow() - Date.now()) / 1000)
  const heard = (aheadMs: number) => heardClock(new Date(Date.now() + aheadMs).toISOString())
  heard(-30_000)
  t.equal(off(), -30)
  heard(-28_000)
  t.equal(off(), -28, 'a message that took less time says more')
  heard(-31_000)
  t.equal(off(), -28)
  heard(-90_000)
  t.equal(off(), -90, 'a clock was set')
  heardClock('no time')
  t.equal(off(), -90)
})
