import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { EventLine } from '../../../src/calls/fold/event-list.ts'
import { rulesWith, tell, type Story } from '../../fixtures/events.ts'

const REFUSED = { kind: 'refused', operation: 'hang-up', by: 'wall', code: 'BRIDGE_VIEWERS_LOOK_ONLY' } as const

/** A call whose caller talks with the agent. */
function connected (): Story {
  const story = tell({ rules: { callControl: true } })
  story.connect()
  story.answered()
  return story
}

const refusals = ({ it }: Story): EventLine[] => it.events.filter(({ what }) => what === 'refused')

await t.test('the end of a call says who asked for it', async t => {
  const lineOf = (by?: string) => {
    const story = connected()
    story.feed({ kind: 'hangup', ...(by === undefined ? {} : { by }) })
    const { from, by: name } = story.it.events.find(({ what }) => what === 'hang-up')!
    return { from, by: name, for: story.it.hangupFor }
  }
  t.same(lineOf('alice'), { from: 'operator', by: 'alice', for: undefined })
  t.same(lineOf('agent'), { from: 'agent', by: undefined, for: 'agent' })
  t.same(lineOf(), { from: 'operator', by: undefined, for: undefined }, 'an older bridge did not say')
})

await t.test('a refusal is an event of the call, and changes nothing else', async t => {
  const story = connected()
  const before = story.it
  story.feed(REFUSED)
  const { events, ...rest } = story.it
  const { events: known, ...others } = before
  t.same(rest, others)
  t.same(events.slice(0, -1), known)
  t.match(events.at(-1), {
    from: 'operator',
    what: 'refused',
    status: 'hang-up',
    by: 'wall',
    detail: 'BRIDGE_VIEWERS_LOOK_ONLY',
    count: 1
  })
  story.feed({ ...REFUSED, operation: 'begin-transfer', by: 'agent', code: 'BRIDGE_NUMBER_REFUSED' })
  t.match(story.it.events.at(-1), { from: 'agent', what: 'refused', by: 'agent' })
})

await t.test('a flood of refusals pushes out no event', async t => {
  const story = connected()
  const before = story.it.events
  for (let i = 0; i < 500; i++) {
    story.feed({ ...REFUSED, operation: i % 2 ? 'hang-up' : 'begin-transfer' })
    story.feed({ ...REFUSED, by: `viewer-${i}` })
  }
  t.same(story.it.events.slice(0, before.length), before)
  t.match(refusals(story).slice(0, 3), [{ count: 250 }, { count: 1 }, { count: 250 }])
  t.equal(refusals(story).length, 8, 'and of different ones only some are remembered')
  t.equal(story.it.eventsDropped, 0)

  const full = connected()
  for (let i = 0; i < 100; i++) full.feed({ kind: 'digits', by: i % 2 ? 'alice' : 'bob' })
  const { events, eventsDropped } = full.it
  full.feed(REFUSED)
  t.same(full.it.events, events, 'a list that is full takes none')
  t.equal(full.it.eventsDropped, eventsDropped)
})

await t.test('nothing is added to a call that has ended, and none begins', async t => {
  const story = connected()
  story.feed({ kind: 'hangup', by: 'alice' })
  story.agent('completed', 200)
  story.caller('completed', 200, 'jambonz')
  story.pass(5000)
  t.equal(story.it.phase, 'ended')
  const { events } = story.it
  story.feed(REFUSED)
  story.feed({ kind: 'digits', by: 'alice' })
  t.same(story.it.events, events)
  t.equal(advance(undefined, { ...REFUSED, at: 0 }, rulesWith()), undefined)
})

await t.test('a refusal does not end the wait for what other replicas hand over', async t => {
  const story = connected()
  const handed = { kind: 'handed-over' as const, callSid: story.it.callSid, events: [] }
  const late = { kind: 'room-settled' as const, attempt: 1 }
  const before = advance(story.it, { ...handed, events: [{ ...late, at: 1 }], at: story.it.at.received }, rulesWith())!
  t.ok(before.late)
  t.equal(advance(before, { ...REFUSED, at: before.late!.until - 1 }, rulesWith()), before)
})

await t.test('digits are an event without the digits', async t => {
  const story = connected()
  story.feed({ kind: 'digits', by: 'agent' })
  story.feed({ kind: 'digits', by: 'alice', to: 'person' })
  t.match(story.it.events.slice(-2), [
    { from: 'agent', what: 'digits', by: 'agent' },
    { from: 'operator', what: 'digits to the person', by: 'alice' }
  ])
})

await t.test('a verdict that a key tells is not told by the agent', async t => {
  const story = connected()
  story.feed({ kind: 'voicemail', verdict: 'machine', by: 'agent', key: 'alice' })
  t.match(story.it.events.at(-1), { from: 'operator', what: 'voicemail', status: 'machine', by: 'alice' })
  const other = connected()
  other.feed({ kind: 'voicemail', verdict: 'machine', by: 'agent' })
  t.match(other.it.events.at(-1), { from: 'livekit', what: 'voicemail', by: 'agent' })
})
