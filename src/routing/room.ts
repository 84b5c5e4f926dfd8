import type { Attempt, Call } from '../calls/fold/call.ts'
import { jobMetadata, roomMetadata } from '../livekit/metadata.ts'
import type { RoomRequest } from '../livekit/rooms.ts'
import type { Strategy } from './strategy.ts'

/**
 * Strategy `room`: the SIP user that is dialled names a LiveKit room in which an agent was called. LiveKit's Callee
 * rule puts the SIP leg into `<prefix>_<SIP user>` (livekit/protocol sip/sip.go).
 */
export const room: Strategy<{ strategy: 'room', agent: string }> = {
  open ({ agent }, { callSid, n }, { tokenOf, roomPrefix }) {
    const token = tokenOf(callSid, n)
    return { agent, token, room: `${roomPrefix}_${token}` }
  },
  dial: (call, attempt, config) => ({
    target: [{
      type: 'sip',
      sipUri: `sip:${attempt.token}@${config.sipHost};transport=${config.sipTransport}`,
      ...(config.sipAuth ? { auth: config.sipAuth } : {})
    }],
    referHook: `${config.publicUrl}/refer?call=${encodeURIComponent(call.callSid)}&attempt=${attempt.n}`,
    // LiveKit sends no early media: without a tone the caller would hear silence until the agent speaks.
    ...(config.ringbackTone ? { dialMusic: config.ringbackTone } : {}),
    ...(config.srtp ? { srtpEncryption: 'sdes' as const } : {})
  })
}

/** Seconds that a room lives on after the SIP participant left: long enough to come back from a failed transfer. */
const DEPARTURE_TIMEOUT_S = 10
/** A room must outlive the ringing; agents alone do not keep it. */
const EMPTY_SLACK_S = 60

/**
 * The one request that makes the room and calls its agent. Never without an agent: LiveKit would call every unnamed
 * one.
 */
export function roomRequest (call: Call, attempt: Attempt, dialTimeoutS: number): RoomRequest {
  return {
    name: attempt.room!,
    emptyTimeoutS: dialTimeoutS + EMPTY_SLACK_S,
    departureTimeoutS: DEPARTURE_TIMEOUT_S,
    metadata: roomMetadata(call, attempt),
    agent: { name: attempt.agent!, metadata: jobMetadata(call, attempt) }
  }
}
