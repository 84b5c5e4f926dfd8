import t from 'tap'
import { buildTestBridge, callHook, closeApp } from '../fixtures/build.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { createWarmLiveKit } from '../fixtures/warm-livekit.ts'
import type { FakeRooms } from '../fixtures/fake-rooms.ts'

const metric = (text: string, series: string): number | undefined => {
  const line = text.split('\n').find(line => line.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length))
}

async function bridgeWith (t: { after(fn: () => unknown): unknown }, env: Record<string, string>) {
  const clock = createTestClock()
  const livekit = createWarmLiveKit(clock)
  const bridge = await buildTestBridge(t, env, { clock, rooms: livekit.rooms as FakeRooms })
  livekit.listeners.push(event => bridge.app.calls.hear(event, undefined))
  const metrics = async () => (await bridge.app.inject('/metrics')).body
  return { clock, livekit, bridge, metrics }
}

await t.test('a call goes into the room of a waiting agent, without a request to LiveKit before the reply', async t => {
  const { clock, livekit, bridge, metrics } = await bridgeWith(t, { WARM_AGENTS: '2' })
  t.equal(metric(await metrics(), 'bridge_warm_rooms_wanted{agent="demo-agent"}'), 2)
  await clock.pass(3000)
  t.equal(metric(await metrics(), 'bridge_warm_rooms{agent="demo-agent",state="ready"}'), 2)
  const warm = [...livekit.open.keys()]
  const asked = livekit.log.length
  const reply = await bridge.hook('/livekit-api', callHook())
  const uri: string = reply.json[0].target[0].sipUri
  const room = warm.find(room => uri.startsWith(`sip:${room.slice('jb_'.length)}@`))
  t.ok(room, 'the dial leads into a room that was there')
  t.notOk(livekit.log.slice(asked).some(line => line.startsWith('create')))
  await clock.pass(3000)
  t.equal(metric(await metrics(), 'bridge_warm_rooms{agent="demo-agent",state="ready"}'), 2, 'it was replaced')
  t.equal(metric(await metrics(), 'bridge_warm_rooms_made_total{outcome="created"}'), 3)
  t.equal(metric(await metrics(), 'bridge_warm_rooms_left_total{why="agent-left"}'), 0)
})

await t.test('without pools there is nothing to see of them', async t => {
  const { clock, livekit, metrics } = await bridgeWith(t, {})
  await clock.pass(10_000)
  t.notMatch(await metrics(), /bridge_warm/)
  t.same(livekit.made, [])
})

await t.test('a bridge that stops deletes the rooms that wait, and not those of calls', async t => {
  const { clock, livekit, bridge } = await bridgeWith(t, { WARM_AGENTS: '3' })
  await clock.pass(3000)
  await bridge.hook('/livekit-api', callHook())
  bridge.app.draining.drain()
  await clock.pass(3000)
  t.equal(livekit.made.length, 3, 'a bridge that drains makes no more')
  await closeApp(bridge.app, clock)
  t.equal(livekit.open.size, 1, 'the call goes on')
})

await t.test('the operator learns once that a pool cannot be filled, and that it is filled again', async t => {
  const { clock, livekit, bridge } = await bridgeWith(t, { WARM_AGENTS: '2' })
  livekit.failure = 'unreachable'
  await clock.pass(60_000)
  livekit.failure = undefined
  await clock.pass(60_000)
  const lines = bridge.logged().split('\n').filter(line => line.includes('"agent":"demo-agent"'))
  t.same(lines.map(line => JSON.parse(line)).map(({ level, trouble }) => [level, trouble]), [
    [40, 'livekit'],
    [30, undefined]
  ])
})
