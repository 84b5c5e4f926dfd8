import t from 'tap'
import { isWithin, parseHours } from '../../src/routing/match/hours.ts'
import { createZoneClock, isZone } from '../../src/routing/match/zones.ts'

/** Whether hours hold at a moment in a zone. */
function holds (hours: string, zone: string, at: string): boolean {
  const spans = parseHours(hours)
  if (typeof spans === 'string') throw new Error(spans)
  return isWithin(createZoneClock(zone).minuteOfWeek(Date.parse(at)), spans)
}

type Case = [hours: string, at: string, holds: boolean]

async function check (zone: string, title: string, cases: readonly Case[]): Promise<void> {
  await t.test(`${zone}: ${title}`, async t => {
    for (const [hours, at, expected] of cases) t.equal(holds(hours, zone, at), expected, `${hours} at ${at}`)
  })
}

const BERLIN = 'Europe/Berlin'
const NEW_YORK = 'America/New_York'

await check(BERLIN, 'the first minute counts, the last does not', [
  ['Mon-Fri 08:00-18:00', '2026-11-27T06:59:59Z', false],
  ['Mon-Fri 08:00-18:00', '2026-11-27T07:00:00Z', true],
  ['Mon-Fri 08:00-18:00', '2026-11-27T16:59:59Z', true],
  ['Mon-Fri 08:00-18:00', '2026-11-27T17:00:00Z', false],
  ['Mon-Fri 08:00-18:00', '2026-11-28T10:00:00Z', false],
  ['8:00-18:00', '2026-11-28T10:00:00Z', true],
  ['mon – fri 08:00 - 18:00', '2026-11-27T10:00:00Z', true]
])

await check(BERLIN, 'over midnight, days being those on which the hours begin', [
  ['Fri 22:00-06:00', '2026-11-27T20:59:00Z', false],
  ['Fri 22:00-06:00', '2026-11-27T21:00:00Z', true],
  ['Fri 22:00-06:00', '2026-11-28T04:59:00Z', true],
  ['Fri 22:00-06:00', '2026-11-28T05:00:00Z', false],
  ['Fri 22:00-06:00', '2026-11-27T04:00:00Z', false],
  ['Sat 22:00-06:00', '2026-11-29T04:00:00Z', true],
  ['Sat 22:00-06:00', '2026-11-22T04:00:00Z', true],
  ['22:00-06:00', '2026-11-30T03:00:00Z', true],
  ['Fri 22:00-24:00', '2026-11-27T22:59:00Z', true],
  ['Fri 22:00-24:00', '2026-11-27T23:00:00Z', false],
  ['Fri 22:00-00:00', '2026-11-27T22:59:00Z', true],
  ['Fri 22:00-00:00', '2026-11-27T23:00:00Z', false]
])

await check(BERLIN, 'days that wrap, lists of days, days alone', [
  ['Sat-Sun', '2026-11-28T10:00:00Z', true],
  ['Sat-Sun', '2026-11-29T22:59:00Z', true],
  ['Sat-Sun', '2026-11-29T23:00:00Z', false],
  ['Fri-Mon 10:00-12:00', '2026-11-30T09:30:00Z', true],
  ['Fri-Mon 10:00-12:00', '2026-11-24T09:30:00Z', false],
  ['Mon,Wed,Fri', '2026-11-25T12:00:00Z', true],
  ['Mon,Wed,Fri', '2026-11-26T12:00:00Z', false],
  ['Sun,Wed-Thu 09:00-10:00', '2026-11-26T08:30:00Z', true]
])

await check(BERLIN, 'the night in which clocks go forward has no 02:30', [
  // 2026-03-29: 01:59:59 is followed by 03:00:00.
  ['Sun 01:30-02:30', '2026-03-29T00:59:00Z', true],
  ['Sun 01:30-02:30', '2026-03-29T01:00:00Z', false],
  ['Sun 02:00-03:00', '2026-03-29T00:59:00Z', false],
  ['Sun 02:00-03:00', '2026-03-29T01:00:00Z', false],
  ['Sun 02:00-04:00', '2026-03-29T01:00:00Z', true],
  ['Sat 22:00-06:00', '2026-03-29T03:59:00Z', true],
  ['Sat 22:00-06:00', '2026-03-29T04:00:00Z', false]
])

await check(BERLIN, 'the night in which clocks go back has 02:30 twice', [
  // 2026-10-25: 02:59:59 is followed by 02:00:00.
  ['Sun 02:15-02:45', '2026-10-25T00:30:00Z', true],
  ['Sun 02:15-02:45', '2026-10-25T01:00:00Z', false],
  ['Sun 02:15-02:45', '2026-10-25T01:30:00Z', true],
  ['Sat 22:00-06:00', '2026-10-25T04:59:00Z', true],
  ['Sat 22:00-06:00', '2026-10-25T05:00:00Z', false]
])

await check(NEW_YORK, 'its own days and its own changes', [
  ['Mon-Fri 09:00-17:00', '2026-11-27T13:59:00Z', false],
  ['Mon-Fri 09:00-17:00', '2026-11-27T14:00:00Z', true],
  ['Fri 20:00-24:00', '2026-11-28T04:59:00Z', true],
  ['Fri 20:00-24:00', '2026-11-28T05:00:00Z', false],
  // 2026-03-08 and 2026-11-01.
  ['Sun 02:00-03:00', '2026-03-08T07:00:00Z', false],
  ['Sun 01:00-02:00', '2026-11-01T05:30:00Z', true],
  ['Sun 01:00-02:00', '2026-11-01T06:30:00Z', true],
  ['Sun 01:00-02:00', '2026-11-01T07:00:00Z', false]
])

await check('Asia/Kolkata', 'half an hour off', [
  ['Mon-Sat 09:30-18:30', '2026-11-28T03:59:00Z', false],
  ['Mon-Sat 09:30-18:30', '2026-11-28T04:00:00Z', true],
  ['Mon-Sat 09:30-18:30', '2026-11-28T13:00:00Z', false],
  ['Sun', '2026-11-28T18:29:00Z', false],
  ['Sun', '2026-11-28T18:30:00Z', true]
])

await t.test('a clock that is asked again and again is never behind', async t => {
  const clock = createZoneClock(BERLIN)
  const start = Date.parse('2026-10-24T22:00:00Z')
  for (let minute = 0; minute < 6 * 60; minute += 7) {
    const at = start + minute * 60_000
    t.equal(clock.minuteOfWeek(at), createZoneClock(BERLIN).minuteOfWeek(at))
    t.equal(clock.minuteOfWeek(at + 59_999), clock.minuteOfWeek(at))
  }
  t.equal(clock.show(Date.parse('2026-11-28T22:10:00Z')), 'Sat 23:10')
})

await t.test('zones have names', async t => {
  for (const zone of ['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5']) t.ok(isZone(zone), zone)
  for (const zone of ['Europe/Berln', '+01:00', '', 'Mars']) t.notOk(isZone(zone), zone)
})
