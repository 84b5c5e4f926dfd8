import type { Call } from './call.ts'

/**
 * All names by which a call can be found, besides its call_sid: its rooms, the id of its order, and what its SIP legs,
 * or those in its room, are known by.
 */
export function namesOf (call: Call): Set<string> {
  const names = roomsOf(call)
  if (call.order && call.order.id !== call.callSid) names.add(call.order.id)
  const nameOf = call.facts.direction === 'agent' ? agentCallName : besideName
  for (const id of call.sipCallIds ?? []) names.add(nameOf(id))
  return names
}

/** The name by which LiveKit's id of a SIP leg finds the call that an agent makes with it. */
export const agentCallName = (sipCallId: string): string => `sip:${sipCallId}`

/** The name by which LiveKit's id of a SIP leg finds the call in whose room the leg is. */
export const besideName = (sipCallId: string): string => `beside:${sipCallId}`

/** The part of a call that names its rooms. */
interface WithRooms {
  attempts: ReadonlyArray<{ room?: string }>
  earlier: ReadonlyArray<{ attempts: ReadonlyArray<{ room?: string }> }>
  late?: { rooms?: readonly string[] }
}

/** All rooms of a call: LiveKit may tell of any of them. */
export function roomsOf ({ attempts, earlier, late }: WithRooms): Set<string> {
  const rooms = new Set(late?.rooms)
  for (const { room } of attempts) if (room !== undefined) rooms.add(room)
  for (const { attempts } of earlier) for (const { room } of attempts) if (room !== undefined) rooms.add(room)
  return rooms
}
