import type { Dispatch, Job, Participant, Room, RoomEvent, Track } from './state.ts'
import type { Json } from './json.ts'
import { newId } from './json.ts'

// As recorded, LiveKit writes JSON in two ways. API replies are in snake_case and contain every field. Webhooks are in
// camelCase and leave out default values.

const nanos = (ms: number) => ms === 0 ? '0' : `${ms}000000`
const seconds = (ms: number) => String(Math.floor(ms / 1000))

/** `livekit.Room` in a reply of the API. */
export function apiRoom (room: Room): Json {
  return {
    sid: room.sid,
    name: room.name,
    empty_timeout: room.emptyTimeout,
    departure_timeout: room.departureTimeout,
    max_participants: room.maxParticipants,
    creation_time: seconds(room.createdMs),
    creation_time_ms: String(room.createdMs),
    metadata: room.metadata,
    num_participants: room.counts.participants,
    num_publishers: room.counts.publishers,
    active_recording: false,
    version: null
  }
}

function apiTrack (track: Track): Json {
  return {
    sid: track.sid,
    type: 'AUDIO',
    name: track.name,
    muted: false,
    width: 0,
    height: 0,
    simulcast: false,
    disable_dtx: false,
    source: 'MICROPHONE',
    mime_type: track.mimeType,
    mid: track.mid,
    stereo: false,
    disable_red: false,
    encryption: 'NONE',
    stream: 'camera',
    version: { unix_micro: track.publishedMicros, ticks: 0 },
    audio_features: [],
    backup_codec_policy: 'SIMULCAST',
    packet_trailer_features: []
  }
}

const isAgent = (participant: Participant) => participant.kind === 'AGENT'
const AGENT_CAPABILITIES = ['CAP_PACKET_TRAILER', 'CAP_COMPRESSION_DEFLATE_RAW']
const sorted = (map: Record<string, string>) =>
  Object.fromEntries(Object.entries(map).toSorted(([a], [b]) => a < b ? -1 : 1))

/** `livekit.ParticipantInfo` in a reply of the API. */
export function apiParticipant (participant: Participant): Json {
  return {
    sid: participant.sid,
    identity: participant.identity,
    state: participant.disconnectReason === undefined ? 'ACTIVE' : 'DISCONNECTED',
    tracks: participant.tracks.map(apiTrack),
    metadata: participant.metadata,
    joined_at: seconds(participant.joinedMs),
    joined_at_ms: String(participant.joinedMs),
    name: participant.name,
    version: participant.version,
    permission: {
      can_subscribe: true,
      can_publish: true,
      can_publish_data: true,
      can_publish_sources: [],
      hidden: false,
      recorder: false,
      can_update_metadata: true,
      agent: isAgent(participant),
      can_subscribe_metrics: false,
      can_manage_agent_session: false
    },
    region: '',
    is_publisher: participant.tracks.length > 0,
    kind: participant.kind,
    attributes: sorted(participant.attributes),
    disconnect_reason: participant.disconnectReason ?? 'UNKNOWN_REASON',
    kind_details: [],
    data_tracks: [],
    client_protocol: isAgent(participant) ? 2 : 0,
    capabilities: isAgent(participant) ? AGENT_CAPABILITIES : []
  }
}

function apiJob (room: Room, dispatch: Dispatch, job: Job): Json {
  return {
    id: job.id,
    dispatch_id: dispatch.id,
    type: 'JT_ROOM',
    room: { ...apiRoom(room), num_participants: 0, num_publishers: 0 },
    namespace: '',
    metadata: dispatch.metadata,
    agent_name: dispatch.agentName,
    state: {
      status: 'JS_RUNNING',
      error: '',
      started_at: nanos(job.startedMs),
      ended_at: '0',
      updated_at: nanos(job.startedMs),
      participant_identity: job.identity,
      worker_id: job.workerId,
      agent_id: ''
    },
    enable_recording: false,
    deployment: dispatch.deployment,
    attributes: dispatch.attributes,
    enable_redaction: false
  }
}

/** `livekit.AgentDispatch` in a reply of the API. */
export function apiDispatch (room: Room, dispatch: Dispatch): Json {
  return {
    id: dispatch.id,
    agent_name: dispatch.agentName,
    room: room.name,
    metadata: dispatch.metadata,
    state: {
      jobs: dispatch.jobs.map(job => apiJob(room, dispatch, job)),
      created_at: nanos(dispatch.createdMs),
      deleted_at: nanos(dispatch.deletedMs)
    },
    restart_policy: 'JRP_ON_FAILURE',
    deployment: dispatch.deployment,
    attributes: dispatch.attributes
  }
}

const CODECS = [
  'audio/PCMU',
  'audio/PCMA',
  'audio/opus',
  'audio/red',
  'video/VP8',
  'video/H264',
  'video/VP9',
  'video/AV1',
  'video/H265',
  'video/rtx'
]

function eventRoom (room: Room): Json {
  return {
    sid: room.sid,
    ...(room.name !== '' && { name: room.name }),
    emptyTimeout: room.emptyTimeout,
    departureTimeout: room.departureTimeout,
    ...(room.maxParticipants > 0 && { maxParticipants: room.maxParticipants }),
    creationTime: seconds(room.createdMs),
    creationTimeMs: String(room.createdMs),
    turnPassword: room.turnPassword,
    enabledCodecs: CODECS.map(mime => ({ mime })),
    ...(room.metadata !== '' && { metadata: room.metadata }),
    ...(room.counts.participants > 0 && { numParticipants: room.counts.participants }),
    ...(room.counts.publishers > 0 && { numPublishers: room.counts.publishers })
  }
}

function eventParticipant (participant: Participant): Json {
  return {
    sid: participant.sid,
    identity: participant.identity,
    state: participant.disconnectReason === undefined ? 'ACTIVE' : 'DISCONNECTED',
    ...(participant.metadata !== '' && { metadata: participant.metadata }),
    joinedAt: seconds(participant.joinedMs),
    joinedAtMs: String(participant.joinedMs),
    ...(participant.name !== '' && { name: participant.name }),
    version: participant.version,
    permission: {
      canSubscribe: true,
      canPublish: true,
      canPublishData: true,
      canUpdateMetadata: true,
      ...(isAgent(participant) && { agent: true })
    },
    ...(participant.hasPublished && { isPublisher: true }),
    kind: participant.kind,
    attributes: sorted(participant.attributes),
    ...(participant.disconnectReason !== undefined && { disconnectReason: participant.disconnectReason }),
    ...(isAgent(participant) && { clientProtocol: 2, capabilities: AGENT_CAPABILITIES })
  }
}

/** A track in a webhook. It has no `type`, because AUDIO is the default of the enum. */
function eventTrack (track: Track): Json {
  return {
    sid: track.sid,
    name: track.name,
    source: 'MICROPHONE',
    mimeType: track.mimeType,
    mid: track.mid,
    codecs: [{
      mimeType: track.mimeType,
      mid: track.mid,
      cid: track.cid,
      videoLayerMode: 'ONE_SPATIAL_LAYER_PER_STREAM'
    }],
    stream: 'camera',
    version: { unixMicro: track.publishedMicros },
    backupCodecPolicy: 'SIMULCAST'
  }
}

/** The body of a webhook. In track events, room and participant have only their ids and names. */
export function webhookBody (event: RoomEvent, now: number): Json {
  const { room, participant, track } = event
  return {
    event: event.event,
    room: track ? { sid: room.sid, name: room.name } : eventRoom(room),
    ...(participant &&
      {
        participant: track ? { sid: participant.sid, identity: participant.identity } : eventParticipant(participant)
      }),
    ...(track && { track: eventTrack(track) }),
    id: newId('EV_'),
    createdAt: seconds(now)
  }
}
