/** A published track. All tracks are audio. */
export interface Track {
  sid: string
  name: string
  mimeType: string
  mid: string
  cid: string
  publishedMicros: string
}

export interface Participant {
  sid: string
  identity: string
  name: string
  kind: 'SIP' | 'AGENT'
  metadata: string
  attributes: Record<string, string>
  joinedMs: number
  version: number
  tracks: Track[]
  hasPublished: boolean
  /** Set when it has left. */
  disconnectReason?: string
}

export interface Job {
  id: string
  identity: string
  startedMs: number
  workerId: string
}

export interface Dispatch {
  id: string
  agentName: string
  metadata: string
  deployment: string
  attributes: Record<string, string>
  createdMs: number
  deletedMs: number
  jobs: Job[]
}

export interface Room {
  sid: string
  name: string
  emptyTimeout: number
  departureTimeout: number
  maxParticipants: number
  metadata: string
  createdMs: number
  /** A caller has been there. */
  calledOnce?: true
  /** When the last participant left, an agent or a caller. */
  lastLeftMs?: number
  turnPassword: string
  participants: Map<string, Participant>
  dispatches: Dispatch[]
  /** The counts that LiveKit reports, which lag by some seconds. */
  counts: { participants: number, publishers: number }
  /** Its server is dead: the room is still listed, but requests for it get no answer. */
  lost?: boolean
}

/** LiveKit's reason why a participant left. */
export type LeaveReason =
  | 'CLIENT_INITIATED'
  | 'DUPLICATE_IDENTITY'
  | 'PARTICIPANT_REMOVED'
  | 'ROOM_DELETED'
  | 'ROOM_CLOSED'
  | 'CONNECTION_TIMEOUT'
  | 'USER_REJECTED'
  | 'USER_UNAVAILABLE'

export interface RoomEvent {
  event:
    | 'room_started'
    | 'room_finished'
    | 'participant_joined'
    | 'participant_left'
    | 'participant_connection_aborted'
    | 'track_published'
    | 'track_unpublished'
  room: Room
  participant?: Participant
  track?: Track
}
