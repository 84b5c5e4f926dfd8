import type { AgentControls } from '../agent-control.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import type { RoomFormat, RoomRequest } from '../calls/ports.ts'
import { ringSOf } from '../calls/fold/attempt-facts.ts'
import { departureOf } from '../calls/fold/return-to-agent.ts'
import { jobMetadata, warmJobMetadata } from './job-metadata.ts'
import { readRoomMetadata, readWarmRoom, roomMetadata, warmRoomMetadata } from './metadata.ts'
import type { PlanSeal } from './plan-seal.ts'

/** A room must outlive the ringing: LiveKit closes a room that holds agents alone after its empty timeout. */
const EMPTY_SLACK_S = 60

export interface RoomFormatOptions {
  dialTimeoutS: number
  seal: PlanSeal
  control: AgentControls
}

/**
 * The bridge's own format of rooms and jobs (docs/agents.md). One request makes an attempt's room and dispatches its
 * agent. A room is never made without an agent: LiveKit would then dispatch every worker that has no name.
 */
export function createRoomFormat ({ dialTimeoutS, seal, control }: RoomFormatOptions): RoomFormat {
  const jobOf = (call: Call, attempt: Attempt) => jobMetadata(call, attempt, control.ofAttempt(call, attempt))

  return {
    request: (call, attempt): RoomRequest => ({
      name: attempt.room!,
      emptyTimeoutS: (call.order?.ringS ?? 0) + ringSOf(attempt, dialTimeoutS) + EMPTY_SLACK_S,
      departureTimeoutS: departureOf(attempt),
      metadata: roomMetadata(call, attempt, seal, control.ofAttempt(call, attempt)),
      agent: { name: attempt.agent!, metadata: jobOf(call, attempt) }
    }),
    jobMetadata: jobOf,
    readMetadata: text => readRoomMetadata(text, seal),
    warmRequest: (room, pool): RoomRequest => ({
      name: room.room,
      emptyTimeoutS: Math.round((room.endsAt - room.madeAt) / 1000),
      departureTimeoutS: room.departureS,
      metadata: warmRoomMetadata(room, pool.agent, seal),
      agent: { name: pool.agent, metadata: warmJobMetadata(pool, control.ofWarmRoom(room)) }
    }),
    isWarmRoom: (room, metadata) => readWarmRoom(room, metadata, seal) !== undefined,
    readWarmRoom: (room, metadata) => readWarmRoom(room, metadata, seal)
  }
}
