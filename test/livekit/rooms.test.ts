import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { createLiveKitRooms, LiveKitError, type LiveKitFailure, type Rooms } from '../../src/livekit/rooms.ts'
import { fixture } from '../fixtures/paths.ts'

interface Recorded {
  path: string
  request: object
  status: number
  replyHeaders: Record<string, string>
  reply: unknown
}
interface Answer {
  status: number
  type: string
  body: string
}

const errors =
  (JSON.parse(readFileSync(fixture('livekit/api-errors.json'), 'utf8')) as {
    twirp: Recorded[]
  }).twirp

/** How LiveKit really answered a request of this kind. */
function recorded (method: string, status: number): Answer {
  const { replyHeaders, reply } = errors.find(one => one.path.endsWith(`/${method}`) && one.status === status)!
  return {
    status,
    type: replyHeaders['content-type']!,
    body: typeof reply === 'string' ? reply : JSON.stringify(reply)
  }
}

const ok = (body: object): Answer => ({ status: 200, type: 'application/json', body: JSON.stringify(body) })

/** LiveKit's API with the given answers by method; `hang`: none, `reset`: the connection breaks. */
async function serve (t: Test, answers: Record<string, Answer | 'hang' | 'reset'>) {
  const asked: Array<{ method: string, body: Record<string, unknown>, authorization: string }> = []
  const server = createServer((request, response) => {
    let text = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      text += part
    }).on('end', () => {
      const method = request.url!.split('/').at(-1)!
      asked.push({
        method,
        body: JSON.parse(text) as Record<string, unknown>,
        authorization: request.headers.authorization!
      })
      const answer = answers[method]
      if (answer === 'hang') return
      if (answer === 'reset') {
        request.socket.destroy()
        return
      }
      response.writeHead(answer!.status, { 'content-type': answer!.type }).end(answer!.body)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const observed: string[] = []
  const rooms = createLiveKitRooms({
    url,
    apiKey: 'devkey',
    apiSecret: 'devsecretdevsecretdevsecretdevsecret',
    createTimeoutS: 15,
    observe: (operation, outcome) => observed.push(`${operation} ${outcome}`)
  })
  return { rooms, asked, observed, url }
}

async function failureOf (work: Promise<unknown>): Promise<LiveKitError> {
  try {
    await work
  } catch (error) {
    return error as LiveKitError
  }
  throw new Error('It did not fail')
}

const WHO = { callSid: 'call-1', token: 'token' }
const REQUEST = {
  name: 'jb_token',
  emptyTimeoutS: 100,
  departureTimeoutS: 10,
  metadata: '{"v":1}',
  agent: { name: 'demo-agent', metadata: '{"v":1,"call":{}}' }
}

await t.test('one request makes the room and calls its agent', async t => {
  const { rooms, asked, observed } = await serve(t, { CreateRoom: ok({ name: 'jb_token' }) })
  await rooms.create(REQUEST)
  t.equal(asked.length, 1)
  t.match(asked[0], {
    method: 'CreateRoom',
    body: {
      name: 'jb_token',
      emptyTimeout: 100,
      departureTimeout: 10,
      metadata: '{"v":1}',
      agents: [{ agentName: 'demo-agent', metadata: '{"v":1,"call":{}}' }]
    }
  })
  t.same(observed, ['createRoom ok'])
})

await t.test('no failure says the token with which it was asked', async t => {
  const refused = recorded('ListRooms', 401)
  t.match(refused.body, /eyJ/, "LiveKit's own text does")
  const { rooms, asked, observed } = await serve(t, {
    CreateRoom: refused,
    ListRooms: refused,
    ListParticipants: refused,
    DeleteRoom: refused
  })
  for (
    const work of [() => rooms.create(REQUEST), () =>
      rooms.look('r', WHO), () =>
      rooms.view('r'), () =>
      rooms.delete('r'), () =>
      rooms.ping()]
  ) {
    const error = await failureOf(work())
    t.type(error, LiveKitError)
    t.equal(error.failure, 'refused-key')
    for (const text of [error.message, error.stack ?? '', JSON.stringify(error), String(error.cause ?? '')]) {
      t.notMatch(text, /eyJ/)
      for (const { authorization } of asked) t.notOk(text.includes(authorization.replace('Bearer ', '')))
    }
  }
  t.ok(observed.every(line => line.endsWith('refused-key')))
})

await t.test('failures by kind', async t => {
  const cases: Array<[string, Answer | 'reset', LiveKitFailure]> = [
    ['401', recorded('ListRooms', 401), 'refused-key'],
    ['403', { status: 403, type: 'application/json', body: '{"code":"permission_denied","msg":"no"}' }, 'refused-key'],
    ['404', recorded('DeleteRoom', 404), 'not-found'],
    ['400', recorded('CreateSIPInboundTrunk', 400), 'refused'],
    ['429', { status: 429, type: 'application/json', body: '{"code":"resource_exhausted","msg":"later"}' }, 'failed'],
    ['503', recorded('ListDispatch', 503), 'failed'],
    ['500 with text', { status: 500, type: 'text/plain', body: 'oops' }, 'failed'],
    ['502 of a proxy', { status: 502, type: 'text/html', body: '<html>' }, 'failed'],
    ['a broken connection', 'reset', 'unreachable']
  ]
  for (const [says, answer, failure] of cases) {
    const { rooms, asked } = await serve(t, { CreateRoom: answer })
    t.equal((await failureOf(rooms.create(REQUEST))).failure, failure, says)
    t.equal(asked.length, 1, 'asked once, no failover')
  }
})

await t.test('nobody listens', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const rooms = createLiveKitRooms({
    url: `http://127.0.0.1:${port}`,
    apiKey: 'k',
    apiSecret: 's'.repeat(32),
    createTimeoutS: 15
  })
  const error = await failureOf(rooms.ping())
  t.equal(error.failure, 'unreachable')
  t.match(error.message, /ECONNREFUSED/)
})

await t.test('LiveKit hangs', async t => {
  const timeouts: number[] = []
  t.intercept(AbortSignal, 'timeout', {
    value: (ms: number) => {
      timeouts.push(ms)
      return AbortSignal.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    }
  })
  const { rooms, observed } = await serve(t, {
    CreateRoom: 'hang',
    DeleteRoom: 'hang',
    ListRooms: 'hang',
    ListParticipants: 'hang'
  })
  for (
    const work of [() => rooms.create(REQUEST), () =>
      rooms.delete('r'), () =>
      rooms.look('r', WHO), () =>
      rooms.ping()]
  ) t.equal((await failureOf(work())).failure, 'timeout')
  t.same(
    [...new Set(timeouts)],
    [15_000, 5000],
    'a createRoom is waited for until it must have settled, anything else 5 s'
  )
  t.ok(observed.every(line => line.endsWith(' timeout')))
})

await t.test('a room that is not there is as good as deleted', async t => {
  t.equal(await (await serve(t, { DeleteRoom: recorded('DeleteRoom', 404) })).rooms.delete('r'), false)
  t.equal(await (await serve(t, { DeleteRoom: ok({}) })).rooms.delete('r'), true)
})

const sip = {
  sid: 'PA_sip1',
  identity: 'sip_+15550001111',
  state: 'ACTIVE',
  kind: 'SIP',
  joinedAt: '1795200312',
  attributes: {
    'sip.callStatus': 'ringing',
    'sip.h.x-lk-call': 'call-1',
    'sip.trunkPhoneNumber': 'token',
    'sip.phoneNumber': '+15550001111'
  },
  tracks: [{ sid: 'TR_1', type: 'AUDIO' }]
}
const CALLER = { sid: 'PA_sip1', callStatus: 'ringing' }
const agent = {
  sid: 'PA_agent1',
  identity: 'agent-AJ_1',
  state: 'ACTIVE',
  kind: 'AGENT',
  joinedAt: '1795200312',
  tracks: [{ sid: 'TR_2' }]
}

async function inRoom (
  t: Test,
  participants: object[],
  listed = true,
  dispatches: Answer = ok({ agentDispatches: [] })
): Promise<Rooms> {
  return (await serve(t, {
    ListRooms: ok({ rooms: listed ? [{ name: 'r' }] : [] }),
    ListParticipants: ok({ participants }),
    ListDispatch: dispatches
  })).rooms
}

await t.test('a room that is listed and has no node is told as such', async t => {
  const noServers = recorded('ListDispatch', 503)
  t.match(await (await inRoom(t, [sip], true, noServers)).look('r', WHO), { exists: true, sip: CALLER, hosted: false })
  const denied = { ...noServers, status: 403 }
  t.notOk('hosted' in await (await inRoom(t, [sip], true, denied)).look('r', WHO), 'a refusal says nothing of it')
})

await t.test('a look says who is there', async t => {
  t.same(await (await inRoom(t, [], false)).look('r', WHO), { exists: false })
  t.same(await (await inRoom(t, [])).look('r', WHO), { exists: true })
  t.same(await (await inRoom(t, [sip])).look('r', WHO), { exists: true, sip: CALLER })
  t.same(await (await inRoom(t, [agent, sip])).look('r', WHO), {
    exists: true,
    sip: CALLER,
    agent: { identity: 'agent-AJ_1', audio: true }
  })
  t.same(await (await inRoom(t, [{ ...agent, tracks: [] }])).look('r', WHO), {
    exists: true,
    agent: { identity: 'agent-AJ_1', audio: false }
  })
  t.same(await (await inRoom(t, [{ ...agent, tracks: [{ sid: 'TR_3', type: 'VIDEO' }] }])).look('r', WHO), {
    exists: true,
    agent: { identity: 'agent-AJ_1', audio: false }
  })
  t.same(
    await (await inRoom(t, [{ ...sip, kind: 'STANDARD' }])).look('r', WHO),
    { exists: true, company: true },
    'somebody else is not the caller, but may talk with him'
  )
  const avatar = { ...agent, identity: 'avatar', attributes: { 'lk.publish_on_behalf': 'agent-AJ_1' } }
  t.same(
    await (await inRoom(t, [avatar])).look('r', WHO),
    { exists: true },
    'an avatar speaks for an agent and is none'
  )
  t.same(await (await inRoom(t, [avatar, agent])).look('r', WHO), {
    exists: true,
    agent: { identity: 'agent-AJ_1', audio: true }
  })
  const says = (verdict: string) => ({ 'bridge.voicemail': verdict })
  t.same(
    await (await inRoom(t, [{ ...agent, attributes: says('machine') }])).look('r', WHO),
    { exists: true, agent: { identity: 'agent-AJ_1', audio: true }, voicemail: 'machine' },
    'an agent says who answered'
  )
  t.notOk('voicemail' in await (await inRoom(t, [{ ...agent, attributes: says('MACHINE!') }])).look('r', WHO))
  t.notOk(
    'voicemail' in await (await inRoom(t, [{ ...sip, attributes: says('machine') }])).look('r', WHO),
    'nobody but an agent does'
  )
  t.same(
    await (await inRoom(t, [{ ...sip, kind: 'EGRESS' }])).look('r', WHO),
    { exists: true },
    'a recorder does not talk'
  )
  t.equal(
    (await (await inRoom(t, [sip], false)).look('r', WHO)).exists,
    true,
    'a room with somebody in it exists, whatever the list says'
  )
})

await t.test('of two agents the one that joined first is the agent', async t => {
  const joined = (identity: string, joinedAtMs: string) => ({ ...agent, identity, joinedAtMs })
  const later = joined('later', '1795200313000')
  const first = joined('first', '1795200312000')
  for (const participants of [[first, later], [later, first]]) {
    t.match(await (await inRoom(t, participants)).look('r', WHO), {
      agent: { identity: 'first' },
      moreAgents: ['later']
    })
  }
})

await t.test("an agent's second dispatch replaces its first, and leaves those of other agents alone", async t => {
  const { rooms, asked } = await serve(t, {
    ListDispatch: ok({
      agentDispatches: [
        { id: 'AD_1', agentName: 'demo-agent', room: 'r', metadata: 'first' },
        { id: 'AD_2', agentName: 'recorder', room: 'r', metadata: 'other' }
      ]
    }),
    DeleteDispatch: ok({}),
    CreateDispatch: ok({})
  })
  await rooms.redispatch('r', { name: 'demo-agent' }, async () => true)
  t.match(asked.map(({ method, body }) => ({ method, body })), [
    { method: 'ListDispatch' },
    { method: 'DeleteDispatch', body: { dispatchId: 'AD_1', room: 'r' } },
    { method: 'CreateDispatch', body: { agentName: 'demo-agent', room: 'r', metadata: 'first' } }
  ])
})

await t.test("a look tells the caller's leg from others whom the agent called into the room", async t => {
  const invited = (attributes: Record<string, string>) => ({
    ...sip,
    sid: 'PA_sip2',
    identity: 'sip_+15557777777',
    attributes
  })
  const strangers = [
    invited({ 'sip.trunkPhoneNumber': '+15557777777' }),
    invited({ 'sip.h.x-lk-call': 'call-2' }),
    invited({ 'sip.h.x-lk-call': 'call-2', 'sip.trunkPhoneNumber': 'token' })
  ]
  for (const stranger of strangers) {
    t.same((await (await inRoom(t, [stranger, sip])).look('r', WHO)).sip, CALLER)
    t.equal((await (await inRoom(t, [stranger])).look('r', WHO)).sip, undefined)
  }
  t.match((await (await inRoom(t, [invited({ 'sip.trunkPhoneNumber': 'token' })])).look('r', WHO)).sip, {
    sid: 'PA_sip2'
  }, 'without X- headers the called token tells')
  t.match(
    (await (await inRoom(t, [invited({})])).look('r', WHO)).sip,
    { sid: 'PA_sip2' },
    'with nothing to tell by, it is ours'
  )
})

await t.test('jobs of a room by agent; what a room says of itself', async t => {
  const { rooms, asked } = await serve(t, {
    ListDispatch: ok({
      agent_dispatches: [{
        id: 'AD_1',
        agent_name: 'demo-agent',
        state: {
          jobs: [{ id: 'AJ_1', state: { status: 'JS_RUNNING' } }, {
            id: 'AJ_2',
            state: { status: 'JS_FAILED', error: 'crashed' }
          }]
        }
      }, { id: 'AD_2', agent_name: 'other', state: { jobs: [] } }]
    }),
    UpdateRoomMetadata: ok({ name: 'jb_token' })
  })
  t.same(await rooms.jobs('jb_token'), [{ agent: 'demo-agent', status: 'JS_RUNNING' }, {
    agent: 'demo-agent',
    status: 'JS_FAILED'
  }])
  t.equal(await rooms.setMetadata('jb_token', '{"heard":true}'), true)
  t.match(asked.at(-1), { method: 'UpdateRoomMetadata', body: { room: 'jb_token', metadata: '{"heard":true}' } })
  const gone = await serve(t, { UpdateRoomMetadata: recorded('DeleteRoom', 404) })
  t.equal(await gone.rooms.setMetadata('jb_token', ''), false)
})

await t.test('a data message goes to the agents of a room and to nobody else', async t => {
  const second = { ...agent, sid: 'PA_agent2', identity: 'agent-AJ_2' }
  const avatar = { ...agent, identity: 'avatar', attributes: { 'lk.publish_on_behalf': 'agent-AJ_1' } }
  const { rooms, asked } = await serve(t, {
    ListParticipants: ok({ participants: [sip, agent, avatar, second] }),
    SendData: ok({})
  })
  t.equal(await rooms.sendData('r', 'bridge', '{"text":"grüß Gott"}'), true)
  const { method, body } = asked.at(-1)!
  t.equal(method, 'SendData')
  t.match(body, { room: 'r', topic: 'bridge', destinationIdentities: ['agent-AJ_1', 'agent-AJ_2'] })
  t.match(body['kind'] ?? 'RELIABLE', 'RELIABLE', 'the default of the protocol, which JSON leaves out')
  t.equal(Buffer.from(body['data'] as string, 'base64').toString(), '{"text":"grüß Gott"}')
})

await t.test('without an agent nobody gets a data message', async t => {
  for (const participants of [[sip], []]) {
    const { rooms, asked } = await serve(t, { ListParticipants: ok({ participants }) })
    t.equal(await rooms.sendData('r', 'bridge', '{}'), false)
    t.same(asked.map(({ method }) => method), ['ListParticipants'])
  }
  const here = ok({ participants: [agent] })
  const gone = await serve(t, { ListParticipants: here, SendData: recorded('DeleteRoom', 404) })
  t.equal(await gone.rooms.sendData('r', 'bridge', '{}'), false)
  const dead = await serve(t, { ListParticipants: here, SendData: recorded('ListDispatch', 503) })
  t.equal((await failureOf(dead.rooms.sendData('r', 'bridge', '{}'))).failure, 'failed')
})

await t.test('what operators see of a room holds no number', async t => {
  const view = await (await inRoom(t, [sip, agent])).view('r')
  t.same(view, {
    exists: true,
    participants: [
      { kind: 'SIP', state: 'ACTIVE', joinedAt: '2026-11-20T18:45:12.000Z', audio: true, sipCallStatus: 'ringing' },
      { kind: 'AGENT', state: 'ACTIVE', joinedAt: '2026-11-20T18:45:12.000Z', audio: true }
    ]
  })
  t.notMatch(JSON.stringify(view), '15550001111')
})

await t.test('what the session of an agent says of itself, if it is a word that its SDK has', async t => {
  for (const [written, state] of [['speaking', 'speaking'], ['+15550001111', undefined], ['', undefined]] as const) {
    const attributes = { 'lk.agent.state': written }
    const { participants: [view] } = await (await inRoom(t, [{ ...agent, attributes }])).view('r')
    t.equal(view?.agentState, state)
  }
})

await t.test('a look that half failed is no look', async t => {
  const { rooms } = await serve(t, { ListRooms: ok({ rooms: [] }), ListParticipants: recorded('ListDispatch', 503) })
  t.equal((await failureOf(rooms.look('r', WHO))).failure, 'failed')
})
