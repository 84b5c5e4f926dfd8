import { randomBytes } from 'node:crypto'
import type { WarmPool } from '../calls/warm/warm-room.ts'
import type { Clock } from '../clock.ts'
import type { Finding } from '../finding.ts'
import type { Rooms, RoomRequest } from '../livekit/rooms.ts'
import { roomFormatOf } from '../room-format.ts'
import { poolsOf } from '../warm-pools.ts'
import { agentFinding } from './agent.ts'
import type { Check, DoctorContext, WaitsFor } from './check.ts'
import { inRoom, waitUntil } from './in-room.ts'
import { WAITS_FOR_LIVEKIT_API } from './waits-for.ts'

/** How long an agent may take to join, milliseconds. */
const JOIN_MS = 10_000
/**
 * How long it is watched once it has joined, milliseconds: longer than the 15 s after which a session of LiveKit's
 * Agents SDK takes its user for away, when many agents ask whether anybody is there, or leave.
 */
const WATCH_MS = 20_000
/** For making and deleting the room on a slow LiveKit, milliseconds. */
const AROUND_MS = 20_000
/** The test room closes by itself when the doctor's process is killed, seconds after its creation. */
const EMPTY_TIMEOUT_S = 60

/** Each pool's agent gets a room and a job in one run. */
const MOST_POOLS = 5

/** What the check of the default agent has found already. */
const WAITS_FOR_AGENT: WaitsFor = { check: 'agent', explains: ['agent-not-dispatched', 'agent-job-without-join'] }

interface WarmAgentsOptions {
  joinMs?: number
  watchMs?: number
  /** How long the deleted room is watched for an agent that re-creates it, milliseconds. */
  deletedMs?: number
}

/** Puts the agent of each pool into a room where nobody calls, and watches what it does there. */
export const warmAgentsCheck: Check = createWarmAgentsCheck()

export function createWarmAgentsCheck (
  { joinMs = JOIN_MS, watchMs = WATCH_MS, deletedMs }: WarmAgentsOptions = {}
): Check {
  return {
    name: 'warm-agents',
    title: 'Do waiting agents stay in their room and keep silent?',
    readOnly: false,
    limitMs: joinMs + watchMs + AROUND_MS,
    waitsFor: [WAITS_FOR_LIVEKIT_API, WAITS_FOR_AGENT],
    async run (context, signal) {
      const pools = poolsToWatch(context)
      if (pools.length === 0) return [noPools()]
      const found = await Promise.all(pools.slice(0, MOST_POOLS).map(pool => watch(pool, context, signal)))
      return [...found.flat(), ...unwatched(pools.slice(MOST_POOLS))]
    }
  }

  async function watch (pool: WarmPool, context: DoctorContext, signal: AbortSignal): Promise<Finding[]> {
    const { rooms, clock } = context
    const room = testRoom(pool, context)
    let seen: Waiting = {}
    return await inRoom(context, room, async () => {
      const began = clock.now()
      seen = await watchAgent(rooms, room.name, { joinMs, watchMs, clock, signal })
      if (signal.aborted) return []
      if (seen.joinedMs !== undefined) return [waitingFinding(seen, pool.agent)]
      // Nothing could be seen: another look says why.
      if (seen.seenMs === undefined) await rooms.view(room.name)

      const jobs = await rooms.jobs(room.name).then(list => list.map(({ status }) => status), () => undefined)
      const wait = { agent: pool.agent, jobs, slowMs: joinMs, waitedMs: clock.now() - began }
      return [agentFinding({}, wait)]
    }, () => ({ settled: seen.joinedMs !== undefined, ...(deletedMs !== undefined && { watchMs: deletedMs }) }))
  }
}

/** The pools of the settings and the routes, or those of the agent that was asked for. */
function poolsToWatch ({ settings, routes, agent }: DoctorContext): WarmPool[] {
  return poolsOf(settings, routes.table).filter(pool => agent === undefined || pool.agent === agent)
}

export const noPools = (): Finding => ({
  code: 'warm-none',
  severity: 'skipped',
  seen: 'No agents wait for calls: WARM_AGENTS is 0, and no route has `warm`',
  todo: 'docs/warm-agents.md says what waiting agents gain and cost'
})

function unwatched (pools: readonly WarmPool[]): Finding[] {
  if (pools.length === 0) return []
  const agents = [...new Set(pools.map(({ agent }) => agent))]
  return [{
    code: 'agents-unchecked',
    severity: 'skipped',
    seen: `Not watched, because a run watches the agents of ${MOST_POOLS} pools: ${agents.join(', ')}`,
    todo: 'Watch each of them by its name',
    command: `bridge doctor --agent ${agents[0]} --only warm-agents`
  }]
}

/**
 * The room that a pool would make, under another name. Only its metadata and its timeout differ, so that a bridge of
 * this project does not take it into its pool.
 */
function testRoom (pool: WarmPool, { settings, clock }: DoctorContext): RoomRequest {
  const madeAt = clock.now()
  const token = `doctor${randomBytes(16).toString('hex')}`
  const request = roomFormatOf(settings).warmRequest({
    room: `${settings.LIVEKIT_ROOM_PREFIX}_${token}`,
    token,
    departureS: EMPTY_TIMEOUT_S,
    madeAt,
    endsAt: madeAt + EMPTY_TIMEOUT_S * 1000
  }, pool)
  return { ...request, metadata: JSON.stringify({ probe: true }) }
}

/** What was seen of an agent that waits. Times are since the room was made, milliseconds, as exact as the looks. */
export interface Waiting {
  joinedMs?: number
  trackMs?: number
  /** When its session first said that it speaks, and that it prepares to. */
  speakingMs?: number
  thinkingMs?: number
  /** When it was gone, and whether its room was gone too. */
  leftMs?: number
  roomGone?: boolean
  /** When the last look that LiveKit answered was made. */
  seenMs?: number
}

/**
 * Looks at an agent until it has been in the room for `watchMs`, has spoken, or has left. A look that fails is made up
 * for by the next.
 */
async function watchAgent (
  rooms: Pick<Rooms, 'view'>,
  room: string,
  { joinMs, watchMs, clock, signal }: { joinMs: number, watchMs: number, clock: Clock, signal: AbortSignal }
): Promise<Waiting> {
  const began = clock.now()
  const seen: Waiting = {}
  const look = async () => {
    const view = await rooms.view(room).catch(() => undefined)
    if (!view) return
    const at = clock.now() - began
    seen.seenMs = at
    const agents = view.participants.filter(({ kind }) => kind === 'AGENT')
    if (agents.length === 0) {
      if (seen.joinedMs === undefined) return
      seen.leftMs = at
      seen.roomGone = !view.exists
      return
    }
    const states = agents.map(({ agentState }) => agentState)
    seen.joinedMs ??= at
    if (agents.some(({ audio }) => audio)) seen.trackMs ??= at
    if (states.includes('thinking')) seen.thinkingMs ??= at
    if (states.includes('speaking')) seen.speakingMs ??= at
  }

  await waitUntil(clock, joinMs, signal, async () => {
    await look()
    return seen.joinedMs !== undefined
  })
  if (seen.joinedMs === undefined) return seen

  await waitUntil(clock, watchMs, signal, async () => {
    await look()
    return seen.leftMs !== undefined || seen.speakingMs !== undefined
  })
  return seen
}

/** How well an agent waits for its call. Pure. */
export function waitingFinding (
  { joinedMs = 0, trackMs, speakingMs, thinkingMs, leftMs, roomGone, seenMs = joinedMs }: Waiting,
  agent: string
): Finding {
  const after = (ms: number) => `${((ms - joinedMs) / 1000).toFixed(1)} s after it had joined`
  if (leftMs !== undefined && roomGone) {
    return {
      code: 'room-closed',
      severity: 'failed',
      seen: `The room of agent ${agent} was gone ${after(leftMs)}, and nobody had called`,
      todo: 'An agent that waits for a call must not delete its room when nobody is there. If the agent does not, ' +
        'find who else deletes rooms: another service with the same LiveKit key, or a clean-up job'
    }
  }
  if (leftMs !== undefined) {
    return {
      code: 'warm-agent-leaves',
      severity: 'failed',
      seen: `Agent ${agent} left its room ${after(leftMs)}, and nobody had called`,
      todo: "Read the worker's log of this job. An agent that waits for a call must stay until LiveKit closes the " +
        'room, and its job metadata have no `call` yet (docs/warm-agents.md). Until then set WARM_AGENTS to 0, or ' +
        'remove `warm` from its route'
    }
  }
  if (speakingMs !== undefined) {
    return {
      code: 'warm-agent-speaks',
      severity: 'warning',
      seen: `Agent ${agent} greets an empty room: its session was \`speaking\` ${after(speakingMs)}, and nobody had ` +
        'called',
      todo: "Say nothing until the SIP participant's sip.callStatus is active (docs/warm-agents.md). Otherwise " +
        'callers hear no greeting, and each waiting room costs speech'
    }
  }
  if (thinkingMs !== undefined) {
    return {
      code: 'warm-agent-speaks',
      severity: 'warning',
      seen: `Agent ${agent} prepares its greeting in an empty room: its session was \`thinking\` ${after(thinkingMs)}` +
        ', and nobody had called',
      todo: "Ask the model for the greeting when the SIP participant's sip.callStatus is active " +
        '(docs/warm-agents.md). Before that the agent does not know who calls, and each waiting room costs a request'
    }
  }

  const watched = `for ${((seenMs - joinedMs) / 1000).toFixed(0)} s`
  const joined = `Agent ${agent} was in the room after ${joinedMs} ms`
  if (trackMs === undefined) {
    return {
      code: 'warm-agent-without-track',
      severity: 'ok',
      seen: `${joined} and waited ${watched}, without a track. A session of LiveKit's Agents SDK publishes it when ` +
        'the caller joins: such calls are answered about 30 ms later (99 ms after the INVITE instead of 67 ms, ' +
        'measured)',
      todo: 'Nothing must be done: without a track the agent takes less CPU, and a caller whose agent was killed a ' +
        'moment ago hears ringing instead of silence. To save these 30 ms, publish a silent track when the job ' +
        'begins (docs/warm-agents.md)'
    }
  }
  return {
    code: 'warm-agent-waits',
    severity: 'ok',
    seen: `${joined}, had a track after ${trackMs} ms, and waited ${watched} without a sign of speech`
  }
}
