import { randomBytes } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Dispatch, LeaveReason, Participant, Room, RoomEvent, Track } from './state.ts'
import { newId } from './json.ts'

/** How long LiveKit takes to bring `num_participants` up to date, ms. */
const COUNT_DELAY = 5000
const EMPTY_TIMEOUT_S = 300
const DEPARTURE_TIMEOUT_S = 20

export interface RoomSettings {
  name: string
  emptyTimeout?: number
  departureTimeout?: number
  maxParticipants?: number
  metadata?: string
  agents?: Array<{ agentName: string, metadata: string, deployment?: string, attributes?: Record<string, string> }>
}

export interface Rooms {
  get(name: string): Room | undefined
  list(): Room[]
  /** The live room of that name, else a new one with one dispatch per agent: settings of a live room are left alone. */
  open(settings: RoomSettings): Room
  dispatch(
    room: Room,
    agent: { agentName: string, metadata: string, deployment?: string, attributes?: Record<string, string> }
  ): Dispatch
  /** Lets somebody in; whoever has the same identity is put out. `onRemoved` runs when somebody else ends the stay. */
  join(
    room: Room,
    participant: Omit<Participant, 'sid' | 'joinedMs' | 'version' | 'tracks' | 'hasPublished'>,
    onRemoved: (reason: LeaveReason) => void
  ): Participant
  publish(
    room: Room,
    participant: Participant,
    track: { name: string, mimeType: string, mid: string, cid: string }
  ): void
  /** Changes attributes, silently: there is no webhook for that. */
  setAttributes(participant: Participant, attributes: Record<string, string>): void
  /** Somebody goes of its own accord, or with another reason is put out. Does nothing for who has left. */
  leave(room: Room, participant: Participant, reason: LeaveReason): void
  close(room: Room, reason: 'ROOM_DELETED' | 'ROOM_CLOSED'): void
  /**
   * Runs `fn` when a participant other than `self` has audio in the room, perhaps at once; the result takes that back.
   */
  whenAudible(room: Room, self: Participant, fn: () => void): () => void
  stop(): void
}

/**
 * Rooms with LiveKit's life cycle: `emptyTimeout` counts from creation, `departureTimeout` from the caller's leaving;
 * agents keep no room open.
 */
export function createRooms (
  options: { clock: Clock, emit(event: RoomEvent): void, onDispatch(room: Room, dispatch: Dispatch): void }
): Rooms {
  const { clock, emit } = options
  const rooms = new Map<string, Room>()
  const exits = new WeakMap<Participant, (reason: LeaveReason) => void>()
  const waiting = new Set<{ room: Room, self: Participant, fn: () => void }>()
  const closings = new Map<Room, () => void>()
  const countings = new Map<Room, () => void>()

  const callers = (room: Room) => [...room.participants.values()].filter(p => p.kind !== 'AGENT')

  function closeAfter (room: Room, seconds: number): void {
    closings.get(room)?.()
    closings.set(room, clock.schedule(seconds * 1000, () => close(room, 'ROOM_CLOSED')))
  }

  function count (room: Room): void {
    if (countings.has(room)) return
    countings.set(
      room,
      clock.schedule(COUNT_DELAY, () => {
        countings.delete(room)
        room.counts = {
          participants: callers(room).length,
          publishers: [...room.participants.values()].filter(p => p.tracks.length > 0).length
        }
      })
    )
  }

  function dispatch (
    room: Room,
    agent: { agentName: string, metadata: string, deployment?: string, attributes?: Record<string, string> }
  ): Dispatch {
    const made: Dispatch = {
      id: newId('AD_'),
      agentName: agent.agentName,
      metadata: agent.metadata,
      deployment: agent.deployment ?? '',
      attributes: agent.attributes ?? {},
      createdMs: clock.now(),
      deletedMs: 0,
      jobs: []
    }
    room.dispatches.push(made)
    options.onDispatch(room, made)
    return made
  }

  function open (settings: RoomSettings): Room {
    const live = rooms.get(settings.name)
    if (live) return live
    const room: Room = {
      sid: newId('RM_'),
      name: settings.name,
      emptyTimeout: settings.emptyTimeout || EMPTY_TIMEOUT_S,
      departureTimeout: settings.departureTimeout || DEPARTURE_TIMEOUT_S,
      maxParticipants: settings.maxParticipants ?? 0,
      metadata: settings.metadata ?? '',
      createdMs: clock.now(),
      turnPassword: randomBytes(33).toString('base64url'),
      participants: new Map(),
      dispatches: [],
      counts: { participants: 0, publishers: 0 }
    }
    rooms.set(room.name, room)
    emit({ event: 'room_started', room })
    closeAfter(room, room.emptyTimeout)
    // A room that names no agent gets the unnamed ones.
    const agents = settings.agents?.length ? settings.agents : [{ agentName: '', metadata: '' }]
    for (const agent of agents) dispatch(room, agent)
    return room
  }

  function out (room: Room, participant: Participant, reason: LeaveReason): void {
    room.participants.delete(participant.identity)
    for (const track of participant.tracks.splice(0)) emit({ event: 'track_unpublished', room, participant, track })
    participant.disconnectReason = reason
    participant.version++
    for (const entry of waiting) if (entry.self === participant) waiting.delete(entry)
    emit({ event: 'participant_left', room, participant })
  }

  function leave (room: Room, participant: Participant, reason: LeaveReason): void {
    if (room.participants.get(participant.identity) !== participant) return
    const exit = exits.get(participant)
    out(room, participant, reason)
    count(room)
    if (reason !== 'CLIENT_INITIATED') exit?.(reason)
    if (participant.kind !== 'AGENT' && callers(room).length === 0) closeAfter(room, room.departureTimeout)
  }

  function close (room: Room, reason: 'ROOM_DELETED' | 'ROOM_CLOSED'): void {
    if (rooms.get(room.name) !== room) return
    rooms.delete(room.name)
    closings.get(room)?.()
    closings.delete(room)
    countings.get(room)?.()
    countings.delete(room)
    for (const participant of [...callers(room), ...room.participants.values()]) {
      if (participant.disconnectReason !== undefined) continue
      const exit = exits.get(participant)
      out(room, participant, reason)
      exit?.(reason)
    }
    emit({ event: 'room_finished', room })
  }

  /** An agent's audio, or the mere presence of another caller, is what LiveKit waits for. */
  function audible (room: Room, self: Participant): boolean {
    return [...room.participants.values()].some(p => p !== self && (p.kind === 'SIP' || p.tracks.length > 0))
  }

  function wake (room: Room): void {
    for (const entry of waiting) {
      if (entry.room !== room || !audible(room, entry.self)) continue
      waiting.delete(entry)
      entry.fn()
    }
  }

  return {
    get: name => rooms.get(name),
    list: () => [...rooms.values()],
    open,
    dispatch,
    join (room, participant, onRemoved) {
      const twin = room.participants.get(participant.identity)
      if (twin) leave(room, twin, 'DUPLICATE_IDENTITY')
      const joined: Participant = {
        ...participant,
        sid: newId('PA_'),
        joinedMs: clock.now(),
        version: 2,
        tracks: [],
        hasPublished: false
      }
      exits.set(joined, onRemoved)
      room.participants.set(joined.identity, joined)
      if (joined.kind !== 'AGENT') {
        closings.get(room)?.()
        closings.delete(room)
      }
      emit({ event: 'participant_joined', room, participant: joined })
      count(room)
      wake(room)
      return joined
    },
    publish (room, participant, track) {
      if (participant.disconnectReason !== undefined) return
      const published: Track = { ...track, sid: newId('TR_AM'), publishedMicros: `${clock.now()}000` }
      participant.tracks.push(published)
      participant.hasPublished = true
      participant.version++
      emit({ event: 'track_published', room, participant, track: published })
      count(room)
      wake(room)
    },
    setAttributes (participant, attributes) {
      Object.assign(participant.attributes, attributes)
      participant.version++
    },
    leave,
    close,
    whenAudible (room, self, fn) {
      if (audible(room, self)) {
        fn()
        return () => {}
      }
      const entry = { room, self, fn }
      waiting.add(entry)
      return () => {
        waiting.delete(entry)
      }
    },
    stop () {
      for (const cancel of [...closings.values(), ...countings.values()]) cancel()
      rooms.clear()
      waiting.clear()
    }
  }
}
