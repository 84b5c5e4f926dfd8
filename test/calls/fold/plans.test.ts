import { ok, strictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { Call } from '../../../src/calls/fold/call.ts'
import type { CallEvent } from '../../../src/calls/fold/events.ts'
import { migrate } from '../../../src/calls/fold/migrate.ts'
import type { Rules } from '../../../src/calls/fold/rules.ts'
import { play } from '../../fixtures/plans/play.ts'
import type { Scene } from '../../fixtures/plans/scene.ts'
import { calmScenes, roughScenes } from '../../fixtures/plans/scenes.ts'
import { checkCalm, checkEnd, checkReplies, checkRough, checkWaiting } from '../../fixtures/plans/verdict.ts'
import { readRecordings, type Recording } from '../../fixtures/recordings.ts'

/*
 * Every recorded call under random plans: the first way goes as it was recorded, and where its dial failed a model of
 * Jambonz goes on with the others. PLANS_RUNS sets the number of scenes for each recording, PLANS_SEED another seed:
 * the suite plays the same scenes every time.
 */

const RUNS = Number(process.env['PLANS_RUNS'] ?? 12)
const SEED = Number(process.env['PLANS_SEED'] ?? 1)

/** What the store does with a call. */
const stored = (call: Call): Call => migrate(JSON.parse(JSON.stringify(call)) as Call)

/** How often the call ended: once, and once more for each record that a call hook began. */
function countEnds () {
  let ends = 0
  return {
    check (before: Call | undefined, event: CallEvent, after: Call | undefined) {
      if (!after) return
      // Known for the first time, or again.
      if (!before) ends = 0
      if (after.phase === 'ended' && before?.phase !== 'ended') ends++
      if (before?.phase === 'ended' && after.phase !== 'ended') {
        strictEqual(event.kind, 'call-hook')
        ends--
      }
      ok(ends <= 1)
    },
    get ends () {
      return ends
    }
  }
}

function playCalm (recording: Recording, scene: Scene) {
  const count = countEnds()
  const played = play(recording, scene, { check: count.check })
  strictEqual(count.ends, 1, 'it ended once')
  checkEnd(played)
  checkReplies(played)
  checkWaiting(played)
  checkCalm(played)
}

/** An update that the store runs again gives the same. */
function checkAgain (before: Call | undefined, event: CallEvent, after: Call | undefined, rules: Rules) {
  const again = advance(before, event, rules)
  ok(JSON.stringify(again) === JSON.stringify(after), `${event.kind} gives another call when it is applied again`)
}

function playRough (recording: Recording, scene: Scene) {
  const count = countEnds()
  const played = play(recording, scene, {
    check (before, event, after, rules) {
      count.check(before, event, after)
      checkAgain(before, event, after, rules)
    },
    stored
  })
  checkEnd(played)
  checkReplies(played)
  checkWaiting(played)
  checkRough(played)
}

const options = {
  numRuns: RUNS,
  includeErrorInReport: true,
  seed: SEED
}

for (const recording of readRecordings()) {
  await t.test(`${recording.name}: any plan`, async t => {
    fc.assert(fc.property(calmScenes, scene => playCalm(recording, scene)), options)
    t.pass('gone through')
  })
  await t.test(`${recording.name}: any plan, and anything that can go wrong`, async t => {
    fc.assert(fc.property(roughScenes, scene => playRough(recording, scene)), options)
    t.pass('gone through')
  })
}
