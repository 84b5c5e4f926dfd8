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
  /** Times in milliseconds since the epoch. */
  agent: { identity: string, joinedAt: number, audioAt?: number }
}

/** What LiveKit's own record of a warm room tells of it, once a call has it. */
export type FoundWarmRoom = Pick<ClaimedRoom, 'room' | 'token' | 'departureS' | 'madeAt'>

/**
 * Why an attempt got no warm room. `no-pool`: none is kept for its agent and metadata. `empty`: none was ready.
 * `store`: the store of the pool did not answer in time. `ordered`: somebody ordered the call, and its agent knows more
 * of it than a room may tell.
 */
export const COLD_REASONS = ['no-pool', 'empty', 'store', 'ordered'] as const
export type ColdReason = typeof COLD_REASONS[number]
