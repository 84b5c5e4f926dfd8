import type { Clock } from '../clock.ts'
import { within } from '../clock.ts'
import type { CallerFacts } from './fold/call.ts'
import type { CallEvent, EventOf } from './fold/events.ts'
import { MOST_ATTEMPTS } from './fold/new-call.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type RoomMetadata, type Rooms } from './ports.ts'
import type { Registry } from './store/registry.ts'
import type { Way } from './fold/way.ts'
import type { Rules } from './fold/rules.ts'

/** Brings back calls that only LiveKit still knows: after a restart without Redis, or when Redis lost them. */
export interface Recovery {
  /** Brings back all of them, once LiveKit answers. Gives up after {@link stop}. */
  findAll(): Promise<void>
  /**
   * What LiveKit tells of one call. Never rejects and takes at most a second. LiveKit is not asked while too many
   * searches are under way.
   */
  locate(callSid: string): Promise<EventOf<'found'> | undefined>
  /** The call that a room's metadata names, or the SIP participant of an event about it, if the room is ours. */
  callOf(event: EventOf<'livekit'>, metadata: string | undefined): string | undefined
  /** The call of a room, by the metadata that LiveKit's event about it carries. */
  findByRoom(event: EventOf<'livekit'>, metadata: string | undefined): Promise<string | undefined>
  stop(): void
}

export interface RecoveryOptions {
  rooms: Rooms
  roomFormat: RoomFormat
  registry: Registry
  rules: Rules
  clock: Clock
  observer: Observer
  apply(callSid: string, event: CallEvent): Promise<unknown>
}

/** Pause before LiveKit is asked again for its rooms, milliseconds. */
const TRY_AGAIN_MS = 10_000
/** Another replica may have made a room this young, and be about to write its call down, milliseconds. */
const FRESH_MS = 30_000
const SETTLE_MS = 250
/** Attempts of a call whose rooms are searched. No call is brought back more often. */
const LIKELY_ATTEMPTS = 8
/** Jambonz waits for the reply to a hook during a search, milliseconds. */
const LOCATE_MS = 1000
/** Searches at the same time. A LiveKit that hangs must not be flooded by every hook after a restart. */
const MOST_AT_ONCE = 50
/** A room that nobody can name the call of is deleted when it is still like that after this, milliseconds. */
const STRAY_MS = 30_000

/** Brings calls back that only LiveKit still knows. */
export function createRecovery (options: RecoveryOptions): Recovery {
  return new RoomRecovery(options)
}

class RoomRecovery implements Recovery {
  readonly #options: RecoveryOptions
  readonly #searches = new Map<string, Promise<EventOf<'found'> | undefined>>()
  /** Calls received before cannot be on their way to this process's own memory. */
  readonly #startedAt: number
  readonly #strays = new Set<string>()
  #stopped = false

  constructor (options: RecoveryOptions) {
    this.#options = options
    this.#startedAt = options.clock.now()
  }

  async findAll (): Promise<void> {
    const { rooms, rules, clock, observer } = this.#options
    try {
      const ours = (await rooms.list()).filter(({ name }) => name.startsWith(`${rules.roomPrefix}_c`))
      for (const { name, metadata } of ours) await this.#take(name, metadata)
    } catch (error) {
      if (this.#stopped) return
      observer.failed('', 'recovery', error)
      await new Promise<void>(resolve => clock.schedule(TRY_AGAIN_MS, resolve))
      if (!this.#stopped) await this.findAll()
    }
  }

  locate (callSid: string): Promise<EventOf<'found'> | undefined> {
    const known = this.#searches.get(callSid)
    if (known) return known
    if (this.#searches.size >= MOST_AT_ONCE) return Promise.resolve(undefined)
    const search = this.#search(callSid).catch((error: unknown) => {
      this.#options.observer.failed(callSid, 'recovery', error)
      return undefined
    }).finally(() => this.#searches.delete(callSid))
    this.#searches.set(callSid, search)

    return search
  }

  callOf (event: EventOf<'livekit'>, metadata: string | undefined): string | undefined {
    return this.#foundBy(event, metadata)?.callSid
  }

  async findByRoom (heard: EventOf<'livekit'>, metadata: string | undefined): Promise<string | undefined> {
    const { registry, clock, apply } = this.#options
    const event = this.#foundBy(heard, metadata)
    if (!event) {
      this.#watchStray(heard.room)
      return undefined
    }
    if (clock.now() - event.receivedAt < FRESH_MS) {
      await new Promise<void>(resolve => clock.schedule(SETTLE_MS, resolve))
      if (await registry.get(event.callSid)) return event.callSid
      if (event.receivedAt >= this.#startedAt) return undefined
    }
    await apply(event.callSid, event)

    return event.callSid
  }

  stop (): void {
    this.#stopped = true
  }

  #foundBy ({ room, participant }: EventOf<'livekit'>, metadata: string | undefined): EventOf<'found'> | undefined {
    return this.#eventOf(room, metadata) ?? this.#eventOfLeg(room, participant?.sip?.callSid)
  }

  /** What a room's metadata says. Whoever made that up does not know the token, so the room has another name. */
  #eventOf (room: string, text: string | undefined): EventOf<'found'> | undefined {
    const { rules, roomFormat, clock } = this.#options
    const metadata = text === undefined ? undefined : roomFormat.readMetadata(text)
    if (!metadata || this.#roomOf(metadata.callSid, metadata.attempt) !== room) return undefined
    return foundByMetadata(metadata, rules, clock.now())
  }

  #roomOf (callSid: string, attempt: number): string {
    const { roomPrefix, tokenOf } = this.#options.rules
    return `${roomPrefix}_${tokenOf(callSid, attempt)}`
  }

  async #read (room: string, metadata: string): Promise<EventOf<'found'> | undefined> {
    return this.#eventOf(room, metadata) ?? await this.#eventOfCaller(room)
  }

  async #take (room: string, metadata: string): Promise<void> {
    const { registry, apply } = this.#options
    if (await registry.findByName(room) !== undefined) return
    const event = await this.#read(room, metadata)
    if (event) await apply(event.callSid, event)
    else this.#watchStray(room)
  }

  /** A room that the SIP leg made has no metadata of ours. The leg's X-LK-Call header says whose it is. */
  async #eventOfCaller (room: string): Promise<EventOf<'found'> | undefined> {
    for (const { callSid } of await this.#options.rooms.callers(room)) {
      const event = this.#eventOfLeg(room, callSid)
      if (event) return event
    }
    return undefined
  }

  /** @param callSid the X-LK-Call header of a SIP leg in the room, which only counts where the token fits */
  #eventOfLeg (room: string, callSid: string | undefined): EventOf<'found'> | undefined {
    const { rules, clock } = this.#options
    const attempt = callSid === undefined ? undefined : this.#attemptOf(callSid, room)
    if (callSid === undefined || attempt === undefined) return undefined
    return foundByLeg(callSid, attempt, rules, clock.now())
  }

  #attemptOf (callSid: string, room: string): number | undefined {
    for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
      if (this.#roomOf(callSid, attempt) === room) return attempt
    }
    return undefined
  }

  async #search (callSid: string): Promise<EventOf<'found'> | undefined> {
    const { rooms, clock } = this.#options
    const names = Array.from({ length: LIKELY_ATTEMPTS }, (_, i) => this.#roomOf(callSid, i + 1))
    const there = await within(clock, LOCATE_MS, rooms.list(names), () => new LiveKitError('listRooms', 'timeout'))
    // The latest attempt is the one that goes on.
    const [latest] = there.filter(({ name }) => names.includes(name)).sort((a, b) =>
      names.indexOf(b.name) - names.indexOf(a.name)
    )

    return latest && await this.#read(latest.name, latest.metadata)
  }

  /**
   * A room with a name of ours that tells of no call: an agent whose job was on its way when the room was deleted made
   * it again, and waits there alone. It is deleted, unless its call turns up meanwhile.
   */
  #watchStray (room: string): void {
    const { rules, clock, observer } = this.#options
    if (!STRAY_NAME.test(room.slice(rules.roomPrefix.length)) || !room.startsWith(rules.roomPrefix)) return
    if (this.#strays.has(room) || this.#strays.size >= MOST_AT_ONCE) return
    this.#strays.add(room)
    clock.schedule(STRAY_MS, () => {
      this.#deleteStray(room).catch(error => observer.failed('', 'delete-room', error)).finally(() => {
        this.#strays.delete(room)
      })
    })
  }

  async #deleteStray (room: string): Promise<void> {
    const { rooms, registry } = this.#options
    if (this.#stopped || await registry.findByName(room) !== undefined) return
    const [there] = await rooms.list([room])
    // A room that an agent made again has no metadata, and nobody called into it.
    if (!there || there.metadata !== '' || await this.#read(room, there.metadata)) return
    if ((await rooms.callers(room)).length === 0) await rooms.delete(room)
  }
}

/** The call that a room's metadata tells of. */
export function foundByMetadata (metadata: RoomMetadata, rules: Rules, at: number): EventOf<'found'> {
  const { callSid, attempt, agent, route, ways, order, receivedAt, openedAt, ...caller } = metadata
  const { direction, from, to, withheld, applicationSid } = caller

  return {
    kind: 'found',
    at,
    callSid,
    attempt,
    facts: { direction, from, to, withheld, applicationSid, callerName: '', headers: {} },
    app: { ...rules.app, agent },
    route: { name: route, ways },
    ...(order === undefined ? {} : { order }),
    receivedAt,
    openedAt
  }
}

/** The call of a room without metadata, which the SIP leg in it made. */
export function foundByLeg (callSid: string, attempt: number, rules: Rules, at: number): EventOf<'found'> {
  const ways: Way[] = [{ strategy: 'room', agent: rules.ruleAgent }]
  const times = { at, receivedAt: at, openedAt: at }

  return { kind: 'found', callSid, attempt, facts: UNKNOWN, app: rules.app, route: { ways }, ...times }
}

/** A token of ours, behind the room prefix. */
const STRAY_NAME = /^_c[a-z2-7]{26}$/

/** What is known of a caller when there is no metadata. */
const UNKNOWN: CallerFacts = { direction: 'inbound', from: '', to: '', callerName: '', withheld: false, headers: {} }
