import t from 'tap'
import { advance } from '../../../src/calls/fold/advance.ts'
import type { Attempt, Call } from '../../../src/calls/fold/call.ts'
import { adoptAttempt, newCall } from '../../../src/calls/fold/new-call.ts'
import { findHook } from '../../../src/calls/fold/attempts.ts'
import type { EventOf } from '../../../src/calls/fold/events.ts'
import { foundByLeg } from '../../../src/calls/found-rooms.ts'
import { factsWith, rulesWith, START, tokenOf } from '../../fixtures/events.ts'
import { warmRoomWith, WARM_NAME, WARM_TOKEN } from '../../fixtures/warm-attempts.ts'

/*
 * LiveKit says of a warm room that it is a call's, and the record of that call has another room, or none.
 */

const rules = rulesWith()
const SID = 'call-1'
const DERIVED = `jb_${tokenOf(SID, 1)}`
const { room, token, departureS, madeAt } = warmRoomWith()
const warm = { room, token, departureS, madeAt }
const at = START + 60_000

/** By the metadata of the room. */
const found = (extra: Partial<EventOf<'found'>> = {}): EventOf<'found'> => ({
  kind: 'found',
  at,
  callSid: SID,
  attempt: 1,
  facts: factsWith(),
  app: { agent: 'pool-agent', metadata: '' },
  route: { ways: [{ strategy: 'room', agent: 'pool-agent' }] },
  warm,
  receivedAt: START,
  openedAt: START,
  ...extra
})
/** By the leg in the room, which knows no attempt. */
const byLeg = foundByLeg(SID, undefined, { ...rules, ruleAgent: 'pool-agent' }, at, warm)

const opened = (): Call => advance(undefined, {
  kind: 'call-hook',
  at: START,
  callSid: SID,
  hash: 'first',
  facts: factsWith(),
  answered: false
}, rules)!

/** Its room was made, and its reply sent. */
const replied = (): Call => advance(opened(), { kind: 'room', attempt: 1, outcome: 'created', at: START + 10 }, rules)!

function adopted (trace: Parameters<typeof adoptAttempt>[2]): Call {
  const draft = newCall(SID, START, factsWith(), rules.app)
  adoptAttempt(draft, START, trace, rules)
  return draft
}

const firstOf = (call: Call | undefined): Attempt => call!.attempts[0]!
const deleted = (call: Call | undefined): string[] =>
  call!.duties.filter(({ kind }) => kind === 'delete-room').map(({ target }) => target)
const seenIn = (call: Call, room: string): Call => advance(call, {
  kind: 'livekit',
  at: START + 500,
  room,
  what: 'participant_joined',
  participant: { sid: 'PA_1', identity: 'sip_1', kind: 'SIP', sip: { callSid: SID } }
}, rules)!

const IN_WARM = {
  room: WARM_NAME,
  token: WARM_TOKEN,
  departureS: 60,
  warm: { madeAt },
  agent: 'pool-agent',
  found: true
}

for (const [by, event] of [['metadata', found()], ['leg', byLeg]] as const) {
  await t.test(`a call that nobody knows, by the ${by} of its room`, async t => {
    const call = advance(undefined, event, rules)
    t.match(firstOf(call), { n: 1, ...IN_WARM })
    t.ok(call!.duties.some(({ kind }) => kind === 'look'))
  })

  await t.test(`an attempt that was rebuilt from a hook takes its room, by the ${by}`, async t => {
    for (const trace of [{ dialled: WARM_TOKEN }, { n: 1 }, {}]) {
      const call = advance(adopted(trace), event, rules)
      t.match(firstOf(call), IN_WARM, JSON.stringify(trace))
      t.equal(firstOf(call).visits, undefined)
      t.same(deleted(call), [])
      t.equal(call!.attempts.length, 1)
    }
  })

  await t.test(`an attempt that waits for its room in a record that is too old, by the ${by}`, async t => {
    const call = advance(opened(), event, rules)!
    t.match(firstOf(call), IN_WARM)
    const { reply } = findHook(call, 'call-hook', 'first')!
    t.same(reply, { kind: 'dial', attempt: 1 }, 'a repeated hook gets the same dial')
    t.same(deleted(call), [])
  })

  await t.test(`an attempt whose reply is known keeps the room that it has, by the ${by}`, async t => {
    t.equal(firstOf(advance(replied(), event, rules)).room, DERIVED)
    t.same(deleted(advance(replied(), event, rules)), [], 'nobody was seen anywhere')
    t.equal(firstOf(advance(seenIn(replied(), DERIVED), event, rules)).room, DERIVED)
  })

  await t.test(`a rebuilt attempt in whose room somebody was seen keeps it, by the ${by}`, async t => {
    t.equal(firstOf(advance(seenIn(adopted({ n: 1 }), DERIVED), event, rules)).room, DERIVED)
  })

  await t.test(`a call that has ended: the room is deleted, by the ${by}`, async t => {
    const final = { kind: 'status', callSid: SID, facts: factsWith(), leg: 'caller', legSid: SID } as const
    const over = advance(replied(), { ...final, callStatus: 'completed', by: 'caller', at: START + 1000 }, rules)!
    const ended = advance(over, { kind: 'wake', at: START + 5000, statusesExpected: true }, rules)!
    t.equal(ended.phase, 'ended')
    t.ok(deleted(advance(ended, event, rules)).includes(WARM_NAME))
  })
}

await t.test('the agent is told who calls, where nobody had, and where that is known', async t => {
  const tells = (call: Call | undefined) => call!.duties.some(({ kind }) => kind === 'tell-agent')
  t.ok(tells(advance(opened(), byLeg, rules)))
  t.notOk(tells(advance(opened(), found(), rules)), 'it was told')
  t.notOk(tells(advance(adopted({ dialled: WARM_TOKEN }), byLeg, rules)), 'no call hook was heard')
})

await t.test('what is no attempt in a room, or is over, takes none', async t => {
  const phone = adopted({ dialled: '+15551230009' })
  t.match(firstOf(advance(phone, found({ attempt: firstOf(phone).n }), rules)), { strategy: 'phone', room: undefined })
  const call = adopted({ n: 1 })
  const end = { cause: 'lost', by: 'unknown', waitingOn: 'none' } as const
  const over = { ...call, attempts: [{ ...firstOf(call), end }] }
  t.equal(firstOf(advance(over, found(), rules)).room, DERIVED)
})

await t.test('a look that missed the guessed room says nothing of the right one', async t => {
  const call = adopted({ n: 1 })
  const missed = { ...call, attempts: [{ ...firstOf(call), view: { ...firstOf(call).view, goneAt: START + 100 } }] }
  t.equal(firstOf(advance(missed, found(), rules)).view.goneAt, undefined)
})

await t.test('the dialled token tells the attempt, whatever its number', async t => {
  const call = advance(adopted({ dialled: WARM_TOKEN }), found({ attempt: 2 }), rules)!
  t.equal(call.attempts.length, 1)
  t.match(firstOf(call), IN_WARM)
})

await t.test('a call of which no attempt is known goes on in the room', async t => {
  const draft = newCall(SID, START, factsWith(), rules.app)
  t.match(advance(draft, found({ attempt: 3 }), rules)!.attempts, [{ ...IN_WARM, n: 3 }])
  t.match(advance(draft, byLeg, rules)!.attempts, [{ ...IN_WARM, n: 1 }])
  t.match(advance({ ...draft, attemptsBefore: 2 }, byLeg, rules)!.attempts, [{ ...IN_WARM, n: 3 }])
  t.same(advance({ ...draft, attemptsBefore: 3 }, found({ attempt: 3 }), rules)!.attempts, [], 'it is an earlier one')
})

await t.test('a room that is being deleted is not deleted from the beginning again', async t => {
  const call = advance(undefined, found(), rules)!
  const deletion = { step: 1, settled: START, pauses: 2 }
  const duty = { id: 'd', kind: 'delete-room', target: WARM_NAME, due: at + 5000, tries: 0, since: at, room: deletion }
  const ended = { ...call, phase: 'ended', duties: [duty] } as Call
  t.same(advance(ended, found(), rules)!.duties, [duty])
})

await t.test('a transfer that the agent of an unknown call asks for: the leg tells its room', async t => {
  const refer = { kind: 'refer', callSid: SID, hash: 'h', facts: factsWith(), leg: 'agent', legSid: 'b' } as const
  const call = advance(undefined, { ...refer, dialled: WARM_TOKEN, referTo: '+15559998888', at: START }, rules)
  t.match(firstOf(call), { token: WARM_TOKEN, visits: WARM_NAME, room: undefined })
})

await t.test('the caller is seen in another room: the one that was found is left over', async t => {
  t.same(deleted(advance(seenIn(replied(), DERIVED), found(), rules)), [WARM_NAME])
  t.same(deleted(advance(seenIn(replied(), DERIVED), byLeg, rules)), [], 'unless its attempt is not known')
})

await t.test('a room of the derived name is left over where the attempt is in a warm one', async t => {
  const { warm: _warm, ...derived } = found()
  const call = advance(undefined, found(), rules)!
  t.same(deleted(advance(seenIn(call, WARM_NAME), derived, rules)), [DERIVED])
  t.same(deleted(advance(seenIn(call, WARM_NAME), found(), rules)), [])
})

await t.test('rooms of several attempts come in any order: the latest goes on, the others are deleted', async t => {
  const second = { ...warm, room: 'jb_second', token: 'second' }
  const both = [found(), found({ attempt: 2, warm: second })]
  for (const events of [both, both.toReversed()]) {
    const call = events.reduce<Call | undefined>((call, event) => advance(call, event, rules), undefined)!
    t.match(call.attempts.at(-1), { n: 2, room: 'jb_second' })
    t.same(deleted(call), [WARM_NAME])
  }
})
