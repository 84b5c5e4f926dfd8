/** A published track; all of them are audio. */
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
  /** Set once it has left. */
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
  turnPassword: string
  participants: Map<string, Participant>
  dispatches: Dispatch[]
  /** Counts as LiveKit reports them: seconds behind. */
  counts: { participants: number, publishers: number }
  /** Its server is dead: the room is still listed, and nobody answers for it. */
  lost?: boolean
}

/** Why somebody left, as LiveKit names it. */
export type LeaveReason =
  | 'CLIENT_INITIATED'
  | 'DUPLICATE_IDENTITY'
  | 'PARTICIPANT_REMOVED'
  | 'ROOM_DELETED'
  | 'ROOM_CLOSED'
  | 'CONNECTION_TIMEOUT'

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
