import fc from 'fast-check'
import t from 'tap'
import { giveBack, hear, newsOf, openWindow, spend, turnAt, type RateWindow } from '../../src/jambonz/rate-window.ts'

const NOW = Date.UTC(2026, 10, 21, 10)
const FIVE_MINUTES = 300_000
const turn = { reserve: 0, ahead: 0, underWay: 0 }

/** A window in which so many requests were just sent. */
const spent = (window: RateWindow, requests: number, at = NOW): RateWindow =>
  Array.from({ length: requests }).reduce<RateWindow>(known => spend(known, at), window)

await t.test('no five minutes see more requests than the rate allows, whenever they are wanted', async () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 8 }),
    fc.array(fc.record({ gap: fc.integer({ min: 0, max: 40_000 }), reserve: fc.constantFrom(0, 0.1, 0.5) }), {
      maxLength: 150
    }),
    (perMinute, wanted) => {
      let window = openWindow(perMinute)
      let now = NOW
      const sentAt: number[] = []
      for (const { gap, reserve } of wanted) {
        now = turnAt(window, { ...turn, reserve }, now + gap)
        window = spend(window, now)
        sentAt.push(now)
        const recent = sentAt.filter(at => at > now - FIVE_MINUTES).length
        if (recent > perMinute * 5 - Math.ceil(perMinute * 5 * reserve)) return false
      }
      return window.spent.length <= 301
    }
  ))
})

await t.test('a turn that is foretold is kept', async () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 0, max: 250 }),
    fc.integer({ min: 0, max: 100 }),
    (perMinute, used, ahead) => {
      let window = spent(openWindow(perMinute), Math.min(used, perMinute * 5))
      const foretold = turnAt(window, { ...turn, ahead }, NOW)
      let now = NOW
      for (let n = 0; n < ahead; n++) {
        now = turnAt(window, turn, now)
        window = spend(window, now)
      }
      const at = turnAt(window, turn, now)
      // Two periods ahead is said to be one period ahead: nobody waits that long.
      return at === foretold || foretold === NOW + FIVE_MINUTES
    }
  ))
})

await t.test('a burst goes at once, and leaves the reserve', async t => {
  const window = spent(openWindow(120), 540)
  t.equal(turnAt(openWindow(120), { ...turn, reserve: 0.1, ahead: 539 }, NOW), NOW)
  t.ok(turnAt(window, { ...turn, reserve: 0.1 }, NOW) > NOW + 299_000, 'the next order waits')
  t.equal(turnAt(window, turn, NOW), NOW, 'a hang-up does not')
  t.equal(turnAt(giveBack(window), { ...turn, reserve: 0.1 }, NOW), NOW, 'nor one when another was not sent')
})

await t.test('what Jambonz says is left counts, less what it may not have counted yet', async t => {
  const window = hear(openWindow(120), { limit: 600, remaining: 100, resetS: 90, turnedAway: false }, NOW)
  const reset = NOW + 90_000
  t.equal(turnAt(window, { reserve: 0.1, ahead: 39, underWay: 0 }, NOW), NOW)
  t.equal(turnAt(window, { reserve: 0.1, ahead: 40, underWay: 0 }, NOW), reset, '60 are left for hang-ups')
  t.equal(turnAt(window, { reserve: 0.1, ahead: 0, underWay: 40 }, NOW), reset)
  t.equal(turnAt(window, { reserve: 0, ahead: 99, underWay: 0 }, NOW), NOW)
  t.equal(turnAt(window, { reserve: 0, ahead: 100, underWay: 0 }, NOW), reset)
  t.equal(turnAt(window, { reserve: 0, ahead: 100, underWay: 0 }, reset), reset, 'then Jambonz counts anew')
})

await t.test('a limit of Jambonz that is smaller than ours has a smaller reserve', async t => {
  const window = hear(openWindow(120), { limit: 20, remaining: 19, resetS: 60, turnedAway: false }, NOW)
  t.equal(turnAt(window, { ...turn, reserve: 0.1 }, NOW), NOW)
})

await t.test('answers that overtook one another', async t => {
  const hearing = (window: RateWindow, remaining: number, resetS: number, at = NOW) =>
    hear(window, { limit: 600, remaining, resetS, turnedAway: false }, at)
  const later = hearing(hearing(openWindow(120), 7, 60), 12, 60, NOW + 400)
  t.equal(later.server?.remaining, 7, 'the lowest of a period is right')
  const next = hearing(hearing(openWindow(120), 0, 10), 599, 300, NOW + 11_000)
  t.equal(next.server?.remaining, 599, 'a new period')
  t.equal(hearing(next, 0, 1, NOW + 11_000).server?.remaining, 599, 'an answer of the last one came late')
})

await t.test('turned away: nothing goes before Jambonz says so', async t => {
  const after = (news: object) => hear(openWindow(120), { turnedAway: true, ...news }, NOW).closedUntil - NOW
  t.equal(after({ retryAfterS: 42, resetS: 50 }), 42_000)
  t.equal(after({ resetS: 50 }), 50_000)
  t.equal(after({}), 5000, 'it does not say when')
  t.equal(after({ retryAfterS: 999_999_999 }), 3_600_000)
  t.equal(turnAt(hear(openWindow(120), { turnedAway: true }, NOW), turn, NOW), NOW + 5000)
})

await t.test('without a setting, Jambonz alone says how often it may be asked', async t => {
  const full = spent(openWindow(), 600)
  t.ok(turnAt(full, turn, NOW) > NOW, 'before its first answer, what it usually allows')
  const unlimited = hear(full, { turnedAway: false }, NOW)
  t.equal(turnAt(unlimited, { reserve: 0.1, ahead: 5000, underWay: 40 }, NOW), NOW, 'its answers name no limit')
  const more = hear(full, { limit: 6000, remaining: 5399, resetS: 200, turnedAway: false }, NOW)
  t.equal(turnAt(more, { reserve: 0.1, ahead: 4000, underWay: 0 }, NOW), NOW, 'its limit is higher')
  t.equal(turnAt(more, { reserve: 0.1, ahead: 4800, underWay: 0 }, NOW), NOW + 200_000, 'and has a reserve')
  const limited = hear(spent(openWindow(120), 600), { turnedAway: false }, NOW)
  t.ok(turnAt(limited, turn, NOW) > NOW, 'a setting stays')
})

await t.test('headers that say nothing usable are not heard', async t => {
  const headers = {
    'ratelimit-limit': 'many',
    'ratelimit-remaining': ['1', '2'],
    'ratelimit-reset': '-1',
    'retry-after': '1.5'
  }
  t.match(newsOf({ status: 429, headers }), {
    limit: undefined,
    remaining: undefined,
    resetS: undefined,
    retryAfterS: undefined,
    turnedAway: true
  })
})
