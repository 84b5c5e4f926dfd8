import { RoomServiceClient, ServerError, TrackType, type ParticipantInfo } from 'livekit-server-sdk'
import { ParticipantInfo_Kind as Kind, RoomAgentDispatch } from '@livekit/protocol'
import type { EventOf } from '../calls/events.ts'
import { isCallerLeg, sipAttributes } from './events.ts'

export interface RoomRequest {
  name: string
  emptyTimeoutS: number
  departureTimeoutS: number
  metadata: string
  agent: { name: string, metadata: string }
}

export type Look = Pick<EventOf<'look'>, 'exists' | 'sip' | 'agent'>

/** One participant as operators see it; a SIP identity holds the caller's number and is left out. */
export interface ParticipantView { kind: 'SIP' | 'AGENT' | 'OTHER', state: string, joinedAt: string | null, audio: boolean, sipCallStatus?: string }
export interface RoomLiveView { exists: boolean, participants: ParticipantView[] }

/** What the bridge asks of LiveKit's rooms. Rejects with {@link LiveKitError}. */
export interface Rooms {
  create (request: RoomRequest): Promise<void>
  /** @returns false when there was no such room */
  delete (room: string): Promise<boolean>
  /** @param caller whose SIP leg to look for among those in the room */
  look (room: string, caller: { callSid: string, token?: string }): Promise<Look>
  view (room: string): Promise<RoomLiveView>
  /** Cheapest proof that LiveKit answers and knows the key. */
  ping (): Promise<void>
}

export type LiveKitFailure = 'timeout' | 'unreachable' | 'refused-key' | 'refused' | 'not-found' | 'failed'

/** A failed request to LiveKit. Its text is ours: LiveKit's own may hold the JWT. */
export class LiveKitError extends Error {
  readonly failure: LiveKitFailure
  constructor (operation: string, failure: LiveKitFailure, detail = '') {
    super(`LiveKit ${operation}: ${failure}${detail && ` (${detail})`}`)
    this.name = 'LiveKitError'
    this.failure = failure
  }
}

export interface RoomsOptions {
  url: string
  apiKey: string
  apiSecret: string
  /** A createRoom of which nothing was heard is given up after this, seconds. */
  createTimeoutS: number
  /** Called after every request with its operation, outcome and duration in seconds. */
  observe?: (operation: string, outcome: 'ok' | LiveKitFailure, seconds: number) => void
}

/** Requests outside the call hook may take this long, seconds. */
const BACKGROUND_TIMEOUT_S = 5

/** Rooms over LiveKit's server API. */
export function createRooms ({ url, apiKey, apiSecret, createTimeoutS, observe }: RoomsOptions): Rooms {
  // No failover: its further attempts would take longer than Jambonz waits, and log past our logger.
  const client = (requestTimeout: number) => new RoomServiceClient(url, apiKey, apiSecret, { requestTimeout, failover: false })
  // The caller of create() waits LIVEKIT_TIMEOUT_MS; the request itself goes on, so that its outcome becomes known.
  const creator = client(createTimeoutS)
  const background = client(BACKGROUND_TIMEOUT_S)

  async function request<T> (operation: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const seconds = () => (performance.now() - started) / 1000
    try {
      const result = await work()
      observe?.(operation, 'ok', seconds())
      return result
    } catch (error) {
      const failed = asLiveKitError(operation, error)
      observe?.(operation, failed.failure, seconds())
      throw failed
    }
  }

  const participants = (room: string) => request('listParticipants', () => background.listParticipants(room))
  const exists = async (room: string) => (await request('listRooms', () => background.listRooms([room]))).length > 0

  return {
    async create ({ name, emptyTimeoutS, departureTimeoutS, metadata, agent }) {
      await request('createRoom', () => creator.createRoom({
        name,
        emptyTimeout: emptyTimeoutS,
        departureTimeout: departureTimeoutS,
        metadata,
        agents: [new RoomAgentDispatch({ agentName: agent.name, metadata: agent.metadata })]
      }))
    },
    async delete (room) {
      try {
        await request('deleteRoom', () => background.deleteRoom(room))
        return true
      } catch (error) {
        if ((error as LiveKitError).failure === 'not-found') return false
        throw error
      }
    },
    async look (room, caller) {
      const present = await participants(room)
      const sip = present.find(({ kind, attributes }) => kind === Kind.SIP && isCallerLeg(sipAttributes(attributes), caller))
      const agent = present.find(({ kind }) => kind === Kind.AGENT)
      return {
        exists: present.length > 0 || await exists(room),
        ...(sip ? { sip: { sid: sip.sid, callStatus: sip.attributes['sip.callStatus'] } } : {}),
        ...(agent ? { agent: { identity: agent.identity, audio: hasAudio(agent) } } : {})
      }
    },
    async view (room) {
      const [there, present] = await Promise.all([exists(room), participants(room)])
      return { exists: there || present.length > 0, participants: present.map(participantView) }
    },
    async ping () { await request('listRooms', () => background.listRooms(['jambonz-livekit-bridge-health'])) }
  }
}

const hasAudio = (participant: ParticipantInfo): boolean => participant.tracks.some(track => track.type === TrackType.AUDIO)

const STATES = ['JOINING', 'JOINED', 'ACTIVE', 'DISCONNECTED']

function participantView (participant: ParticipantInfo): ParticipantView {
  const { kind, state, joinedAt, attributes } = participant
  return {
    kind: kind === Kind.SIP ? 'SIP' : kind === Kind.AGENT ? 'AGENT' : 'OTHER',
    state: STATES[state] ?? 'UNKNOWN',
    joinedAt: joinedAt === 0n ? null : new Date(Number(joinedAt) * 1000).toISOString(),
    audio: hasAudio(participant),
    ...(attributes['sip.callStatus'] ? { sipCallStatus: attributes['sip.callStatus'] } : {})
  }
}

function asLiveKitError (operation: string, error: unknown): LiveKitError {
  if (error instanceof ServerError) {
    const { status, code } = error
    const failure = status === 401 || status === 403 ? 'refused-key' : status === 404 ? 'not-found' : status < 500 && status !== 408 && status !== 429 ? 'refused' : 'failed'
    return new LiveKitError(operation, failure, `${status}${code ? ` ${code}` : ''}`)
  }
  const { name, cause } = error as { name?: string, cause?: { code?: string } }
  if (name === 'TimeoutError' || name === 'AbortError') return new LiveKitError(operation, 'timeout')
  return new LiveKitError(operation, 'unreachable', cause?.code)
}
