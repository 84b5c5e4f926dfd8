import { currentAttempt, type Attempt, type Call } from './call.ts'
import { note, owe, oweLook } from './duties.ts'
import type { EventOf } from './events.ts'

/*
 * A carrier of Jambonz may lead to LiveKit, where a trunk and a rule of the user's own put the call into a room. The
 * bridge did not make that room, and cannot know its name. It recognises it by the header that its dial carries.
 */

/** Whether the call's open attempt may be in a room that nobody here knows yet. */
export function mayBeInForeignRoom (call: Call): boolean {
  const attempt = currentAttempt(call)
  return attempt?.strategy === 'carrier' && attempt.room === undefined && !attempt.end && call.phase !== 'ended'
}

/**
 * Takes the room of an event for that of the open attempt, where the event shows our own leg in it. A look then tells
 * who was there before.
 * @returns the attempt, if the room is its
 */
export function adoptForeignRoom (draft: Call, { at, room, participant }: EventOf<'livekit'>): Attempt | undefined {
  if (participant?.kind !== 'SIP' || participant.sip?.callSid !== draft.callSid) return undefined
  if (!mayBeInForeignRoom(draft)) return undefined
  const attempt = currentAttempt(draft)!
  attempt.room = room
  attempt.foreign = true
  note(draft, at, { from: 'livekit', what: 'room recognised', attempt: attempt.n })
  oweLook(draft, attempt, at, at)

  return attempt
}

/** An operator ends a call in a room that is not ours, and only LiveKit can do it. The room is deleted, once. */
export function oweDeleteForeign (draft: Call, { room }: Attempt, at: number): void {
  owe(draft, at, { kind: 'delete-room', target: room!, due: at, room: { step: 0, settled: at, pauses: 0 } })
}
