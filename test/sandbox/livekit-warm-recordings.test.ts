import { readFileSync } from 'node:fs'
import t from 'tap'
import { AgentDispatchClient, RoomServiceClient } from 'livekit-server-sdk'
import type { AgentBehaviour } from '../../src/sandbox/livekit.ts'
import type { OutgoingCall } from '../../src/sip/user-agent.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { KEY, SECRET, shape, startSink, type Hook } from '../fixtures/livekit/helper.ts'
import { fixture } from '../fixtures/paths.ts'
import { createTestClock, during } from '../fixtures/test-clock.ts'

/*
 * Rooms that were made before their calls, beside a room that was made in the call hook. The test does what the
 * recorder, the caller and Jambonz did, at the recorded times, and compares LiveKit's webhooks and what the agent saw.
 */

interface RoomOfEvent {
  name: string
  metadata?: string
  creationTimeMs?: string
}

type Event = Hook & { room: RoomOfEvent }

interface Recorded {
  tokens: Record<string, string>
  api: Array<{ at_ms: number, op: string, args: unknown }>
  jambonz: Array<{ at_ms: number, url: string, body: string, replied?: { at_ms: number, body: unknown } }>
  livekit: Array<{ at_ms: number, body: string }>
  looks: Array<{ at_ms: number, participants: unknown[], rooms: unknown[], dispatch: unknown[] | { code: string } }>
  agent: Array<{ at_ms: number, room: string, ev: string, m?: string, metadata?: string }>
}

/** One room of a recording, and the call that joined it. */
interface Scene {
  room: string
  create: Record<string, unknown>
  hooks: Array<{ at: number, event: Event }>
  seen: Array<{ at: number, ev: string, m?: string, metadata?: string }>
  looks: Recorded['looks']
  /** What is done to LiveKit, and when. */
  script: Array<{ at: number, step: 'create' | 'metadata' | 'invite' | 'hang up' | 'delete' | 'look' }>
  /** How often Jambonz heard that the agent leg rings. */
  rings: number
  answered: boolean
}

const FILES = ['cold', 'warm-silent-track', 'warm-stock', 'pool-agent-left', 'pool-room-expires']

/** How far the double may be from the recorded times, in milliseconds. Two CPUs served all of the recorded chain. */
const TOLERANCE_MS = 100

function scenesOf (name: string): Scene[] {
  const recorded = JSON.parse(readFileSync(fixture(`warm/${name}.json`), 'utf8')) as Recorded
  return Object.values(recorded.tokens).map(token => sceneOf(recorded, `jb_${token}`, token))
}

function sceneOf (recorded: Recorded, room: string, token: string): Scene {
  const create = recorded.api.find(({ op, args }) => op === 'CreateRoom' && JSON.stringify(args).includes(token))
  const deleted = recorded.api.find(({ op, args }) => op === 'DeleteRoom' && args === room)
  const callHook = recorded.jambonz.find(({ replied }) => JSON.stringify(replied?.body)?.includes(token))
  const callSid = callHook && (JSON.parse(callHook.body) as { call_sid: string }).call_sid
  const statuses = recorded.jambonz.filter(({ url }) => url.startsWith('/status')).map(({ at_ms: at, body }) => ({
    at,
    ...JSON.parse(body) as { parent_call_sid?: string, call_status: string }
  })).filter(status => callSid !== undefined && status.parent_call_sid === callSid)
  const seen = recorded.agent.filter(entry => entry.room === room).map(({ at_ms: at, ...entry }) => ({ at, ...entry }))
  const told = seen.some(({ ev }) => ev === 'room_metadata')
  const at = (status: string) => statuses.find(({ call_status: is }) => is === status)?.at
  const script: Array<{ at: number | undefined, step: Scene['script'][number]['step'] }> = [
    { at: create?.at_ms, step: 'create' },
    { at: told ? callHook?.at_ms : undefined, step: 'metadata' },
    { at: at('ringing'), step: 'invite' },
    { at: at('completed') ?? at('no-answer'), step: 'hang up' },
    { at: deleted?.at_ms, step: 'delete' },
    ...recorded.looks.map(look => ({ at: look.at_ms, step: 'look' as const }))
  ]
  return {
    room,
    create: create?.args as Record<string, unknown>,
    hooks: recorded.livekit
      .map(({ at_ms: at, body }) => ({ at, event: JSON.parse(body) as Event }))
      .filter(({ event }) => event.room.name === room),
    seen,
    looks: recorded.looks,
    script: script.flatMap(({ at, step }) => at === undefined ? [] : [{ at, step }]).sort((a, b) => a.at - b.at),
    rings: statuses.filter(({ call_status: is }) => is === 'ringing').length,
    answered: at('in-progress') !== undefined
  }
}

const isOf = (kind: string, event: string, ofReason?: string) => ({ event: hook }: { event: Event }) =>
  hook.event === event && hook.participant?.identity?.startsWith(kind === 'AGENT' ? 'agent-' : 'sip_') === true &&
  (ofReason === undefined || hook.participant.disconnectReason === ofReason)

/** The agent of a recording, with its recorded times. */
function agentOf ({ script, hooks, seen }: Scene, saw: (what: string) => void): AgentBehaviour {
  const created = script.find(({ step }) => step === 'create')?.at ?? 0
  const joined = hooks.find(isOf('AGENT', 'participant_joined'))?.at ?? 0
  const published = hooks.find(isOf('AGENT', 'track_published'))?.at ?? 0
  const left = hooks.find(isOf('AGENT', 'participant_left', 'CLIENT_INITIATED'))
  // A stock agent reports that it has published after it has seen the caller.
  const order = seen.map(({ ev }) => ev)
  const isStock = order.includes('p_connected') && order.indexOf('published') > order.indexOf('p_connected')
  return {
    name: 'demo-agent',
    joinAfterMs: joined - created,
    ...isStock ? { publishes: 'with-caller' } : { publishAfterMs: published - joined },
    ...left && { onJoined: { leaveAfterMs: left.at - joined } },
    onJob: ({ metadata }) => saw(`job ${metadata}`),
    onRoomMetadata: metadata => saw(`room metadata ${metadata}`),
    onConnected: { run: (_job, { attributes }) => saw(`caller ${attributes['sip.callStatus']}`) }
  }
}

/** What an agent saw, as far as the double shows it. */
function sightsOf ({ seen, hooks, answered }: Scene): string[] {
  const active = hooks.some(isOf('SIP', 'participant_joined')) && answered ? ['caller active'] : []
  return seen.flatMap(({ ev, m, metadata }) => {
    if (ev === 'job') return [`job ${metadata}`]
    return ev === 'room_metadata' ? [`room metadata ${m}`] : []
  }).concat(active)
}

async function play (scene: Scene) {
  const created = Number(scene.hooks[0]?.event.room.creationTimeMs)
  const finished = scene.hooks.find(({ event }) => event.event === 'room_finished')
  const createAt = scene.script.find(({ step }) => step === 'create')?.at ?? 0
  const origin = created - createAt
  // LiveKit's server looks for idle rooms once a second. This one does it at the recorded fraction of a second.
  const fraction = (origin + (finished?.at ?? 0)) % 1000
  const clock = createTestClock(Math.floor(created / 1000) * 1000 - 1000 + fraction)
  const sink = await startSink()
  const times: Array<{ event: string, at: number }> = []
  const sights: string[] = []
  const double = await createLiveKitDouble({
    apiKey: KEY,
    apiSecret: SECRET,
    webhookUrls: [sink.url],
    trunk: { username: 'jambonz', password: 'pw', roomPrefix: 'jb', agentName: 'demo-agent' },
    agents: [agentOf(scene, what => sights.push(what))],
    clock,
    unknownRoomMs: 0,
    tokenTime: Date.now,
    onEvent: event => times.push({ event, at: clock.now() - origin })
  })
  const caller = await createUserAgent({ transport: 'tcp' })
  const rooms = new RoomServiceClient(double.apiUrl, KEY, SECRET)
  const dispatches = new AgentDispatchClient(double.apiUrl, KEY, SECRET)
  const looks: unknown[] = []
  let call: OutgoingCall | undefined
  let rings = 0
  const passTo = (at: number) => clock.pass(Math.max(0, origin + at - clock.now()))

  async function invite (): Promise<void> {
    const { attributes = {} } = scene.hooks.find(isOf('SIP', 'participant_joined'))?.event.participant ?? {}
    const headers = Object.entries(attributes).flatMap(([name, value]) =>
      name.startsWith('sip.h.') ? [[name.slice('sip.h.'.length), value]] : [])
    call = caller.invite(double.sipUri(scene.room.slice('jb_'.length)), {
      from: `sip:${attributes['sip.phoneNumber']}@127.0.0.1`,
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: readFileSync(fixture('livekit/answered-caller-hangs-up.json'), 'utf8').match(/"body": ?"(v=0[^"]*)"/)?.[1]
        ?.replaceAll('\\r\\n', '\r\n') ?? '',
      auth: { username: 'jambonz', password: 'pw' }
    })
    call.onProvisional(({ status }) => {
      if (status === 180) rings++
    })
    await sink.until(hooks => hooks.some(hook => isOf('SIP', 'participant_joined')({ event: hook as Event })))
  }

  async function hangUp (): Promise<void> {
    if (scene.answered) {
      await call?.final
      await call?.bye()
    } else {
      call?.cancel()
      await call?.final
    }
    await sink.until(hooks => hooks.some(hook => isOf('SIP', 'participant_left')({ event: hook as Event })))
  }

  async function look (): Promise<void> {
    const dispatch = dispatches.listDispatch(scene.room).catch(({ code }: { code: string }) => ({ code }))
    looks.push({
      participants: await rooms.listParticipants(scene.room),
      rooms: await rooms.listRooms([scene.room]),
      dispatch: await during(clock, dispatch)
    })
  }

  const steps = {
    create: () => rooms.createRoom(scene.create as never),
    metadata: () =>
      rooms.updateRoomMetadata(scene.room, scene.seen.find(({ ev }) => ev === 'room_metadata')?.m ?? ''),
    invite,
    'hang up': hangUp,
    delete: () => rooms.deleteRoom(scene.room),
    look
  }
  for (const { at, step } of scene.script) {
    await passTo(at)
    await steps[step]()
  }
  await passTo((scene.hooks.at(-1)?.at ?? 0) + 500)
  await double.webhooksSent()
  const status = (await call?.final)?.status
  await Promise.all([double.close(), caller.close(), sink.close()])
  return { hooks: sink.hooks as Event[], times, sights, looks, rings, status }
}

/** The double's rooms have the recorded headers and metadata; ids, times, versions and lagging counts are its own. */
const OWN = ['numParticipants', 'numPublishers', 'version']
const plain = (event: Event) =>
  JSON.parse(JSON.stringify(event), (key, value: unknown) => OWN.includes(key) ? undefined : value) as Event

function brief ({ event, room, participant }: Event): string {
  const who = participant?.identity?.replace(/AJ_.*/, 'AJ')
  return [event, who, participant?.disconnectReason, participant?.attributes?.['sip.callStatus'], room.metadata]
    .filter(Boolean).join(' ')
}

const headersOf = ({ participant }: Event) =>
  Object.fromEntries(Object.entries(participant?.attributes ?? {}).filter(([name]) =>
    name.startsWith('sip.h.') || ['sip.phoneNumber', 'sip.trunkPhoneNumber'].includes(name)))

const count = (look: { participants: unknown[], rooms: unknown[], dispatch: unknown[] | { code: string } }) => ({
  participants: look.participants.length,
  rooms: look.rooms.length,
  dispatch: Array.isArray(look.dispatch) ? look.dispatch.length : look.dispatch.code
})

for (const name of FILES) {
  await t.test(name, async t => {
    for (const scene of scenesOf(name)) {
      const played = await play(scene)
      const expected = scene.hooks.map(({ event }) => event)
      t.same(played.hooks.map(brief), expected.map(brief), `webhooks of ${scene.room}`)
      t.same(played.hooks.map(hook => shape(plain(hook))), expected.map(hook => shape(plain(hook))), 'their fields')
      t.same(played.hooks.map(headersOf), expected.map(headersOf), "the headers of the caller's INVITE")
      t.same(played.sights, sightsOf(scene), 'what the agent sees, in its order')
      t.same(played.looks.map(look => count(look as never)), scene.looks.map(count), 'what LiveKit lists')
      t.equal(played.rings, scene.rings, 'how often it rings')
      if (scene.script.some(({ step }) => step === 'invite')) t.equal(played.status, scene.answered ? 200 : 487)

      for (const [i, { at, event }] of played.times.entries()) {
        const late = at - (scene.hooks[i]?.at ?? 0)
        // The time until LiveKit publishes the track of a caller varied between 30 and 240 ms.
        if (isOf('SIP', 'track_published')(scene.hooks[i]!)) continue
        t.ok(Math.abs(late) <= TOLERANCE_MS, `${event} is ${late} ms late`)
      }
    }
  })
}
