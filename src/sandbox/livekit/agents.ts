import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Party, Trace } from '../../ladder/trace.ts'
import type { Faults } from './faults.ts'
import type { Dispatch, LeaveReason, Participant, Room } from './state.ts'
import type { RoomManager } from './room-manager.ts'
import { newId } from './json.ts'

/** How an agent worker handles its jobs. */
export interface AgentBehaviour {
  /** '' for an unnamed agent, which gets the jobs of rooms that name no agent. */
  name: string
  /** The time from the dispatch until the agent is in the room, in milliseconds; by default 200. */
  joinAfterMs?: number
  /** Whether the agent joins the room after its worker has accepted the job; by default true. */
  joins?: boolean
  /**
   * The time until it publishes audio, in milliseconds after it has joined; by default 60. With `publishes:
   * 'with-caller'` in milliseconds after a caller is there too; by default 20.
   */
  publishAfterMs?: number
  /**
   * Whether it publishes audio; by default true. An agent that waits in a room publishes at once, and is silent until
   * its caller is there. A stock AgentSession publishes `with-caller` only.
   */
  publishes?: boolean | 'with-caller'
  /** Whether ListDispatch shows its job; by default true. Real servers sometimes do not show it. */
  jobListed?: boolean
  /**
   * Which of a room's dispatches of this name is the first that it accepts; by default 1. For workers that miss jobs.
   */
  firstDispatch?: number
  /**
   * The states that its session writes into its attributes, in milliseconds after it has joined, as LiveKit's Agents
   * SDK does. By default none.
   */
  states?: Array<{ state: string, afterMs: number }>
  /** What its worker does with a job, before the agent joins the room. */
  onJob?: (job: AgentJob) => void
  /** What it does with a data message. */
  onData?: (data: DataMessage, job: AgentJob) => void
  /** What it does when the metadata of its room change. */
  onRoomMetadata?: (metadata: string, job: AgentJob) => void
  /** How it leaves, in milliseconds after it has joined. */
  onJoined?: Exit
  /** What it does, in milliseconds after the first caller in the room was answered. */
  onConnected?: Exit & {
    /** Ends the call by deleting the room. */
    hangUpAfterMs?: number
    transferTo?: { uri: string, afterMs: number, headers?: Record<string, string> }
    /** What its program does then. */
    run?: (job: AgentJob, seen: CallSeen) => void
  }
}

/** A job as its worker gets it. */
export interface AgentJob {
  /** The job's metadata, from the dispatch. */
  metadata: string
  roomName: string
  /** The identity of the agent in the room. */
  identity: string
}

/** What an agent sees of its call in the room. */
export interface CallSeen {
  roomMetadata: string
  /** The attributes of the caller: `sip.callStatus`, `sip.h.x-lk-call` and others. */
  attributes: Readonly<Record<string, string>>
}

/** A data message of the API. */
export interface DataMessage {
  topic: string
  data: Uint8Array
}

/** How an agent leaves the caller in silence. Only the first agent in a room does this. */
export interface Exit {
  leaveAfterMs?: number
  /** Its process dies. LiveKit notices this only {@link DEAD_AFTER} milliseconds later. */
  dieAfterMs?: number
}

/** How long after the last sign of life LiveKit removes a participant, in milliseconds, as recorded. */
export const DEAD_AFTER = 20_000

/** How long an agent connects until its `participant_joined`, in milliseconds, as recorded. */
export const CONNECT_MS = 55

/** How long an agent needs to publish audio, in milliseconds, as recorded. */
const PUBLISH_MS = { joined: 60, called: 20 }

/**
 * The timeout of the agent's SDK, in milliseconds, as recorded: an agent whose connection was aborted connects once
 * more after this time. When that connection is aborted too, it gives up. /
 */
export const RECONNECT_MS = 15_000
const CONNECT_ATTEMPTS = 2

interface Job extends AgentJob {
  id: string
  dispatch: Dispatch
  behaviour: AgentBehaviour
}

/** An agent that has joined a room. It may have left since. */
interface Present {
  participant: Participant
  behaviour: AgentBehaviour
  job: Job
  /** Its process is dead. LiveKit may not have noticed yet. */
  dead?: true
}

/**
 * The agent workers of a project.
 *
 * A job that was sent to a worker cannot be cancelled: it survives the deletion of its dispatch or its room. The agent
 * still connects, and LiveKit re-creates the deleted room for it, with default settings and without metadata.
 */
export class AgentWorkers {
  readonly #behaviours: AgentBehaviour[]
  readonly #faults: Faults
  readonly #clock: Clock
  readonly #trace: Trace
  readonly #rooms: () => RoomManager
  readonly #autoCreate: boolean
  readonly #transfer: (caller: Participant, uri: string, headers: Record<string, string>) => void
  readonly #present = new WeakMap<Room, Present[]>()
  #stopped = false

  constructor (options: {
    behaviours: AgentBehaviour[]
    faults: Faults
    clock: Clock
    trace: Trace
    rooms: () => RoomManager
    /** LiveKit's setting `room.auto_create`: whether a join creates a room that does not exist. */
    autoCreate: boolean
    transfer(caller: Participant, uri: string, headers: Record<string, string>): void
  }) {
    this.#behaviours = options.behaviours
    this.#faults = options.faults
    this.#clock = options.clock
    this.#trace = options.trace
    this.#rooms = options.rooms
    this.#autoCreate = options.autoCreate
    this.#transfer = options.transfer
  }

  /** Offers the job of a dispatch to the workers that registered its agent name. */
  start (room: Room, dispatch: Dispatch): void {
    const behaviour = this.#behaviours.find(({ name }) => name === dispatch.agentName)
    if (!behaviour || this.#faults.workers === 'loaded') return
    const nth = room.dispatches.filter(({ agentName }) => agentName === behaviour.name).length
    if (nth < (behaviour.firstDispatch ?? 1)) return

    const id = newId('AJ_')
    const { metadata } = dispatch
    const job: Job = { id, identity: `agent-${id}`, roomName: room.name, metadata, dispatch, behaviour }
    this.#step('livekit', `job ${dispatch.agentName}`.trim())
    behaviour.onJob?.(job)
    const joinAfterMs = behaviour.joinAfterMs ?? 200
    const connectMs = Math.min(joinAfterMs, CONNECT_MS)
    this.#clock.schedule(joinAfterMs - connectMs, () => this.#connect(job, connectMs, 1))
  }

  /** Receives the news that a caller of this room was answered. A second one changes nothing for the agents. */
  connected (room: Room, caller: Participant): void {
    const others = [...room.participants.values()].filter(({ kind }) => kind !== 'AGENT')
    if (others.some(other => other !== caller)) return
    const seen = { roomMetadata: room.metadata, attributes: caller.attributes }
    for (const [index, present] of (this.#present.get(room) ?? []).entries()) {
      const { behaviour: { onConnected = {} }, job } = present
      const { hangUpAfterMs, transferTo, run } = onConnected
      if (isAlive(present)) run?.(job, seen)
      if (index === 0) this.#exitLater(room, present, onConnected)
      if (hangUpAfterMs !== undefined) {
        this.#later(room, present, hangUpAfterMs, 'deletes the room', () => this.#rooms().close(room, 'ROOM_DELETED'))
      }
      if (transferTo) {
        this.#later(room, present, transferTo.afterMs, 'transfers', () =>
          this.#transfer(caller, transferTo.uri, transferTo.headers ?? {}))
      }
    }
  }

  /** Delivers a data message to the agents of a room, or to those that it names. */
  receive (room: Room, data: DataMessage, identities: readonly string[]): void {
    for (const present of this.#present.get(room) ?? []) {
      const isMeant = identities.length === 0 || identities.includes(present.participant.identity)
      if (!isMeant || !isAlive(present)) continue
      this.#step('livekit', `data ${data.topic}`.trim())
      present.behaviour.onData?.(data, present.job)
    }
  }

  /** Shows the agents of a room that its metadata have changed. */
  metadataChanged (room: Room): void {
    for (const present of this.#present.get(room) ?? []) {
      if (!isAlive(present)) continue
      this.#step('livekit', 'room metadata')
      present.behaviour.onRoomMetadata?.(room.metadata, present.job)
    }
  }

  /** Whether the process of an agent in a room runs. */
  isAlive (room: Room, identity: string): boolean {
    const present = this.#present.get(room)?.find(({ participant }) => participant.identity === identity)
    return present !== undefined && isAlive(present)
  }

  stop (): void {
    this.#stopped = true
  }

  #connect (job: Job, connectMs: number, attempt: number): void {
    if (this.#stopped) return
    const { dispatch, behaviour, identity } = job
    const listed = dispatch.jobs.some(({ id }) => id === job.id)
    if ((behaviour.jobListed ?? true) && !listed) {
      dispatch.jobs.push({ id: job.id, identity, startedMs: this.#clock.now(), workerId: newId('AW_') })
    }
    if (behaviour.joins === false) return

    const room = this.#rooms().get(job.roomName) ??
      (this.#autoCreate ? this.#rooms().open({ name: job.roomName }) : undefined)
    if (!room) return this.#step('agent', 'finds no room')

    this.#rooms().connect(room, {
      identity,
      name: '',
      kind: 'AGENT',
      metadata: '',
      attributes: { 'lk.agent.name': behaviour.name, 'lk.agent_name': behaviour.name }
    }, connectMs, {
      joined: participant => this.#joined(room, { participant, behaviour, job }),
      aborted: () => {
        if (attempt === CONNECT_ATTEMPTS) return this.#step('agent', 'gives up')
        this.#clock.schedule(RECONNECT_MS, () => this.#connect(job, CONNECT_MS, attempt + 1))
      },
      removed: reason => this.#step('livekit', reason.toLowerCase().replaceAll('_', ' '))
    })
  }

  #joined (room: Room, present: Present): void {
    const { participant, behaviour } = present
    this.#step('agent', 'joins')
    const others = this.#present.get(room) ?? []
    this.#present.set(room, [...others, present])
    if (others.length === 0) this.#exitLater(room, present, behaviour.onJoined ?? {})
    for (const { state, afterMs } of behaviour.states ?? []) {
      this.#later(room, present, afterMs, `is ${state}`, () =>
        this.#rooms().setAttributes(participant, { 'lk.agent.state': state }))
    }

    const { publishes = true, publishAfterMs } = behaviour
    if (publishes === true) this.#publishLater(room, present, publishAfterMs ?? PUBLISH_MS.joined)
    if (publishes === 'with-caller') {
      this.#rooms().whenCalled(room, participant, () =>
        this.#publishLater(room, present, publishAfterMs ?? PUBLISH_MS.called))
    }
  }

  #publishLater (room: Room, present: Present, ms: number): void {
    this.#later(room, present, ms, 'publishes audio', () => {
      const track = { name: 'voice', mimeType: 'audio/red', mid: '7', cid: randomUUID() }
      this.#rooms().publish(room, present.participant, track)
    })
  }

  #exitLater (room: Room, present: Present, { leaveAfterMs, dieAfterMs }: Exit): void {
    const { participant } = present
    const leave = (reason: LeaveReason) => this.#rooms().leave(room, participant, reason)
    if (leaveAfterMs !== undefined) this.#later(room, present, leaveAfterMs, 'leaves', () => leave('CLIENT_INITIATED'))
    if (dieAfterMs === undefined) return

    this.#clock.schedule(dieAfterMs, () => {
      present.dead = true
      this.#clock.schedule(DEAD_AFTER, () => {
        if (this.#isIn(room, participant)) this.#step('agent', 'is gone')
        leave('CONNECTION_TIMEOUT')
      })
    })
  }

  /** The agent does something in `ms` milliseconds, if it is alive and in the room then. */
  #later (room: Room, present: Present, ms: number, what: string, fn: () => void): void {
    this.#clock.schedule(ms, () => {
      if (!isAlive(present) || !this.#isIn(room, present.participant)) return
      this.#step('agent', what)
      fn()
    })
  }

  #isIn (room: Room, participant: Participant): boolean {
    return !room.lost && room.participants.get(participant.identity) === participant
  }

  #step (from: Extract<Party, 'livekit' | 'agent'>, what: string): void {
    const to = from === 'agent' ? 'livekit' : 'agent'
    this.#trace({ at: this.#clock.now(), from, to, what, via: 'room' })
  }
}

const isAlive = ({ dead, participant }: Present): boolean => !dead && participant.disconnectReason === undefined
