import type { Room } from './state.ts'

/** LiveKit's server looks for rooms to close once a second (livekit-server server.go, backgroundWorker). */
const LOOK_EVERY_MS = 1000

/**
 * When LiveKit closes a room without callers, in milliseconds since the epoch: at its first look after a timeout is
 * over. Before the first caller that is the empty timeout, which counts from the creation of the room, even while an
 * agent is there. Afterwards it is the departure timeout, which counts from the last participant that left. Both count
 * whole seconds of the time of day, so a room may close up to a second early (livekit-server room.go, CloseIfEmpty; 8
 * seconds were 7.1 as recorded).
 *
 * @param firstLookMs when the server looked first, in milliseconds since the epoch
 */
export function closesAt (room: Room, firstLookMs: number): number {
  const departedMs = room.calledOnce ? room.lastLeftMs : undefined
  const sinceMs = departedMs ?? room.createdMs
  const timeoutS = departedMs === undefined ? room.emptyTimeout : room.departureTimeout
  const overMs = (Math.floor(sinceMs / 1000) + timeoutS) * 1000
  return firstLookMs + Math.ceil((overMs - firstLookMs) / LOOK_EVERY_MS) * LOOK_EVERY_MS
}
