import type { ClaimedRoom, ColdReason } from '../fold/warm.ts'
import type { EventOf } from '../fold/events.ts'
import type { WarmPool } from './warm-room.ts'

/** What a call asks of the pools. */
export interface WarmWish {
  callSid: string
  agent: string
  /** `app` of the job metadata. */
  metadata: string
}

/** What operators see of a pool. */
export interface WarmPoolView extends WarmPool {
  /** How many rooms are wanted now. */
  size: number
  /** Rooms with a waiting agent that a call may claim. */
  ready: number
  /** Rooms whose agent is not there yet. */
  making: number
  /** Why rooms are not made at the moment, or slowly; absent: nothing is wrong. */
  trouble?: 'livekit' | 'no-agent' | 'agent-leaves' | 'store'
}

/** Rooms with waiting agents, over all replicas. */
export interface WarmPools {
  /** Whether rooms are kept for any agent now. */
  any(): boolean
  /**
   * Takes a room for a call. No request to LiveKit is made, and nothing is waited for but the store, for some
   * milliseconds. Never rejects.
   */
  claim(wish: WarmWish): Promise<ClaimedRoom | ColdReason>
  /**
   * Says what became of a claim. A room that its call did not take goes back to its pool.
   * @returns that the agent left between claim and now, as LiveKit's event tells it: the call has not heard of it
   */
  settle(room: Pick<ClaimedRoom, 'room'>, taken: boolean): Promise<EventOf<'livekit'> | undefined>
  /**
   * Takes an event of LiveKit about a room.
   * @returns whether the room is one of a pool, so that no call is to be looked for. Not for one that is claimed: its
   *   call must hear of it too
   */
  hear(event: EventOf<'livekit'>): Promise<boolean>
  /**
   * Passes on what {@link settle} would have returned, had the store answered then.
   * @param listener finds the call by the event's room
   */
  onMissed(listener: (event: EventOf<'livekit'>) => void): void
  views(): Promise<WarmPoolView[]>
  /** Begins to fill the pools. */
  start(): void
  /** No more rooms are made. Those that are there may still be claimed. */
  drain(): void
  /** Deletes the rooms, unless other replicas go on with them. */
  close(): Promise<void>
}

/** Without pools every call starts cold. */
export const noWarmPools: WarmPools = {
  any: () => false,
  claim: async () => 'no-pool',
  settle: async () => undefined,
  hear: async () => false,
  onMissed () {},
  views: async () => [],
  start () {},
  drain () {},
  async close () {}
}
