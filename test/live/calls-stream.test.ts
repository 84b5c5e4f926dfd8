import { setImmediate as nextTurn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import type { Feed, FeedListener } from '../../src/calls/store/feed.ts'
import type { Registry } from '../../src/calls/store/registry.ts'
import { callerStatus, callHook, buildTestBridge, SECRET, type TestBridge } from '../fixtures/build.ts'
import { openStream } from '../fixtures/event-stream.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const VIEWER_TOKEN = 'viewer-token-viewer-token'
const ENV = { VIEWER_TOKEN, CALLERS: 'shop:shop-token-shop-token' }

/** A frame comes at the latest after this time, milliseconds: what is collected, then the pause between two frames. */
const FRAME_MS = 150

await t.test('a page sees a call from its first hook to its end', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const page = await openStream(bridge.app, '/calls/stream', { token: VIEWER_TOKEN })
  t.match(page, { status: 200, type: 'text/event-stream; charset=utf-8' })
  t.match(await page.next(), { event: 'picture', data: { calls: [], more: false, counts: { received: 0 } } })

  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  await bridge.clock.pass(FRAME_MS)
  const callSid = hook['call_sid']
  const began = await page.next('calls')
  const row = { callSid, direction: 'inbound', from: '+15550001111', agent: 'demo-agent', failed: false }
  t.match(began.data.calls, [row])

  await bridge.hook('/status', callerStatus(callSid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.clock.pass(5000)
  const ended = await page.next('calls', ({ calls }) => calls.some((row: any) => row.phase === 'ended'))
  t.match(ended.data.calls, [{ callSid, end: { cause: 'caller-gave-up' }, failed: true }])
  t.ok(ended.data.calls[0].seq > began.data.calls[0].seq, 'the later row has the larger number')

  const late = await openStream(bridge.app, '/calls/stream')
  t.same((await late.next('picture')).data.calls, [], 'an ended call is not under way')
})

await t.test('whoever comes later gets a picture of all calls, newest first', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const sids: string[] = []
  for (let i = 0; i < 3; i++) {
    const hook = callHook()
    await bridge.hook('/livekit-api', hook)
    await bridge.clock.pass(1000)
    sids.unshift(hook['call_sid'])
  }
  const page = await openStream(bridge.app, '/calls/stream')
  const { data } = await page.next('picture')
  t.same(data.calls.map(({ callSid }: any) => callSid), sids)
})

await t.test('a call is streamed whole, with its ladder and its diagnosis', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const hook = callHook()
  const callSid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  await settle()
  const page = await openStream(bridge.app, `/calls/stream?callSid=${callSid}`)
  const first = await page.next('call')
  t.equal(first.data.call.callSid, callSid)
  t.match(first.data.ladder, { callSid, parties: ['caller', 'jambonz', 'bridge', 'livekit', 'agent'] })
  t.ok(first.data.diagnosis.summary)

  await bridge.hook('/status', callerStatus(callSid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.clock.pass(5000)
  const ended = await page.next('call', ({ call }) => call.phase === 'ended')
  t.equal(ended.data.diagnosis.cause, 'caller-gave-up')
  t.ok(ended.data.ladder.rows.length > first.data.ladder.rows.length)
  const { rows } = ended.data.ladder
  t.same(rows.map(({ seq }: any) => seq), rows.map((_: unknown, i: number) => i), 'its rows are numbered')
  for (const { event, what } of rows) {
    if (event !== undefined) t.ok(ended.data.call.events[event], `${what} names its event`)
  }
  const { json } = await bridge.operator('GET', `/calls/${callSid}/ladder`)
  t.same(json, ended.data.ladder, 'and the ladder can be asked for')
})

await t.test('who may watch what', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const status = async (url: string, token: string) => {
    const page = await openStream(bridge.app, url, { token })
    page.leave()
    return page.status
  }
  t.equal(await status('/calls/stream', 'nobody-s-token-at-all'), 401)
  t.equal(await status('/calls/stream', 'shop-token-shop-token'), 403, 'a key of CALLERS watches no list')
  const one = `/calls/stream?callSid=${hook['call_sid']}`
  t.equal(await status(one, 'shop-token-shop-token'), 404, "nor others' calls")
  t.equal(await status(one, VIEWER_TOKEN), 200)
  t.equal(await status('/calls/stream?callSid=nobody', VIEWER_TOKEN), 404)
  t.equal(await status('/calls/stream?phase=active', VIEWER_TOKEN), 400)
})

await t.test('a bridge that ends tells its pages when to come back', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const list = await openStream(bridge.app, '/calls/stream')
  const one = await openStream(bridge.app, `/calls/stream?callSid=${hook['call_sid']}`)
  await list.next('picture')
  await one.next('call')
  bridge.app.draining.drain()
  for (const page of [list, one]) {
    const { data } = await page.next('bye')
    t.equal(data.reason, 'draining')
    t.ok(data.retryMs >= 500 && data.retryMs <= 3000)
    t.same(await page.ended(), [])
  }
  const late = await openStream(bridge.app, '/calls/stream')
  t.ok(await late.next('bye'), 'one that comes during the drain is sent away too')
})

await t.test('when the last page has gone nothing is kept up any more', async t => {
  const bridge = await buildTestBridge(t, ENV)
  const url = await bridge.app.listen({ host: '127.0.0.1', port: 0 })
  const leaving = new AbortController()
  const page = await fetch(`${url}/calls/stream`, {
    headers: { authorization: `Bearer ${VIEWER_TOKEN}` },
    signal: leaving.signal
  })
  await page.body!.getReader().read()
  t.equal(bridge.app.live.viewers, 1)
  leaving.abort()
  while (bridge.app.live.viewers > 0) await nextTurn()
  t.pass('the page is forgotten')
})

/** What two processes tell each other, without Redis. `lossy`: it is lost. */
function sharedFeed () {
  const listeners = new Map<string, FeedListener>()
  const state = { lossy: false, told: 0 }
  const feedOf = (name: string): Feed => ({
    async tell (text) {
      state.told++
      for (const [other, listener] of listeners) if (other !== name && !state.lossy) listener.message(text)
      return listeners.size
    },
    listen (listener) {
      listeners.set(name, listener)
      return () => listeners.delete(name)
    }
  })
  return { state, feedOf }
}

async function twoReplicas (t: Test) {
  const clock = createTestClock()
  const store = createMemoryRegistry()
  const { state, feedOf } = sharedFeed()
  const replica = (name: string): Promise<TestBridge> => {
    const registry: Registry = { ...store, shared: true, feed: feedOf(name), close: async () => {} }
    return buildTestBridge(t, ENV, { clock, registry })
  }
  return { clock, state, one: await replica('one'), other: await replica('other') }
}

await t.test('a page of one replica sees the calls of the other', async t => {
  const { clock, one, other } = await twoReplicas(t)
  const page = await openStream(other.app, '/calls/stream')
  await page.next('picture')
  const hook = callHook()
  await one.hook('/livekit-api', hook, { secret: SECRET })
  await clock.pass(FRAME_MS)
  t.match((await page.next('calls')).data.calls, [{ callSid: hook['call_sid'] }])
})

await t.test('what is lost between the replicas is found in the store', async t => {
  const { clock, state, one, other } = await twoReplicas(t)
  const page = await openStream(other.app, '/calls/stream')
  await page.next('picture')
  state.lossy = true
  const hook = callHook()
  const callSid = hook['call_sid']
  await one.hook('/livekit-api', hook)
  await clock.pass(6000)
  t.match((await page.next('calls')).data.calls, [{ callSid }])

  await one.hook('/status', callerStatus(callSid, 'no-answer', 487, { call_termination_by: 'caller' }))
  await clock.pass(11_000)
  const { data } = await page.next('calls', ({ calls }) => calls.some((row: any) => row.phase === 'ended'))
  t.match(data.calls, [{ callSid, end: { cause: 'caller-gave-up' } }], 'its end too')
})

await t.test('while nobody watches, the others are hardly told anything', async t => {
  const { clock, state, one } = await twoReplicas(t)
  for (let i = 0; i < 20; i++) {
    await one.hook('/livekit-api', callHook())
    await clock.pass(45)
  }
  t.ok(state.told <= 2, `${state.told} messages in 0.9 s`)
})
