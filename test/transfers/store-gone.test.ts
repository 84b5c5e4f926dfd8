import type { Test } from 'tap'
import { agentStatus, callerStatus } from '../fixtures/build.ts'
import { controlOfCall } from '../fixtures/agent-control.ts'
import { settle } from '../fixtures/test-clock.ts'
import { PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { createUnsteadyRegistry, type UnsteadyRegistry } from '../fixtures/unsteady-registry.ts'
import { assertError } from '../orders/support.ts'
import { transferTest } from './support.ts'

/*
 * The store of calls is gone, or does not say what it has done, at each step of a transfer. Who asks gets a 503, and
 * what was asked for before goes on.
 */

const CONSULT = { to: PERSON, mode: 'consult' }
const MODES = ['blind', 'screen', 'refer', 'consult', 'add']
const UNAVAILABLE = [503, 'BRIDGE_STORE_UNAVAILABLE', /Redis/] as const

type Story = (t: Test, bridge: TransferBridge, store: UnsteadyRegistry) => Promise<unknown>

function storeTest (name: string, story: Story, policy: object = {}) {
  const registry = createUnsteadyRegistry()
  return transferTest(name, (t, bridge) => story(t, bridge, registry), { app: { registry }, policy })
}

/** The store does something, and does not say so. */
async function deafly<T> (store: UnsteadyRegistry, work: () => Promise<T>): Promise<T> {
  store.deaf = true
  return work().finally(() => {
    store.deaf = false
  })
}

/** A person who talks with the agent that consults them. @returns the caller's call and the transfer */
async function consulted (bridge: TransferBridge): Promise<{ sid: string, id: string }> {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await bridge.consulting('call-1')
  return { sid, id }
}

/** The person joins the caller, whom `complete` was asked for. */
async function joins (bridge: TransferBridge): Promise<void> {
  const asked = await bridge.redirected('call-1')
  await bridge.redirect(asked, callerStatus('call-1', 'in-progress', 200, { direction: 'outbound' }))
  await bridge.hook('/status', agentStatus('call-1', 'in-progress', 200, { call_sid: 'join-leg' }))
  await bridge.clock.pass(0)
}

await storeTest('asking: 503, nothing begins, and it counts nothing', async (t, bridge, store) => {
  const sid = await bridge.connected()
  for (const mode of MODES) {
    store.gone = true
    assertError(t, await bridge.transfer(sid, { to: PERSON, mode }), ...UNAVAILABLE)
    store.gone = false
    store.refuses = () => true
    assertError(t, await bridge.transfer(sid, { to: PERSON, mode }), ...UNAVAILABLE)
    store.refuses = () => false
  }
  await bridge.clock.pass(60_000)
  t.same(await bridge.transfersOf(sid), [])
  t.same(bridge.placed(), [])
  t.notOk(bridge.jambonz.requests.some(({ method }) => method === 'PUT'))
})

await storeTest('asking: it begins though the client does not hear so, once for a key', async (t, bridge, store) => {
  const sid = await bridge.connected()
  const { update } = store
  store.update = (...args) => deafly(store, () => update(...args))
  assertError(t, await bridge.transfer(sid, CONSULT, { key: 'once' }), ...UNAVAILABLE)
  store.update = update
  const [{ id }] = await bridge.transfersOf(sid)
  const again = await bridge.transfer(sid, CONSULT, { key: 'once' })
  t.match(again, { status: 202, json: { id }, headers: { 'idempotent-replayed': 'true' } })
  await bridge.clock.pass(2000)
  await bridge.personOrder()
  t.equal(bridge.placed().length, 1)
  await bridge.consulting('call-1')
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting' }])
})

await storeTest('completing: 503 changes nothing, and asking again brings them together', async (t, bridge, store) => {
  const { sid, id } = await consulted(bridge)
  const { token } = controlOfCall(bridge, 'call-1')
  for (const [callSid, options] of [[sid, {}], ['call-1', { token }]] as const) {
    store.gone = true
    assertError(t, await bridge.tell(callSid, id, 'complete', options), ...UNAVAILABLE)
    store.gone = false
    store.refuses = () => true
    assertError(t, await bridge.tell(callSid, id, 'complete', options), ...UNAVAILABLE)
    store.refuses = () => false
    t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting' }])
  }
  t.match(await bridge.tell('call-1', id, 'complete', { token }), { status: 202, json: { state: 'completing' } })
  await joins(bridge)
  t.match(await bridge.transfersOf(sid), [{ id, result: 'bridged', reason: 'completed' }])
})

await storeTest('completing: it is done, though the client does not hear so', async (t, bridge, store) => {
  const { sid, id } = await consulted(bridge)
  const { update } = store
  store.update = (...args) => deafly(store, () => update(...args))
  assertError(t, await bridge.tell(sid, id, 'complete'), ...UNAVAILABLE)
  store.update = update
  t.match(await bridge.tell(sid, id, 'complete'), { status: 202, json: { state: 'completing' } })
  await bridge.clock.pass(100)
  await joins(bridge)
  t.match(await bridge.transfersOf(sid), [{ id, result: 'bridged', reason: 'completed' }])
  t.equal(bridge.jambonz.ofCalls('PUT').length, 1, 'the person is redirected once')
})

await storeTest('cancelling: 503 changes nothing, and asking again ends it', async (t, bridge, store) => {
  const { sid, id } = await consulted(bridge)
  store.gone = true
  assertError(t, await bridge.tell(sid, id, 'cancel'), ...UNAVAILABLE)
  store.gone = false
  store.refuses = () => true
  assertError(t, await bridge.tell(sid, id, 'cancel'), ...UNAVAILABLE)
  store.refuses = () => false
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting' }])
  const hungUp = bridge.jambonz.next(({ method, path }) => method === 'PUT' && path === '/Calls/call-1')
  t.match(await bridge.tell(sid, id, 'cancel'), { status: 202, json: { result: 'returned', reason: 'cancelled' } })
  await bridge.clock.pass(2000)
  t.match((await hungUp).body, { call_status: 'completed' })
})

await storeTest('looking: 503, and the same as before once the store is back', async (t, bridge, store) => {
  const { sid, id } = await consulted(bridge)
  const { token } = controlOfCall(bridge, 'call-1')
  store.gone = true
  const all = `/calls/${sid}/transfers`
  for (const path of [all, `${all}/${id}`, `${all}/${id}?wait=5`]) {
    assertError(t, await bridge.ask('GET', path), ...UNAVAILABLE)
  }
  for (const path of ['/calls/call-1/transfers', `/calls/call-1/transfers/${id}`]) {
    assertError(t, await bridge.ask('GET', path, token), ...UNAVAILABLE)
  }
  store.gone = false
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting' }])
})

await storeTest('a request that is held waits the store out', async (t, bridge, store) => {
  const sid = await bridge.connected()
  const begun = bridge.transfer(sid, CONSULT, { query: '?wait=30' })
  await bridge.personOrder()
  store.gone = true
  await bridge.person('call-1', 'ringing', 180)
  await bridge.person('call-1', 'busy', 486)
  await bridge.clock.pass(5000)
  store.gone = false
  await bridge.clock.pass(10_000)
  t.match(await begun, { status: 202, json: { result: 'returned', reason: 'busy', sipStatus: 486 } })
})

await storeTest('and tells the last that is known when the store stays away', async (t, bridge, store) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await bridge.person('call-1', 'ringing', 180)
  await bridge.clock.pass(0)
  const held = bridge.ask('GET', `/calls/${sid}/transfers/${id}?wait=10`)
  await settle()
  store.gone = true
  await bridge.clock.pass(10_000)
  t.match(await held, { status: 200, json: { id, state: 'ringing' } })
  store.gone = false
})

await storeTest('what Jambonz says meanwhile is not lost: consulting and joining', async (t, bridge, store) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  store.gone = true
  t.match(await bridge.consulting('call-1'), { status: 200, json: [{ verb: 'dial' }] }, 'the person is answered')
  store.gone = false
  await bridge.clock.pass(6000)
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting', person: { callSid: 'call-1' } }])

  await bridge.tell(sid, id, 'complete')
  const asked = await bridge.redirected('call-1')
  store.gone = true
  const verbs = await bridge.redirect(asked, callerStatus('call-1', 'in-progress', 200, { direction: 'outbound' }))
  t.match(verbs, { status: 200, json: [{ verb: 'dial', callerId: PERSON }] }, 'the person is not kept waiting')
  await bridge.hook('/status', agentStatus('call-1', 'completed', 200))
  await bridge.hook('/status', agentStatus('call-1', 'in-progress', 200, { call_sid: 'join-leg' }))
  store.gone = false
  await bridge.clock.pass(6000)
  t.match(await bridge.transfersOf(sid), [{ id, result: 'bridged', reason: 'completed' }])
})

await storeTest('what Jambonz says meanwhile is not lost: the caller who is gone', async (t, bridge, store) => {
  const { sid, id } = await consulted(bridge)
  store.gone = true
  await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.hook('/status', agentStatus(sid, 'completed', 200))
  const hungUp = bridge.jambonz.next(({ method, path }) => method === 'PUT' && path === '/Calls/call-1')
  store.gone = false
  await bridge.clock.pass(8000)
  t.match((await hungUp).body, { call_status: 'completed' }, 'nobody leaves the person with nobody')
  t.match(await bridge.transfersOf(sid), [{ id, result: 'failed', reason: 'caller-gone' }])
})
