import type { ClaimedRoom } from '../fold/warm.ts'

/*
 * A warm room: a LiveKit room that was made before its call, with an agent that waits in it (docs/warm-agents.md).
 * Records are data. The functions beside this file say what becomes of them.
 */

/**
 * `making`: LiveKit was asked for the room, and the agent is not there yet. `ready`: the agent waits, a call may claim
 * it. `claimed`: a call hook has taken it, and nobody has written down yet that the room is the call's. `leaving`: the
 * room is to be deleted. A room whose claim was settled has no record: its call owes its deletion.
 */
export const WARM_STATES = ['making', 'ready', 'claimed', 'leaving'] as const
export type WarmState = typeof WARM_STATES[number]

/** Why a room leaves its pool without a call. */
export const WARM_EXITS = [
  /** It is old, and a younger one takes its place. */
  'renewed',
  /** The agent has left, or LiveKit has closed the room. */
  'agent-left',
  'room-gone',
  /** More than one agent joined: two of them would talk to the caller. */
  'more-agents',
  /** The agent did not come. */
  'no-agent',
  /** LiveKit did not make the room. */
  'failed',
  /** The pool is smaller now, or the bridge stops. */
  'surplus',
  /** It was claimed for a call that did not take it. */
  'unused'
] as const
export type WarmExit = typeof WARM_EXITS[number]

export interface WarmRoom extends Omit<ClaimedRoom, 'agent'> {
  /** Version of this record. Within a version fields are only added. */
  v: 1
  /** Id of its pool. */
  pool: string
  state: WarmState
  /** Absent until the agent has joined. */
  agent?: ClaimedRoom['agent'] & { leftAt?: number }
  /**
   * LiveKit closes a room that holds an agent alone after its empty timeout: it ends by itself then, milliseconds since
   * the epoch, or up to a second before.
   */
  endsAt: number
  /** LiveKit has answered the request that makes the room. */
  made: boolean
  /** When an event or a look last showed the agent in the room. */
  seenAt?: number
  /** LiveKit may have crashed since the agent was last seen. Rooms of a node that crashed remain listed. */
  doubted?: true
  /** `checkedAt`: nobody had settled it, and LiveKit was asked who is in the room. */
  claim?: { callSid: string, at: number, checkedAt?: number }
  /** Why it leaves, and how far its deletion has come. */
  leaving?: { why: WarmExit, deletions: number }
  /** Somebody looks after the room then, unless it is claimed, milliseconds since the epoch. */
  due: number
}

/** Which calls a pool is for: those of this agent whose application metadata are these, word for word. */
export interface WarmPool {
  /** Derived from agent and metadata, so every replica has the same. */
  id: string
  agent: string
  /** `app` of the job metadata. */
  metadata: string
  /** Rooms that are always kept ready. */
  min: number
  /** Most rooms that are kept ready when many calls come. */
  max: number
}
