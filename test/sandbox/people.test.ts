import { RoomServiceClient } from 'livekit-server-sdk'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Clock } from '../../src/clock.ts'
import { createFarEnd } from '../../src/sandbox/far-end.ts'
import type { FarEndBehaviour } from '../../src/sandbox/far-end.ts'
import { hearing } from '../../src/sandbox/hearing.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import type { AgentBehaviour } from '../../src/sandbox/livekit.ts'
import { setStage } from '../fixtures/jambonz/stand-in.ts'
import { settle } from '../fixtures/test-clock.ts'

/*
 * Several people in one room: who hears whom, who is put out, and what becomes of the room. Both doubles, and phones.
 */

const CALLER = '+15550001111'
const PERSON = '+15550003333'
const ROOM = 'jambonz_a'

/** Seconds pass in a fraction of their time. */
const hurried: Clock = {
  now: systemClock.now,
  schedule: (ms, fn) => systemClock.schedule(ms >= 1000 ? ms / 50 : ms, fn)
}

type Replies = Record<string, object[]>

/** A caller who talks with an agent, and a person behind a carrier. `replies` are those of the hooks, by path. */
async function people (t: Test, options: {
  person?: FarEndBehaviour
  agent?: Partial<AgentBehaviour>
  replies?: (dial: (room: string, more?: object) => object) => Replies
}) {
  const livekit = await createLiveKitDouble({
    apiKey: 'key',
    apiSecret: 'secretsecretsecretsecretsecretse',
    trunk: { agentName: 'desk' },
    clock: hurried,
    agents: [{ name: 'desk', joinAfterMs: 0, publishAfterMs: 0, ...options.agent }]
  })
  const carrier = await createFarEnd({ behaviour: { status: 200, ringMs: 1, ...options.person } })
  const rooms = new RoomServiceClient(livekit.apiUrl, 'key', 'secretsecretsecretsecretsecretse')
  const agents = [{ agentName: 'desk', metadata: 'job' }] as never
  await rooms.createRoom({ name: ROOM, departureTimeout: 10, agents })
  const dial = (room: string, more?: object) => ({
    verb: 'dial',
    answerOnBridge: true,
    actionHook: '/action',
    target: [{ type: 'sip', sipUri: livekit.sipUri(room) }],
    ...more
  })
  const replies: Replies = { '/livekit-api': [dial('a')], ...options.replies?.(dial) }
  const stage = await setStage(t, {
    double: { gateways: { Carrier: carrier.host } },
    reply: ({ path }) => ({ body: replies[path] ?? [] })
  })
  t.teardown(async () => {
    await Promise.all([livekit.close(), carrier.close()])
  })
  const heard = () => hearing({ jambonz: stage.jambonz, livekit })
  return {
    ...stage,
    livekit,
    carrier,
    rooms,
    heard,
    /** Resolves when people hear each other like that. */
    async hear (wanted: Record<string, string[]>) {
      while (JSON.stringify(heard()) !== JSON.stringify(wanted)) await settle()
    },
    /** The person is called, who then gets the verbs of `/person`. */
    callPerson: () =>
      stage.jambonz.createCall({
        from: '+15551230000',
        to: { type: 'phone', number: PERSON },
        call_hook: { url: `${stage.standIn.url}/person`, method: 'POST' }
      }),
    sidOfCaller: () => stage.jambonz.talks()[0]!.leg.callSid,
    agentIdentity: () =>
      String(livekit.room(ROOM)!.participants.find(({ kind }) => kind === 'AGENT')!['identity']),
    /** The identities in the room. */
    present: () => livekit.room(ROOM)?.participants.map(one => String(one['identity']).replace(/AJ_.*/, '')).sort()
  }
}

const toAgent = { [CALLER]: ['desk'] }
const together = { [CALLER]: [PERSON, 'desk'], [PERSON]: [CALLER, 'desk'] }

await t.test('a person joins the room: all hear each other, also when the agent is removed', async t => {
  const stage = await people(t, {
    replies: dial => ({ '/person': [dial('a', { callerId: PERSON })] })
  })
  const call = stage.call()
  await stage.hear(toAgent)
  const { sid } = await stage.callPerson()
  await stage.hear(together)
  t.strictSame(stage.present(), ['agent-', `sip_${CALLER}`, `sip_${PERSON}`])

  const identity = stage.agentIdentity()
  await stage.rooms.removeParticipant(ROOM, identity)
  await stage.hear({ [CALLER]: [PERSON], [PERSON]: [CALLER] })
  t.strictSame(stage.livekit.room(ROOM)!.dispatches.length, 1, 'no agent is dispatched again')
  await t.rejects(stage.rooms.removeParticipant(ROOM, identity), { code: 'not_found', status: 404 })

  await call.bye()
  await stage.hear({ [PERSON]: [] })
  t.ok(stage.jambonz.update(sid, { call_status: 'completed' }), 'nobody hangs up for the person')
  await stage.jambonz.ended(sid)
  await stage.hear({})
})

await t.test('a person who joins is no new caller for the agent', async t => {
  const agent: Partial<AgentBehaviour> = { onConnected: {} }
  const stage = await people(t, { agent, replies: dial => ({ '/person': [dial('a', { callerId: PERSON })] }) })
  const call = stage.call()
  await stage.hear(toAgent)
  agent.onConnected!.hangUpAfterMs = 0
  await stage.callPerson()
  await stage.hear(together)
  await stage.rooms.listRooms()
  t.ok(stage.livekit.room(ROOM), 'the agent would delete the room for a new caller')
  await call.bye()
})

await t.test('a second participant of one identity puts the first out, whose call ends', async t => {
  const stage = await people(t, { replies: dial => ({ '/person': [dial('a', { callerId: CALLER })] }) })
  const call = stage.call()
  await stage.hear(toAgent)
  const hungUp = new Promise(resolve => call.onBye(resolve))
  await stage.callPerson()
  await hungUp
  await stage.hear({ [PERSON]: ['desk'] })
  t.strictSame(stage.present(), ['agent-', `sip_${CALLER}`])
  await stage.over()
  t.match(stage.standIn.requests.filter(({ path, body }) => path === '/status' && body['call_termination_by']), [
    { body: { from: CALLER, call_termination_by: 'jambonz' } }
  ])
})

await t.test('a caller who is dialled through talks with the person, and the room ends without people', async t => {
  const stage = await people(t, {
    replies: () => ({
      '/blind': [{ verb: 'dial', target: [{ type: 'phone', number: PERSON }], callerId: '+15551230000' }]
    })
  })
  const call = stage.call()
  await stage.hear(toAgent)
  t.ok(stage.jambonz.update(stage.sidOfCaller(), { call_hook: '/blind' }))
  await stage.hear({ [CALLER]: [PERSON], [PERSON]: [CALLER] })
  t.strictSame(stage.present(), ['agent-'])
  while (stage.livekit.room(ROOM) !== undefined) await settle()
  await call.bye()
  await stage.hear({})
})

await t.test('the person of a screened call presses a key', async t => {
  const stage = await people(t, {
    person: { presses: { digits: '1', afterMs: 5 } },
    replies: () => ({
      '/screen': [{ verb: 'dial', confirmHook: '/confirm', target: [{ type: 'phone', number: PERSON }] }],
      '/confirm': [{ verb: 'gather', numDigits: 1, actionHook: '/digit' }, { verb: 'hangup' }],
      '/digit': [{ verb: 'tag', data: {} }]
    })
  })
  const call = stage.call()
  await stage.hear(toAgent)
  stage.jambonz.update(stage.sidOfCaller(), { call_hook: '/screen' })
  await stage.hear({ [CALLER]: [PERSON], [PERSON]: [CALLER] })
  t.equal(stage.carrier.digits(stage.carrier.calls[0]!), '')
  await call.bye()
  await stage.over()
})

await t.test('phones of a carrier differ by their numbers, and remember the digits that they heard', async t => {
  const stage = await people(t, { replies: dial => ({ '/livekit-api': [dial('a', { callerId: PERSON })] }) })
  stage.carrier.phones['+15550004444'] = { status: 603, ringMs: 0 }
  const call = (number: string) => stage.jambonz.createCall({ from: '+1', to: { type: 'phone', number } })
  const refused = await call('+15550004444')
  await stage.jambonz.ended(refused.sid)
  t.match(stage.standIn.requests.at(-1), { body: { call_status: 'busy', sip_status: 603 } })

  const { sid } = await call(PERSON)
  await stage.hear({ [PERSON]: ['desk'] })
  for (const digit of ['4', '2']) stage.jambonz.update(sid, { dtmf: { digit } })
  const [, phone] = stage.carrier.calls
  while (stage.carrier.digits(phone!).length < 2) await settle()
  t.equal(stage.carrier.digits(phone!), '42')
  await phone!.bye()
  await stage.jambonz.ended(sid)
})

await t.test('an agent without audio is not heard', async t => {
  const stage = await people(t, {
    agent: { publishes: false },
    replies: dial => ({ '/person': [dial('a', { callerId: PERSON })] })
  })
  const call = stage.call()
  while (stage.present()!.length < 2) await settle()
  await stage.callPerson()
  await stage.hear({ [CALLER]: [PERSON], [PERSON]: [CALLER] })
  t.ok(stage.present()!.includes('agent-'))
  await call.bye()
})

await t.test('data messages reach the agents of a room, all of them or those that are named', async t => {
  const got: string[] = []
  const jobs: string[] = []
  const stage = await people(t, {
    agent: {
      onJob: ({ metadata, roomName }) => jobs.push(`${metadata} ${roomName}`),
      onData: ({ topic, data }, { metadata }) => got.push(`${metadata} ${topic} ${Buffer.from(data).toString()}`)
    }
  })
  const call = stage.call()
  await stage.hear(toAgent)
  t.strictSame(jobs, [`job ${ROOM}`])
  const identity = stage.agentIdentity()
  const send = (text: string, destinationIdentities: string[]) =>
    stage.rooms.sendData(ROOM, Buffer.from(text), 0, { topic: 'bridge', destinationIdentities })
  await send('to all', [])
  await send('to one', [identity])
  await send('to nobody', ['agent-gone'])
  t.strictSame(got, ['job bridge to all', 'job bridge to one'])
  await stage.rooms.removeParticipant(ROOM, identity)
  await send('too late', [])
  t.equal(got.length, 2)
  await call.bye()
  await stage.over()
})
