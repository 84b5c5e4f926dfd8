import { randomUUID } from 'node:crypto'
import { agentStatus, API_KEY, API_SECRET, callHook, livekitJwt, type TestBridge } from '../fixtures/build.ts'
import { bridgeTest, counted, kept, registryWith } from './support.ts'

const REFUSED = 'bridge_authentication_refused_total{operation="livekit-events"}'
const UNMATCHED = 'bridge_livekit_events_unmatched_total'

const event = (room: string, what: string, extra: object = {}) => ({
  event: what,
  id: `EV_${randomUUID()}`,
  createdAt: '1795200312',
  room: { sid: 'RM_x', name: room },
  ...extra
})
const sip = { sid: 'PA_sip', identity: 'sip_+15550001111', kind: 'SIP', attributes: { 'sip.callStatus': 'ringing' } }
const agent = { sid: 'PA_agent', identity: 'agent-AJ_x', kind: 'AGENT' }

async function ringing (bridge: TestBridge): Promise<{ sid: string, room: string }> {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', agentStatus(hook['call_sid'], 'ringing', 180))
  return { sid: hook['call_sid'], room: [...bridge.rooms.open.keys()].at(-1)! }
}

await bridgeTest('what happens in the room becomes part of the call', async (t, bridge) => {
  const { sid, room } = await ringing(bridge)
  for (
    const body of [
      event(room, 'room_started'),
      event(room, 'participant_joined', { participant: sip }),
      event(room, 'participant_joined', { participant: agent }),
      event(room, 'track_published', {
        participant: { sid: agent.sid, identity: agent.identity },
        track: { sid: 'TR_x', type: 'AUDIO' }
      })
    ]
  ) {
    t.equal(await bridge.livekitEvent(body), 200, body.event)
  }
  const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
  t.ok(call.at.agentJoined)
  t.ok(call.at.agentAudio)
  t.same(
    call.events.filter(({ from }: { from: string }) => from === 'livekit').map(({ what }: { what: string }) => what),
    ['createRoom', 'room_started', 'participant_joined', 'participant_joined', 'track_published']
  )
  t.notMatch(JSON.stringify(call.events), '+15550001111', "a SIP participant's identity holds the number")
  t.equal(await counted(bridge, UNMATCHED), 0)
})

await bridgeTest('events that come twice or out of order', async (t, bridge) => {
  const { sid, room } = await ringing(bridge)
  const joined = event(room, 'participant_joined', { participant: agent })
  for (const body of [joined, joined, event(room, 'room_started'), joined]) {
    t.equal(await bridge.livekitEvent(body), 200)
  }
  const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
  t.ok(call.at.agentJoined)
  t.equal(call.phase, 'ringing')
})

await bridgeTest('without a valid JWT for this body: 401, counted, and nothing happens', async (t, bridge) => {
  const { sid, room } = await ringing(bridge)
  const raw = JSON.stringify(event(room, 'room_finished'))
  const good = await livekitJwt(raw)
  const [head, payload, signature] = good.split('.') as [string, string, string]
  const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`
  const wrong: Record<string, Record<string, string>> = {
    none: {},
    empty: { authorization: '' },
    'no JWT': { authorization: 'Bearer hello' },
    'of another body': { authorization: await livekitJwt(`${raw} `) },
    'of another secret': { authorization: await livekitJwt(raw, API_KEY, 'another secret, as long as ours is') },
    'of another key': { authorization: await livekitJwt(raw, 'otherkey', API_SECRET) },
    'not signed': { authorization: unsigned },
    'cut short': { authorization: `${head}.${payload}.${signature.slice(0, -4)}` },
    'in another header': { 'x-authorization': good }
  }
  for (const [says, headers] of Object.entries(wrong)) {
    const reply = await bridge.app.inject({
      method: 'POST',
      url: '/livekit-events',
      headers: { 'content-type': 'application/webhook+json', ...headers },
      payload: raw
    })
    t.equal(reply.statusCode, 401, says)
    t.strictSame(reply.json(), {
      statusCode: 401,
      code: 'BRIDGE_LIVEKIT_SIGNATURE',
      error: 'Unauthorized',
      message: 'Unauthorized'
    })
  }
  t.equal(await counted(bridge, REFUSED), Object.keys(wrong).length)
  t.notMatch(JSON.stringify((await bridge.operator('GET', `/calls/${sid}`)).json.events), 'room_finished')
})

await bridgeTest('signed, but no event: accepted, so that it is not sent again, and counted', async (t, bridge) => {
  const bodies = ['', '{', '[]', '"x"']
  for (const raw of bodies) t.equal(await bridge.livekitEvent(raw), 200, JSON.stringify(raw))
  t.equal(await counted(bridge, 'bridge_bad_input_total{operation="livekit-events"}'), bodies.length)
  t.equal(await bridge.livekitEvent('{"event":5}'), 200, 'an event about no room')
  t.equal(await counted(bridge, REFUSED), 0)
})

await bridgeTest('an event about a room that is none of ours: taken and counted', async (t, bridge) => {
  t.equal(await bridge.livekitEvent(event('somebody-elses', 'room_started')), 200)
  t.equal(await bridge.livekitEvent(event('jb_cunknownunknownunknownunkn', 'room_finished')), 200)
  t.equal(
    await bridge.livekitEvent({ event: 'egress_started', id: 'EV_x', egressInfo: { egressId: 'EG_x' } }),
    200,
    'an event about no room'
  )
  t.equal(await counted(bridge, UNMATCHED), 3)
  t.equal(await kept(bridge), 0)
})

await bridgeTest('what LiveKit adds one day is no error', async (t, bridge) => {
  const { sid, room } = await ringing(bridge)
  t.equal(
    await bridge.livekitEvent(event(room, 'participant_danced', { participant: agent, choreography: { steps: 3 } })),
    200,
    'an unknown event'
  )
  t.equal(
    await bridge.livekitEvent(event(room, 'participant_joined', { participant: { ...agent, mood: 'good' } })),
    200,
    'an unknown property'
  )
  t.equal(
    await bridge.livekitEvent(event(room, 'participant_joined', { participant: { ...sip, kind: 'HOLOGRAM' } })),
    200,
    'an unknown kind of participant'
  )
  t.ok((await bridge.operator('GET', `/calls/${sid}`)).json.at.agentJoined)
})

await bridgeTest('the content type does not matter to what is signed', async (t, bridge) => {
  const { room } = await ringing(bridge)
  for (const type of ['application/webhook+json', 'application/json', 'text/plain; charset=utf-8', undefined]) {
    const raw = JSON.stringify(event(room, 'room_started'))
    const reply = await bridge.app.inject({
      method: 'POST',
      url: '/livekit-events',
      headers: { ...(type ? { 'content-type': type } : {}), authorization: await livekitJwt(raw) },
      payload: raw
    })
    t.equal(reply.statusCode, 200, String(type))
  }
})

await bridgeTest('"Bearer" before the JWT is taken too', async (t, bridge) => {
  const raw = JSON.stringify(event('x', 'room_started'))
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/livekit-events',
    headers: { 'content-type': 'application/webhook+json', authorization: `Bearer ${await livekitJwt(raw)}` },
    payload: raw
  })
  t.equal(reply.statusCode, 200)
})

await bridgeTest('more than 256 KiB: 413', async (t, bridge) => {
  const raw = JSON.stringify(event('x', 'room_started', { padding: 'x'.repeat(256 * 1024) }))
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/livekit-events',
    headers: { 'content-type': 'application/webhook+json', authorization: await livekitJwt(raw) },
    payload: raw
  })
  t.equal(reply.statusCode, 413)
})

await bridgeTest(
  'the registry fails: LiveKit is told, so that it sends the event again',
  async (t, bridge) => {
    const raw = JSON.stringify(event('x', 'room_started'))
    const reply = await bridge.app.inject({
      method: 'POST',
      url: '/livekit-events',
      headers: { 'content-type': 'application/webhook+json', authorization: await livekitJwt(raw) },
      payload: raw
    })
    t.equal(reply.statusCode, 500)
    t.match(reply.json(), { statusCode: 500, code: 'BRIDGE_INTERNAL_ERROR', error: 'Internal Server Error' })
    t.notMatch(reply.body, 'no registry', 'of our own faults others learn nothing')
  },
  {},
  {
    registry: registryWith({
      findByName: async () => {
        throw new Error('no registry')
      }
    })
  }
)
