import type { RoomSeen } from './seen.ts'

/** Somebody who was in a room, as LiveKit's events tell it. Times are milliseconds. */
export interface Guest {
  sid: string
  kind: 'SIP' | 'AGENT' | 'OTHER'
  /** Absent: the events begin later. */
  joinedAt?: number
  leftAt?: number
  reason?: string
  /** Published audio. */
  audio: boolean
  /** `sip.callStatus` as it was at the last event of the guest. */
  callStatus?: string
  /** Who placed the call: a caller (inbound) or LiveKit (outbound). */
  direction?: 'inbound' | 'outbound'
  number?: string
  ownNumber?: string
}

/** What LiveKit's events tell of one room. */
export interface RoomStory {
  room: string
  /** The making of the room is among them, so that nobody was in it before. */
  fromStart: boolean
  guests: Guest[]
  /** Events about tracks are among them. */
  tracks: boolean
  endAt: number
}

/** The rooms in the order in which they were made. A room that is made again is another one. */
export function roomsOf (events: readonly RoomSeen[]): RoomStory[] {
  const stories: OpenStory[] = []
  const latest = new Map<string, OpenStory>()
  for (const seen of events) {
    const { event } = seen
    const at = event.madeAt ?? seen.at ?? 0
    const isStart = event.what === 'room_started'
    let story = latest.get(event.room)
    if (!story || (isStart && story.guests.size > 0)) {
      story = { room: event.room, fromStart: isStart, guests: new Map(), tracks: false, endAt: at }
      stories.push(story)
      latest.set(event.room, story)
    }
    story.endAt = Math.max(story.endAt, at)
    if (event.what.startsWith('track_')) story.tracks = true
    note(story, seen, at)
  }
  return stories.map(({ guests, ...story }) => ({ ...story, guests: [...guests.values()] }))
}

type OpenStory = Omit<RoomStory, 'guests'> & { guests: Map<string, Guest> }

function note (story: OpenStory, seen: RoomSeen, at: number): void {
  const { event, phoneNumber } = seen
  const { participant } = event
  if (!participant) return

  let guest = story.guests.get(participant.sid)
  if (!guest) {
    // Events about tracks do not say of which kind their participant is.
    if (participant.kind === undefined) return
    guest = { sid: participant.sid, kind: participant.kind, audio: false }
    story.guests.set(participant.sid, guest)
  }
  const { sip } = participant
  if (event.what === 'participant_joined') guest.joinedAt = at
  if (event.what === 'participant_left' || event.what === 'participant_connection_aborted') {
    guest.leftAt = at
    if (participant.reason !== undefined) guest.reason = participant.reason
    if (participant.joinedAt !== undefined) guest.joinedAt ??= participant.joinedAt
  }
  if (event.what === 'track_published' && event.track === 'AUDIO') guest.audio = true
  if (sip?.callStatus !== undefined) guest.callStatus = sip.callStatus
  if (sip?.dispatched) guest.direction = 'inbound'
  else if (sip?.callStatus === 'dialing' || sip?.callStatus === 'automation') guest.direction ??= 'outbound'
  if (phoneNumber !== undefined) guest.number = phoneNumber
  if (sip?.called !== undefined) guest.ownNumber = sip.called
}
