import type { Clock } from '../../src/clock.ts'
import { isJson, jsons, text, texts, type Json } from './json.ts'
import { LEG_OF_PARTICIPANT } from './names.ts'

/** A participant as LiveKit's API shows it. */
export interface Participant {
  sid: string
  identity: string
  kind: string
  attributes: Record<string, string>
  tracks: Json[]
  shown: Json
}

interface Room {
  name: string
  sid: string
  metadata: string
  emptyTimeoutS: number
  departureTimeoutS: number
  createdAt: number
  agents: Json[]
  participants: Map<string, Participant>
  cancelClosing: () => void
}

export interface RoomSettings {
  metadata: string
  emptyTimeoutS: number
  departureTimeoutS: number
  agents: Json[]
}

export interface LiveKitWorldOptions {
  clock: Clock
  /** Is told of every room that is made over the API. */
  onMade?: (room: string) => void
  /** Is told of every SIP leg that is put out of its room over the API, by the leg's `call_sid` in Jambonz. */
  onPutOut?: (leg: string) => void
  /** Receives every webhook that LiveKit would send, whole. */
  notify(event: Json): void
}

/** LiveKit reports what it was asked to do this long after it did it, milliseconds. */
const REPORT_MS = 3
/** Settings of a room that LiveKit makes by itself (servers.md, "room made again by the agent in flight"). */
const BY_ITSELF: RoomSettings = { metadata: '', emptyTimeoutS: 300, departureTimeoutS: 20, agents: [] }

/**
 * LiveKit's rooms: what the bridge asks for happens, and what was recorded happens at its time, as far as it still can.
 * A participant that joins a room which does not exist makes it again with a new sid and without metadata. A room
 * without a caller closes by its empty or departure timeout. Everything here was recorded on real servers.
 */
export class LiveKitWorld {
  readonly rooms = new Map<string, Room>()
  readonly #clock: Clock
  readonly #notify: (event: Json) => void
  readonly #onMade: (room: string) => void
  readonly #onPutOut: (leg: string) => void
  readonly #removed = new Set<string>()
  #made = 0

  constructor ({ clock, notify, onMade = () => {}, onPutOut = () => {} }: LiveKitWorldOptions) {
    this.#clock = clock
    this.#onMade = onMade
    this.#onPutOut = onPutOut
    this.#notify = notify
  }

  create (name: string, settings: RoomSettings): Room {
    const known = this.rooms.get(name)
    if (known) return known
    const room = this.#open(name, settings)
    this.#report({ event: 'room_started', room: this.#shown(room) })
    this.#onMade(name)
    return room
  }

  /** @returns false when there is no such room */
  delete (name: string): boolean {
    for (const participant of this.rooms.get(name)?.participants.values() ?? []) this.#putOut(participant)
    return this.#close(name, 'ROOM_DELETED')
  }

  /** @returns false when there is no such participant */
  remove (name: string, identity: string): boolean {
    const room = this.rooms.get(name)
    const participant = [...room?.participants.values() ?? []].find(other => other.identity === identity)
    if (!room || !participant) return false
    this.#removed.add(participant.sid)
    this.#putOut(participant)
    this.#left(room, participant, 'PARTICIPANT_REMOVED')
    return true
  }

  /** Jambonz ended this leg. */
  leave (leg: string): void {
    for (const room of this.rooms.values()) {
      const participant = [...room.participants.values()]
        .find(({ attributes }) => attributes[LEG_OF_PARTICIPANT] === leg)
      if (!participant) continue
      this.#removed.add(participant.sid)
      this.#left(room, participant, 'CLIENT_INITIATED')
    }
  }

  #putOut ({ kind, attributes }: Participant): void {
    const leg = attributes[LEG_OF_PARTICIPANT]
    if (kind === 'SIP' && leg !== undefined) this.#onPutOut(leg)
  }

  /**
   * Something that was recorded happens, if it still can: nobody leaves a room twice, or publishes in one that is gone.
   *
   * @param name the room's name here
   * @param first whether the recorded room is the one that the application made
   */
  play (name: string, body: Json, { silent, first }: { silent: boolean, first: boolean }): void {
    const recordedRoom = isJson(body['room']) ? body['room'] : {}
    const participant = isJson(body['participant']) ? body['participant'] : undefined
    const tell = (room: Room) => {
      if (!silent) this.#notify({ ...body, room: { ...recordedRoom, ...this.#shown(room) } })
    }
    const room = this.rooms.get(name)
    switch (body['event']) {
      case 'room_started':
        if (!room && !first) tell(this.#open(name, BY_ITSELF, text(recordedRoom['sid'])))
        return
      case 'room_finished':
        if (!room) return
        this.#forget(room)
        tell(room)
        return
      case 'participant_joined':
        this.#joined(name, participant ?? {}, silent, tell)
        return
      case 'participant_left': {
        const sid = text(participant?.['sid']) ?? ''
        if (!room?.participants.delete(sid)) return
        this.#scheduleClosing(room)
        tell(room)
        return
      }
      default:
        if (!room || (participant && !this.#changed(room, participant, body))) return
        tell(room)
    }
  }

  /** A SIP participant's attributes changed; no webhook tells of it. */
  change (name: string, identity: string, changed: Record<string, string>): void {
    for (const participant of this.rooms.get(name)?.participants.values() ?? []) {
      if (participant.identity === identity) Object.assign(participant.attributes, changed)
    }
  }

  /** Somebody was seen in the room of whom no event told. */
  see (name: string, participants: Json[]): void {
    const room = this.rooms.get(name)
    for (const shown of room ? participants : []) {
      const sid = text(shown['sid']) ?? ''
      if (room!.participants.has(sid) || this.#removed.has(sid)) continue
      this.#enter(room!, shown, jsons(shown['tracks']))
    }
  }

  #joined (name: string, shown: Json, silent: boolean, tell: (room: Room) => void): void {
    let room = this.rooms.get(name)
    if (!room && silent) return
    if (!room) {
      room = this.#open(name, BY_ITSELF)
      this.#notify({ event: 'room_started', ...this.#stamp(), room: this.#shown(room) })
    }
    this.#enter(room, shown, [])
    tell(room)
  }

  #enter (room: Room, shown: Json, tracks: Json[]): void {
    const participant: Participant = {
      sid: text(shown['sid']) ?? '',
      identity: text(shown['identity']) ?? '',
      kind: text(shown['kind']) ?? 'STANDARD',
      attributes: texts(shown['attributes']),
      tracks,
      shown
    }
    room.participants.set(participant.sid, participant)
    if (participant.kind !== 'AGENT') room.cancelClosing()
  }

  /** @returns false when the participant is not there */
  #changed (room: Room, { sid }: Json, body: Json): boolean {
    const participant = room.participants.get(text(sid) ?? '')
    if (!participant) return false
    const track = isJson(body['track']) ? body['track'] : {}
    const others = participant.tracks.filter(other => other['sid'] !== track['sid'])
    if (body['event'] === 'track_published') participant.tracks = [...others, track]
    if (body['event'] === 'track_unpublished') participant.tracks = others
    return true
  }

  #open (name: string, settings: RoomSettings, sid = `RM_made${++this.#made}`): Room {
    const room: Room = {
      name,
      sid,
      ...settings,
      createdAt: this.#clock.now(),
      participants: new Map(),
      cancelClosing: () => {}
    }
    this.rooms.set(name, room)
    room.cancelClosing = this.#clock.schedule(settings.emptyTimeoutS * 1000, () => this.#expire(room))
    return room
  }

  #close (name: string, reason: string): boolean {
    const room = this.rooms.get(name)
    if (!room) return false
    for (const participant of room.participants.values()) this.#left(room, participant, reason)
    this.#forget(room)
    this.#report({ event: 'room_finished', room: this.#shown(room) })
    return true
  }

  #left (room: Room, participant: Participant, reason: string): void {
    room.participants.delete(participant.sid)
    this.#scheduleClosing(room)
    this.#report({
      event: 'participant_left',
      room: this.#shown(room),
      participant: {
        ...participant.shown,
        attributes: { ...participant.attributes },
        state: 'DISCONNECTED',
        disconnectReason: reason
      }
    })
  }

  #forget (room: Room): void {
    room.cancelClosing()
    if (this.rooms.get(room.name) === room) this.rooms.delete(room.name)
  }

  /** Agents do not keep a room open: it closes a while after the last other participant has left. */
  #scheduleClosing (room: Room): void {
    if ([...room.participants.values()].some(({ kind }) => kind !== 'AGENT')) return
    room.cancelClosing()
    room.cancelClosing = this.#clock.schedule(room.departureTimeoutS * 1000, () => this.#expire(room))
  }

  #expire (room: Room): void {
    if (this.rooms.get(room.name) === room) this.#close(room.name, 'ROOM_CLOSED')
  }

  #report (event: Json): void {
    const stamped = { ...event, ...this.#stamp() }
    this.#clock.schedule(REPORT_MS, () => this.#notify(stamped))
  }

  #stamp (): Json {
    return { id: `EV_made${++this.#made}`, createdAt: String(Math.floor(this.#clock.now() / 1000)) }
  }

  #shown ({ name, sid, metadata, createdAt }: Room): Json {
    return {
      name,
      sid,
      metadata,
      creationTime: String(Math.floor(createdAt / 1000)),
      creationTimeMs: String(createdAt)
    }
  }
}
