import { agentStatus, callHook, callerStatus, dialAction, SECRET, sign } from '../fixtures/build.ts'
import { bridgeTest, exchange, kept, listen, rawPost, registryWith } from './support.ts'

const NUMBERS = { from: '+15550001111', to: '+15551230000' }

for (const url of ['/status', '/call-status']) {
  await bridgeTest(`${url}: an unknown call begins with a status that is not its last`, async (t, bridge) => {
    const sid = callHook()['call_sid']
    const reply = await bridge.hook(url, callerStatus(sid, 'trying', 100))
    t.equal(reply.status, 200)
    t.equal(reply.text, '')
    t.match((await bridge.operator('GET', `/calls/${sid}`)).json, {
      callSid: sid,
      phase: 'received',
      ...NUMBERS,
      attempts: []
    })
  })

  for (const [status, sipStatus] of [['completed', 200], ['failed', 480], ['busy', 486], ['no-answer', 487]] as const) {
    await bridgeTest(`${url}: of an unknown call's last status (${status}) a tombstone remains`, async (t, bridge) => {
      const sid = callHook()['call_sid']
      t.equal((await bridge.hook(url, callerStatus(sid, status, sipStatus))).status, 200)
      const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
      t.match(call, { callSid: sid, phase: 'ended', ...NUMBERS })
      t.ok(call.end.cause)
      t.same((await bridge.operator('GET', '/calls?phase=active')).json.calls, [])
      await bridge.clock.pass(901_000)
      t.equal(await kept(bridge), 0, 'forgotten after CALL_RETENTION_S')
    })
  }
}

await bridgeTest("a status of the agent leg belongs to the caller's call", async (t, bridge) => {
  const sid = callHook()['call_sid']
  await bridge.hook('/status', agentStatus(sid, 'ringing', 180))
  const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
  t.match(call, { callSid: sid, phase: 'ringing', attempts: [{ attempt: 1, strategy: 'room', agent: 'demo-agent' }] })
  t.notMatch(
    JSON.stringify({ from: call.from, to: call.to }),
    'sip:token@',
    "the agent leg's target is no number of the call"
  )
  t.equal((await bridge.operator('GET', `/calls/b-${sid}`)).status, 404, 'the leg is no call of its own')
})

await bridgeTest('the way of a call', async (t, bridge) => {
  const hook = callHook()
  const sid = hook['call_sid']
  const phase = async () => (await bridge.operator('GET', `/calls/${sid}`)).json.phase
  await bridge.hook('/livekit-api', hook)
  t.equal(await phase(), 'received')
  await bridge.hook('/status', callerStatus(sid, 'trying', 100))
  await bridge.hook('/status', agentStatus(sid, 'trying', 100))
  t.equal(await phase(), 'dialing')
  await bridge.hook('/status', agentStatus(sid, 'ringing', 180))
  t.equal(await phase(), 'ringing')
  await bridge.hook('/status', agentStatus(sid, 'in-progress', 200))
  t.equal(await phase(), 'connected')
  await bridge.hook('/status', callerStatus(sid, 'in-progress', 200))
  await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
  await bridge.hook('/status', agentStatus(sid, 'completed', 200))
  t.strictSame(
    (await bridge.hook('/action', dialAction(sid, 'completed', 200, { call_status: 'completed', sip_status: 200 })))
      .json,
    []
  )
  await bridge.clock.pass(2000)
  t.match((await bridge.operator('GET', `/calls/${sid}`)).json, {
    phase: 'ended',
    end: { cause: 'caller-hung-up', by: 'caller' },
    duties: []
  })
  t.equal(bridge.rooms.open.size, 0, 'the room is deleted')
})

await bridgeTest('duplicate, late and reordered events are taken without a second effect', async (t, bridge) => {
  const hook = callHook()
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  const events = [
    callerStatus(sid, 'trying', 100),
    agentStatus(sid, 'trying', 100),
    agentStatus(sid, 'ringing', 180),
    agentStatus(sid, 'in-progress', 200),
    callerStatus(sid, 'in-progress', 200)
  ]
  for (const event of [...events, ...events].reverse()) t.equal((await bridge.hook('/status', event)).status, 200)
  t.equal(
    (await bridge.operator('GET', `/calls/${sid}`)).json.phase,
    'connected',
    'ringing after the answer does not ring again'
  )
  const end = callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' })
  const action = dialAction(sid, 'completed', 200, { call_status: 'completed', sip_status: 200 })
  for (const round of [1, 2]) {
    t.equal((await bridge.hook('/status', end)).status, 200)
    t.strictSame((await bridge.hook('/action', action)).json, [], `round ${round}`)
  }
  await bridge.clock.pass(3000)
  const { json: ended } = await bridge.operator('GET', `/calls/${sid}`)
  t.match(ended, { phase: 'ended', end: { cause: 'caller-hung-up' } })
  for (const late of [...events, agentStatus(sid, 'failed', 503), callerStatus(sid, 'busy', 486), end]) {
    t.equal((await bridge.hook('/status', late)).status, 200)
  }
  t.strictSame((await bridge.hook('/action', action)).json, [])
  await bridge.clock.pass(3000)
  const { json: later } = await bridge.operator('GET', `/calls/${sid}`)
  t.strictSame(
    [later.phase, later.end, later.at, later.attempts],
    [ended.phase, ended.end, ended.at, ended.attempts],
    'what ended stays as it ended'
  )
  t.equal(later.events.filter(({ what }: { what: string }) => what === 'call ended').length, 1)
  t.equal(bridge.rooms.log.filter(entry => entry.startsWith('create')).length, 1)
})

await bridgeTest('ringing, which Jambonz repeats every second, is one line', async (t, bridge) => {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  for (let i = 0; i < 20; i++) await bridge.hook('/status', agentStatus(hook['call_sid'], 'ringing', 180))
  const { json: call } = await bridge.operator('GET', `/calls/${hook['call_sid']}`)
  t.match(call.events.filter(({ status }: { status: string }) => status === 'ringing'), [{
    leg: 'agent',
    sipStatus: 180,
    count: 20
  }])
})

await bridgeTest('/action of an unknown call: 200 with verbs that fit, and a tombstone', async (t, bridge) => {
  const declinedSid = callHook()['call_sid']
  t.strictSame((await bridge.hook('/action', dialAction(declinedSid, 'busy', 486))).json, [{
    verb: 'sip:decline',
    status: 486,
    reason: 'Busy Here'
  }])
  const talkedSid = callHook()['call_sid']
  t.strictSame(
    (await bridge.hook(
      '/action',
      dialAction(talkedSid, 'completed', 200, { call_status: 'in-progress', sip_status: 200 })
    )).json,
    []
  )
  for (const sid of [declinedSid, talkedSid]) {
    t.match((await bridge.operator('GET', `/calls/${sid}`)).json, { phase: 'ended', ...NUMBERS })
  }
})

await bridgeTest("/action: the far end's status where the caller may know it", async (t, bridge) => {
  const expected: Array<[dialSipStatus: number, status: number]> = [
    [486, 486],
    [404, 404],
    [503, 503],
    [603, 603],
    [401, 480],
    [407, 480],
    [480, 480],
    [487, 480],
    [200, 480],
    [302, 480]
  ]
  for (const [sipStatus, status] of expected) {
    const hook = callHook()
    await bridge.hook('/livekit-api', hook)
    const action = dialAction(hook['call_sid'], 'failed', sipStatus)
    const reply = await bridge.hook('/action', action)
    t.match(reply.json, [{ verb: 'sip:decline', status }], `${sipStatus}`)
    t.strictSame((await bridge.hook('/action', action)).json, reply.json, `${sipStatus}: the same again`)
  }
})

await bridgeTest('the fallback number is dialled once, however often /action comes', async (t, bridge) => {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const action = dialAction(hook['call_sid'], 'failed', 503)
  const first = await bridge.hook('/action', action)
  t.match(first.json[0], { verb: 'dial', id: 'attempt-2', target: [{ type: 'phone', number: '+15551230009' }] })
  t.strictSame((await bridge.hook('/action', action)).json, first.json)
  t.equal((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.attempts.length, 2)
}, { FALLBACK_NUMBER: '+15551230009' })

for (
  const target of [
    '/action#rc=2&rp=all',
    '/action%23rc=2&rp=all',
    '/action?call=x&attempt=1#rc=2&rp=all',
    '/action?call=x%23rc=2&rp=all',
    'http://bridge.example.com/action'
  ]
) {
  await bridgeTest(`the retry policy on the wire: ${target}`, async (t, bridge) => {
    const hook = callHook()
    await bridge.hook('/livekit-api', hook)
    const port = await listen(bridge)
    const reply = await exchange(
      port,
      rawPost(target, JSON.stringify(dialAction(hook['call_sid'], 'busy', 486)), bridge.clock.now(), {
        connection: 'close'
      })
    )
    t.match(reply, /^HTTP\/1\.1 200 OK/)
    t.match(reply, '"status":486')
  })
}

await bridgeTest('query strings are hints for people: only what is signed counts', async (t, bridge) => {
  const [hook, other] = [callHook(), callHook()]
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/livekit-api', other)
  await bridge.hook(`/action?call=${other['call_sid']}&attempt=9`, dialAction(hook['call_sid'], 'busy', 486))
  await bridge.clock.pass(5000)
  t.equal((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.phase, 'ended')
  t.equal((await bridge.operator('GET', `/calls/${other['call_sid']}`)).json.phase, 'received')
})

await bridgeTest(
  'the registry fails: Jambonz gets 200 all the same, but a transfer is refused',
  async (t, bridge) => {
    const sid = callHook()['call_sid']
    t.equal((await bridge.hook('/status', callerStatus(sid, 'trying', 100))).status, 200)
    const hooks = [
      ['/action', dialAction(sid, 'busy', 486)],
      ['/refer-complete', { ...callerStatus(sid, 'in-progress', 200), refer_status: 202 }]
    ] as const
    for (const [url, body] of hooks) {
      const reply = await bridge.hook(url, body)
      t.equal(reply.status, 200, url)
      t.strictSame(reply.json, [], url)
    }
    const refer = { ...agentStatus(sid, 'in-progress', 200), refer_details: { refer_to_user: '+15559998888' } }
    const reply = await bridge.hook('/refer', refer)
    t.equal(reply.status, 503, 'Jambonz would tell the agent that the transfer was accepted')
    t.equal(reply.text, '')
  },
  {},
  {
    registry: registryWith({
      update: async () => {
        throw new Error('no registry')
      }
    })
  }
)

await bridgeTest('a status is answered before its duties are done: LiveKit may hang', async (t, bridge) => {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  bridge.rooms.mode = 'hang'
  const raw = JSON.stringify(callerStatus(hook['call_sid'], 'no-answer', 487, { call_termination_by: 'caller' }))
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/status',
    headers: { 'content-type': 'application/json', 'jambonz-signature': sign(raw, SECRET, bridge.clock.now()) },
    payload: raw
  })
  t.equal(reply.statusCode, 200)
  await bridge.clock.pass(2000)
  t.ok(bridge.rooms.log.some(entry => entry.startsWith('delete')), 'the room is being deleted')
  t.equal((await bridge.hook('/livekit-api', hook)).status, 200, 'other hooks are answered meanwhile')
  bridge.rooms.mode = 'ok'
  bridge.rooms.release()
})
