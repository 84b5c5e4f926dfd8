import type { JobContext } from '@livekit/agents'
import { RoomEvent, type RemoteParticipant, type Room } from '@livekit/rtc-node'
import { callSidOf, readJob, type Job } from './call.ts'

const CALL_STATUS = 'sip.callStatus'

/** A person whom this agent calls with LiveKit's own API. Two people with the same identity cannot be in a room. */
export const PERSON_IDENTITY = 'person'

/** What is known of the call now. */
export const jobOf = (ctx: JobContext, caller?: RemoteParticipant): Job =>
  readJob(ctx.job.metadata, ctx.room.metadata, caller?.attributes)

/**
 * Waits until it is known who calls. In a warm room that can take an hour: the bridge writes it into the room's
 * metadata when the call comes in, usually before the caller is in the room. Everywhere else it is known at once.
 * @returns undefined when nobody called, and the room was closed
 */
export async function untilCalled (ctx: JobContext, over: AbortSignal): Promise<Job | undefined> {
  while (!over.aborted) {
    const caller = [...ctx.room.remoteParticipants.values()].find(({ attributes }) => attributes[CALL_STATUS])
    const job = jobOf(ctx, caller)
    if (job.mode !== 'warm' || job.call || caller) return job
    await news(ctx.room, over)
  }
  return undefined
}

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
  while (isRinging(participant) && !over.aborted) await news(room, over)
}

const isRinging = ({ attributes }: RemoteParticipant): boolean => ![undefined, 'active'].includes(attributes[CALL_STATUS])

const NEWS = [
  RoomEvent.RoomMetadataChanged,
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantAttributesChanged
] as const

/** Resolves when something changes that an agent may wait for, or when the call is over. */
function news (room: Room, over: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const heard = () => {
      for (const event of NEWS) room.off(event, heard)
      over.removeEventListener('abort', heard)
      resolve()
    }
    for (const event of NEWS) room.on(event, heard)
    over.addEventListener('abort', heard)
  })
}
