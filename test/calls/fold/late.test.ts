import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { Call } from '../../../src/calls/fold/call.ts'
import type { CallEvent } from '../../../src/calls/fold/events.ts'
import { TIMES } from '../../../src/calls/fold/rules.ts'
import { factsWith, rulesWith, START, tokenOf } from '../../fixtures/events.ts'

const rules = rulesWith()
const facts = factsWith()
const HOOK: CallEvent = {
  kind: 'call-hook',
  callSid: 'call-1',
  at: START,
  hash: 'hash-1',
  facts,
  app: rules.app,
  answered: false
}
const handed = (call: Call | undefined, at: number, ...events: CallEvent[]): Call =>
  advance(call, { kind: 'handed-over', callSid: 'call-1', at, events }, rules)!

await t.test('what is handed over again, because nobody heard that it was taken, is there once', async t => {
  const once = handed(undefined, START + 500, HOOK)
  t.equal(once.late?.events.length, 1)
  t.equal(handed(once, START + 750, HOOK), once, 'and costs nothing')
  const more = handed(once, START + 1000, HOOK, { kind: 'hook-abandoned', at: START + 400 })
  t.same(more.late?.events.map(({ kind }) => kind), ['call-hook', 'hook-abandoned'])
  t.equal(more.late?.until, START + 1000 + TIMES.handOver)
})

await t.test('the rooms of a call are known before its events are taken', async t => {
  t.same(handed(undefined, START + 500, HOOK).late?.rooms, [`jb_${tokenOf('call-1', 1)}`])
})
