import { RoomEvent, type RemoteParticipant, type Room } from '@livekit/rtc-node'
import { callSidOf, type Job } from './call.ts'

const CALL_STATUS = 'sip.callStatus'

/** A person whom this agent calls with LiveKit's own API. Two people with the same identity cannot be in a room. */
export const PERSON_IDENTITY = 'person'

/**
 * Whether the participant is on this call's phone. Somebody who joins the room in a browser has no call status, and a
 * person whom the bridge has joined belongs to another call.
 */
export function isOnPhone ({ attributes, identity }: RemoteParticipant, job: Job): boolean {
  const callSid = attributes['sip.h.x-lk-call']
  const isOfAnotherCall = callSid !== undefined && callSid !== callSidOf(job, attributes)
  return attributes[CALL_STATUS] !== undefined && identity !== PERSON_IDENTITY && !isOfAnotherCall
}

/** Waits until the phone is answered. While it rings, nobody would hear a greeting. */
export async function answered (room: Room, participant: RemoteParticipant, over: AbortSignal): Promise<void> {
  while (isRinging(participant) && !over.aborted) {
    await new Promise<void>(resolve => {
      room.once(RoomEvent.ParticipantAttributesChanged, () => resolve())
      over.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}

const isRinging = ({ attributes }: RemoteParticipant): boolean => ![undefined, 'active'].includes(attributes[CALL_STATUS])
