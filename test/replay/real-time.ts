import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { createTokenOf } from '../../src/livekit/token.ts'
import { API_SECRET, ENV, type Bridge } from './bridge.ts'
import { bridgeAt, routesPath, startProcess } from './bridge-process.ts'
import { realClock } from './clock.ts'
import type { Json } from './json.ts'
import { serveLiveKitApi } from './livekit-api.ts'
import { LiveKitWorld } from './livekit-world.ts'
import { Player } from './player.ts'
import { callSidsOf, type Recording } from './recording.ts'
import { serveJambonzApi } from './jambonz-api.ts'
import { poolEnvOf, REST_ENV, restOf, roomsLeftBy, transfersOf, type Played } from './session.ts'
import { AS_RECORDED, type Variant } from './variant.ts'

export interface RealTimeOptions {
  /** A bridge that runs; without it one is started. */
  url: string | undefined
  livekitPort: number | undefined
  variants: Variant[]
  progress(line: string): void
}

/** Longer than every deadline of a call, milliseconds. */
const LONGEST_MS = 120_000
/** A room that an agent in flight makes again comes back within this time, milliseconds. */
const ROOM_COMES_BACK_MS = 4000
const PROGRESS_MS = 5000
/** A pool is filled within this time, also where nobody tells the bridge that an agent has joined; milliseconds. */
const FILL_MS = 8000
/** Recordings begin this long after each other, milliseconds: the bridge and what stands for the others share a CPU. */
const BETWEEN_STARTS_MS = 50

/** One recording under way, with the rooms that its calls may have. */
interface Stage {
  player: Player
  rooms: Set<string>
}

/** Plays recordings in real time, all at once, against a bridge process over HTTP for each number policy. */
export async function playInRealTime (recordings: Recording[], options: RealTimeOptions): Promise<Played[]> {
  const withPool = recordings.filter(({ waiting }) => waiting !== undefined)
  const others = recordings.filter(({ waiting }) => waiting === undefined)
  const groups = ROUTES.map(file => ({ file, group: others.filter(recording => routesOf(recording) === file) }))
    .filter(({ group }) => group.length > 0)
  if (options.url !== undefined && withPool.length > 0) {
    throw new Error('Recordings of warm rooms need a bridge each, with a pool of their size. Play them without --url')
  }
  if (options.url !== undefined && groups.length > 1) {
    const files = groups.map(({ file }) => file).join(', ')
    throw new Error(`A bridge has one number policy. Play apart the recordings that need ${files}`)
  }
  const played = await Promise.all(groups.map(({ file, group }) => playGroup(group, file, options)))
  return [...played.flat(), ...await playOneByOne(withPool, options)]
}

/** Plays recordings of warm rooms, each against its own bridge: whose call gets a room shows only later. */
async function playOneByOne (recordings: Recording[], options: RealTimeOptions): Promise<Played[]> {
  const played: Played[] = []
  for (const recording of recordings) {
    for (const variant of variantsOf(options)) {
      options.progress(`${recording.name}, ${variant.name || 'as recorded'}`)
      played.push(await playAlone(recording, variant))
    }
  }
  return played
}

async function playAlone (recording: Recording, variant: Variant): Promise<Played> {
  const livekit = await serveLiveKitApi({
    now: Date.now,
    worldOf: () => stage.player.world,
    worlds: () => [stage.player.world],
    refusal: (method, room) => stage.player.refusal(method, room),
    onRequest: request => stage.player.api.push(request)
  })
  const stage: Stage = stageFor(recording, variant, async () => {
    const { url, stop } = await startProcess(livekit, poolEnvOf(recording))
    return { ...bridgeAt(url), close: stop }
  })
  try {
    return await playedOn(stage, variant)
  } finally {
    await stage.player.close()
    await livekit.close()
  }
}

const variantsOf = ({ variants }: RealTimeOptions): Variant[] => variants.length > 0 ? variants : [AS_RECORDED]

/** The routes files that recordings need, below test/fixtures/routes. */
const ROUTES = ['recorded-targets.yaml', 'recorded-calls-out.yaml', 'recorded-refusals.yaml'] as const

function routesOf ({ orders, transfers, callsRefused }: Recording): typeof ROUTES[number] {
  if (callsRefused) return 'recorded-refusals.yaml'
  const callsOut = orders.length > 0 || transfers.length > 0 || callsRefused === false
  return callsOut ? 'recorded-calls-out.yaml' : 'recorded-targets.yaml'
}

async function playGroup (
  recordings: Recording[],
  routesFile: typeof ROUTES[number],
  options: RealTimeOptions
): Promise<Played[]> {
  const stages: Stage[] = []
  const nobody = new LiveKitWorld({ clock: realClock, notify: () => {} })
  const stageOf = (room: string | undefined) => stages.find(({ rooms }) => room !== undefined && rooms.has(room))
  const livekit = await serveLiveKitApi({
    now: Date.now,
    port: options.livekitPort,
    worldOf: room => stageOf(room)?.player.world ?? nobody,
    worlds: () => stages.map(({ player }) => player.world),
    refusal: (method, room) => stageOf(room)?.player.refusal(method, room),
    onRequest: request => stageOf(request.room)?.player.api.push(request)
  })
  const jambonz = await serveJambonzApi(() =>
    stages.map(({ player }) => ({ world: player.placed.jambonz, callSids: player.placed.callSids })))
  const isOutbound = routesFile !== 'recorded-targets.yaml'
  const env = isOutbound ? { ...outboundEnv(jambonz.url), ROUTES_FILE: routesPath(routesFile) } : {}
  const process = options.url === undefined ? await startProcess(livekit, env) : undefined
  const bridge = bridgeAt(options.url ?? process!.url)
  try {
    const plays = recordings.flatMap(recording => variantsOf(options).map(variant => ({ recording, variant })))
    const played = plays.map(async ({ recording, variant }, i) => {
      await setTimeout(i * BETWEEN_STARTS_MS)
      const stage = stageFor(recording, variant, async () => bridge)
      stages.push(stage)
      return playedOn(stage, variant)
    })
    const stop = showProgress(played, options.progress)
    return await Promise.all(played).finally(stop)
  } finally {
    await process?.stop()
    await livekit.close()
    await jambonz.close()
  }
}

const MOST_ATTEMPTS = 20
const tokenOf = createTokenOf(API_SECRET)

function stageFor (recording: Recording, variant: Variant, start: () => Promise<Bridge>): Stage {
  const ids = new Map<string, string>()
  const player = new Player(recording, {
    clock: realClock,
    variant,
    fillMs: recording.waiting ? FILL_MS : 0,
    start,
    renameCalls (id) {
      const known = ids.get(id) ?? randomUUID()
      ids.set(id, known)
      // What has its name already keeps it.
      ids.set(known, known)
      return known
    }
  })
  const rooms = callSidsOf(recording).map(recordedSid => player.names.call(recordedSid)).flatMap(callSid =>
    Array.from({ length: MOST_ATTEMPTS }, (_, i) => `${ENV.LIVEKIT_ROOM_PREFIX}_${tokenOf(callSid, i + 1)}`))
  return { player, rooms: new Set(rooms) }
}

async function playedOn ({ player }: Stage, variant: Variant): Promise<Played> {
  await player.play()
  const bridge = player.bridge!
  const until = Date.now() + LONGEST_MS
  const calls = new Map<string, Json | undefined>()
  const open = () => player.callSids.filter(callSid => calls.get(callSid)?.['phase'] !== 'ended')
  while (open().length > 0 && Date.now() < until) {
    await setTimeout(500)
    for (const callSid of open()) calls.set(callSid, await asked(bridge, `/calls/${callSid}`))
  }
  await setTimeout(ROOM_COMES_BACK_MS)
  return {
    recording: player.recording,
    variant,
    started: player.started,
    calls: player.calls.map(call => ({ ...call, call: calls.get(call.callSid), endedBefore: false })),
    answered: player.answered,
    webhooks: player.webhooks,
    api: player.api,
    told: undefined,
    ...restOf(player),
    transfers: await transfersOf(player, path => asked(bridge, path)),
    problems: player.problems,
    roomsLeft: await roomsLeftBy(player, realClock),
    stillActive: open(),
    stillKept: []
  }
}

async function asked (bridge: Bridge, path: string): Promise<Json | undefined> {
  const reply = await bridge.get(path)
  return reply.status === 200 ? JSON.parse(reply.text) as Json : undefined
}

function showProgress (played: Array<Promise<Played>>, progress: (line: string) => void): () => void {
  let done = 0
  for (const one of played) one.then(() => done++, () => done++)
  const timer = setInterval(() => progress(`${done} of ${played.length} recordings are over`), PROGRESS_MS)
  return () => clearInterval(timer)
}

/** All calls are placed at once, so the limit of a real Jambonz does not count. */
const outboundEnv = (jambonz: string): Record<string, string> => ({
  ...REST_ENV,
  JAMBONZ_REST_API_BASE_URL: jambonz,
  JAMBONZ_REST_PER_MINUTE: '60000',
  OUTBOUND_CARRIER: 'MyCarrier'
})
