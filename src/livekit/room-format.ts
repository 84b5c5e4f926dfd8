import type { Attempt, Call } from '../calls/fold/call.ts'
import type { RoomFormat, RoomRequest } from '../calls/ports.ts'
import { ringSOf } from '../calls/fold/attempt-facts.ts'
import { jobMetadata, readRoomMetadata, roomMetadata } from './metadata.ts'
import type { PlanSeal } from './plan-seal.ts'

/** Seconds for which a room outlives its SIP participant: long enough to come back from a failed transfer. */
const DEPARTURE_TIMEOUT_S = 10
/** A room must outlive the ringing: LiveKit closes a room that holds agents alone after its empty timeout. */
const EMPTY_SLACK_S = 60

/**
 * Returns the one request that makes an attempt's room and dispatches its agent. A room is never made without an agent:
 * LiveKit would then dispatch every worker that has no name.
 */
export function roomRequest (call: Call, attempt: Attempt, dialTimeoutS: number, seal: PlanSeal): RoomRequest {
  return {
    name: attempt.room!,
    emptyTimeoutS: (call.order?.ringS ?? 0) + ringSOf(attempt, dialTimeoutS) + EMPTY_SLACK_S,
    departureTimeoutS: DEPARTURE_TIMEOUT_S,
    metadata: roomMetadata(call, attempt, seal),
    agent: { name: attempt.agent!, metadata: jobMetadata(call, attempt) }
  }
}

/** The bridge's own format of rooms and jobs (docs/agents.md). */
export const createRoomFormat = (dialTimeoutS: number, seal: PlanSeal): RoomFormat => ({
  request: (call, attempt) => roomRequest(call, attempt, dialTimeoutS, seal),
  jobMetadata,
  readMetadata: text => readRoomMetadata(text, seal)
})
