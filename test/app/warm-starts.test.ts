import t from 'tap'
import { agentStatus, buildTestBridge, callHook, callerStatus, OPERATOR_TOKEN } from '../fixtures/build.ts'
import type { FakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { createWarmLiveKit } from '../fixtures/warm-livekit.ts'

await t.test('operators see of each call whether an agent waited for it, and metrics count both', async t => {
  const clock = createTestClock()
  const livekit = createWarmLiveKit(clock)
  const bridge = await buildTestBridge(t, { WARM_AGENTS: '1', OPERATOR_TOKEN }, {
    clock,
    rooms: livekit.rooms as FakeRooms
  })
  await clock.pass(3000)

  const call = async (): Promise<string> => {
    const hook = callHook()
    await bridge.hook('/livekit-api', hook)
    return hook['call_sid'] as string
  }
  const warm = await call()
  const cold = await call()
  const last = await call()
  const attemptOf = async (sid: string) => (await bridge.operator('GET', `/calls/${sid}`)).json.attempts[0]
  const { start, whyCold, at } = await attemptOf(warm)
  t.same([start, whyCold], ['warm', undefined])
  t.ok(Date.parse(at.opened) - Date.parse(at.roomMade) > 1000, 'the room was made before the call')
  t.match(await attemptOf(cold), { start: 'cold', whyCold: 'empty', at: { roomMade: undefined } })

  await clock.pass(80)
  for (const sid of [warm, cold, last]) {
    await bridge.hook('/status', callerStatus(sid, 'trying', 100))
    await bridge.hook('/status', agentStatus(sid, 'trying', 100))
    await bridge.hook('/status', agentStatus(sid, 'in-progress', 200))
    await clock.pass(400)
  }

  const text = (await bridge.app.inject('/metrics')).body
  const metric = (series: string) => Number(text.split('\n').find(line => line.startsWith(`${series} `))?.split(' ')[1])
  t.equal(metric('bridge_call_starts_total{start="warm",why="none"}'), 1)
  t.equal(metric('bridge_call_starts_total{start="cold",why="empty"}'), 2)
  t.equal(metric('bridge_call_starts_total{start="cold",why="no-pool"}'), 0)
  t.equal(metric('bridge_hook_reply_seconds_count{start="warm"}'), 1)
  t.equal(metric('bridge_hook_reply_seconds_count{start="cold"}'), 2)
  t.equal(metric('bridge_hook_answered_seconds_bucket{le="0.1",start="warm"}'), 1)
  t.equal(metric('bridge_hook_answered_seconds_bucket{le="0.25",start="cold"}'), 0)
  t.equal(metric('bridge_hook_answered_seconds_bucket{le="0.5",start="cold"}'), 1)
})
