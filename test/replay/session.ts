import type { RoutesSource } from '../../src/routing/routes.ts'
import { RECORDED_TARGETS, routesWith } from '../fixtures/policies.ts'
import { createInjectedClock, type ReplayClock } from './clock.ts'
import { createSurvivingStore, startInProcess, type Told } from './in-process.ts'
import type { Json } from './json.ts'
import { serveLiveKitApi, type ApiRequest } from './livekit-api.ts'
import { APPLICATION_SID, type RestRequest } from './jambonz-world.ts'
import type { Asked } from './placed-calls.ts'
import { Player, type Answered } from './player.ts'
import type { RecordedTransfer, Recording } from './recording.ts'
import { AS_RECORDED, type Variant } from './variant.ts'
import type { Sent } from './webhooks.ts'

export interface PlayedCall {
  callSid: string
  /** The one in the recording. */
  recordedSid: string
  /** What the bridge says of it; undefined: it knows nothing of it. */
  call: Json | undefined
  /** It had ended before the process was away. */
  endedBefore: boolean
}

export interface PlayedTransfer {
  recorded: RecordedTransfer
  id: string | undefined
  shown: Json | undefined
}

/** What became of a recording that was played. */
export interface Played {
  recording: Recording
  variant: Variant
  /** When the recording began in this run, milliseconds since the epoch. */
  started: number
  calls: PlayedCall[]
  answered: Answered[]
  webhooks: Sent[]
  api: ApiRequest[]
  /** What was asked of Jambonz' REST API. */
  rest: RestRequest[]
  /** Requests to place calls and to end them, and their answers. */
  asked: Asked[]
  /** Events that the user's systems were told; undefined: nobody listened. */
  told: Told[] | undefined
  /** Calls whose first leg nobody has ended: callees, and all where a caller is handed to a person. */
  calleesLeft: string[]
  /** The recorded transfers and what the bridge says of them; undefined: it knows nothing of one. */
  transfers: PlayedTransfer[]
  /** The room that stood for a recorded one, by the recorded SIP user. */
  names: Record<string, string>
  /** Problems that showed on the way: hooks and webhooks that were not taken. */
  problems: string[]
  /** Rooms that LiveKit still has. */
  roomsLeft: string[]
  /** Calls that are not over for the bridge. */
  stillActive: string[]
  /** Calls that the bridge has not forgotten after their retention: they owe something for ever. */
  stillKept: string[]
}

/** An ended call is kept this long after everything that was recorded, seconds: some calls end before that. */
const RETENTION_S = 60
/** A pool is filled within this time, also where nobody tells the bridge that an agent has joined; milliseconds. */
const FILL_MS = 30_000
/** Longer than every deadline of a call, milliseconds. */
const LONGEST_MS = 240_000
const STEP_MS = 5000
const CLOSING_STEP_MS = 100

/** Plays a recording against the service in this process, on a clock that stands at the recording's time. */
export async function playInProcess (
  recording: Recording,
  variant: Variant = AS_RECORDED,
  log?: (line: string) => void
): Promise<Played> {
  const fillMs = recording.waiting ? FILL_MS : 0
  const clock = createInjectedClock(recording.start - fillMs)
  const told: Told[] | undefined = isOfCallee(recording) ? [] : undefined
  const retentionS = RETENTION_S + Math.ceil(lengthMs(recording) / 1000)
  const livekit = await serveLiveKitApi({
    now: clock.now,
    worldOf: () => player.world,
    worlds: () => [player.world],
    refusal: (method, room) => player.refusal(method, room),
    onRequest: request => player.api.push(request)
  })
  const store = variant.away?.store === 'survives' ? createSurvivingStore() : undefined
  const player: Player = new Player(recording, {
    clock,
    variant,
    fillMs,
    start: () => startInProcess({
      clock,
      log,
      livekitUrl: livekit.url,
      routes: routesFor(recording),
      jambonz: player.placed.jambonz,
      ...(told ? { onTold: event => told.push(event) } : {}),
      env: { ...envFor(recording), CALL_RETENTION_S: String(retentionS) },
      ...(store ? { store } : {})
    })
  })
  try {
    await player.play()
    const calls = await untilEnded(player, clock)
    const transfers = await transfersOf(player, path => asked(player, path))
    await clock.until(clock.now() + (retentionS + 120) * 1000)
    const rest = await leftOf(player, clock)
    return {
      recording,
      variant,
      started: player.started,
      calls,
      answered: player.answered,
      webhooks: player.webhooks,
      api: player.api,
      told,
      ...restOf(player),
      transfers,
      problems: player.problems,
      ...rest
    }
  } finally {
    await player.close()
    await livekit.close()
  }
}

/** What is left. The rooms of a pool are there until the bridge stops. */
async function leftOf (
  player: Player,
  clock: ReplayClock
): Promise<Pick<Played, 'roomsLeft' | 'stillActive' | 'stillKept'>> {
  const stillActive = await activeCalls(player)
  const stillKept = await keptCalls(player)
  const roomsLeft = await roomsLeftBy(player, clock)
  return { roomsLeft, stillActive, stillKept }
}

/** Rooms of calls that are over, and of a pool whose bridge was stopped. */
export async function roomsLeftBy (player: Player, clock: ReplayClock): Promise<string[]> {
  const { recording, world } = player
  if (!recording.waiting) return [...world.rooms.keys()]
  const ofCalls = [...world.rooms.values()].filter(({ metadata }) => !isUnclaimed(metadata)).map(({ name }) => name)
  await whileTimePasses(clock, player.close())
  return [...new Set([...ofCalls, ...world.rooms.keys()])]
}

/** Waits for work that takes time of the clock. */
async function whileTimePasses (clock: ReplayClock, work: Promise<void>): Promise<void> {
  const state = { over: false }
  const done = work.finally(() => {
    state.over = true
  })
  while (!state.over) await clock.until(clock.now() + CLOSING_STEP_MS)
  return done
}

/** Whether a room waits in a pool, as its metadata say. */
function isUnclaimed (metadata: string): boolean {
  return (JSON.parse(metadata || '{}') as { warm?: unknown }).warm === true
}

/** How the recorded transfers stand. */
export function transfersOf (
  { recording, names, placed }: Player,
  get: (path: string) => Promise<Json | undefined>
): Promise<PlayedTransfer[]> {
  return Promise.all(recording.transfers.map(async recorded => {
    const id = placed.transferIds.get(recorded)
    const path = `/calls/${names.call(recorded.callSid)}/transfers/${id}`
    return { recorded, id, shown: id === undefined ? undefined : await get(path) }
  }))
}

/** What became of the calls that were placed. */
export const restOf = (
  { placed: { jambonz, asked }, names, recording }: Player
): Pick<Played, 'rest' | 'asked' | 'calleesLeft' | 'names'> => ({
  rest: jambonz.requests,
  asked,
  calleesLeft: jambonz.open,
  names: Object.fromEntries(recording.dialled.flatMap(token => {
    const room = names.room(token)
    return room === undefined ? [] : [[token, room]]
  }))
})

/** Milliseconds from the start to the last thing that was recorded. */
const lengthMs = ({ hooks, roomEvents }: Recording): number =>
  Math.max(0, ...hooks.map(({ at }) => at), ...roomEvents.map(({ at }) => at))

/** Settings of the bridge that a recording asks for. */
function envFor (recording: Recording): Record<string, string> {
  const { hooks, orders, transfers } = recording
  const basic = hooks.map(({ headers }) => /^Basic (.+)/.exec(headers['authorization'] ?? '')?.[1]).find(Boolean)
  const [username, password] = Buffer.from(basic ?? '', 'base64').toString().split(':')
  const dialsAgain = hooks.some(({ path, verbs }) => path === '/action' && verbs[0]?.verb === 'dial')
  const fallsBack = dialsAgain && transfers.length === 0
  return {
    ...(username && password ? { HTTP_USERNAME: username, HTTP_PASSWORD: password } : {}),
    ...(fallsBack ? { FALLBACK_NUMBER: '+15551230009' } : {}),
    ...(orders.length > 0 || transfers.length > 0 ? REST_ENV : {}),
    ...poolEnvOf(recording),
    ...(isOfCallee(recording) ? { OUTBOUND_CARRIER: 'MyCarrier', ...EVENTS_ENV } : {})
  }
}

/** The bridge has a pool as large as the recorder's, which was filled in time. */
export const poolEnvOf = ({ waiting = [] }: Recording): Record<string, string> =>
  waiting.length > 0 ? { WARM_AGENTS: String(waiting.length), WARM_AGENTS_PER_S: '100' } : {}

/** Settings with which a bridge asks Jambonz' REST API. */
export const REST_ENV = {
  JAMBONZ_REST_API_BASE_URL: 'https://jambonz.example.com/api',
  JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
  JAMBONZ_API_KEY: 'api-key-of-jambonz',
  JAMBONZ_APPLICATION_SID: APPLICATION_SID
}

const EVENTS_ENV = {
  EVENTS_URL: 'https://shop.example.com/calls',
  EVENTS_SECRET: `whsec_${Buffer.alloc(24, 7).toString('base64')}`
}

/** Whether somebody is called in it. */
const isOfCallee = ({ orders, transfers, callsRefused }: Recording): boolean =>
  orders.length > 0 || transfers.length > 0 || callsRefused !== undefined

/** The number policy that a recording asks for: what its recorder refused, ours refuses. */
function routesFor (recording: Recording): RoutesSource {
  const numbers = isOfCallee(recording) ? ['+15551230000'] : []
  return recording.callsRefused ? routesWith({ allow: ['DE'] }, { numbers }) : routesWith(RECORDED_TARGETS, { numbers })
}

async function untilEnded (
  player: Player,
  clock: ReturnType<typeof createInjectedClock>
): Promise<Played['calls']> {
  const last = clock.now() + LONGEST_MS
  const calls = new Map<string, Json | undefined>()
  for (;;) {
    for (const callSid of player.callSids) {
      const call = await asked(player, `/calls/${callSid}`)
      if (call) calls.set(callSid, call)
    }
    const open = player.callSids.filter(callSid => calls.get(callSid)?.['phase'] !== 'ended')
    if (clock.now() >= last || open.length === 0) break
    await clock.until(clock.now() + STEP_MS)
  }
  return player.calls.map(({ callSid, recordedSid }) => ({
    callSid,
    recordedSid,
    call: calls.get(callSid),
    endedBefore: player.endedBefore.has(callSid)
  }))
}

async function activeCalls (player: Player): Promise<string[]> {
  const { calls } = await asked(player, '/calls?phase=active') as { calls: Array<{ callSid: string }> }
  return calls.map(({ callSid }) => callSid)
}

async function keptCalls (player: Player): Promise<string[]> {
  const { calls } = await asked(player, '/calls') as { calls: Array<{ callSid: string }> }
  return calls.map(({ callSid }) => callSid)
}

async function asked (player: Player, path: string): Promise<Json | undefined> {
  const reply = await player.bridge?.get(path)
  return reply?.status === 200 ? JSON.parse(reply.text) as Json : undefined
}
