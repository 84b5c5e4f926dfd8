import type { WebhookEvent } from 'livekit-server-sdk'
import { EVENT_REFUSALS, type EventRefusal } from './event-refusal.ts'
import type { Rooms } from './rooms.ts'

/*
 * How the doctor finds out whether LiveKit's webhooks reach a bridge, without asking the bridge. The doctor makes a
 * room with a nonce in its metadata, and the bridge that hears of this room answers in the same metadata: with its
 * version, or with the reason why it refused the event. This works with any replica and from any machine that has the
 * key.
 */

/** What the metadata of a doctor's room say: who asks, and what a bridge that heard of the room answered. */
export interface DoctorNote {
  doctor: string
  /** Version of the bridge that took the event. */
  heard?: string
  /** Why a bridge did not take the event. */
  refused?: EventRefusal
}

/** A room of a call never has such a name: a call's token begins with `c` and has no hyphen. */
export const doctorRoom = (roomPrefix: string, nonce: string): string => `${roomPrefix}_doctor-${nonce}`

/** Reads a {@link DoctorNote}; undefined when a room has other metadata, or none. */
export function readDoctorNote (text: string): DoctorNote | undefined {
  try {
    const { doctor, heard, refused } = JSON.parse(text) as Partial<Record<keyof DoctorNote, unknown>>
    if (typeof doctor !== 'string') return undefined
    const reason = EVENT_REFUSALS.find(reason => reason === refused)
    return { doctor, ...(typeof heard === 'string' && { heard }), ...(reason !== undefined && { refused: reason }) }
  } catch {
    return undefined
  }
}

/** More answers at once than this are not wanted by any doctor of ours. */
const MOST_AT_ONCE = 4
/** Anybody may send an event that is refused, so only one of them is answered within this time, milliseconds. */
const REFUSED_EVERY_MS = 1000

export interface DoctorEchoOptions {
  rooms: Pick<Rooms, 'setMetadata'>
  roomPrefix: string
  version: string
  now: () => number
}

export interface DoctorEcho {
  /** Answers an event that was verified. @returns whether it is about a doctor's room, and so about no call */
  heard(event: Pick<WebhookEvent, 'event' | 'room'>): boolean
  /** Answers an event that was refused, if it is about a doctor's room. @param reason is only asked for then */
  refused(rawBody: string, reason: () => Promise<EventRefusal>): void
}

/**
 * Makes the two functions that take LiveKit's events about doctors' rooms, and answer the first one of each. They
 * neither wait for LiveKit nor fail: the doctor sees whether the answer arrived.
 */
export function createDoctorEcho ({ rooms, roomPrefix, version, now }: DoctorEchoOptions): DoctorEcho {
  let underWay = 0
  let refusedAt = -Infinity

  function answer (work: () => Promise<unknown>): void {
    if (underWay >= MOST_AT_ONCE) return
    underWay++
    work().catch(() => {}).finally(() => {
      underWay--
    })
  }
  const write = (room: string, note: DoctorNote) => rooms.setMetadata(room, JSON.stringify(note))

  return {
    heard ({ event, room }) {
      if (!room?.name.startsWith(doctorRoom(roomPrefix, ''))) return false
      const note = openNote(room, roomPrefix)
      if (event === 'room_started' && note) answer(() => write(room.name, { ...note, heard: version }))
      return true
    },
    refused (rawBody, reason) {
      const room = startedRoom(rawBody)
      const note = room && openNote(room, roomPrefix)
      if (!note || now() - refusedAt < REFUSED_EVERY_MS) return
      refusedAt = now()
      answer(async () => await write(room.name, { ...note, refused: await reason() }))
    }
  }
}

/** The note of a doctor's room that nobody has answered yet. */
function openNote ({ name, metadata }: { name: string, metadata: string }, roomPrefix: string): DoctorNote | undefined {
  const note = readDoctorNote(metadata)
  const isOpen = note && note.heard === undefined && note.refused === undefined
  return isOpen && name === doctorRoom(roomPrefix, note.doctor) ? note : undefined
}

/** The room that an unverified `room_started` names. */
function startedRoom (rawBody: string): { name: string, metadata: string } | undefined {
  try {
    const { event, room } = JSON.parse(rawBody) as { event?: unknown, room?: { name?: unknown, metadata?: unknown } }
    if (event !== 'room_started') return undefined
    const { name, metadata } = room ?? {}
    return typeof name === 'string' && typeof metadata === 'string' ? { name, metadata } : undefined
  } catch {
    return undefined
  }
}
