import fc from 'fast-check'
import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { Call } from '../../../src/calls/fold/call.ts'
import { wakeAt } from '../../../src/calls/fold/wake.ts'
import { orderId } from '../../../src/calls/fold/order.ts'
import { PUBLICATIONS, readName } from '../../../src/calls/fold/publications.ts'
import { rulesWith, tell, type Story } from '../../fixtures/events.ts'
import { folded } from '../../fixtures/folded.ts'
import { placedOrder } from '../../fixtures/order-story.ts'
import { readRecordings } from '../../fixtures/recordings.ts'

const RULES = { publishes: true }
const told = ({ performed }: Story): string[] =>
  performed.filter(({ kind }) => kind === 'publish').map(({ target }) => target)
const owed = (call: Call): string[] =>
  call.duties.filter(({ kind }) => kind === 'publish').map(({ target }) => target)

/** The caller hangs up a call that was answered. */
function hangUp (story: Story) {
  story.caller('completed', 200, 'caller')
  story.action('completed', 200, { callerStatus: 'completed', callerEndedBy: 'caller' })
  story.agent('completed', 200)
  story.pass(2000)
}

await t.test('a call is told when it begins, is answered and ends, each once', async t => {
  const story = tell({ rules: RULES })
  story.connect()
  story.pass(1000)
  t.same(told(story), ['call.started'])
  story.answered()
  story.pass(1000)
  t.same(told(story), ['call.started', 'call.answered'])
  hangUp(story)
  story.pass(100_000)
  t.same(told(story), ['call.started', 'call.answered', 'call.ended'])
})

await t.test('a call that nobody answers is not told as answered', async t => {
  const story = tell({ rules: RULES })
  story.connect()
  story.caller('no-answer', 487, 'caller')
  story.pass(20_000)
  t.same(told(story), ['call.started', 'call.ended'])
})

await t.test('without receivers nothing is owed, and a call that began so stays silent', async t => {
  const silent = tell()
  silent.connect()
  silent.answered()
  hangUp(silent)
  t.same(told(silent), [])

  const story = tell()
  story.connect()
  story.answered()
  story.pass(1000)
  // A replica with EVENTS_URL goes on with it: it would tell of a beginning that was long ago.
  const final = { callSid: 'call-1', leg: 'caller' as const, legSid: 'call-1', facts: story.it.facts }
  const ending = { kind: 'status' as const, ...final, callStatus: 'completed' as const, at: story.now + 10 }
  const ended = advance(story.it, ending, rulesWith(RULES))!
  const later = advance(ended, { kind: 'wake', at: story.now + 20_000, statusesExpected: true }, rulesWith(RULES))!
  t.equal(later.phase, 'ended')
  t.same(owed(later), [])
})

await t.test('what is told at the same time is told in order, one after another', async t => {
  const story = tell({ rules: RULES })
  story.mode = 'silent'
  story.connect()
  story.answered()
  hangUp(story)
  t.same(owed(story.it), ['call.started', 'call.answered', 'call.ended'])
  const wake = (call: Call, at: number, claim: string) =>
    advance(call, { kind: 'wake', at, claim, statusesExpected: true }, rulesWith(RULES))!
  const claimedBy = (call: Call, claim: string) =>
    call.duties.filter(duty => duty.claim === claim && duty.kind === 'publish').map(({ target }) => target)

  let call = story.it
  let at = story.now
  for (const name of ['call.started', 'call.answered', 'call.ended']) {
    at = Math.max(at, wakeAt(call)!) + 20_000
    call = wake(call, at, `first ${name}`)
    t.same(claimedBy(call, `first ${name}`), [name])
    const other = wake(call, at, 'other')
    t.same(claimedBy(other, 'other'), [], 'nobody else takes a later one meanwhile')
    const { id, claim } = call.duties.find(({ target }) => target === name)!
    const failed = advance(call, { kind: 'duty', id, claim, outcome: 'failed', at }, rulesWith(RULES))!
    t.same(claimedBy(wake(failed, at, 'other'), 'other'), [], 'nor before it is tried again')
    const woken = wake(failed, at + 60_000, 'again')
    t.same(claimedBy(woken, 'again'), [name])
    call = advance(woken, { kind: 'duty', id, claim: 'again', outcome: 'done', at: at + 60_000 }, rulesWith(RULES))!
    at += 60_000
  }
  t.same(owed(call), [])
})

await t.test('a duty that waits for an earlier one wakes nobody', async t => {
  const story = tell({ rules: RULES })
  story.mode = 'silent'
  story.connect()
  story.answered()
  const at = story.now + 10
  const call = advance(story.it, { kind: 'wake', at, claim: 'one', statusesExpected: true }, rulesWith(RULES))!
  t.equal(owed(call).length, 2)
  t.ok(wakeAt(call)! > at)
})

await t.test('an event waits for a store that is gone, however long that takes', async t => {
  const story = tell({ rules: RULES })
  story.connect()
  story.answered()
  story.mode = 'down'
  hangUp(story)
  story.pass(6 * 3_600_000)
  story.mode = 'up'
  story.pass(60_000)
  t.equal(told(story).at(-1), 'call.ended')
  t.equal(story.it.events.some(({ what }) => what === 'publish given up'), false)
})

await t.test('each transfer is told, by a number of its own, also in another record of the call', async t => {
  const story = tell({ rules: RULES })
  story.connect()
  story.answered()
  for (let i = 0; i < 2; i++) {
    story.refer({ hash: `refer-${i}` })
    story.referComplete(202, 486, { hash: `refused-${i}` })
    story.answered(`leg-${i}`)
  }
  t.same(told(story).slice(2), ['call.transfer_finished', 'call.transfer_finished:2'])
  hangUp(story)
  story.hook({ hash: 'back', answered: true, redirected: true })
  story.made('created', 2)
  story.answered('leg-back')
  story.refer({ hash: 'refer-back' })
  story.referComplete(202, 200, { hash: 'taken' })
  story.pass(20_000)
  t.same(told(story).slice(4), [
    'call.ended',
    'call.started:2',
    'call.answered:2',
    'call.transfer_finished:3',
    'call.ended:2'
  ])
  t.equal(story.it.earlierTransfers?.length, 2)
  t.equal(new Set(told(story)).size, told(story).length)
})

await t.test('a transfer shows that the call was answered, when the status that says so is lost', async t => {
  const story = tell({ rules: RULES })
  story.connect()
  story.refer()
  story.referComplete(202, 486)
  story.answered('leg-back')
  t.same(told(story), ['call.started', 'call.answered', 'call.transfer_finished'])
})

await t.test('a record whose end only the next hook shows is told as ended', async t => {
  const story = tell({ rules: RULES })
  story.connect()
  story.answered()
  story.caller('completed', 200, 'jambonz')
  t.equal(story.it.phase, 'connected', 'it waits for the evidence')
  story.hook({ hash: 'back', answered: true, redirected: true })
  t.equal(story.it.earlier.length, 1)
  story.pass(1000)
  t.same(told(story), ['call.started', 'call.answered', 'call.ended', 'call.started:2'])
})

await t.test('an order that never got a name has its outcome told once, and was never begun', async t => {
  const order = placedOrder({ id: orderId('a') })
  const rules = rulesWith(RULES)
  let call = advance(undefined, { kind: 'ordered', order, at: order.orderedAt }, rules)!
  t.same(owed(call), [])
  call = advance(call, { kind: 'sending', at: order.orderedAt + 10 }, rules)!
  call = advance(call, { kind: 'placement', outcome: 'refused', detail: '', at: order.orderedAt + 20 }, rules)!
  t.equal(call.phase, 'ended')
  t.same(owed(call), ['call.ended', 'call.dial_finished'])
})

await t.test('every recording, any part of it: no event twice, and none before its time', async t => {
  for (const recording of readRecordings()) {
    const publishing = { ...recording, rules: { ...recording.rules, publishes: true } }
    fc.assert(fc.property(fc.subarray(recording.events), events => {
      let call: Call | undefined
      try {
        call = folded(publishing, events)
      } catch {
        return
      }
      const names = call.published ?? []
      const types = names.map(name => PUBLICATIONS.indexOf(readName(name)!.type))
      if (new Set(names).size !== names.length) throw new Error(`${recording.name}: twice: ${names.join()}`)
      if (names[0] !== 'call.started') throw new Error(`${recording.name}: begins with ${names[0]}`)
      const isInOrder = types.every((type, i) => type >= (types[i - 1] ?? 0))
      if (call.earlier.length === 0 && !isInOrder) throw new Error(`${recording.name}: ${names.join()}`)
      const isOver = call.phase === 'ended'
      if (isOver !== (names.filter(name => name.startsWith('call.ended')).length === call.earlier.length + 1)) {
        throw new Error(`${recording.name}: ${call.phase}, ${names.join()}`)
      }
    }), { numRuns: 20 })
  }
  t.pass()
})

await t.test('names are read back', async t => {
  t.same(readName('call.ended'), { type: 'call.ended', n: 1 })
  t.same(readName('call.transfer_finished:12'), { type: 'call.transfer_finished', n: 12 })
  const others = ['', 'call', 'call.ended:', 'call.ended:0', 'call.ended:x', 'call.ended:2:3', 'call.ended:99999']
  for (const text of others) {
    t.equal(readName(text), undefined, text)
  }
})
