import t, { type Test } from 'tap'
import { adoptAttempt, newCall } from '../../src/calls/fold/new-call.ts'
import type { Call } from '../../src/calls/fold/call.ts'
import { openOrder } from '../../src/calls/fold/order.ts'
import type { Route } from '../../src/calls/fold/way.ts'
import { makeTransfer, type TransferFacts } from '../../src/transfers/make-transfer.ts'
import { factsWith, roomFormat, rulesWith, START, tokenOf } from '../fixtures/events.ts'
import {
  buildTransferStage,
  CALLER,
  CONSULT_ROOM,
  PERSON,
  personOrder,
  requestWith,
  type StageOptions
} from '../fixtures/transfer-stage.ts'
import { poolsWith, poolWith, roomOfToken, warmRoomWith, WARM_NAME, WARM_TOKEN } from '../fixtures/warm-attempts.ts'

/*
 * Transfers of a caller whose room was made before the call: a person is dialled with that room's token, which cannot
 * be derived from the call.
 */

const NEXT_TOKEN = `c${'b'.repeat(26)}`

type Stage = ReturnType<typeof buildTransferStage>

/** What the API makes of a request for a transfer of this call. */
function asked (call: Call, mode: 'consult' | 'add') {
  const facts = { id: 'tr-1', call, requestedBy: 'agent', at: START, target: '+15550003333', from: '+15551230000' }
  const defaults = { agent: 'demo-agent', ringS: 30, longestS: 7200 }
  const known = { ...facts, defaults, countedFor: 'agent', policy: undefined } as unknown as TransferFacts
  return makeTransfer({ to: '+15550003333', mode }, known)
}

async function connected (t: Test, tokens: string[], options: StageOptions & { route?: Route } = {}): Promise<Stage> {
  const { route, ...rest } = options
  const stage = buildTransferStage(t, { ...rest, warmPools: poolsWith(...tokens) })
  for (const token of tokens) {
    const request = roomFormat.warmRequest(warmRoomWith({ token, room: roomOfToken(token) }), poolWith())
    stage.rooms.open.set(request.name, request)
  }
  await stage.connect(route)
  t.equal((await stage.get(CALLER))!.attempts[0]!.room, roomOfToken(tokens[0]!), 'the caller is in a warm room')
  return stage
}

const joinOf = async (stage: Stage) =>
  (await stage.get(PERSON))!.attempts.findLast(({ strategy }) => strategy === 'join')

await t.test('consult: the person is brought into the warm room of the caller', async t => {
  const stage = await connected(t, [WARM_TOKEN])
  await stage.ask(asked((await stage.get(CALLER))!, 'consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  t.equal((await stage.get(PERSON))!.attempts[0]!.room, CONSULT_ROOM, 'a room of their own has no other token')

  stage.rooms.log.length = 0
  await stage.complete()
  t.match(await stage.redirect(PERSON), { kind: 'dial', attempt: 2 })
  t.match(await joinOf(stage), { token: WARM_TOKEN, visits: WARM_NAME })
  const looks = stage.rooms.log.filter(line => line.startsWith('look'))
  t.same(looks, [`look ${WARM_NAME}`], 'the caller is looked for there')
  await stage.status(PERSON, 'p1', 'completed')
  await stage.legUp(PERSON, 'p2')
  t.match((await stage.transfer()).outcome, { result: 'bridged' })
  t.notOk(stage.rooms.log.includes(`delete ${WARM_NAME}`))

  await stage.status(CALLER, CALLER, 'completed', { by: 'caller' })
  await stage.clock.pass(2000)
  await stage.quiet()
  t.ok(stage.rooms.log.includes(`delete ${WARM_NAME}`), 'the room is deleted with the call that has it')
})

await t.test('add: the person is dialled into the warm room at once', async t => {
  const stage = await connected(t, [WARM_TOKEN])
  await stage.ask(asked((await stage.get(CALLER))!, 'add'))
  await stage.status(PERSON, PERSON, 'ringing')
  t.match(await stage.personAnswers(), { kind: 'dial', attempt: 1 })
  t.match(await joinOf(stage), { token: WARM_TOKEN, visits: WARM_NAME })
  await stage.legUp(PERSON, 'p1')
  t.match((await stage.transfer()).outcome, { result: 'bridged' })
})

await t.test('an order that does not say the token: the record of the caller does', async t => {
  const stage = await connected(t, [WARM_TOKEN])
  await stage.ask(requestWith('add'))
  await stage.status(PERSON, PERSON, 'ringing')
  t.match(await stage.personAnswers(), { kind: 'dial', attempt: 1 })
  t.match(await joinOf(stage), { token: WARM_TOKEN, visits: WARM_NAME, way: { attempt: 1, token: WARM_TOKEN } })
})

/** The caller comes back from a phone, into the room of another attempt. */
async function movesOn (t: Test, tokens: string[]): Promise<Stage> {
  const room = { strategy: 'room', agent: 'demo-agent' } as const
  const stage = await connected(t, tokens, { rules: { agentLost: 'next' }, route: { ways: [room, room] } })
  await stage.ask(asked((await stage.get(CALLER))!, 'consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.personAnswers()
  await stage.legUp(PERSON, 'p1')
  stage.rooms.present = () => ({ sip: { sid: 'PA_1', callStatus: 'active' } })
  const event = { kind: 'livekit', room: roomOfToken(tokens[0]!), at: stage.clock.now() } as const
  const agent = { sid: 'PA_A', identity: 'agent-1', kind: 'AGENT', reason: 'CLIENT_INITIATED' } as const
  await stage.calls.apply(CALLER, { ...event, what: 'participant_left', participant: agent })
  const isLost = async () => (await stage.get(CALLER))!.attempts[0]!.agentLostAt !== undefined
  for (let s = 0; s < 30 && !await isLost(); s++) {
    await stage.clock.pass(1000)
    await stage.quiet()
  }
  await stage.status(CALLER, 'b1', 'completed')
  await stage.action(CALLER, 1, 'b1', ['completed', 200])
  await stage.legUp(CALLER, 'b2')
  await stage.complete()
  t.match(await stage.redirect(PERSON), { kind: 'dial', attempt: 2 })
  return stage
}

await t.test('the caller is in another warm room by then: the person follows', async t => {
  const stage = await movesOn(t, [WARM_TOKEN, NEXT_TOKEN])
  t.equal((await stage.get(CALLER))!.attempts.at(-1)!.token, NEXT_TOKEN)
  t.match(await joinOf(stage), {
    token: NEXT_TOKEN,
    visits: roomOfToken(NEXT_TOKEN),
    way: { attempt: 2, token: NEXT_TOKEN }
  })
})

await t.test('the caller is in a cold room by then: its token is derived', async t => {
  const stage = await movesOn(t, [WARM_TOKEN])
  const token = tokenOf(CALLER, 2)
  const join = await joinOf(stage)
  t.match(join, { token, visits: `jb_${token}`, way: { attempt: 2 } })
  t.notOk('token' in join!.way)
})

await t.test('blind: a caller who comes back is dialled into the warm room again', async t => {
  const stage = await connected(t, [WARM_TOKEN])
  await stage.ask(requestWith('blind'))
  t.match(await stage.redirect(CALLER), { kind: 'dial', attempt: 2 })
  await stage.status(CALLER, 'b1', 'completed')
  await stage.status(CALLER, 'phone', 'trying')
  await stage.status(CALLER, 'phone', 'busy', { sipStatus: 486 })
  t.match(await stage.action(CALLER, 2, 'phone', ['busy', 486]), { kind: 'dial', attempt: 1 })
  const back = (await stage.get(CALLER))!.attempts.at(-1)!
  t.match(back, { n: 1, token: WARM_TOKEN, room: WARM_NAME })
  t.notOk(stage.rooms.log.includes(`delete ${WARM_NAME}`))
})

await t.test('the order of a person who joins a cold room has no token: it is derived', async t => {
  const stage = buildTransferStage(t)
  await stage.connect()
  t.notOk('token' in asked((await stage.get(CALLER))!, 'consult').order!.transfer!)
})

await t.test("nobody but the person's call gets to know the token", async t => {
  const stage = await connected(t, [WARM_TOKEN])
  const caller = (await stage.get(CALLER))!
  const { order } = asked(caller, 'consult')
  t.equal(order!.transfer!.token, WARM_TOKEN)
  t.notMatch(JSON.stringify(openOrder(order!)), WARM_TOKEN, 'neither rooms nor hooks')
  await stage.ask(asked(caller, 'consult'))
  await stage.status(PERSON, PERSON, 'ringing')
  await stage.personAnswers()
  const person = (await stage.get(PERSON))!
  const plan = [{ strategy: 'join', callSid: CALLER, attempt: 1, token: WARM_TOKEN }] as const
  const { metadata, agent } = roomFormat.request({ ...person, plan: [...plan] }, person.attempts[0]!)
  t.notMatch(metadata + agent.metadata, WARM_TOKEN)
  t.notMatch(JSON.stringify((await stage.transfer()).person), WARM_TOKEN)
})

await t.test("a person's leg that nobody knows any more is one in the room of the caller", async t => {
  const rules = rulesWith()
  const adopted = (dialled: string, mode: 'consult' | 'add') => {
    const call = newCall(PERSON, START, factsWith({ direction: 'outbound' }), rules.app)
    const draft = { ...call, order: personOrder(mode) }
    adoptAttempt(draft, START, { dialled }, rules)
    return draft.attempts[0]!
  }
  for (const mode of ['consult', 'add'] as const) {
    const join = adopted(WARM_TOKEN, mode)
    t.match(join, { strategy: 'join', token: WARM_TOKEN, visits: WARM_NAME })
    t.equal(join.room, undefined, "so it is never deleted with the person's call")
    t.match(adopted(tokenOf(CALLER, 3), mode), { strategy: 'join', token: tokenOf(CALLER, 3), way: { attempt: 3 } })
  }
  t.match(adopted(tokenOf(PERSON, 1), 'consult'), { strategy: 'room', room: CONSULT_ROOM }, 'the consultation')
})
