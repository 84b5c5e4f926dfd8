import { readFileSync } from 'node:fs'
import t from 'tap'
import { AgentDispatchClient, RoomServiceClient, SipClient } from 'livekit-server-sdk'
import type { Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { LiveKitDouble, LiveKitDoubleOptions } from '../../src/sandbox/livekit.ts'
import type { Room, RoomEvent } from '../../src/sandbox/livekit/state.ts'
import type { OutgoingCall, UserAgent, UserAgentOptions } from '../../src/sip/user-agent.ts'
import type { Step } from '../../src/ladder/trace.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import { closesAt } from '../../src/sandbox/livekit/idle.ts'
import { RoomManager } from '../../src/sandbox/livekit/room-manager.ts'
import { buildSdp } from '../../src/sip/sdp.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { KEY, SECRET, startSink, type Hook } from '../fixtures/livekit/helper.ts'
import { fixture } from '../fixtures/paths.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const TRUNK = { password: 'pw', roomPrefix: 'jb', agentName: 'demo' }
const QUICK = { name: 'demo', joinAfterMs: 5, publishAfterMs: 5 }
const body = buildSdp({ ip: '127.0.0.1', port: 40000 })

async function start (
  t: Test,
  options: Partial<LiveKitDoubleOptions> = {}
): Promise<
  {
    double: LiveKitDouble
    sink: Awaited<ReturnType<typeof startSink>>
    steps: Step[]
    caller: UserAgent
    dial(user: string, from?: string): OutgoingCall
  }
> {
  const sink = await startSink()
  const steps: Step[] = []
  const double = await createLiveKitDouble({
    apiKey: KEY,
    apiSecret: SECRET,
    webhookUrls: [sink.url],
    trunk: TRUNK,
    agents: [QUICK],
    ringIntervalMs: 20,
    unknownRoomMs: 5,
    trace: step => steps.push(step),
    ...options
  })
  const caller = await createUserAgent(
    { transport: options.sipTransport ?? 'tcp', ...(options.tls && { tls: options.tls }) } satisfies UserAgentOptions
  )
  t.after(() => Promise.all([double.close(), caller.close(), sink.close()]))
  const dial = (user: string, from = '+15550001111') =>
    caller.invite(double.sipUri(user), { from, body, auth: { username: 'jambonz', password: 'pw' } })
  return { double, sink, steps, caller, dial }
}

const clients = (double: LiveKitDouble) => ({
  rooms: new RoomServiceClient(double.apiUrl, KEY, SECRET),
  sip: new SipClient(double.apiUrl, KEY, SECRET),
  dispatch: new AgentDispatchClient(double.apiUrl, KEY, SECRET)
})
async function fails (t: Test, work: Promise<unknown>, expected: object, message?: string): Promise<void> {
  try {
    await work
    t.fail(message ?? 'should have failed')
  } catch (error) {
    t.match(error, expected, message ?? 'fails as expected')
  }
}
const event = <T>(on: (fn: (value: T) => void) => void) => new Promise<T>(resolve => on(resolve))

await t.test('the real SDK provisions trunks and rules, creates rooms, dispatches agents and lists them', async t => {
  const { double, sink } = await start(t, { trunk: undefined })
  const { rooms, sip, dispatch } = clients(double)
  const trunk = await sip.createSipInboundTrunk('bridge', [], {
    authUsername: 'u',
    authPassword: 'p',
    ringingTimeout: 40,
    metadata: 'm'
  })
  t.match(trunk, { sipTrunkId: /^ST_/, authUsername: 'u', ringingTimeout: { seconds: 40n } })
  const rule = await sip.createSipDispatchRule({ type: 'callee', roomPrefix: 'jb', randomize: false }, {
    trunkIds: [trunk.sipTrunkId],
    name: 'bridge'
  })
  t.match(rule, {
    sipDispatchRuleId: /^SDR_/,
    rule: { rule: { case: 'dispatchRuleCallee', value: { roomPrefix: 'jb' } } }
  })
  t.match(
    await sip.updateSipInboundTrunkFields(trunk.sipTrunkId, { name: 'renamed', numbers: { add: ['+1'] } as never }),
    { name: 'renamed', numbers: ['+1'], authPassword: 'p' }
  )
  t.match(await sip.updateSipDispatchRuleFields(rule.sipDispatchRuleId, { name: 'renamed' }), {
    name: 'renamed',
    trunkIds: [trunk.sipTrunkId]
  })
  t.equal((await sip.listSipInboundTrunk()).length, 1)
  t.equal((await sip.listSipDispatchRule()).length, 1)

  const room = await rooms.createRoom({
    name: 'r',
    emptyTimeout: 60,
    departureTimeout: 10,
    metadata: 'x',
    agents: [{ agentName: 'demo', metadata: 'job' }] as never
  })
  t.match(room, { sid: /^RM_/, name: 'r', emptyTimeout: 60, departureTimeout: 10, metadata: 'x' })
  const again = { name: 'r', emptyTimeout: 1, metadata: 'y', agents: [{ agentName: 'other' }] as never }
  t.match(
    await rooms.createRoom(again),
    { sid: room.sid, emptyTimeout: 60, metadata: 'x' },
    'a live room keeps its settings, and gets no other agents'
  )
  await sink.until(hooks => hooks.some(h => h.event === 'track_published'))
  t.match(await dispatch.listDispatch('r'), [{
    agentName: 'demo',
    metadata: 'job',
    state: { jobs: [{ state: { participantIdentity: /^agent-AJ_/ } }] }
  }])
  const [agent] = await rooms.listParticipants('r')
  t.match(agent, { kind: 4, attributes: { 'lk.agent_name': 'demo' }, tracks: [{ type: 0, name: 'voice' }] })
  t.match(await rooms.getParticipant('r', agent?.identity ?? ''), { sid: agent?.sid })
  const more = await dispatch.createDispatch('r', 'nobody', { metadata: 'm' })
  t.same((await dispatch.getDispatch(more.id, 'r'))?.state?.jobs, [], 'an agent name without a worker gets no job')
  await dispatch.deleteDispatch(more.id, 'r')
  t.equal((await dispatch.listDispatch('r')).length, 1)
  await rooms.removeParticipant('r', agent?.identity ?? '')
  t.same(await rooms.listParticipants('r'), [])
  t.equal((await rooms.listRooms(['r'])).length, 1)
  await rooms.deleteRoom('r')
  t.same(await rooms.listRooms(), [])
  await sink.until(hooks => hooks.some(h => h.event === 'room_finished'))
  t.match(sink.hooks.find(h => h.event === 'participant_left'), {
    participant: { disconnectReason: 'PARTICIPANT_REMOVED' }
  })
  await sip.deleteSipDispatchRule(rule.sipDispatchRuleId)
  await sip.deleteSipTrunk(trunk.sipTrunkId)
  await fails(t, sip.deleteSipDispatchRule(rule.sipDispatchRuleId), { code: 'not_found', status: 404 })
  await fails(t, new RoomServiceClient(double.apiUrl, KEY, 'wrong').listRooms(), { status: 401 })
})

await t.test('requests without a token are refused, and unknown methods are not found', async t => {
  const { double } = await start(t)
  t.match(await fetch(`${double.apiUrl}/twirp/livekit.RoomService/ListRooms`, { method: 'POST', body: '{}' }), {
    status: 401
  })
  t.match(
    await (await fetch(`${double.apiUrl}/twirp/livekit.RoomService/ListRooms`, { method: 'POST', body: '{}' })).json(),
    { code: 'unauthenticated' }
  )
  t.match(await fetch(`${double.apiUrl}/twirp/livekit.RoomService/Nope`, { method: 'POST', body: '{}' }), {
    status: 404
  })
})

for (const sipTransport of ['udp', 'tcp', 'tls'] as const) {
  await t.test(`${sipTransport}: a call is answered and hung up, and the trace shows its steps`, async t => {
    const pem = (name: string) => readFileSync(fixture(`tls/${name}.pem`))
    const { double, caller, dial, steps, sink } = await start(t, {
      sipTransport,
      ...(sipTransport === 'tls' && { tls: { key: pem('key'), cert: pem('cert'), ca: pem('cert') } })
    })
    t.match(await caller.options(double.sipUri('')), { status: 200 })
    const call = dial('ctoken')
    t.match(await call.final, { status: 200 })
    t.match(double.rooms(), [{
      room: { name: 'jb_ctoken' },
      participants: [{ kind: 'SIP', attributes: { 'sip.callStatus': 'active' } }, { kind: 'AGENT' }]
    }])
    t.match(await call.bye(), { status: 200 })
    await sink.until(hooks => hooks.some(h => h.event === 'participant_left'))
    const told = steps.map(s => `${s.from}>${s.to} ${s.what}`)
    for (
      const step of [
        'jambonz>livekit INVITE',
        'livekit>jambonz 407 Unauthorized',
        'livekit>jambonz 180 Ringing',
        'livekit>agent job demo',
        'agent>livekit joins',
        'agent>livekit publishes audio',
        'livekit>jambonz 200 OK',
        'livekit>bridge participant_joined SIP',
        'livekit>bridge participant_left SIP CLIENT_INITIATED'
      ]
    ) {
      t.ok(told.includes(step), step)
    }
    t.notMatch(JSON.stringify(told), /1555/, 'the trace contains no phone numbers')
  })
}

await t.test('agents hang up, leave and transfer', async t => {
  const { double, dial, sink } = await start(t, { agents: [{ ...QUICK, onConnected: { hangUpAfterMs: 5 } }] })
  const first = dial('c1')
  const bye = event(first.onBye)
  t.match(await first.final, { status: 200 })
  await bye
  await sink.until(hooks => hooks.some(h => h.event === 'room_finished'))

  double.agents[0] = { ...QUICK, onConnected: { leaveAfterMs: 5 } }
  const second = dial('c2')
  await second.final
  await sink.until(hooks => hooks.some(h => h.event === 'participant_left' && h.room?.name === 'jb_c2'))
  t.equal(second.state, 'answered', 'the caller stays connected')

  double.agents[0] = {
    ...QUICK,
    onConnected: { transferTo: { uri: 'tel:+15559998888', afterMs: 5, headers: { 'X-A': 'b' } } }
  }
  const third = dial('c3', '+15550002222')
  const referred = new Promise<string>(resolve =>
    third.onRefer(m => {
      resolve(m.headers.find(h => h.name === 'Refer-To')?.value ?? '')
      return { status: 202 }
    })
  )
  await third.final
  t.equal(await referred, 'tel:+15559998888')
})

await t.test('a transfer over the API succeeds or fails with the SIP status of the far end', async t => {
  const { double, dial } = await start(t)
  const { sip } = clients(double)
  const call = dial('c1')
  const transfer = () => sip.transferSipParticipant('jb_c1', 'sip_+15550001111', 'tel:+1')
  await call.final
  await fails(t, transfer(), { name: 'SipCallError', metadata: { sip_status_code: '405' } }, 'REFER is not supported')
  call.onRefer(() => ({ status: 403, reason: 'Forbidden' }))
  await fails(t, transfer(), {
    code: 'permission_denied',
    status: 403,
    metadata: { sip_status_code: '403', sip_status: 'Forbidden' }
  })
  call.onRefer(() => {
    setImmediate(() => {
      call.send('NOTIFY', {
        headers: { Event: 'refer', 'Content-Type': 'message/sipfrag' },
        body: 'SIP/2.0 100 Trying'
      })
        .then(() =>
          call.send('NOTIFY', {
            headers: { Event: 'refer', 'Content-Type': 'message/sipfrag' },
            body: 'SIP/2.0 486 Busy Here'
          })
        ).catch(t.threw)
    })
    return { status: 202 }
  })
  await fails(t, transfer(), { metadata: { sip_status_code: '486' } })
  await call.bye()
  await fails(t, transfer(), { status: 404 })
})

await t.test('a call ends when its media stops, or when its participant or room is removed', async t => {
  const { double, dial, sink } = await start(t)
  const { rooms } = clients(double)
  const left = (room: string) =>
    sink.until(hooks =>
      hooks.some(h => h.event === 'participant_left' && h.room?.name === room && h.participant?.kind === 'SIP')
    )
  const reasonOf = (room: string) =>
    sink.hooks.find(h => h.event === 'participant_left' && h.room?.name === room && h.participant?.kind === 'SIP')
      ?.participant

  const media = dial('media')
  const mediaBye = event(media.onBye)
  await media.final
  double.endMedia('jb_media')
  await Promise.all([mediaBye, left('jb_media')])
  t.match(reasonOf('jb_media'), { disconnectReason: 'CLIENT_INITIATED', attributes: { 'sip.callStatus': 'hangup' } })

  const removed = dial('removed')
  const removedBye = event(removed.onBye)
  await removed.final
  await rooms.removeParticipant('jb_removed', 'sip_+15550001111')
  await Promise.all([removedBye, left('jb_removed')])
  t.match(reasonOf('jb_removed'), { disconnectReason: 'PARTICIPANT_REMOVED' })

  await rooms.createRoom({ name: 'waits', agents: [{ agentName: 'demo' }] as never })
  const inRoom = (h: Hook) => h.room?.name === 'waits' && h.participant?.kind === 'AGENT'
  await sink.until(hooks => hooks.some(h => h.event === 'participant_joined' && inRoom(h)))
  const agent = sink.hooks.find(inRoom)?.participant?.identity ?? ''
  await rooms.removeParticipant('waits', agent)
  await sink.until(hooks => hooks.some(h => h.event === 'participant_left' && inRoom(h)))
  t.match(sink.hooks.findLast(inRoom)?.participant, { disconnectReason: 'PARTICIPANT_REMOVED' })
  t.equal((await rooms.listRooms(['waits'])).length, 1, 'a room whose agent was removed stays')

  await rooms.createRoom({ name: 'expires', agents: [{ agentName: 'demo' }] as never })
  const alone = (h: Hook) => h.room?.name === 'expires' && h.participant?.kind === 'AGENT'
  await sink.until(hooks => hooks.some(h => h.event === 'participant_joined' && alone(h)))
  double.expire('expires')
  await sink.until(hooks => hooks.some(h => h.event === 'room_finished' && h.room?.name === 'expires'))
  t.match(sink.hooks.findLast(alone), { event: 'participant_left', participant: { disconnectReason: 'ROOM_CLOSED' } })
  t.same(await rooms.listRooms(['expires']), [])

  const first = dial('twin')
  const firstBye = event(first.onBye)
  await first.final
  const second = dial('twin')
  t.match(await second.final, { status: 200 })
  await Promise.all([firstBye, left('jb_twin')])
  t.match(reasonOf('jb_twin'), { disconnectReason: 'DUPLICATE_IDENTITY' })

  double.agents.length = 0
  const ringing = dial('ringing')
  await sink.until(hooks => hooks.some(h => h.event === 'track_published' && h.room?.name === 'jb_ringing'))
  await rooms.deleteRoom('jb_ringing')
  t.match(await ringing.final, { status: 486, reason: 'Rejected' })
})

await t.test('each fault fails as a real LiveKit does', async t => {
  const { double, caller, dial, sink } = await start(t)
  const rooms = new RoomServiceClient(double.apiUrl, KEY, SECRET, { requestTimeout: 0.1 })
  double.faults.api = 'fail'
  await fails(t, rooms.listRooms(), { status: 500, code: 'internal' })
  double.faults.api = 'refuse'
  await fails(t, rooms.listRooms(), { name: 'TypeError' })
  double.faults.api = 'hang'
  await fails(t, rooms.createRoom({ name: 'x' }), { name: 'TimeoutError' })
  double.faults.apiMethods.CreateRoom = 'lost'
  await fails(t, rooms.createRoom({ name: 'y' }), { name: 'TimeoutError' })
  t.same(double.rooms().map(r => r.room.name), ['y'])
  double.faults.api = 'ok'
  delete double.faults.apiMethods.CreateRoom
  double.faults.latencyMs.ListRooms = 1000
  await fails(t, rooms.listRooms(), { name: 'TimeoutError' })

  for (
    const [sip, status, reason] of [
      ['overloaded', 503, 'Try again later'],
      ['quota', 503, 'Service temporarily unavailable'],
      ['no-trunk', 404, 'No trunk found'],
      ['failed', 500, ''],
      ['refused', 401, 'Unauthorized']
    ] as const
  ) {
    double.faults.sip = sip
    t.match(await dial('c').final, { status, reason })
  }
  double.faults.sip = 'ok'
  double.faults.sipCallers['+15550002222'] = 'quota'
  t.match(await dial('c', '+15550002222').final, { status: 503 }, 'a fault for one caller')
  double.faults.sip = 'silent'
  const silent = dial('c')
  const statuses: number[] = []
  silent.onProvisional(m => statuses.push(m.status))
  await event<unknown>(fn =>
    silent.onProvisional(m => {
      if (m.status === 180) fn(m)
    })
  )
  double.faults.sip = 'mute'
  const mute = dial('c')
  await caller.options(double.sipUri(''))
  double.faults.sip = 'ok'
  t.match(await dial('ok').final, { status: 200 })
  t.equal(statuses.filter(s => s === 180).length, 1)
  t.equal(mute.state, 'calling')

  await double.webhooksSent()
  const count = sink.hooks.length
  double.faults.webhooks = 'off'
  await rooms.createRoom({ name: 'unseen' })
  await double.webhooksSent()
  t.equal(sink.hooks.length, count)
})

await t.test('webhooks are repeated after a 5xx and arrive in order', async t => {
  let twice = () => {}
  const repeatedTwice = new Promise<void>(resolve => {
    twice = resolve
  })
  const { double, sink } = await start(t, {
    clock: {
      now: Date.now,
      schedule (ms, fn) {
        if (ms === 2000) twice()
        const timer = setTimeout(fn, ms === 1000 || ms === 2000 ? 1 : ms)
        timer.unref()
        return () => clearTimeout(timer)
      }
    }
  })
  sink.answer.status = 503
  await clients(double).rooms.createRoom({ name: 'r', emptyTimeout: 60, agents: [{ agentName: 'demo' }] as never })
  await repeatedTwice
  sink.answer.status = 200
  await sink.until(hooks => hooks.length >= 3)
  t.same(sink.hooks.slice(0, 3).map(h => h.event), ['room_started', 'participant_joined', 'track_published'])
})

await t.test('a webhook that is repeated late keeps its id and createdAt', async t => {
  const time = createTestClock()
  const createdAt = String(Math.floor(time.now() / 1000))
  let onSchedule: (ms: number) => void = () => {}
  const clock: Clock = {
    now: time.now,
    schedule (ms, fn) {
      const cancel = time.schedule(ms, fn)
      onSchedule(ms)
      return cancel
    }
  }
  const pause = (ms: number) => new Promise<void>(resolve => {
    onSchedule = scheduled => {
      if (scheduled === ms) resolve()
    }
  })
  // The receiver's SDK checks tokens at the system's time.
  const { double, sink } = await start(t, { clock, tokenTime: Date.now, agents: [] })
  sink.answer.status = 503
  const firstPause = pause(1000)
  await clients(double).rooms.createRoom({ name: 'r', emptyTimeout: 60 })
  await firstPause

  const secondPause = pause(2000)
  await time.pass(1000)
  await secondPause
  sink.answer.status = 200
  await time.pass(2000)
  await sink.until(hooks => hooks.length === 1)
  const [first] = sink.attempts
  t.match(sink.attempts, Array(3).fill({ event: 'room_started', id: first?.id, createdAt }))
  t.match(first, { id: /^EV_/ })

  await clients(double).rooms.deleteRoom('r')
  await sink.until(hooks => hooks.length === 2)
  t.equal(Number(sink.hooks[1]?.createdAt), Number(createdAt) + 3, 'a new webhook has the time of its own event')
})

await t.test('rooms close at their timeouts, and agents do not keep them open', async t => {
  let now = 0
  let timers: Array<{ at: number, fn: () => void }> = []
  const clock = {
    now: () => now,
    schedule (ms: number, fn: () => void) {
      const timer = { at: now + ms, fn }
      timers.push(timer)
      return () => {
        timers = timers.filter(other => other !== timer)
      }
    }
  }
  const pass = (ms: number) => {
    const until = now + ms
    for (let next = timers.find(timer => timer.at <= until); next; next = timers.find(timer => timer.at <= until)) {
      const due = next
      timers = timers.filter(timer => timer !== due)
      now = due.at
      due.fn()
    }
    now = until
  }
  const events: string[] = []
  const rooms = new RoomManager({
    clock,
    emit: (e: RoomEvent) =>
      events.push([e.event, e.participant?.identity, e.participant?.disconnectReason].filter(Boolean).join(' ')),
    onDispatch: () => {}
  })
  const person = (identity: string, kind: 'SIP' | 'AGENT') => ({
    identity,
    kind,
    name: '',
    metadata: '',
    attributes: {}
  })
  const room = rooms.open({ name: 'r', emptyTimeout: 60, departureTimeout: 10 })
  rooms.join(room, person('agent', 'AGENT'), () => {})
  pass(59_000)
  t.ok(rooms.get('r'))
  const caller = rooms.join(room, person('caller', 'SIP'), () => {})
  pass(600_000)
  t.ok(rooms.get('r'), 'a caller keeps the room open')
  t.same(room.counts, { participants: 1, publishers: 0 })
  rooms.leave(room, caller, 'CLIENT_INITIATED')
  rooms.leave(room, caller, 'CLIENT_INITIATED')
  pass(9000)
  t.ok(rooms.get('r'))
  pass(1000)
  t.notOk(rooms.get('r'))
  rooms.open({ name: 'alone', emptyTimeout: 5 })
  pass(4999)
  t.ok(rooms.get('alone'))
  pass(1)
  t.same(events, [
    'room_started',
    'participant_joined agent',
    'participant_joined caller',
    'participant_left caller CLIENT_INITIATED',
    'participant_left agent ROOM_CLOSED',
    'room_finished',
    'room_started',
    'room_finished'
  ])
})

await t.test('LiveKit counts timeouts in whole seconds and looks once a second, as recorded', t => {
  const closes = (room: Partial<Room>, firstLookMs: number) =>
    closesAt({ createdMs: 82_932, emptyTimeout: 8, departureTimeout: 5, ...room } as Room, firstLookMs)
  t.equal(closes({}, 70), 90_070, '7.1 s after the creation, as in pool-room-expires')
  t.equal(closes({}, 0), 90_000)
  t.equal(closes({}, 999), 90_999, 'a look may also come late')
  t.equal(closes({ lastLeftMs: 84_500 }, 0), 90_000, 'without a caller a leaving agent changes nothing')
  t.equal(closes({ calledOnce: true, lastLeftMs: 84_500 }, 0), 89_000, 'after a caller it counts from who left last')
  t.end()
})
