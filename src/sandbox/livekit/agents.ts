import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Party, Trace } from '../../ladder/trace.ts'
import type { Faults } from './faults.ts'
import type { Dispatch, LeaveReason, Participant, Room } from './state.ts'
import type { RoomManager } from './room-manager.ts'
import { newId } from './json.ts'

/** What an agent worker does with its jobs. */
export interface AgentBehaviour {
  /** '' for an unnamed agent, which gets the jobs of rooms that name none. */
  name: string
  /** From dispatch to being in the room, ms. Default 200. */
  joinAfterMs?: number
  /** Whether the worker that took a job joins the room. Default true. */
  joins?: boolean
  /** From joining to its audio track, ms. Default 60. */
  publishAfterMs?: number
  /** Whether it publishes audio at all. Default true. */
  publishes?: boolean
  /** Whether listDispatch shows its job: real servers sometimes do not. Default true. */
  jobListed?: boolean
  /** The first of a room's dispatches of this name that it heeds, for a worker that misses jobs. Default 1. */
  heedsDispatch?: number
  /** How it leaves, counted from its joining. */
  onJoined?: Exit
  /** What it does, counted from the caller's answered call, ms each. */
  onConnected?: Exit & {
    /** Ends the call: deletes the room. */
    hangUpAfterMs?: number
    transferTo?: { uri: string, afterMs: number, headers?: Record<string, string> }
  }
}

/** How an agent goes and leaves the caller in silence, after ms; it holds for its first job in a room. */
export interface Exit {
  leaveAfterMs?: number
  /** Its process dies. LiveKit notices only {@link DEAD_AFTER} later. */
  dieAfterMs?: number
}

/** From a participant's last sign of life to LiveKit removing it, ms, as recorded. */
export const DEAD_AFTER = 20_000

/** From an agent's connecting to its `participant_joined`, ms, as recorded. */
export const CONNECT_MS = 55

/**
 * An agent whose connection was aborted connects once more after this time, ms, as recorded: its SDK's own timeout.
 * Aborted a second time, it gives up.
 */
export const RECONNECT_MS = 15_000
const CONNECT_ATTEMPTS = 2

interface Job {
  id: string
  roomName: string
  dispatch: Dispatch
  behaviour: AgentBehaviour
}

/**
 * The agent workers of a project.
 *
 * A job that was sent out cannot be taken back: deleting its dispatch or its room does not stop it. The agent connects
 * all the same, and LiveKit makes the deleted room again for it, with defaults and without metadata.
 */
export class AgentWorkers {
  readonly #behaviours: AgentBehaviour[]
  readonly #faults: Faults
  readonly #clock: Clock
  readonly #trace: Trace
  readonly #rooms: () => RoomManager
  readonly #autoCreate: boolean
  readonly #transfer: (caller: Participant, uri: string, headers: Record<string, string>) => void
  readonly #present = new WeakMap<Room, Array<{ participant: Participant, behaviour: AgentBehaviour }>>()
  #stopped = false

  constructor (options: {
    behaviours: AgentBehaviour[]
    faults: Faults
    clock: Clock
    trace: Trace
    rooms: () => RoomManager
    /** Whether a join makes a room that does not exist: LiveKit's setting `room.auto_create`. */
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

  /** Offers a dispatch to the workers of its name. */
  start (room: Room, dispatch: Dispatch): void {
    const behaviour = this.#behaviours.find(({ name }) => name === dispatch.agentName)
    if (!behaviour || this.#faults.workers === 'loaded') return
    const nth = room.dispatches.filter(({ agentName }) => agentName === behaviour.name).length
    if (nth < (behaviour.heedsDispatch ?? 1)) return

    const job: Job = { id: newId('AJ_'), roomName: room.name, dispatch, behaviour }
    this.#step('livekit', `job ${dispatch.agentName}`.trim())
    const joinAfterMs = behaviour.joinAfterMs ?? 200
    const connectMs = Math.min(joinAfterMs, CONNECT_MS)
    this.#clock.schedule(joinAfterMs - connectMs, () => this.#connect(job, connectMs, 1))
  }

  /** The call of this room was answered. */
  connected (room: Room, caller: Participant): void {
    for (const [index, { participant, behaviour }] of (this.#present.get(room) ?? []).entries()) {
      const { hangUpAfterMs, transferTo } = behaviour.onConnected ?? {}
      if (index === 0) this.#exitLater(room, participant, behaviour.onConnected ?? {})
      if (hangUpAfterMs !== undefined) {
        this.#later(room, participant, hangUpAfterMs, 'deletes the room', () =>
          this.#rooms().close(room, 'ROOM_DELETED'))
      }
      if (transferTo) {
        this.#later(room, participant, transferTo.afterMs, 'transfers', () =>
          this.#transfer(caller, transferTo.uri, transferTo.headers ?? {}))
      }
    }
  }

  stop (): void {
    this.#stopped = true
  }

  #connect (job: Job, connectMs: number, attempt: number): void {
    if (this.#stopped) return
    const { dispatch, behaviour } = job
    const identity = `agent-${job.id}`
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
      joined: participant => this.#joined(room, participant, behaviour),
      aborted: () => {
        if (attempt === CONNECT_ATTEMPTS) return this.#step('agent', 'gives up')
        this.#clock.schedule(RECONNECT_MS, () => this.#connect(job, CONNECT_MS, attempt + 1))
      },
      removed: reason => this.#step('livekit', reason.toLowerCase().replaceAll('_', ' '))
    })
  }

  #joined (room: Room, participant: Participant, behaviour: AgentBehaviour): void {
    this.#step('agent', 'joins')
    const others = this.#present.get(room) ?? []
    this.#present.set(room, [...others, { participant, behaviour }])
    if (others.length === 0) this.#exitLater(room, participant, behaviour.onJoined ?? {})
    if (behaviour.publishes === false) return

    this.#clock.schedule(behaviour.publishAfterMs ?? 60, () => {
      if (participant.disconnectReason !== undefined) return
      this.#step('agent', 'publishes audio')
      this.#rooms().publish(room, participant, { name: 'voice', mimeType: 'audio/red', mid: '7', cid: randomUUID() })
    })
  }

  #exitLater (room: Room, participant: Participant, { leaveAfterMs, dieAfterMs }: Exit): void {
    const leave = (reason: LeaveReason) => () => this.#rooms().leave(room, participant, reason)
    if (leaveAfterMs !== undefined) this.#later(room, participant, leaveAfterMs, 'leaves', leave('CLIENT_INITIATED'))
    if (dieAfterMs !== undefined) {
      this.#later(room, participant, dieAfterMs + DEAD_AFTER, 'is gone', leave('CONNECTION_TIMEOUT'))
    }
  }

  /** Runs `fn` after `ms` if the participant is still in the room then. */
  #later (room: Room, participant: Participant, ms: number, what: string, fn: () => void): void {
    this.#clock.schedule(ms, () => {
      if (participant.disconnectReason !== undefined || room.lost || this.#rooms().get(room.name) !== room) return
      this.#step('agent', what)
      fn()
    })
  }

  #step (from: Extract<Party, 'livekit' | 'agent'>, what: string): void {
    const to = from === 'agent' ? 'livekit' : 'agent'
    this.#trace({ at: this.#clock.now(), from, to, what, via: 'room' })
  }
}
