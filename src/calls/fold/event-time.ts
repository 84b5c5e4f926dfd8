import type { Attempt } from './call.ts'
import type { EventOf } from './events.ts'

/*
 * When something happened, by our clock. LiveKit delivers an event again when nobody took it: after 1, 3, 7 and 15 s
 * (protocol webhook/resource_url_notifier.go). What a call that ended meanwhile took must not depend on that, nor on
 * how the two clocks differ.
 */

/** `createdAt` of an event is in whole seconds. */
const STEP_MS = 1000
/** A room's age may be off by that and by the time that createRoom took, up to its 3 s. */
const CREATION_SLACK_MS = 3500

/** @returns when the event happened: never after its arrival, never before its attempt */
export function happenedAt (attempt: Attempt, { at, madeAt, roomMadeAt }: EventOf<'livekit'>): number {
  if (madeAt === undefined) return at
  const lag = at - madeAt
  attempt.view.lag = Math.min(attempt.view.lag ?? lag, lag)
  noteCreation(attempt, roomMadeAt)
  const late = lag - usualLag(attempt) - STEP_MS

  return late > 0 ? Math.max(attempt.at.opened, at - late) : at
}

/** A time of LiveKit's clock by ours, within a second. Undefined until an event has told how the clocks differ. */
export function byOurClock (attempt: Attempt, livekitTime: number | undefined): number | undefined {
  if (livekitTime === undefined || attempt.view.lag === undefined) return undefined
  return Math.max(attempt.at.opened, livekitTime + usualLag(attempt))
}

/** We know when our own createRoom was sent: the room's age tells the difference of the clocks, even if all is late. */
function noteCreation ({ view, made, degraded, warm, at }: Attempt, roomMadeAt: number | undefined): void {
  if (roomMadeAt === undefined || made !== 'created' || degraded) return
  const lag = (warm?.madeAt ?? at.opened) - roomMadeAt
  // A room that an agent re-created is younger.
  view.creationLag = Math.max(view.creationLag ?? lag, lag)
}

/** From LiveKit's making an event to its arrival when nothing delays it, the difference of the clocks included. */
function usualLag ({ view: { lag = 0, creationLag } }: Attempt): number {
  return creationLag !== undefined && lag - creationLag > CREATION_SLACK_MS ? creationLag : lag
}
