import t, { type Test } from 'tap'
import { agentStatus, buildTestBridge, callerStatus, callHook, dialAction, type TestBridge } from '../fixtures/build.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const FALLBACK = { FALLBACK_NUMBER: '+15551230009' }
const INSIDE = { sip: { sid: 'PA_sip1', callStatus: 'active' }, agent: { identity: 'agent-1', audio: true } }

/** One bridge that goes away without a word, and the next one. */
function world (t: Test, env: Record<string, string> = {}) {
  const clock = createTestClock()
  const rooms = createFakeRooms()
  return { clock, rooms, start: () => buildTestBridge(t, env, { clock, rooms }) }
}

/** What LiveKit knows outlives a bridge; its runner does not. */
async function vanish (bridge: TestBridge) {
  await bridge.app.runner.stop()
}

const get = async (bridge: TestBridge, sid: string) => (await bridge.operator('GET', `/calls/${sid}`)).json

async function talking (bridge: TestBridge, hook = callHook()) {
  const sid: string = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  const token = (await get(bridge, sid)).attempts[0].room.split('_')[1]
  for (
    const event of [
      agentStatus(sid, 'trying', 100),
      agentStatus(sid, 'ringing', 180),
      agentStatus(sid, 'in-progress', 200),
      callerStatus(sid, 'in-progress', 200)
    ]
  ) await bridge.hook('/status', event)
  return { sid, token }
}

await t.test('a call that talks is followed again by the next process', async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  const { sid } = await talking(before)
  await vanish(before)
  rooms.present = () => INSIDE
  const after = await start()
  await clock.pass(500)
  const call = await get(after, sid)
  t.match(call, {
    phase: 'connected',
    from: '+15550001111',
    to: '+15551230000',
    agent: 'demo-agent',
    attempts: [{ attempt: 1, degraded: false }]
  })
  await clock.pass(600_000)
  t.equal((await get(after, sid)).phase, 'connected', 'no deadline ends it')
  await after.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
  await clock.pass(2000)
  t.match((await get(after, sid)).end, { cause: 'caller-hung-up', by: 'caller' })
  t.same([...rooms.open.keys()], [])
})

await t.test('a call that ended while nobody was there ends now, and its room goes', async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  const { sid } = await talking(before)
  await vanish(before)
  await clock.pass(60_000)
  rooms.present = () => ({ agent: INSIDE.agent })
  const after = await start()
  await clock.pass(25_000)
  t.match((await get(after, sid)).end, { cause: 'lost', by: 'unknown' }, 'LiveKit said nothing of how it ended')
  t.same([...rooms.open.keys()], [])
})

await t.test('a call that rings goes on ringing, with its fallback', async t => {
  const { clock, rooms, start } = world(t, FALLBACK)
  const before = await start()
  const hook = callHook()
  const sid = hook['call_sid']
  await before.hook('/livekit-api', hook)
  await vanish(before)
  rooms.present = () => ({ sip: { sid: 'PA_sip1', callStatus: 'ringing' } })
  const after = await start()
  await clock.pass(500)
  t.equal((await get(after, sid)).phase, 'ringing')
  const reply = await after.hook('/action', dialAction(sid, 'no-answer', 487))
  t.match(reply.json, [{ verb: 'dial', target: [{ type: 'phone', number: '+15551230009' }] }])
})

await t.test('the next process answers a hook that comes before it has looked around', async t => {
  const { clock, rooms, start } = world(t, FALLBACK)
  const before = await start()
  const hook = callHook()
  const sid = hook['call_sid']
  await before.hook('/livekit-api', hook)
  await vanish(before)
  rooms.mode = 'failed'
  const after = await start()
  rooms.mode = 'ok'
  await after.hook('/status', agentStatus(sid, 'busy', 486))
  const call = await get(after, sid)
  t.equal(call.attempts[0].room, `jb_${[...rooms.open.keys()][0]!.split('_')[1]}`)
  t.ok(call.events.some(({ what }: { what: string }) => what === 'found'), 'from what its room says')
  await clock.pass(100)
  t.match((await after.hook('/action', dialAction(sid, 'busy', 486))).json, [{
    verb: 'dial',
    target: [{ number: '+15551230009' }]
  }])
})

await t.test('LiveKit is not there at start: it is asked until it is', async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  const { sid } = await talking(before)
  await vanish(before)
  rooms.mode = 'unreachable'
  const after = await start()
  await clock.pass(25_000)
  rooms.mode = 'ok'
  rooms.present = () => INSIDE
  await clock.pass(11_000)
  t.equal((await get(after, sid)).phase, 'connected')
})

await t.test('rooms of others are left alone, and so is what only looks like ours', async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  const { sid } = await talking(before)
  const [request] = [...rooms.open.values()]
  await vanish(before)
  const forged = {
    ...request!,
    name: `jb_c${'a'.repeat(26)}`,
    metadata: request!.metadata.replaceAll(sid, 'call-of-nobody')
  }
  t.match(forged.metadata, 'call-of-nobody')
  for (
    const room of [forged, { ...request!, name: 'somebody-elses', metadata: '{"v":1}' }, {
      ...request!,
      name: 'jb_cabin',
      metadata: 'no JSON'
    }]
  ) rooms.open.set(room.name, room)
  rooms.present = () => INSIDE
  const after = await start()
  await clock.pass(60_000)
  const event = { event: 'room_started', id: 'EV_1', room: { name: forged.name, metadata: forged.metadata } }
  t.equal(await after.livekitEvent(event), 200)
  t.same((await after.operator('GET', '/calls')).json.calls.map(({ callSid }: { callSid: string }) => callSid), [sid])
  t.ok(rooms.open.has(forged.name) && rooms.open.has('somebody-elses') && rooms.open.has('jb_cabin'))
})

await t.test('a room that an agent made again after its call was over is deleted', async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  await talking(before)
  const [request] = [...rooms.open.values()]
  await vanish(before)
  rooms.open.set(request!.name, { ...request!, metadata: '' })
  rooms.present = () => ({ agent: INSIDE.agent })
  await start()
  await clock.pass(29_000)
  t.equal(rooms.open.size, 1, 'its call may still turn up')
  await clock.pass(2000)
  t.equal(rooms.open.size, 0)
})

await t.test('a room that the SIP leg made tells by its header whose it is', async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  const { sid, token } = await talking(before)
  await vanish(before)
  const [request] = [...rooms.open.values()]
  rooms.open.set(request!.name, { ...request!, metadata: '' })
  rooms.callers = async () => [{ callSid: sid, called: token }]
  rooms.present = () => INSIDE
  const after = await start()
  await clock.pass(500)
  t.match(await get(after, sid), { phase: 'connected', from: '' })
  await after.hook('/status', callerStatus(sid, 'in-progress', 200))
  t.match(await get(after, sid), { from: '+15550001111', to: '+15551230000' })
})

await t.test("LiveKit's event about a room of ours brings its call back", async t => {
  const { clock, rooms, start } = world(t)
  const before = await start()
  const { sid } = await talking(before)
  await vanish(before)
  rooms.mode = 'unreachable'
  const after = await start()
  await clock.pass(40_000)
  const [request] = [...rooms.open.values()]
  t.equal(
    await after.livekitEvent({
      event: 'participant_left',
      id: 'EV_1',
      room: { name: request!.name, metadata: request!.metadata },
      participant: { sid: 'PA_agent1', identity: 'agent-1', kind: 'AGENT' }
    }),
    200
  )
  t.equal((await get(after, sid)).callSid, sid)
})

await t.test("the fallback's leg is known by its number", async t => {
  const { start } = world(t, FALLBACK)
  const bridge = await start()
  const hook = callHook()
  const sid = hook['call_sid']
  await bridge.hook('/status', agentStatus(sid, 'in-progress', 200, { to: '+15551230009' }))
  t.match(await get(bridge, sid), { phase: 'connected', attempts: [{ strategy: 'phone', attempt: 2 }] })
  await bridge.clock.pass(600_000)
  t.equal((await get(bridge, sid)).phase, 'connected', 'nobody looks for it in LiveKit')
})
