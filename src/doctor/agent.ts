import type { Finding } from '../finding.ts'
import type { Rooms } from '../livekit/rooms.ts'
import { agentSlow, SLOW_AGENT_MS } from '../probe/agent-slow.ts'
import { planCall } from '../probe/room.ts'
import { watchRoom, type Watched } from '../probe/watch.ts'
import type { Check, DoctorContext } from './check.ts'
import { inRoom, waitUntil } from './in-room.ts'
import { WAITS_FOR_LIVEKIT_API } from './waits-for.ts'

/** A worker that takes longer is no use: the caller hears ringing all the while. Milliseconds. */
const WAIT_MS = 10_000
/** For making and deleting the room on a slow LiveKit, milliseconds. */
const AROUND_MS = 20_000

/** Dispatches the agent into a room of its own, as for a call, and watches it join. */
export const agentCheck: Check = createAgentCheck()

interface AgentCheckOptions {
  waitMs?: number
  slowMs?: number
  /** How long the deleted room is watched for an agent that re-creates it, milliseconds. */
  watchMs?: number
}

export function createAgentCheck (
  { waitMs = WAIT_MS, slowMs = SLOW_AGENT_MS, watchMs }: AgentCheckOptions = {}
): Check {
  return {
    name: 'agent',
    title: 'Do the agents join a room and publish audio?',
    readOnly: false,
    limitMs: waitMs + AROUND_MS,
    waitsFor: [WAITS_FOR_LIVEKIT_API],
    async run (context, signal) {
      const agents = agentsOf(context)
      const checked = agents.slice(0, MOST_AGENTS)
      const found = await Promise.all(checked.map(agent => lookFor(agent, context, signal)))
      return distinct([...found.flat(), ...unchecked(agents.slice(MOST_AGENTS))])
    }
  }

  async function lookFor (agent: string, context: DoctorContext, signal: AbortSignal): Promise<Finding[]> {
    const { settings, rooms, clock } = context
    const { room, token } = planCall(settings, { agent, now: clock.now() })
    let seen: Watched = {}
    return await inRoom(context, room, async () => {
      const watch = watchRoom({ rooms, name: room.name, caller: { callSid: '', token }, clock, onStep: () => {} })
      seen = watch.seen
      const began = clock.now()
      await waitUntil(clock, waitMs, signal, () => watch.seen.agentAudioMs !== undefined)
      await watch.stop()
      if (signal.aborted && watch.seen.agentAudioMs === undefined) return []
      // Nothing could be seen: another look says why.
      if (!watch.seen.look) await rooms.look(room.name, { callSid: '', token })
      const jobs = watch.seen.agentJoinedMs === undefined ? await jobsOf(rooms, room.name) : undefined
      return [agentFinding(watch.seen, { agent: room.agent.name, jobs, slowMs, waitedMs: clock.now() - began })]
    }, () => ({ settled: seen.agentJoinedMs !== undefined, ...(watchMs !== undefined && { watchMs }) }))
  }
}

/** Agents that are looked for in one run: each of them gets a room, and a job. */
const MOST_AGENTS = 5

/** The settings' agent and those of the routes, or the one that was asked for. */
export function agentsOf ({ agent, settings, routes: { table } }: DoctorContext): string[] {
  if (agent !== undefined) return [agent]
  const named = table.ways.flatMap(({ way }) => way.strategy === 'room' ? way.agent : [])
  return [...new Set([settings.LIVEKIT_AGENT_NAME, ...table.agent === undefined ? [] : [table.agent], ...named])]
}

function unchecked (agents: readonly string[]): Finding[] {
  if (agents.length === 0) return []
  return [{
    code: 'agents-unchecked',
    severity: 'skipped',
    seen: `Not looked for, because a run looks for ${MOST_AGENTS} agents: ${agents.join(', ')}`,
    todo: 'Look for each of them by its name',
    command: `bridge doctor --agent ${agents[0]}`
  }]
}

/** A LiveKit that cannot be used is the same finding for each agent. */
const distinct = (findings: readonly Finding[]): Finding[] =>
  findings.filter((one, i) => findings.findIndex(({ code, seen }) => code === one.code && seen === one.seen) === i)

/** @returns the states of the jobs; undefined when LiveKit does not list them */
async function jobsOf (rooms: Pick<Rooms, 'jobs'>, room: string): Promise<string[] | undefined> {
  return await rooms.jobs(room).then(jobs => jobs.map(({ status }) => status), () => undefined)
}

export interface AgentWait {
  agent: string
  /** States of its jobs, asked for when it was not in the room; undefined: not known. */
  jobs: readonly string[] | undefined
  slowMs: number
  waitedMs: number
}

/** What was seen of an agent that was dispatched into a room where it is alone. Pure. */
export function agentFinding (
  { agentJoinedMs, agentAudioMs }: Watched,
  { agent, jobs, slowMs, waitedMs }: AgentWait
): Finding {
  const seconds = `${Math.round(waitedMs / 1000)} s`
  if (agentJoinedMs !== undefined && agentAudioMs !== undefined) {
    if (agentAudioMs > slowMs) return agentSlow(agent, { agentJoinedMs, agentAudioMs })
    return {
      code: 'agent-ready',
      severity: 'ok',
      seen: `Agent ${agent} was in the room after ${agentJoinedMs} ms and had audio after ${agentAudioMs} ms`
    }
  }
  if (agentJoinedMs !== undefined) {
    return {
      code: 'agent-without-audio',
      severity: 'warning',
      seen: `Agent ${agent} was in the room after ${agentJoinedMs} ms and had published no audio after ${seconds}. ` +
        'Some agents publish only when a caller is there',
      todo: 'LiveKit answers a call only once the agent has audio: it must start its session before it waits for the ' +
        'caller or for sip.callStatus (docs/agents.md). A probe shows it with a caller',
      command: 'bridge probe'
    }
  }
  if (jobs !== undefined && jobs.length > 0) {
    return {
      code: 'agent-job-without-join',
      severity: 'failed',
      seen: `A worker took the job of agent ${agent} (${[...new Set(jobs)].join(', ')}), and no agent was in the ` +
        `room after ${seconds}`,
      todo: "Read the worker's log of this job: the process crashed, hangs before it connects to the room, or cannot " +
        'reach LIVEKIT_URL over WebRTC'
    }
  }
  const unknown = jobs === undefined ? '; LiveKit did not list its jobs' : ''
  return {
    code: 'agent-not-dispatched',
    severity: 'failed',
    seen: `No worker took the job of agent ${agent} within ${seconds}${unknown}. A wrong name, no worker and a busy ` +
      'one look alike',
    todo: `See that a worker runs that is registered as ${agent}, letter by letter (agentName of its WorkerOptions; ` +
      'a worker without a name never gets these jobs), with URL and key of this LiveKit project, and that it is free'
  }
}
