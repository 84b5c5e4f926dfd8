import t from 'tap'
import { createCalls, type Calls } from '../../src/calls/calls.ts'
import { DutyWork } from '../../src/calls/duty-work.ts'
import type { Call, CallStatus, DutyKind } from '../../src/calls/fold/call.ts'
import { factsOfOrder, openOrder, type Order } from '../../src/calls/fold/order.ts'
import { CapacityError } from '../../src/errors.ts'
import type { Update } from '../../src/calls/store/registry.ts'
import { roomFormat, rulesWith } from '../fixtures/events.ts'
import { createFakeRegistrar } from '../fixtures/fake-registrar.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { placedOrder } from '../fixtures/order-story.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { createUnsteadyRegistry, type UnsteadyRegistry } from '../fixtures/unsteady-registry.ts'

/*
 * How the call of an order gets its name, whoever hears it first, and what may come between.
 */

const SID = 'call-1'
const order = placedOrder()

function build ({ registry = createUnsteadyRegistry(), maxCalls = 0 } = {}) {
  const clock = createTestClock()
  const rooms = createFakeRooms()
  const observer = { changed () {}, failed () {}, store () {} }
  const process = () =>
    createCalls({
      registry,
      rules: rulesWith({ callControl: true, publishes: true, app: { agent: 'reception', metadata: '' } }),
      rooms,
      roomFormat,
      registrar: createFakeRegistrar(),
      clock,
      prepareTimeoutMs: 3000,
      callHookDeadlineMs: 6000,
      handOverMs: 0,
      maxCalls,
      capacityStatus: 486,
      observer
    })
  const calls = process()
  const hooksOf = (calls: Calls, of: Order = openOrder(order)) => {
    const common = () => ({
      callSid: SID,
      facts: factsOfOrder(order),
      order: { id: order.id, order: of },
      at: clock.now()
    })
    return {
      status: (callStatus: CallStatus) =>
        calls.apply(SID, { ...common(), kind: 'status', leg: 'caller', legSid: SID, callStatus }),
      callHook: () => calls.receive({ ...common(), hash: 'h', answered: true, redirected: false })
    }
  }
  const send = async () => {
    await calls.apply(order.id, { kind: 'ordered', order, at: clock.now() })
    await calls.apply(order.id, { kind: 'sending', at: clock.now() })
  }
  return { registry, clock, rooms, roomFormat, observer, process, calls, hooksOf, send }
}

/** Does something once: after the call was written under its call_sid, before its order's record is removed. */
function between (registry: UnsteadyRegistry, act: () => Promise<unknown>): void {
  const { update } = registry
  let done = false
  registry.update = async (callSid: string, fn: Update, limit?: number) => {
    const call = await update(callSid, fn, limit)
    if (callSid === SID && !done) {
      done = true
      await act()
    }
    return call
  }
}

const dutyOf = async (registry: UnsteadyRegistry, kind: DutyKind) =>
  (await registry.get(SID))?.duties.find(duty => duty.kind === kind)

await t.test('whoever hears the name first gives it, and the rest changes nothing', async t => {
  const { calls, registry, send, hooksOf, process } = build()
  await send()
  await hooksOf(process()).status('trying')
  t.equal(await registry.get(order.id), undefined, 'the record goes on under the call_sid')
  const call = await registry.get(SID)
  t.match(call, { phase: 'dialing', order: { id: order.id, metadata: order.metadata } }, 'with what no hook says')
  await calls.named(SID, { id: order.id, order })
  t.equal(await registry.get(SID), call)
  t.equal((await calls.find(order.id))?.callSid, SID)
})

await t.test('an operator hangs up while the call gets its name', async t => {
  const { calls, registry, send } = build()
  await send()
  between(registry, () => calls.apply(order.id, { kind: 'hangup', at: 0 }))
  await calls.named(SID, { id: order.id, order })
  t.match(await dutyOf(registry, 'hang-up'), { target: 'no-answer' })
  t.equal(await registry.get(order.id), undefined)
})

await t.test('why a call was hung up goes with its name', async t => {
  const { calls, registry, send } = build()
  await send()
  await calls.apply(order.id, { kind: 'hangup', for: 'cancelled', at: 0 })
  await calls.named(SID, { id: order.id, order })
  t.match(await registry.get(SID), { hangupFor: 'cancelled' })
})

await t.test('an order that has its name by then is hung up under it', async t => {
  const { calls, registry, send } = build()
  await send()
  const { get } = registry
  let asked = 0
  registry.get = async callSid => {
    const call = await get(callSid)
    if (callSid === order.id && asked++ === 0) await calls.named(SID, { id: order.id, order })
    return call
  }
  t.equal((await calls.hangUp(order.id)).callSid, SID)
  t.ok((await get(SID))?.hangupAt)
})

await t.test('an order is given up while the call gets its name: the call is hung up, and told once', async t => {
  const { calls, registry, clock, send, hooksOf } = build()
  await send()
  await clock.pass(121_000)
  between(registry, () => calls.apply(order.id, { kind: 'wake', at: clock.now(), statusesExpected: false }))
  await calls.named(SID, { id: order.id, order })
  t.match(await registry.get(order.id), { phase: 'ended', end: { cause: 'lost' } })
  t.match(await registry.get(SID), { hangupFor: 'given-up' })
  t.ok(await dutyOf(registry, 'hang-up'))
  await hooksOf(calls).status('no-answer')
  const told = (await registry.get(SID))?.duties.filter(({ kind }) => kind === 'publish').map(({ target }) => target)
  t.same(told, ['call.started', 'call.ended'], 'what was begun to be told is told to its end')
})

await t.test('a process dies between the two: Jambonz need not be asked', async t => {
  const { calls, registry, clock, rooms, roomFormat, observer, send } = build()
  await send()
  between(registry, async () => {
    throw new Error('killed')
  })
  await t.rejects(calls.named(SID, { id: order.id, order }))
  const requested = await registry.get(order.id)
  t.ok(requested)
  const placer = {
    async find (): Promise<string | undefined> {
      throw new Error('Jambonz is asked')
    }
  }
  const work = new DutyWork({ commits: calls, rooms, roomFormat, placer, clock, observer })
  await work.perform(requested!, requested!.duties[0]!)
  t.equal(await registry.get(order.id), undefined)
})

await t.test('the store is gone when the call is placed, and while it is answered', async t => {
  const { calls, registry, clock, rooms, send, hooksOf, process } = build()
  await send()
  registry.gone = true
  const placed = await calls.named(SID, { id: order.id, order })
  t.match(placed, { callSid: SID, phase: 'dialing' })
  const other = process()
  await hooksOf(other).status('ringing')
  const { call, reply } = await hooksOf(other).callHook()
  t.match(reply, { kind: 'dial', attempt: 1 })
  t.match(call?.attempts, [{ agent: order.agent }], 'the agent of the order, by what Jambonz says of it')
  t.equal([...rooms.open.values()][0]?.agent.name, order.agent)

  registry.gone = false
  await clock.pass(10_000)
  t.equal(await registry.get(order.id), undefined)
  // The other replica's events are collected until nobody can have more of them.
  await calls.apply(SID, { kind: 'wake', at: clock.now(), statusesExpected: true })
  const after: Call | undefined = await registry.get(SID)
  t.match(after, { order: { id: order.id, metadata: order.metadata }, facts: { direction: 'outbound' } })
  t.match(after?.attempts, [{ n: 1, agent: order.agent, at: { replied: Number } }])
  t.equal(after?.attempts.length, 1)
})

await t.test('the call hook of an order is answered while nobody new is let in', async t => {
  for (const mode of ['full', 'draining'] as const) {
    const { calls, hooksOf, send } = build({ maxCalls: 1 })
    await send()
    await hooksOf(calls).status('ringing')
    if (mode === 'draining') calls.drain()
    t.match((await hooksOf(calls).callHook()).reply, { kind: 'dial' }, mode)
  }
})

await t.test('an order that is one too many is refused', async t => {
  const { calls, send } = build({ maxCalls: 1 })
  await send()
  const another = placedOrder({ id: 'order-2' })
  await t.rejects(calls.apply(another.id, { kind: 'ordered', order: another, at: 0 }), new CapacityError())
})

await t.test('a hook of an order that nobody knows is followed by what it says, if its seal is ours', async t => {
  const { calls, hooksOf, registry } = build()
  await hooksOf(calls).status('trying')
  t.match(await registry.get(SID), { order: { id: order.id, reference: 'user-1' } })
  const stranger = build()
  await stranger.calls.apply(SID, {
    kind: 'status',
    callSid: SID,
    facts: factsOfOrder(order),
    leg: 'caller',
    legSid: SID,
    callStatus: 'trying',
    order: { id: order.id },
    at: stranger.clock.now()
  })
  t.notOk((await stranger.registry.get(SID))?.order)
})
