import t from 'tap'
import pino from 'pino'
import type { CallEvent } from '../../src/calls/fold/events.ts'
import { CallLog } from '../../src/call-log.ts'
import { CallMetrics } from '../../src/call-metrics.ts'
import { createMetrics } from '../../src/metrics.ts'
import { transferChanges } from '../../src/transfer-changes.ts'
import { transferred, type StoryName } from '../fixtures/transferred.ts'
import { NUMBER } from '../fixtures/transfer-stage.ts'

const WAKE = { kind: 'wake', at: 0, claim: 'claim', statusesExpected: true } satisfies CallEvent

/** What a call becomes with its last transfer, seen at once. */
async function seen (name: StoryName) {
  const { caller } = await transferred(t, name)
  const metrics = createMetrics({ stats: async () => ({ phases: {}, duties: 0 }) as never, buffered: () => 0 })
  const counted = new CallMetrics(metrics, () => [])
  const lines: string[] = []
  const log = new CallLog(pino({ level: 'info' }, { write: line => lines.push(line) }) as never)
  const open = structuredClone(caller)
  const { outcome: _outcome, person, ...transfer } = open.transfer!
  const asked = { ...open, transfer: { ...transfer, state: 'requested' as const } }
  for (const observer of [counted, log]) {
    observer.changed({ ...open, transfer: undefined as never }, asked, WAKE)
    observer.changed(asked, caller, WAKE)
    observer.changed(caller, caller, WAKE)
  }
  return { text: await metrics.text(), lines }
}

await t.test('each transfer is counted once, and how long the person took to join', async t => {
  const { text } = await seen('consult-bridged')
  t.match(text, /bridge_transfers_begun_total\{mode="consult"\} 1\b/)
  t.match(text, /bridge_transfers_total\{mode="consult",result="bridged",reason="completed"\} 1\b/)
  t.match(text, /bridge_transfer_join_seconds_count 1\b/)
  t.match(text, /bridge_transfer_join_seconds_sum 0\.305/)
  t.match(text, /bridge_transfers_total\{mode="blind",result="returned",reason="busy"\} 0\b/, 'series exist from the start')
  t.notMatch(text, NUMBER.slice(1))
  const busy = await seen('blind-busy')
  t.match(busy.text, /bridge_transfers_total\{mode="blind",result="returned",reason="busy"\} 1\b/)
  t.match(busy.text, /bridge_transfer_join_seconds_count 0\b/)
})

await t.test('the log says what was asked for and what became of it, without numbers', async t => {
  const { lines } = await seen('consult-busy')
  const told = lines.map(line => JSON.parse(line) as Record<string, unknown>).filter(({ msg }) => /^transfer/.test(String(msg)))
  t.match(told, [
    { msg: 'transfer requested', callSid: 'call-1', transfer: 'tr-1', mode: 'consult', requestedBy: 'agent' },
    { msg: 'transfer decided', mode: 'consult', result: 'returned', reason: 'busy', sipStatus: 486, person: 'person-1' }
  ])
  t.equal(told.length, 2)
  t.notMatch(lines.join(''), NUMBER.slice(1))
})

await t.test('a REFER that an agent repeats is one transfer', async t => {
  const { caller } = await transferred(t, 'consult-busy')
  const refer = (at: number) => ({ ...caller, transfer: { at, attempt: 1, returned: false, refers: ['a'] } })
  const [, again] = [transferChanges(undefined, refer(1))[0], transferChanges(refer(1), refer(2))[0]]
  t.ok(again?.before)
})
