import {
  AgentDispatchClient,
  RoomServiceClient,
  ServerError,
  TrackType,
  type ParticipantInfo,
  type Room
} from 'livekit-server-sdk'
import { JobStatus, ParticipantInfo_Kind as Kind } from '@livekit/protocol'
import { LiveKitError, type LiveKitFailure, type ParticipantView, type Rooms } from '../calls/ports.ts'
import { createRoomRequester, failureOfStatus, type Post } from './create-room.ts'
import { isCallerLeg } from '../calls/fold/caller-leg.ts'
import { sipAttributes } from './events.ts'

export { LiveKitError }
export type { LiveKitFailure, Look, RoomLiveView, RoomRequest, Rooms } from '../calls/ports.ts'

export interface RoomsOptions {
  url: string
  apiKey: string
  apiSecret: string
  /** A createRoom of which nothing was heard is given up after this, seconds. */
  createTimeoutS: number
  /** How createRoom is sent. */
  post?: Post
  /** Called after every request with its operation, outcome and duration in seconds. */
  observe?: (operation: string, outcome: 'ok' | LiveKitFailure, seconds: number) => void
}

/** Requests outside the call hook may take this long, seconds. */
const BACKGROUND_TIMEOUT_S = 5

/** Rooms over LiveKit's server API. */
export function createRooms ({ url, apiKey, apiSecret, createTimeoutS, post, observe }: RoomsOptions): Rooms {
  // The caller of create() waits LIVEKIT_TIMEOUT_MS; the request itself goes on, so that its outcome becomes known.
  const createRoom = createRoomRequester({ url, apiKey, apiSecret, timeoutS: createTimeoutS, post })
  // No failover: its further attempts log past our logger.
  const options = { requestTimeout: BACKGROUND_TIMEOUT_S, failover: false }
  const background = new RoomServiceClient(url, apiKey, apiSecret, options)
  const dispatches = new AgentDispatchClient(url, apiKey, apiSecret, options)

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
      await request('createRoom', async () => {
        const refusal = await createRoom({
          name,
          emptyTimeout: emptyTimeoutS,
          departureTimeout: departureTimeoutS,
          metadata,
          agents: [{ agentName: agent.name, metadata: agent.metadata }]
        })
        if (refusal) throw refused('createRoom', refusal)
      })
    },
    delete: room => found(request('deleteRoom', () => background.deleteRoom(room))),
    async evict (room) {
      const present = await participants(room)
      for (const { identity } of present) {
        await found(request('removeParticipant', () => background.removeParticipant(room, identity)))
      }

      return present.length === 0 || (await participants(room)).length === 0
    },
    remove: (room, identity) => found(request('removeParticipant', () => background.removeParticipant(room, identity))),
    setMetadata: (room, metadata) =>
      found(request('updateRoomMetadata', () => background.updateRoomMetadata(room, metadata))),
    async jobs (room) {
      const called = await request('listDispatch', () => dispatches.listDispatch(room))
      return called.flatMap(({ agentName, state }) =>
        (state?.jobs ?? []).map(job => ({
          agent: agentName,
          status: JobStatus[job.state?.status ?? JobStatus.JS_PENDING] ?? 'UNKNOWN'
        }))
      )
    },
    async list (names) {
      const rooms: Room[] = await request('listRooms', () => background.listRooms(names))
      return rooms.map(({ name, metadata }) => ({ name, metadata }))
    },
    async callers (room) {
      return (await participants(room)).filter(({ kind }) => kind === Kind.SIP).map(({ attributes }) =>
        sipAttributes(attributes)
      )
    },
    async redispatch (room, { name, metadata }, commit) {
      const earlier = (await request('listDispatch', () => dispatches.listDispatch(room))).filter(({ agentName }) =>
        agentName === name
      )
      if (!await commit()) return
      for (const { id } of earlier) await found(request('deleteDispatch', () => dispatches.deleteDispatch(id, room)))
      await request(
        'createDispatch',
        () => dispatches.createDispatch(room, name, { metadata: metadata ?? earlier[0]?.metadata ?? '' })
      )
    },
    async look (room, caller) {
      const present = await participants(room)
      const sip = present.find(({ kind, attributes }) =>
        kind === Kind.SIP && isCallerLeg(sipAttributes(attributes), caller)
      )
      const [agent, ...more] = present.filter(isAgent).sort((a, b) => Number(a.joinedAtMs - b.joinedAtMs))
      return {
        exists: present.length > 0 || await exists(room),
        ...(sip ? { sip: { sid: sip.sid, callStatus: sip.attributes['sip.callStatus'] } } : {}),
        ...(agent ? { agent: { identity: agent.identity, audio: hasAudio(agent) } } : {}),
        ...(more.length > 0 ? { moreAgents: more.map(({ identity }) => identity) } : {}),
        ...(present.some(other => other !== sip && COMPANY.has(other.kind)) ? { company: true } : {})
      }
    },
    async view (room) {
      const [there, present] = await Promise.all([exists(room), participants(room)])
      return { exists: there || present.length > 0, participants: present.map(participantView) }
    },
    async ping () {
      await request('listRooms', () => background.listRooms(['jambonz-livekit-bridge-health']))
    }
  }
}

/** Kinds of those whom a caller can talk to besides an agent: recorders and ingress are none. */
const COMPANY: ReadonlySet<Kind> = new Set([Kind.STANDARD, Kind.SIP])

/** An avatar, say, joins as an agent too, on behalf of one. */
const isAgent = ({ kind, attributes }: ParticipantInfo): boolean =>
  kind === Kind.AGENT && attributes['lk.publish_on_behalf'] === undefined

/** Whether there was something to act on. */
async function found (work: Promise<unknown>): Promise<boolean> {
  try {
    await work
    return true
  } catch (error) {
    if ((error as LiveKitError).failure === 'not-found') return false
    throw error
  }
}

const hasAudio = (participant: ParticipantInfo): boolean =>
  participant.tracks.some(track => track.type === TrackType.AUDIO)

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

const refused = (operation: string, { status, code }: { status: number, code?: string }): LiveKitError =>
  new LiveKitError(operation, failureOfStatus(status), `${status}${code ? ` ${code}` : ''}`)

function asLiveKitError (operation: string, error: unknown): LiveKitError {
  if (error instanceof LiveKitError) return error
  if (error instanceof ServerError) return refused(operation, error)
  // fetch keeps what happened in `cause`.
  const { name, code, cause } = error as { name?: string, code?: string, cause?: { code?: string } }
  if (name === 'TimeoutError' || name === 'AbortError') return new LiveKitError(operation, 'timeout')
  return new LiveKitError(operation, 'unreachable', cause?.code ?? code)
}
