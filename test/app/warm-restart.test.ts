import t, { type Test } from 'tap'
import { ask } from '../fixtures/agent-control.ts'
import {
  agentStatus,
  buildTestBridge,
  callerStatus,
  callHook,
  dialAction,
  type TestBridge
} from '../fixtures/build.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/*
 * A call in a warm room, as its agent and Jambonz meet it at the service, also when the process is another one by then.
 */

const WARM = { WARM_AGENTS: '2' }
const AGENT = { agent: { identity: 'agent-1', audio: true } }

/** LiveKit with an agent in every room, and bridges that come and go. */
function world (t: Test) {
  const clock = createTestClock()
  const rooms = createFakeRooms()
  rooms.present = () => AGENT
  return {
    clock,
    rooms,
    start: (env: Record<string, string> = WARM) => buildTestBridge(t, env, { clock, rooms })
  }
}

/** A call hook. @returns the room that the reply dials into, and what the agent in it got when it was dispatched */
async function called (bridge: TestBridge) {
  const hook = callHook()
  const callSid: string = hook['call_sid']
  const reply = await bridge.hook('/livekit-api', hook)
  const token: string = /^sip:(c[a-z2-7]{26})@/.exec(reply.json[0].target[0].sipUri)![1]!
  const room = `jb_${token}`
  const job = JSON.parse(bridge.rooms.open.get(room)!.agent.metadata)
  return { callSid, token, room, job, verbs: reply.json }
}

/** Hooks of an agent leg, with the token that was dialled. */
const leg = (callSid: string, token: string, status: 'trying' | 'ringing' | 'in-progress' | 'completed', sip: number) =>
  agentStatus(callSid, status, sip, { to: `sip:${token}@sip.example.com;transport=tcp` })

async function talks (bridge: TestBridge, callSid: string, token: string): Promise<void> {
  await bridge.hook('/status', leg(callSid, token, 'trying', 100))
  await bridge.hook('/status', leg(callSid, token, 'in-progress', 200))
  await bridge.hook('/status', callerStatus(callSid, 'in-progress', 200))
  bridge.rooms.present = () => ({ ...AGENT, sip: { sid: 'PA_1', callStatus: 'active' } })
}

const get = async (bridge: TestBridge, callSid: string) => (await bridge.operator('GET', `/calls/${callSid}`)).json

await t.test('the agent that waited controls the call that took its room, and no other one', async t => {
  const { start, clock, rooms } = world(t)
  const bridge = await start()
  await clock.pass(10_000)
  t.equal(rooms.open.size, 2)
  const waiting = [...rooms.open.values()].map(({ agent }) => JSON.parse(agent.metadata))
  for (const { control, mode } of waiting) {
    t.equal(mode, 'warm')
    t.match(await ask(bridge, 'GET', `${control.base}/nobody`, control.token), {
      status: 401,
      json: { code: 'BRIDGE_CALL_TOKEN', message: /No call has its room/ }
    })
  }

  const { callSid, token, room, job } = await called(bridge)
  t.same(waiting.filter(({ control }) => control.token === job.control.token).length, 1)
  const { base, token: key } = job.control
  t.match(await ask(bridge, 'GET', `${base}/${callSid}`, key), { status: 200, json: { callSid } })
  await clock.pass(10)
  const told = JSON.parse(rooms.open.get(room)!.metadata)
  t.match(told, { call: { callSid, from: '+15550001111' }, control: { url: `${base}/${callSid}` } })

  const other = await called(bridge)
  t.equal((await ask(bridge, 'GET', `${base}/${other.callSid}`, key)).status, 404)
  t.equal((await ask(bridge, 'POST', `${base}/${other.callSid}/hangup`, key)).status, 404)
  t.equal((await ask(bridge, 'GET', base, key)).status, 403, 'nor the list of calls')
  t.equal((await get(bridge, other.callSid)).phase, 'received')

  await talks(bridge, callSid, token)
  t.equal((await ask(bridge, 'POST', `${told.control.url}/hangup`, key)).status, 202)
  await bridge.hook('/status', leg(callSid, token, 'completed', 200))
  await bridge.hook('/status', callerStatus(callSid, 'completed', 200, { call_termination_by: 'jambonz' }))
  await clock.pass(5000)
  t.match((await get(bridge, callSid)).end, { cause: 'agent-hung-up' })
  t.match(await ask(bridge, 'GET', `${base}/${callSid}`, key), { status: 401, json: { message: /Its call has ended/ } })
})

await t.test('a call in a warm room is followed by the next process', async t => {
  const { start, clock, rooms } = world(t)
  const before = await start()
  await clock.pass(10_000)
  const { callSid, token, room, job } = await called(before)
  await talks(before, callSid, token)
  await clock.pass(100)
  await before.app.runner.stop()

  const after = await start()
  await clock.pass(500)
  t.match(await get(after, callSid), { phase: 'connected', attempts: [{ room, start: 'warm' }] })
  t.equal((await ask(after, 'GET', `${job.control.base}/${callSid}`, job.control.token)).status, 200)
  const metrics = (await after.app.inject('/metrics')).body
  t.match(metrics, /^bridge_call_starts_total\{start="warm",why="none"\} 0$/m, 'it began before')
  await clock.pass(120_000)
  t.equal((await get(after, callSid)).phase, 'connected')
  t.ok(rooms.open.has(room), 'neither the call nor the pool deletes its room')

  await after.hook('/status', leg(callSid, token, 'completed', 200))
  await after.hook('/action', dialAction(callSid, 'completed', 200, { call_status: 'completed' }))
  await after.hook('/status', callerStatus(callSid, 'completed', 200, { call_termination_by: 'caller' }))
  await clock.pass(5000)
  t.equal((await get(after, callSid)).end.cause, 'caller-hung-up')
  t.notOk(rooms.open.has(room))
})

const refer = (sid: string, token: string) => ({
  ...leg(sid, token, 'in-progress', 200),
  refer_details: { sip_refer_to: '<tel:+15559998888>', refer_to_user: '+15559998888' }
})

for (const [what, url, first, env] of [
  ['a status of the caller', '/status', (sid: string, _token: string) => callerStatus(sid, 'in-progress', 200), WARM],
  // These name the token that was dialled, so the room is found where no warm rooms are kept any more.
  ['a status of the agent leg', '/status', (sid: string, token: string) => leg(sid, token, 'in-progress', 200), {}],
  ['a transfer that the agent asks for', '/refer', refer, {}]
] as const) {
  await t.test(`the first hook after a restart, before LiveKit has told of its rooms: ${what}`, async t => {
    const { start, clock, rooms } = world(t)
    const before = await start()
    await clock.pass(10_000)
    const { callSid, token, room } = await called(before)
    await talks(before, callSid, token)
    await clock.pass(100)
    await before.app.runner.stop()

    rooms.mode = 'unreachable'
    const after = await start(env)
    rooms.mode = 'ok'
    await after.hook(url, first(callSid, token))
    t.match((await get(after, callSid)).attempts, [{ room }])
  })
}
