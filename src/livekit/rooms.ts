import {
  AgentDispatchClient,
  DataPacket_Kind as PacketKind,
  RoomServiceClient,
  ServerError,
  TrackType,
  type ParticipantInfo,
  type Room
} from 'livekit-server-sdk'
import { JobStatus, ParticipantInfo_Kind as Kind, type AgentDispatch } from '@livekit/protocol'
import type { SipAttributes } from '../calls/fold/events.ts'
import {
  AGENT_STATES,
  LiveKitError,
  type LiveKitFailure,
  type Look,
  type ParticipantView,
  type RoomLiveView,
  type RoomRequest,
  type Rooms
} from '../calls/ports.ts'
import { createAgentPing } from './agent-ping.ts'
import { createRoomRequester, failureOfStatus } from './create-room.ts'
import type { Post } from './post.ts'
import { isCallerLeg, type LegMark } from '../calls/fold/caller-leg.ts'
import { sipAttributes, voicemailVerdict } from './events.ts'

export { LiveKitError }
export type { LiveKitFailure, Look, RoomLiveView, RoomRequest, Rooms }

export interface RoomsOptions {
  url: string
  apiKey: string
  apiSecret: string
  /** A createRoom of which nothing was heard is given up after this, seconds. */
  createTimeoutS: number
  /** How createRoom, and what asks an agent for a sign of life, are sent. */
  post?: Post
  /** Called after every request with its operation, outcome and duration in seconds. */
  observe?: (operation: string, outcome: 'ok' | LiveKitFailure, seconds: number) => void
}

/** Requests outside the call hook may take this long, seconds. */
const BACKGROUND_TIMEOUT_S = 5

/** Rooms over LiveKit's server API. */
export function createLiveKitRooms (options: RoomsOptions): Rooms {
  return new LiveKitRooms(options)
}

class LiveKitRooms implements Rooms {
  readonly #createRoom: ReturnType<typeof createRoomRequester>
  readonly #ping: ReturnType<typeof createAgentPing>
  readonly #rooms: RoomServiceClient
  readonly #dispatches: AgentDispatchClient
  readonly #observe: NonNullable<RoomsOptions['observe']>

  constructor ({ url, apiKey, apiSecret, createTimeoutS, post, observe = () => {} }: RoomsOptions) {
    // The caller of create() waits LIVEKIT_TIMEOUT_MS. The request itself goes on, so that its outcome becomes known.
    this.#createRoom = createRoomRequester({ url, apiKey, apiSecret, timeoutS: createTimeoutS, post })
    this.#ping = createAgentPing({ url, apiKey, apiSecret, post })
    // No failover: the SDK logs its further attempts past our logger.
    const options = { requestTimeout: BACKGROUND_TIMEOUT_S, failover: false }
    this.#rooms = new RoomServiceClient(url, apiKey, apiSecret, options)
    this.#dispatches = new AgentDispatchClient(url, apiKey, apiSecret, options)
    this.#observe = observe
  }

  async create ({ name, emptyTimeoutS, departureTimeoutS, metadata, agent }: RoomRequest): Promise<void> {
    await this.#request('createRoom', async () => {
      const refusal = await this.#createRoom({
        name,
        emptyTimeout: emptyTimeoutS,
        departureTimeout: departureTimeoutS,
        metadata,
        agents: [{ agentName: agent.name, metadata: agent.metadata }]
      })
      if (refusal) throw refused('createRoom', refusal)
    })
  }

  delete (room: string): Promise<boolean> {
    return found(this.#request('deleteRoom', () => this.#rooms.deleteRoom(room)))
  }

  remove (room: string, identity: string): Promise<boolean> {
    return found(this.#request('removeParticipant', () => this.#rooms.removeParticipant(room, identity)))
  }

  answers (room: string, identity: string, timeoutMs: number): Promise<boolean | undefined> {
    return this.#request('performRpc', () => this.#ping(room, identity, timeoutMs)).catch(() => undefined)
  }

  async evict (room: string): Promise<boolean> {
    const present = await this.#participants(room)
    for (const { identity } of present) await this.remove(room, identity)

    return present.length === 0 || (await this.#participants(room)).length === 0
  }

  setMetadata (room: string, metadata: string): Promise<boolean> {
    return found(this.#request('updateRoomMetadata', () => this.#rooms.updateRoomMetadata(room, metadata)))
  }

  /** LiveKit takes 3 s to say that a room does not exist, so its participants are asked for first. */
  async sendData (room: string, topic: string, payload: string): Promise<boolean> {
    const agents = (await this.#participants(room)).filter(isAgent).map(({ identity }) => identity)
    // Without a destination LiveKit would send it to everybody in the room.
    if (agents.length === 0) return false

    const data = new TextEncoder().encode(payload)
    return found(this.#request('sendData', () =>
      this.#rooms.sendData(room, data, PacketKind.RELIABLE, { topic, destinationIdentities: agents })))
  }

  async jobs (room: string): Promise<Array<{ agent: string, status: string }>> {
    return (await this.#listDispatches(room)).flatMap(({ agentName, state }) =>
      (state?.jobs ?? []).map(job => ({
        agent: agentName,
        status: JobStatus[job.state?.status ?? JobStatus.JS_PENDING] ?? 'UNKNOWN'
      }))
    )
  }

  async list (names?: string[]): Promise<Array<{ name: string, metadata: string }>> {
    const rooms: Room[] = await this.#request('listRooms', () => this.#rooms.listRooms(names))
    return rooms.map(({ name, metadata }) => ({ name, metadata }))
  }

  async callers (room: string): Promise<SipAttributes[]> {
    const sip = (await this.#participants(room)).filter(({ kind }) => kind === Kind.SIP)
    return sip.map(({ attributes }) => sipAttributes(attributes))
  }

  async redispatch (
    room: string,
    { name, metadata }: { name: string, metadata?: string },
    commit: () => Promise<boolean>
  ): Promise<void> {
    const earlier = (await this.#listDispatches(room)).filter(({ agentName }) => agentName === name)
    if (!await commit()) return

    for (const { id } of earlier) {
      await found(this.#request('deleteDispatch', () => this.#dispatches.deleteDispatch(id, room)))
    }
    const job = { metadata: metadata ?? earlier[0]?.metadata ?? '' }
    await this.#request('createDispatch', () => this.#dispatches.createDispatch(room, name, job))
  }

  async look (room: string, caller: LegMark): Promise<Look> {
    const present = await this.#participants(room)
    const sip = present.find(({ kind, attributes }) =>
      kind === Kind.SIP && isCallerLeg(sipAttributes(attributes), caller)
    )
    const [agent, ...more] = present.filter(isAgent).sort((a, b) => Number(a.joinedAtMs - b.joinedAtMs))
    const people = present.filter(other => other !== sip && other.kind === Kind.SIP)
    const voicemail = present.filter(isAgent).map(({ attributes }) => voicemailVerdict(attributes)).find(Boolean)
    const hasCompany = present.some(other => other !== sip && COMPANY.has(other.kind))

    return {
      exists: present.length > 0 || await this.#exists(room),
      ...(sip ? { sip: { sid: sip.sid, callStatus: sip.attributes['sip.callStatus'] } } : {}),
      ...(agent ? { agent: { identity: agent.identity, audio: hasAudio(agent) } } : {}),
      ...(more.length > 0 ? { moreAgents: more.map(({ identity }) => identity) } : {}),
      ...(voicemail ? { voicemail } : {}),
      ...(hasCompany ? { company: true } : {}),
      ...(people.length > 0 ? { people: people.map(({ attributes }) => sipAttributes(attributes)) } : {}),
      ...(sip && !await this.isHosted(room) ? { hosted: false } : {})
    }
  }

  async view (room: string): Promise<RoomLiveView> {
    const [exists, present] = await Promise.all([this.#exists(room), this.#participants(room)])
    return { exists: exists || present.length > 0, participants: present.map(participantView) }
  }

  /**
   * Whether a LiveKit node answers for a room. Rooms and participants are listed from Redis, where those of a node that
   * crashed remain. Dispatches are asked of the room's own node: 503 "no response from servers" means there is none.
   */
  async isHosted (room: string): Promise<boolean> {
    try {
      await this.#request('listDispatch', () => this.#dispatches.listDispatch(room))
      return true
    } catch (error) {
      return (error as LiveKitError).failure !== 'failed'
    }
  }

  async ping (): Promise<void> {
    await this.#exists('jambonz-livekit-bridge-health')
  }

  #participants (room: string): Promise<ParticipantInfo[]> {
    return this.#request('listParticipants', () => this.#rooms.listParticipants(room))
  }

  async #exists (room: string): Promise<boolean> {
    return (await this.#request('listRooms', () => this.#rooms.listRooms([room]))).length > 0
  }

  #listDispatches (room: string): Promise<AgentDispatch[]> {
    return this.#request('listDispatch', () => this.#dispatches.listDispatch(room))
  }

  async #request<T> (operation: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const seconds = () => (performance.now() - started) / 1000
    try {
      const result = await work()
      this.#observe(operation, 'ok', seconds())
      return result
    } catch (error) {
      const failed = asLiveKitError(operation, error)
      this.#observe(operation, failed.failure, seconds())
      throw failed
    }
  }
}

/** The kinds of participants that a caller can talk to besides an agent. Recorders and ingress are not among them. */
const COMPANY: ReadonlySet<Kind> = new Set([Kind.STANDARD, Kind.SIP])

/** An avatar joins as an agent too, on behalf of the one that the caller talks to. */
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

const KINDS: ReadonlyMap<Kind, ParticipantView['kind']> = new Map([[Kind.SIP, 'SIP'], [Kind.AGENT, 'AGENT']])
const STATES = ['JOINING', 'JOINED', 'ACTIVE', 'DISCONNECTED']

function participantView (participant: ParticipantInfo): ParticipantView {
  const { kind, state, joinedAt, attributes } = participant
  const agentState = AGENT_STATES.find(one => one === attributes['lk.agent.state'])
  return {
    kind: KINDS.get(kind) ?? 'OTHER',
    state: STATES[state] ?? 'UNKNOWN',
    joinedAt: joinedAt === 0n ? null : new Date(Number(joinedAt) * 1000).toISOString(),
    audio: hasAudio(participant),
    ...(attributes['sip.callStatus'] ? { sipCallStatus: attributes['sip.callStatus'] } : {}),
    ...(agentState ? { agentState } : {})
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
