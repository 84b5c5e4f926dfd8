import t from 'tap'
import { agentStatus, buildTestBridge, callerStatus, callHook, dialAction } from '../fixtures/build.ts'
import { createUnsteadyRegistry } from '../fixtures/unsteady-registry.ts'

const FALLBACK = { FALLBACK_NUMBER: '+15551230009' }

for (const how of ['gone', 'deaf'] as const) {
  await t.test(`a whole call while the store is ${how}: dialled, followed, and handed over`, async t => {
    const registry = createUnsteadyRegistry()
    const bridge = await buildTestBridge(t, FALLBACK, { registry })
    registry[how] = true
    const hook = callHook()
    const sid = hook['call_sid']
    const { json: verbs } = await bridge.hook('/livekit-api', hook)
    t.match(verbs, [{ verb: 'dial', target: [{ type: 'sip', sipUri: /^sip:c[a-z2-7]{26}@/ }] }, {
      verb: 'sip:decline'
    }])
    const room = [...bridge.rooms.open.keys()][0]!
    t.equal(room, `jb_${verbs[0].target[0].sipUri.slice(4, 31)}`)
    t.same((await bridge.hook('/livekit-api', hook)).json, verbs, 'a repeat gets the same')
    for (
      const event of [
        callerStatus(sid, 'trying', 100),
        agentStatus(sid, 'trying', 100),
        agentStatus(sid, 'ringing', 180)
      ]
    ) t.equal((await bridge.hook('/status', event)).status, 200)
    t.equal(
      await bridge.livekitEvent({
        event: 'participant_joined',
        id: 'EV_1',
        room: { name: room },
        participant: { sid: 'PA_1', identity: 'agent-1', kind: 'AGENT' }
      }),
      200
    )
    await bridge.hook('/status', agentStatus(sid, 'busy', 486))
    t.match((await bridge.hook('/action', dialAction(sid, 'busy', 486))).json, [{
      verb: 'dial',
      target: [{ type: 'phone', number: '+15551230009' }]
    }], 'the fallback too')
    t.equal((await bridge.app.inject('/health/ready')).statusCode, 200)
    t.match((await bridge.app.inject('/health/ready')).json().degraded, ['Redis: connection refused'])
    const metrics = await bridge.app.inject('/metrics')
    t.equal(metrics.statusCode, 200)
    t.match(metrics.body, /^bridge_events_waiting [1-9]/m)
    t.notMatch(metrics.body, /^bridge_calls\{/m, 'nobody can count')
    const refused = await bridge.operator('GET', `/calls/${sid}`)
    t.equal(refused.status, 503)
    t.equal(refused.json.code, 'BRIDGE_STORE_UNAVAILABLE')
    await bridge.clock.pass(60_000)

    registry[how] = false
    await bridge.clock.pass(10_000)
    const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
    t.match(call.attempts, [{ room }, { strategy: 'phone' }])
    t.ok(
      call.events.some(({ what }: { what: string }) => what === 'participant_joined'),
      "LiveKit's event was not lost"
    )
    t.same([...bridge.rooms.open.keys()], [], 'its room is deleted')
    t.ok((await bridge.operator('GET', `/calls/${sid}`)).json.attempts[0].cause, 'the first attempt ended')
    t.same((await bridge.app.inject('/health/ready')).json().degraded, [])
    t.match((await bridge.app.inject('/metrics')).body, /^bridge_events_waiting 0/m)
    await bridge.hook('/status', callerStatus(sid, 'no-answer', 487, { call_termination_by: 'caller' }))
    await bridge.clock.pass(5000)
    t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'ended')
  })
}

await t.test('two replicas keep parts of the same calls, and hand them over in any order', async t => {
  const registry = createUnsteadyRegistry()
  const one = await buildTestBridge(t, {}, { registry })
  const other = await buildTestBridge(t, {}, { registry, clock: one.clock, rooms: one.rooms })
  registry.gone = true
  const hooks = Array.from({ length: 12 }, () => callHook({ env_vars: { FALLBACK_NUMBER: '+15557654321' } }))
  for (const [i, hook] of hooks.entries()) {
    const sid = hook['call_sid']
    const steps: Array<(bridge: typeof one) => Promise<unknown>> = [
      bridge => bridge.hook('/livekit-api', hook),
      bridge => bridge.hook('/status', callerStatus(sid, 'trying', 100)),
      bridge => bridge.hook('/status', agentStatus(sid, 'ringing', 180)),
      ...(i % 2 === 0
        ? [
            (bridge: typeof one) => bridge.hook('/status', agentStatus(sid, 'in-progress', 200)),
            (bridge: typeof one) =>
              bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
          ]
        : [
            (bridge: typeof one) => bridge.hook('/status', agentStatus(sid, 'busy', 486)),
            async (bridge: typeof one) =>
              t.match((await bridge.hook('/action', dialAction(sid, 'busy', 486))).json, [{
                verb: 'dial',
                target: [{ number: '+15557654321' }]
              }], 'whichever knows the call'),
            (bridge: typeof one) =>
              bridge.hook('/status', agentStatus(sid, 'in-progress', 200, { call_sid: `c-${sid}`, to: '+15557654321' }))
          ])
    ]
    for (const [n, step] of steps.entries()) {
      await step((i + n) % 3 === 0 ? one : other)
      await one.clock.pass(20)
    }
  }
  registry.gone = false
  await one.clock.pass(20_000)
  for (const [i, hook] of hooks.entries()) {
    const { json: call } = await one.operator('GET', `/calls/${hook['call_sid']}`)
    t.equal(call.earlier.length, 0, 'one record')
    t.equal(call.attempts.length, i % 2 === 0 ? 1 : 2)
    if (i % 2 === 0) t.match(call, { phase: 'ended', end: { cause: 'caller-hung-up' } })
    else t.match(call, { phase: 'connected', attempts: [{ strategy: 'room' }, { strategy: 'phone' }] })
  }
  t.same([...one.rooms.open.keys()], [])
})

await t.test('a call that was known before is answered by what this process knows of it', async t => {
  const registry = createUnsteadyRegistry()
  const bridge = await buildTestBridge(t, {}, { registry })
  const hook = callHook({ env_vars: { FALLBACK_NUMBER: '+15557654321' } })
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  registry.gone = true
  t.match((await bridge.hook('/action', dialAction(sid, 'busy', 486))).json, [{
    verb: 'dial',
    target: [{ number: '+15557654321' }]
  }])
  registry.gone = false
})

await t.test('a store that comes and goes loses nothing and ends a call once', async t => {
  const registry = createUnsteadyRegistry()
  const bridge = await buildTestBridge(t, {}, { registry })
  const sids: string[] = []
  for (let i = 0; i < 20; i++) {
    const hook = callHook()
    const sid = hook['call_sid']
    sids.push(sid)
    const steps = [
      () => bridge.hook('/livekit-api', hook),
      () => bridge.hook('/status', agentStatus(sid, 'ringing', 180)),
      () => bridge.hook('/status', agentStatus(sid, 'in-progress', 200)),
      () => bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' })),
      () => bridge.hook('/action', dialAction(sid, 'completed', 200, { call_status: 'completed' }))
    ]
    for (const [n, step] of steps.entries()) {
      registry.gone = (i + n) % 3 === 0
      registry.deaf = (i + n) % 5 === 0
      await step()
    }
  }
  registry.gone = registry.deaf = false
  await bridge.clock.pass(5000)
  for (const sid of sids) {
    const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
    t.equal(call.end?.cause, 'caller-hung-up')
    t.equal(call.events.filter(({ what }: { what: string }) => what === 'call ended').length, 1)
  }
  t.same([...bridge.rooms.open.keys()], [])
})

await t.test("LiveKit's word of a call that is just being handed over is not lost", async t => {
  for (const ms of [0, 100, 400, 1500]) {
    const registry = createUnsteadyRegistry()
    const bridge = await buildTestBridge(t, {}, { registry })
    registry.gone = true
    const hook = callHook()
    const sid = hook['call_sid']
    await bridge.hook('/livekit-api', hook)
    const [room] = [...bridge.rooms.open.values()]
    await bridge.hook('/status', agentStatus(sid, 'ringing', 180))
    registry.gone = false
    await bridge.clock.pass(ms)
    // Verified on another thread: time must not pass before each of them is there.
    const answers: Array<Promise<number>> = []
    for (
      const event of [
        {
          event: 'participant_joined',
          id: 'EV_1',
          room: { name: room!.name, metadata: room!.metadata },
          participant: { sid: 'PA_1', identity: 'agent-1', kind: 'AGENT' }
        },
        {
          event: 'track_published',
          id: 'EV_2',
          room: { name: room!.name },
          participant: { sid: 'PA_1', identity: 'agent-1' },
          track: { sid: 'TR_1', type: 'AUDIO' }
        }
      ]
    ) {
      const asked = registry.asked()
      answers.push(bridge.livekitEvent(event))
      await asked
    }
    await bridge.clock.pass(8000)
    t.same(await Promise.all(answers), [200, 200])
    const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
    t.ok(call.at.agentJoined, `${ms} ms after the store came back`)
    t.ok(call.at.agentAudio)
    t.notOk(call.events.some(({ what }: { what: string }) => what === 'agent dispatched again'))
  }
})

await t.test(
  'the store goes again soon after it came back: what is kept then is not held up by what nobody ' +
    'knows',
  async t => {
    const registry = createUnsteadyRegistry()
    const one = await buildTestBridge(t, {}, { registry })
    const other = await buildTestBridge(t, {}, { registry, clock: one.clock, rooms: one.rooms })
    const hook = callHook()
    const sid = hook['call_sid']
    await one.hook('/livekit-api', hook)
    const [room] = [...one.rooms.open.keys()]
    for (
      const event of [
        agentStatus(sid, 'ringing', 180),
        agentStatus(sid, 'in-progress', 200),
        callerStatus(sid, 'in-progress', 200)
      ]
    ) await one.hook('/status', event)
    registry.gone = true
    t.equal(
      await other.livekitEvent({
        event: 'track_published',
        id: 'EV_0',
        room: { name: 'jb_of-somebody-else' },
        participant: { sid: 'PA_0', identity: 'somebody' },
        track: { sid: 'TR_0', type: 'AUDIO' }
      }),
      200
    )
    registry.gone = false
    await one.clock.pass(500)
    registry.gone = true
    await other.hook('/status', agentStatus(sid, 'completed', 200))
    await other.hook('/action', dialAction(sid, 'completed', 200, { call_status: 'in-progress' }))
    await one.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'jambonz' }))
    t.equal(
      await one.livekitEvent({
        event: 'participant_left',
        id: 'EV_1',
        room: { name: room },
        participant: { sid: 'PA_1', identity: 'agent-1', kind: 'AGENT', disconnectReason: 'ROOM_DELETED' }
      }),
      200
    )
    await one.clock.pass(500)
    registry.gone = false
    await one.clock.pass(6000)
    t.match((await one.operator('GET', `/calls/${sid}`)).json, { phase: 'ended', end: { cause: 'agent-hung-up' } })
    await one.clock.pass(6000)
    t.match((await other.app.inject('/metrics')).body, /^bridge_events_waiting 0/m, 'and nothing is kept for ever')
  }
)

await t.test(
  'a call that is brought back while the store is gone does not end up in the room that it is ' +
    'in',
  async t => {
    const registry = createUnsteadyRegistry()
    const one = await buildTestBridge(t, {}, { registry })
    const other = await buildTestBridge(t, {}, { registry, clock: one.clock, rooms: one.rooms })
    const hook = callHook()
    const sid = hook['call_sid']
    const { json: first } = await one.hook('/livekit-api', hook)
    for (const event of [agentStatus(sid, 'ringing', 180), agentStatus(sid, 'in-progress', 200)]) {
      await one.hook('/status', event)
    }
    registry.gone = true
    const { sip: _sip, ...brought } = hook
    const { json: second } = await other.hook('/livekit-api', { ...brought, call_status: 'in-progress' })
    t.equal(second[0].verb, 'dial')
    t.not(second[0].target[0].sipUri, first[0].target[0].sipUri, 'a room of its own')
    registry.gone = false
    await one.clock.pass(6000)
    const { json: call } = await one.operator('GET', `/calls/${sid}`)
    t.match(call.attempts, [{ cause: 'redirected' }, { attempt: 2 }])
  }
)

await t.test('what is still kept when the process ends is handed over if the store comes back in time', async t => {
  const registry = createUnsteadyRegistry()
  const bridge = await buildTestBridge(t, {}, { registry })
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  registry.gone = true
  await bridge.hook('/status', callerStatus(hook['call_sid'], 'no-answer', 487, { call_termination_by: 'caller' }))
  const closed = bridge.app.close()
  await bridge.clock.pass(3000)
  registry.gone = false
  await bridge.clock.pass(1000)
  await closed
  t.equal((await registry.get(hook['call_sid']))?.late?.events.length, 1)
})

await t.test('and is said to be lost if not', async t => {
  const registry = createUnsteadyRegistry()
  const bridge = await buildTestBridge(t, {}, { registry })
  registry.gone = true
  await bridge.hook('/livekit-api', callHook())
  const closed = bridge.app.close()
  await bridge.clock.pass(60_000)
  await closed
  t.match(bridge.logged(), /buffered events are lost/)
})

await t.test('what cannot be kept any more is counted, and hooks are answered all the same', async t => {
  const registry = createUnsteadyRegistry()
  const bridge = await buildTestBridge(t, { LOG_LEVEL: 'silent' }, { registry })
  registry.gone = true
  const hook = callHook()
  const calls = bridge.app.calls
  await bridge.hook('/livekit-api', hook)
  const event = { kind: 'hook-abandoned', at: bridge.clock.now() } as const
  for (let i = 0; i < 20_000; i++) await calls.apply(hook['call_sid'], event)
  t.equal(calls.waiting, 20_000, 'no more than that')
  t.match((await bridge.hook('/livekit-api', callHook())).json, [{ verb: 'dial' }, { verb: 'sip:decline' }])
  t.match((await bridge.app.inject('/metrics')).body, /^bridge_events_lost_total [1-9]/m)
  registry.gone = false
})
