import { readFileSync } from 'node:fs'
import { RoomServiceClient, SipClient } from 'livekit-server-sdk'
import t from 'tap'
import type { Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Clock } from '../../src/clock.ts'
import { createFarEnd } from '../../src/sandbox/far-end.ts'
import type { FarEnd, FarEndBehaviour } from '../../src/sandbox/far-end.ts'
import { createJambonzDouble } from '../../src/sandbox/jambonz.ts'
import type { JambonzDouble } from '../../src/sandbox/jambonz.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import type { LiveKitDouble } from '../../src/sandbox/livekit.ts'
import { createStandIn, line, recording } from '../fixtures/jambonz/stand-in.ts'
import type { Received, StandIn } from '../fixtures/jambonz/stand-in.ts'
import { fixture } from '../fixtures/paths.ts'

interface Outcome {
  body?: Record<string, unknown>
  error?: string
  code?: string
  status?: number
  metadata?: Record<string, string>
}

interface Recorded {
  api: { op: string, args: Record<string, any>, answered: Outcome }[]
  livekit: { body: string }[]
}

interface Stage {
  jambonz: JambonzDouble
  liveKit: LiveKitDouble
  carrier: FarEnd
  standIn: StandIn
  sip: SipClient
  rooms: RoomServiceClient
}

interface Scene {
  name: string
  says: string
  carrier?: FarEndBehaviour
  drive?: (stage: Stage, t: Test) => Promise<void>
  /** The trunk's password is wrong. */
  isWrong?: true
  /** The trunk leads to the address, and not to the realm. */
  toAddress?: true
  isHurried?: true
}

const ROOM = 'room-1'
const KEY = 'devkey'
const SECRET = 'secretsecretsecretsecretsecretsecret'
const answers: FarEndBehaviour = { status: 200, ringMs: 0 }
const refuses = (status: number): FarEndBehaviour => ({ status, ringMs: 0 })
const connected = ({ path, body }: Received) =>
  path === '/status' && 'parent_call_sid' in body && body['call_status'] === 'in-progress'
const calleeHangsUp = async ({ standIn, carrier }: Stage) => {
  await standIn.received(connected)
  await carrier.calls[0]?.bye()
}

const scenes: Scene[] = [
  { name: 'livekit-out/answered-no-wait-callee-hangs-up', says: 'the API answers at once', drive: calleeHangsUp },
  { name: 'livekit-out/callee-404', says: 'the dial fails, and a decline follows', carrier: refuses(404) },
  { name: 'livekit-out/callee-404-passed-on', says: '404 is passed on', carrier: refuses(404) },
  { name: 'livekit-out/callee-486', says: 'the callee is busy', carrier: refuses(486) },
  { name: 'livekit-out/callee-486-no-wait', says: 'the callee is busy, and nobody waits', carrier: refuses(486) },
  { name: 'livekit-out/callee-503-passed-on', says: '503 is passed on', carrier: refuses(503) },
  { name: 'livekit-out/callee-603-passed-on', says: '603 is passed on', carrier: refuses(603) },
  { name: 'livekit-out/hook-500', says: 'the call hook fails' },
  { name: 'livekit-out/refused-403', says: 'the call hook declines' },
  {
    name: 'livekit-out/no-answer-jambonz-timeout',
    says: 'the dial times out',
    carrier: { ringMs: 0 },
    isHurried: true
  },
  {
    name: 'livekit-out/no-answer-livekit-timeout',
    says: 'LiveKit gives up',
    carrier: { ringMs: 0 },
    isHurried: true
  },
  {
    name: 'livekit-out/room-deleted-while-connected',
    says: 'the room is deleted',
    drive: async ({ standIn, rooms }) => {
      await standIn.received(connected)
      await rooms.deleteRoom(ROOM)
    }
  },
  {
    name: 'livekit-out/transfer',
    says: 'the agent cannot transfer the callee',
    drive: async (stage, t) => {
      await stage.standIn.received(connected)
      await t.rejects(stage.sip.transferSipParticipant(ROOM, 'callee-1', 'tel:+15559998888'), {
        status: 412,
        code: 'failed_precondition',
        metadata: { sip_status_code: '501', sip_status: 'Not Implemented' }
      })
      await calleeHangsUp(stage)
    }
  },
  { name: 'auth-trunk/answered', says: 'an auth trunk is challenged', drive: calleeHangsUp },
  { name: 'auth-trunk/forged-headers', says: 'headers of LiveKit are overwritten', drive: calleeHangsUp },
  { name: 'auth-trunk/busy-passed-on', says: '486 is passed on', carrier: refuses(486) },
  { name: 'auth-trunk/refused-403', says: 'the call hook declines' },
  { name: 'auth-trunk/wrong-password', says: 'the password is wrong', isWrong: true },
  { name: 'auth-trunk/address-is-an-ip', says: 'the trunk leads to an address', toAddress: true }
]

const hurried: Clock = {
  now: systemClock.now,
  schedule: (ms, fn) => systemClock.schedule(ms >= 4000 ? ms / 40 : ms, fn)
}

async function setStage (t: Test, scene: Pick<Scene, 'name' | 'carrier' | 'isHurried'>): Promise<Stage> {
  const recorded = recording(scene.name)
  const seen = new Map<string, number>()
  const clock = scene.isHurried ? hurried : systemClock
  const standIn = await createStandIn(t, ({ path }, url) => {
    const nth = seen.get(path) ?? 0
    seen.set(path, nth + 1)
    const { status = 200, body } = recorded.requests.filter(request => request.path === path)[nth]?.replied ?? {}
    const text = JSON.stringify(body)?.replaceAll('http://127.0.0.1:18290', url)
    return { status, ...text !== undefined && { body: JSON.parse(text) } }
  })
  const carrier = await createFarEnd({ behaviour: scene.carrier ?? answers, clock })
  const jambonz = await createJambonzDouble({
    callHook: `${standIn.url}/call-hook`,
    statusHook: `${standIn.url}/status`,
    webhookSecret: 'secret',
    gateways: { MyCarrier: carrier.host },
    sipRealm: 'pbx.example',
    clock
  })
  const { restUrl, accountSid, apiKey } = jambonz
  const added = await fetch(`${restUrl}/Accounts/${accountSid}/VoipCarriers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      name: 'livekit-out',
      trunk_type: 'auth',
      inbound_auth_username: 'lk',
      inbound_auth_password: 'pw'
    })
  })
  t.equal(added.status, 201)
  const liveKit = await createLiveKitDouble({
    apiKey: KEY,
    apiSecret: SECRET,
    webhookUrls: [`${standIn.url}/livekit`],
    sipHosts: { 'pbx.example': jambonz.realmAddress! },
    clock
  })
  t.teardown(async () => {
    await Promise.all([jambonz.close(), liveKit.close(), carrier.close()])
  })
  const clients = [liveKit.apiUrl, KEY, SECRET] as const
  return {
    jambonz,
    liveKit,
    carrier,
    standIn,
    sip: new SipClient(...clients),
    rooms: new RoomServiceClient(...clients)
  }
}

/** Calls as the recording did. Returns what the API said. */
async function dial ({ sip, liveKit, jambonz }: Stage, scene: Scene, args: Record<string, any>): Promise<Outcome> {
  const { host, port } = jambonz.realmAddress!
  const trunk = liveKit.provision('CreateSIPOutboundTrunk', {
    trunk: {
      address: scene.toAddress ? `${host}:${port}` : 'pbx.example',
      transport: 'SIP_TRANSPORT_TCP',
      numbers: ['+15551230000'],
      auth_username: 'lk',
      auth_password: scene.isWrong ? 'wrong' : 'pw',
      include_headers: 'SIP_X_HEADERS',
      headers: { 'X-Account-Sid': 'forged', 'X-CID': 'forged', 'X-Originating-Carrier': 'forged' }
    }
  })
  try {
    const body = await sip.createSipParticipant(String(trunk.sip_trunk_id), '+15550004444', ROOM, {
      participantIdentity: 'callee-1',
      waitUntilAnswered: true,
      ...args
    })
    return { body: { ...body } }
  } catch (error) {
    const { message, code, status, metadata } = error as Outcome & { message: string }
    return { error: message, code, status, metadata } as Outcome
  }
}

/** A webhook about the callee: the event, his state and the names of his attributes. */
function aboutCallee (bodies: Record<string, any>[]) {
  return bodies.filter(({ participant }) => participant?.identity === 'callee-1').map(({ event, participant }) => ({
    event,
    reason: participant.disconnectReason,
    callStatus: participant.attributes?.['sip.callStatus'],
    attributes: Object.keys(participant.attributes ?? {}).filter(name => name !== 'sip.h.x-trace-id')
  }))
}

for (const scene of scenes) {
  await t.test(`${scene.name}: ${scene.says}`, async t => {
    const recorded = JSON.parse(readFileSync(fixture(`${scene.name}.json`), 'utf8')) as Recorded
    const { args, answered } = recorded.api.find(({ op }) => op === 'CreateSIPParticipant')!
    const stage = await setStage(t, scene)
    const { room: _, trunk: __, number: ___, address: ____, ...options } = args
    const [outcome] = await Promise.all([dial(stage, scene, options), scene.drive?.(stage, t)])

    const { metadata: { error_details: _____, ...metadata } = {}, ...expected } = answered
    t.match(outcome, {
      ...expected.error !== undefined && { error: expected.error, code: expected.code, status: expected.status },
      ...expected.body !== undefined && { body: { participantIdentity: 'callee-1', roomName: ROOM } },
      ...Object.keys(metadata).length > 0 && { metadata }
    })
    t.equal(outcome.error, expected.error)

    await stage.standIn.received(({ path, body }) =>
      path === '/livekit' && body['event'] === 'participant_left' && body['participant'].identity === 'callee-1'
    )
    await Promise.all(stage.jambonz.calls().map(({ leg }) => stage.jambonz.ended(leg.callSid)))
    await stage.liveKit.webhooksSent()
    const hooks = stage.standIn.requests.filter(({ path }) => path !== '/livekit')
    const describe = (received: Received) => ({
      line: line(received),
      trunk: received.body['originating_sip_trunk_name'],
      by: received.body['call_termination_by'],
      // These two differ when LiveKit speaks to the feature server without an SBC between them.
      keys: Object.keys(received.body).filter(name => name !== 'originating_sip_ip' && name !== 'headers')
    })
    for (const isStatus of [true, false]) {
      const some = (all: readonly Received[]) =>
        all.filter(({ path }) => (path === '/status') === isStatus).map(describe)
      t.strictSame(some(hooks), some(recording(scene.name).requests), isStatus ? 'status events' : 'other hooks')
    }

    const events = stage.standIn.requests.filter(({ path }) => path === '/livekit').map(({ body }) => body)
    const expectedEvents = aboutCallee(recorded.livekit.map(({ body }) => JSON.parse(body)))
    t.strictSame(
      aboutCallee(events).filter(({ event }) => !event.startsWith('track')),
      expectedEvents.filter(({ event }) => !event.startsWith('track')),
      'webhooks'
    )
  })
}

await t.test('LiveKit calls nobody without a trunk, a number, credentials or enough CPU', async t => {
  const stage = await setStage(t, { name: 'livekit-out/callee-486' })
  const { sip, liveKit } = stage
  const create = (trunk: string, number = '+15550004444') =>
    sip.createSipParticipant(trunk, number, ROOM, { participantIdentity: 'callee-1', waitUntilAnswered: true })
  await t.rejects(create('ST_unknown'), { code: 'not_found', status: 404 })

  const add = (trunk: object) =>
    String(liveKit.provision('CreateSIPOutboundTrunk', {
      trunk: { address: 'pbx.example', transport: 'SIP_TRANSPORT_TCP', ...trunk }
    }).sip_trunk_id)
  await t.rejects(create(add({})), { code: 'failed_precondition' }, 'no number')
  const open = add({ numbers: ['+15551230000'] })
  await t.rejects(create(open, ''), { code: 'invalid_argument' })
  await t.rejects(create(open), { code: 'failed_precondition', message: /sip server required auth/ })

  liveKit.faults.apiMethods['CreateSIPParticipant'] = 'exhausted'
  await t.rejects(create(open), { code: 'unavailable', status: 503, message: /cpu exhausted/ })
  t.equal(stage.jambonz.calls().length, 0)
})

await t.test('removing the participant while it rings cancels the call', async t => {
  const stage = await setStage(t, { name: 'livekit-out/no-answer-livekit-timeout', carrier: { ringMs: 0 } })
  const dialled = dial(stage, scenes[0]!, {})
  await stage.standIn.received(({ body }) => body['call_status'] === 'ringing')
  await stage.rooms.removeParticipant(ROOM, 'callee-1')
  t.match(await dialled, { code: 'canceled', status: 408 })
  const { body } = await stage.standIn.received(({ body }) => body['event'] === 'participant_left')
  t.equal(body['participant'].disconnectReason, 'PARTICIPANT_REMOVED')
})
