import { ok, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import type { CalleeScript } from '../fixtures/outbound-world/jambonz.ts'
import { play, type Outcome, type Scenario } from '../fixtures/outbound-world/world.ts'

/*
 * An order while bridges die. A process stops at any request to the outside, before or after that was carried out, and
 * the next one goes on with the store, or with LiveKit's rooms alone.
 */

/** Nobody is left alone for longer: this long the bridge waits for a hook or a room before it gives up. */
const MOST_ALONE_MS = 20_000

function judge ({ store, deaths }: Scenario, { jambonz, rooms, told, calls, answer }: Outcome): void {
  ok(jambonz.created <= 1, 'createCall was sent at most once')
  for (const call of jambonz.calls) {
    strictEqual(call.state, 'ended', 'no leg is up for ever')
    ok(call.longestAloneMs <= MOST_ALONE_MS, `the callee heard nobody for ${call.longestAloneMs} ms`)
  }
  for (const { callSid, phase, end, duties } of calls) {
    strictEqual(phase, 'ended', `${callSid} has ended`)
    ok(end, 'with a cause')
    strictEqual(duties.length, 0, `${callSid} owes nothing: ${JSON.stringify(duties)}`)
  }
  strictEqual(rooms.length, 0, 'no room is left')
  const finished = [...told].filter(event => event.includes('call.dial_finished'))
  ok(finished.length <= 1, `dial_finished is told once: ${finished.join(', ')}`)
  const ordered = store === 'shared' ? deaths.every(({ at }) => at > 0) : deaths.length === 0
  if (ordered) strictEqual(finished.length, 1, 'and it is told')
  if (deaths.length === 0) ok(answer, 'who ordered the call got an answer')
}

/** @returns how many requests the processes made */
async function check (scenario: Scenario): Promise<number> {
  const outcome = await play(scenario)
  try {
    judge(scenario, outcome)
  } catch (error) {
    const { calls, told, failures } = outcome
    const stories = calls.map(({ callSid, phase, end, events }) => ({
      callSid,
      phase,
      end,
      events: events.map(({ from, what, status, leg, first }) => [first % 1e6, from, what, leg, status].join(' '))
    }))
    const story = JSON.stringify({ scenario, stories, told: [...told], failures }, null, 1)
    throw new Error(`${(error as Error).message}\n${story}`)
  }
  return outcome.asked
}

const TALK: CalleeScript = { createCall: 'placed', ringMs: 500, finalMs: 4000, final: 200, talkMs: 10_000 }

for (const store of ['shared', 'memory'] as const) {
  await t.test(`${store}: a process dies at each request of a call that is talked`, async t => {
    const requests = await check({ script: TALK, store, deaths: [], restartMs: 0 })
    for (let at = 0; at < requests; at++) {
      // Before a request is after the one before it.
      await check({ script: TALK, store, deaths: [{ at, done: true }], restartMs: (at % 2) * 3000 })
    }
    t.comment(`${requests} requests`)
    t.pass('nothing lost, nothing done twice, nobody left alone')
  })
}

await t.test('whatever the callee, the carrier, Jambonz and the operator do, and whoever dies when', async t => {
  const script: fc.Arbitrary<CalleeScript> = fc.record({
    createCall: fc.constantFrom('placed', 'late', 'unknown', 'lost', 'refused'),
    ringMs: fc.integer({ min: 0, max: 2000 }),
    finalMs: fc.integer({ min: 0, max: 8000 }),
    final: fc.constantFrom<CalleeScript['final'][]>(200, 200, 200, 486, 404, 503, 'none'),
    talkMs: fc.integer({ min: 0, max: 20_000 }),
    restDownMs: fc.integer({ min: 0, max: 15_000 }),
    lost: fc.array(fc.nat(6), { maxLength: 3 })
  }, { requiredKeys: ['createCall', 'finalMs', 'final', 'talkMs'] })
  const scenario: fc.Arbitrary<Scenario> = fc.record({
    script,
    order: fc.record({ agentAt: fc.constantFrom('dial', 'ringing', 'answer') }),
    store: fc.constantFrom('shared', 'memory'),
    deaths: fc.array(fc.record({ at: fc.nat(50), done: fc.boolean() }), { maxLength: 3 }),
    restartMs: fc.constantFrom(0, 1000, 10_000),
    hangUpAfterMs: fc.integer({ min: 0, max: 15_000 })
  }, { requiredKeys: ['script', 'order', 'store', 'deaths', 'restartMs'] })
  await fc.assert(fc.asyncProperty(scenario, async scenario => {
    await check(scenario)
  }), { numRuns: Number(process.env.KILLS ?? 60) })
  t.pass('the rules hold')
})
