import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Dispatch, LeaveReason, Participant, Room, RoomEvent, Track } from './state.ts'
import { closesAt } from './idle.ts'
import { newId } from './json.ts'

/** How late LiveKit updates `num_participants`, in milliseconds. */
const COUNT_DELAY_MS = 5000
const EMPTY_TIMEOUT_S = 300
const DEPARTURE_TIMEOUT_S = 20

/** The reasons with which a participant leaves by itself. */
const OWN_REASONS: ReadonlySet<LeaveReason> = new Set(['CLIENT_INITIATED', 'USER_REJECTED', 'USER_UNAVAILABLE'])

export interface RoomAgent {
  agentName: string
  metadata: string
  deployment?: string
  attributes?: Record<string, string>
}

export interface RoomSettings {
  name: string
  emptyTimeout?: number
  departureTimeout?: number
  maxParticipants?: number
  metadata?: string
  agents?: RoomAgent[]
}

/** The fields of a participant that it brings itself. The room sets the others. */
export type Joining = Pick<Participant, 'identity' | 'name' | 'kind' | 'metadata' | 'attributes'>

/** A participant whose connection is being set up. */
interface Connection {
  participant: Participant
  abort(reason: LeaveReason): void
}

interface RoomTimers {
  closing?: () => void
  counting?: () => void
}

/** Something that a participant waits for in its room. */
interface Wait {
  room: Room
  self: Participant
  isOver(room: Room, self: Participant): boolean
  fn: () => void
}

/** The rooms of a project, with LiveKit's life cycle. Agents do not keep a room open. */
export class RoomManager {
  readonly #clock: Clock
  readonly #startedMs: number
  readonly #emit: (event: RoomEvent) => void
  readonly #onDispatch: (room: Room, dispatch: Dispatch) => void
  readonly #rooms = new Map<string, Room>()
  readonly #timers = new WeakMap<Room, RoomTimers>()
  readonly #connections = new Map<Room, Set<Connection>>()
  readonly #removed = new WeakMap<Participant, (reason: LeaveReason) => void>()
  readonly #waits = new Set<Wait>()

  constructor (
    options: { clock: Clock, emit(event: RoomEvent): void, onDispatch(room: Room, dispatch: Dispatch): void }
  ) {
    this.#clock = options.clock
    this.#startedMs = options.clock.now()
    this.#emit = options.emit
    this.#onDispatch = options.onDispatch
  }

  get (name: string): Room | undefined {
    return this.#rooms.get(name)
  }

  list (): Room[] {
    return [...this.#rooms.values()]
  }

  /** The live room of that name, with unchanged settings. Without one, a new room with one dispatch for each agent. */
  open (settings: RoomSettings): Room {
    const live = this.#rooms.get(settings.name)
    if (live && !live.lost) return live

    const room: Room = {
      sid: newId('RM_'),
      name: settings.name,
      emptyTimeout: settings.emptyTimeout || EMPTY_TIMEOUT_S,
      departureTimeout: settings.departureTimeout || DEPARTURE_TIMEOUT_S,
      maxParticipants: settings.maxParticipants ?? 0,
      metadata: settings.metadata ?? '',
      createdMs: this.#clock.now(),
      turnPassword: randomBytes(33).toString('base64url'),
      participants: new Map(),
      dispatches: [],
      counts: { participants: 0, publishers: 0 }
    }
    this.#rooms.set(room.name, room)
    this.#timers.set(room, {})
    this.#emit({ event: 'room_started', room })
    this.#closeLater(room)

    // LiveKit sends the jobs of a room that names no agent to the unnamed workers.
    const agents = settings.agents?.length ? settings.agents : [{ agentName: '', metadata: '' }]
    for (const agent of agents) this.dispatch(room, agent)
    return room
  }

  dispatch (room: Room, agent: RoomAgent): Dispatch {
    const dispatch: Dispatch = {
      id: newId('AD_'),
      agentName: agent.agentName,
      metadata: agent.metadata,
      deployment: agent.deployment ?? '',
      attributes: agent.attributes ?? {},
      createdMs: this.#clock.now(),
      deletedMs: 0,
      jobs: []
    }
    room.dispatches.push(dispatch)
    this.#onDispatch(room, dispatch)
    return dispatch
  }

  /**
   * Adds a participant at once. A participant with the same identity is removed first. `onRemoved` runs when somebody
   * else removes the participant.
   */
  join (room: Room, joining: Joining, onRemoved: (reason: LeaveReason) => void): Participant {
    return this.#admit(room, this.#participant(joining), onRemoved)
  }

  /**
   * Connects a participant, which takes `connectMs`. When the room closes meanwhile, LiveKit aborts the connection and
   * sends `participant_connection_aborted` instead of `participant_joined`.
   */
  connect (
    room: Room,
    joining: Joining,
    connectMs: number,
    on: { joined(participant: Participant): void, aborted(): void, removed(reason: LeaveReason): void }
  ): void {
    const participant = this.#participant(joining)
    const connections = this.#connections.get(room) ?? new Set()
    this.#connections.set(room, connections)

    const cancel = this.#clock.schedule(connectMs, () => {
      if (!connections.delete(connection) || room.lost) return
      on.joined(this.#admit(room, participant, on.removed))
    })
    const connection: Connection = {
      participant,
      abort: reason => {
        cancel()
        participant.disconnectReason = reason
        this.#emit({ event: 'participant_connection_aborted', room, participant })
        on.aborted()
      }
    }
    connections.add(connection)
  }

  publish (
    room: Room,
    participant: Participant,
    track: { name: string, mimeType: string, mid: string, cid: string }
  ): void {
    if (room.lost || participant.disconnectReason !== undefined) return
    const published: Track = { ...track, sid: newId('TR_AM'), publishedMicros: `${this.#clock.now()}000` }
    participant.tracks.push(published)
    participant.hasPublished = true
    participant.version++
    this.#emit({ event: 'track_published', room, participant, track: published })
    this.#countLater(room)
    this.#wake(room)
  }

  /** Changes attributes. LiveKit sends no webhook for that. */
  setAttributes (participant: Participant, attributes: Record<string, string>): void {
    Object.assign(participant.attributes, attributes)
    participant.version++
  }

  /** Removes a participant. Does nothing for a participant that has left already. */
  leave (room: Room, participant: Participant, reason: LeaveReason): void {
    if (room.lost || room.participants.get(participant.identity) !== participant) return
    this.#remove(room, participant, reason)
    room.lastLeftMs = this.#clock.now()
    this.#countLater(room)
    if (!OWN_REASONS.has(reason)) this.#removed.get(participant)?.(reason)
    if (callersIn(room).length === 0) this.#closeLater(room)
  }

  close (room: Room, reason: 'ROOM_DELETED' | 'ROOM_CLOSED'): void {
    if (this.#rooms.get(room.name) !== room) return
    this.#rooms.delete(room.name)
    this.#stopTimers(room)
    const connections = this.#connections.get(room) ?? []
    this.#connections.delete(room)

    for (const { abort } of connections) abort(reason)
    for (const participant of [...callersIn(room), ...room.participants.values()]) {
      if (participant.disconnectReason !== undefined) continue
      this.#remove(room, participant, reason)
      this.#removed.get(participant)?.(reason)
    }
    this.#emit({ event: 'room_finished', room })
  }

  /**
   * The server that holds the room dies. LiveKit still lists the room and its participants unchanged, and sends no more
   * webhooks for it.
   */
  lose (room: Room): void {
    room.lost = true
    this.#stopTimers(room)
    this.#connections.delete(room)
    for (const wait of this.#waits) if (wait.room === room) this.#waits.delete(wait)
  }

  /**
   * Runs `fn` as soon as a participant other than `self` has audio in the room. That may be at once.
   *
   * @returns a function that cancels the wait
   */
  whenAudible (room: Room, self: Participant, fn: () => void): () => void {
    return this.#when({ room, self, isOver: isAudible, fn })
  }

  /** Runs `fn` as soon as a caller is in the room. That may be at once. */
  whenCalled (room: Room, self: Participant, fn: () => void): void {
    this.#when({ room, self, isOver: () => callersIn(room).length > 0, fn })
  }

  stop (): void {
    for (const room of this.#rooms.values()) this.#stopTimers(room)
    this.#rooms.clear()
    this.#waits.clear()
  }

  #when (wait: Wait): () => void {
    if (wait.isOver(wait.room, wait.self)) {
      wait.fn()
      return () => {}
    }
    this.#waits.add(wait)
    return () => {
      this.#waits.delete(wait)
    }
  }

  #participant (joining: Joining): Participant {
    return {
      ...joining,
      sid: newId('PA_'),
      joinedMs: this.#clock.now(),
      version: 2,
      tracks: [],
      hasPublished: false
    }
  }

  #admit (room: Room, participant: Participant, onRemoved: (reason: LeaveReason) => void): Participant {
    const twin = room.participants.get(participant.identity)
    if (twin) this.leave(room, twin, 'DUPLICATE_IDENTITY')

    this.#removed.set(participant, onRemoved)
    room.participants.set(participant.identity, participant)
    if (participant.kind !== 'AGENT') {
      room.calledOnce = true
      this.#stopClosing(room)
    }
    this.#emit({ event: 'participant_joined', room, participant })
    this.#countLater(room)
    this.#wake(room)
    return participant
  }

  #remove (room: Room, participant: Participant, reason: LeaveReason): void {
    room.participants.delete(participant.identity)
    for (const track of participant.tracks.splice(0)) {
      this.#emit({ event: 'track_unpublished', room, participant, track })
    }
    participant.disconnectReason = reason
    participant.version++
    for (const wait of this.#waits) if (wait.self === participant) this.#waits.delete(wait)
    this.#emit({ event: 'participant_left', room, participant })
  }

  #wake (room: Room): void {
    for (const wait of this.#waits) {
      if (wait.room !== room || !wait.isOver(room, wait.self)) continue
      this.#waits.delete(wait)
      wait.fn()
    }
  }

  #closeLater (room: Room): void {
    this.#stopClosing(room)
    const inMs = closesAt(room, this.#startedMs) - this.#clock.now()
    this.#timersOf(room).closing = this.#clock.schedule(inMs, () => this.close(room, 'ROOM_CLOSED'))
  }

  #countLater (room: Room): void {
    const timers = this.#timersOf(room)
    timers.counting ??= this.#clock.schedule(COUNT_DELAY_MS, () => {
      delete timers.counting
      room.counts = {
        participants: callersIn(room).length,
        publishers: [...room.participants.values()].filter(p => p.tracks.length > 0).length
      }
    })
  }

  #stopClosing (room: Room): void {
    const timers = this.#timersOf(room)
    timers.closing?.()
    delete timers.closing
  }

  #stopTimers (room: Room): void {
    this.#stopClosing(room)
    this.#timersOf(room).counting?.()
  }

  #timersOf (room: Room): RoomTimers {
    return this.#timers.get(room) ?? {}
  }
}

const callersIn = (room: Room) => [...room.participants.values()].filter(({ kind }) => kind !== 'AGENT')

/** LiveKit answers a caller when an agent has audio in the room, or when the room has another caller. */
function isAudible (room: Room, self: Participant): boolean {
  return [...room.participants.values()].some(p => p !== self && (p.kind === 'SIP' || p.tracks.length > 0))
}
