import type { Attempt, Call } from './call.ts'
import { note, owe } from './duties.ts'
import type { EventOf } from './events.ts'
import { UNSEEN } from './evidence.ts'
import { withoutAbsent } from './without-absent.ts'

/*
 * What the fold knows of rooms that were made before their calls (docs/warm-agents.md).
 */

/** A room with a waiting agent, as a call takes it over. */
export interface ClaimedRoom {
  room: string
  /** SIP user that is dialled: the room's name behind the prefix. Random, so no call can guess another's. */
  token: string
  /** Name of the LiveKit agent that was dispatched to it. */
  agentName: string
  /** LiveKit was asked to keep the room for so long without its caller, seconds. */
  departureS: number
  /** When LiveKit was asked for the room, milliseconds since the epoch. */
  madeAt: number
  /** LiveKit's events about this room arrive here. */
  events: boolean
  /**
   * Times in milliseconds since the epoch. `answers`: its SDK has answered when it was asked for a sign of life, so it
   * is dead when it does not any more.
   */
  agent: { identity: string, joinedAt: number, audioAt?: number, answers?: true }
}

/** What LiveKit's own record of a warm room tells of it, once a call has it. */
export type FoundWarmRoom = Pick<ClaimedRoom, 'room' | 'token' | 'departureS' | 'madeAt'>

/**
 * Why an attempt got no warm room. `no-pool`: none is kept for its agent and metadata. `empty`: none was ready.
 * `store`: the store of the pool did not answer in time, or its rooms have not been looked at yet. `ordered`: somebody
 * ordered the call, and its agent knows more of it than a room may tell.
 */
export const COLD_REASONS = ['no-pool', 'empty', 'store', 'ordered'] as const
export type ColdReason = typeof COLD_REASONS[number]

/**
 * The attempt goes into a room that was made before the call. Its agent is there already: for the call, from the
 * beginning of the attempt on. What the agent needs to know of the call is told to it after the reply.
 * @returns false when the attempt needs no room any more
 */
export function takeWarmRoom (draft: Call, attempt: Attempt, warm: ClaimedRoom, at: number): boolean {
  const isWanted = !attempt.end && attempt.at.replied === undefined && draft.phase !== 'ended' &&
    draft.hangupAt === undefined
  if (!isWanted) return false

  const { opened } = attempt.at
  const { identity, answers } = warm.agent
  const audioAt = warm.agent.audioAt === undefined ? undefined : opened
  enterWarmRoom(attempt, warm)
  attempt.warm!.agent = identity
  attempt.view.agent = { identity, joinedAt: opened, ...withoutAbsent({ audioAt, answers }) }
  attempt.view.events = warm.events
  if (warm.events) attempt.view.started = true
  for (const times of [attempt.at, draft.at]) {
    times.agentJoined ??= opened
    if (audioAt !== undefined) times.agentAudio ??= opened
  }
  note(draft, at, { from: 'bridge', what: 'warm room claimed', attempt: attempt.n })
  oweTellAgent(draft, attempt, at)

  return true
}

/** The attempt's room is one that was made before the call, and nothing of it is derived. */
export function enterWarmRoom (attempt: Attempt, { room, token, departureS, madeAt }: FoundWarmRoom): void {
  attempt.warm = { madeAt }
  attempt.room = room
  attempt.token = token
  attempt.departureS = departureS
  attempt.visits = undefined
}

/** Owes the news of who calls to the agent that waits in the room. */
export function oweTellAgent (draft: Call, attempt: Attempt, at: number): void {
  owe(draft, at, { kind: 'tell-agent', target: String(attempt.n), due: at })
}

/** The agent waits in a room that was made before the call, and LiveKit has not answered the caller yet. */
export const awaitsWarmAgent = ({ warm, answered, end }: Attempt): boolean => warm !== undefined && !answered && !end

/** Notes of each attempt whose agent waited, once it is known, whether that agent is the one who answers. */
export function settleWarmStarts (draft: Call): void {
  for (const attempt of draft.attempts) {
    const { warm } = attempt
    if (warm?.agent === undefined || warm.replaced) continue

    const isLost = isWaitingAgentDead(attempt) || (warm.replaced === undefined && isWaitingAgentGone(draft, attempt))
    if (isLost || attempt.answered) warm.replaced = isLost
  }
}

/** It was dead when its call came. LiveKit may have answered all the same, because of its track. */
const isWaitingAgentDead = ({ warm, view: { agent } }: Attempt): boolean =>
  agent?.identity === warm!.agent && agent?.left?.reason === DEAD

/** Another agent was dispatched, or is there, or the room is empty of agents. */
function isWaitingAgentGone (draft: Call, attempt: Attempt): boolean {
  const { warm, view: { agent, sip }, redispatches, final, end, closing } = attempt
  // Once the caller has gone, an agent that leaves does what it should.
  if (sip?.left || final || end || closing || draft.caller.final || draft.hangupAt !== undefined) return false
  if (redispatches.length > 0) return true
  // What one look misses may be there.
  return agent?.identity !== warm!.agent || (agent?.left !== undefined && agent.left.reason !== UNSEEN)
}

/**
 * What was found when the agent was to be told who calls. `gone`: there is no such room. `dead`: the agent's process
 * does not answer any more.
 */
export const TOLD = { gone: 'warm room gone', dead: 'agent gives no sign of life' } as const

/**
 * What became of making the room again. `made`: its agent is on the way. `byRule`: the SIP leg was faster, and
 * LiveKit's dispatch rule has made the room, with the rule's own agent.
 */
export const MADE_AGAIN = { made: 'room made again', byRule: 'room made by the dispatch rule' } as const

/** Why an agent counts as left that LiveKit still lists: its process is dead. */
export const DEAD = 'DEAD'

/** A leg in a room with an agent that publishes audio is answered within a tenth of a second, milliseconds. */
const SILENT_MS = 2000

/**
 * Whether the agents that a look saw are of no use, so that another one takes their place. One is dead, though LiveKit
 * lists it and has perhaps answered the caller because of its track. Or the caller has been ringing in the room for a
 * while: they crashed, or are the dispatch rule's.
 * @param at when the look was, milliseconds since the epoch
 */
export function areSilent (
  attempt: Attempt,
  look: Pick<EventOf<'look'>, 'sip' | 'agent' | 'moreAgents'>,
  at: number
): boolean {
  const { agent, sip } = attempt.view
  // Whoever is there beside the dead one may be talking with the caller.
  if (agent?.left?.reason === DEAD && agent.identity === look.agent?.identity) return look.moreAgents === undefined
  if (!awaitsWarmAgent(attempt) || look.sip === undefined || look.sip.callStatus === 'active') return false
  return sip !== undefined && at - sip.joinedAt >= SILENT_MS
}
