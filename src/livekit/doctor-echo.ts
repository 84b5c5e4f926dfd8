import type { WebhookEvent } from 'livekit-server-sdk'
import type { Rooms } from './rooms.ts'

/*
 * How the doctor finds out whether LiveKit's webhooks reach a bridge, without asking the bridge: it makes a room that
 * tells a nonce in its metadata, and the bridge that hears of this room answers there. So it works with any replica and
 * from any machine that has the key.
 */

/** What the metadata of a doctor's room say: who asks, and once a bridge heard of the room, its version. */
export interface DoctorNote {
  doctor: string
  heard?: string
}

/** No call's room is called so: those have a token behind the prefix, which begins with `c`. */
export const doctorRoom = (roomPrefix: string, nonce: string): string => `${roomPrefix}_doctor-${nonce}`

/** Reads a {@link DoctorNote}; undefined when a room has other metadata, or none. */
export function readDoctorNote (text: string): DoctorNote | undefined {
  try {
    const { doctor, heard } = JSON.parse(text) as Partial<Record<keyof DoctorNote, unknown>>
    return typeof doctor === 'string' ? { doctor, ...(typeof heard === 'string' && { heard }) } : undefined
  } catch {
    return undefined
  }
}

/** Answers under way at once: more doctors than that are none of ours. */
const MOST_AT_ONCE = 4

export interface DoctorEchoOptions {
  rooms: Pick<Rooms, 'setMetadata'>
  roomPrefix: string
  version: string
}

/**
 * Makes the function that takes LiveKit's events about doctors' rooms, and answers the first one of each. It neither
 * waits for LiveKit nor fails: whether the answer arrived, the doctor sees.
 * @returns whether the event was about such a room, so that it is about no call
 */
export function createDoctorEcho (
  { rooms, roomPrefix, version }: DoctorEchoOptions
): (event: Pick<WebhookEvent, 'event' | 'room'>) => boolean {
  let underWay = 0
  return ({ event, room }) => {
    if (!room?.name.startsWith(doctorRoom(roomPrefix, ''))) return false
    const note = readDoctorNote(room.metadata)
    if (
      event !== 'room_started' || !note || note.heard !== undefined ||
      room.name !== doctorRoom(roomPrefix, note.doctor) || underWay >= MOST_AT_ONCE
    ) return true
    underWay++
    rooms.setMetadata(room.name, JSON.stringify({ ...note, heard: version } satisfies DoctorNote)).catch(() => {})
      .finally(() => {
        underWay--
      })
    return true
  }
}
