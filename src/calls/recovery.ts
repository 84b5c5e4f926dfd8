import type { Clock } from '../clock.ts'
import { within } from '../clock.ts'
import type { CallEvent, EventOf } from './fold/events.ts'
import { FoundRooms } from './found-rooms.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type Rooms } from './ports.ts'
import type { Registry } from './store/registry.ts'
import type { Rules } from './fold/rules.ts'

/** Brings back calls that only LiveKit still knows: after a restart without Redis, or when Redis lost them. */
export interface Recovery {
  /** Brings back all of them, once LiveKit answers. Gives up after {@link stop}. */
  findAll(): Promise<void>
  /**
   * What LiveKit tells of one call. Never rejects and takes at most a second. LiveKit is not asked while too many
   * searches are under way.
   * @param dialled SIP user that a leg of the call was dialled to, where that is known
   */
  locate(callSid: string, dialled?: string): Promise<EventOf<'found'> | undefined>
  /** What a room's metadata says of its call, or the SIP participant of an event about it, if the room is ours. */
  foundBy(event: EventOf<'livekit'>, metadata: string | undefined): EventOf<'found'> | undefined
  /** The call of a room, by the metadata that LiveKit's event about it carries. */
  findByRoom(event: EventOf<'livekit'>, metadata: string | undefined): Promise<string | undefined>
  stop(): void
}

export interface RecoveryOptions {
  rooms: Rooms
  roomFormat: RoomFormat
  registry: Registry
  rules: Rules
  /** Calls may be in rooms that were made before them. Their names are not derived. */
  hasPools(): boolean
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
  readonly #found: FoundRooms
  readonly #searches = new Map<string, Promise<EventOf<'found'> | undefined>>()
  /** Calls received before cannot be on their way to this process's own memory. */
  readonly #startedAt: number
  readonly #strays = new Set<string>()
  #listed: Promise<Map<string, EventOf<'found'>>> | undefined
  #stopped = false

  constructor (options: RecoveryOptions) {
    this.#options = options
    this.#found = new FoundRooms(options)
    this.#startedAt = options.clock.now()
  }

  async findAll (): Promise<void> {
    const { rooms, clock, observer } = this.#options
    try {
      const ours = (await rooms.list()).filter(({ name }) => this.#found.isNamed(name))
      for (const { name, metadata } of ours) await this.#take(name, metadata)
    } catch (error) {
      if (this.#stopped) return
      observer.failed('', 'recovery', error)
      await new Promise<void>(resolve => clock.schedule(TRY_AGAIN_MS, resolve))
      if (!this.#stopped) await this.findAll()
    }
  }

  locate (callSid: string, dialled?: string): Promise<EventOf<'found'> | undefined> {
    const key = `${callSid} ${dialled ?? ''}`
    const known = this.#searches.get(key)
    if (known) return known
    if (this.#searches.size >= MOST_AT_ONCE) return Promise.resolve(undefined)
    const search = this.#search(callSid, dialled).catch((error: unknown) => {
      this.#options.observer.failed(callSid, 'recovery', error)
      return undefined
    }).finally(() => this.#searches.delete(key))
    this.#searches.set(key, search)

    return search
  }

  foundBy (event: EventOf<'livekit'>, metadata: string | undefined): EventOf<'found'> | undefined {
    return this.#found.byEvent(event, metadata)
  }

  async findByRoom (heard: EventOf<'livekit'>, metadata: string | undefined): Promise<string | undefined> {
    const { registry, clock, apply } = this.#options
    const event = this.foundBy(heard, metadata)
    if (!event) {
      this.#watchStray(heard.room, metadata)
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

  async #take (room: string, metadata: string): Promise<void> {
    const { registry, apply } = this.#options
    if (await registry.findByName(room) !== undefined) return
    const event = await this.#found.read(room, metadata)
    if (event) await apply(event.callSid, event)
    else this.#watchStray(room, metadata)
  }

  /** @throws {LiveKitError} */
  #search (callSid: string, dialled: string | undefined): Promise<EventOf<'found'> | undefined> {
    const search = async () => {
      const found = await this.#searchByName(callSid, dialled)
      if (found || !this.#options.hasPools()) return found
      return (await this.#listCalls()).get(callSid)
    }
    return within(this.#options.clock, LOCATE_MS, search(), () => new LiveKitError('listRooms', 'timeout'))
  }

  /** Looks for rooms whose names are known: those that are derived, and the one that was dialled. */
  async #searchByName (callSid: string, dialled: string | undefined): Promise<EventOf<'found'> | undefined> {
    const derived = Array.from({ length: LIKELY_ATTEMPTS }, (_, i) => this.#found.derived(callSid, i + 1))
    const own = dialled === undefined ? undefined : this.#found.named(dialled)
    const names = own !== undefined && this.#found.isNamed(own) && !derived.includes(own) ? [...derived, own] : derived
    const there = await this.#options.rooms.list(names)
    // The latest attempt is the one that goes on, and what was just dialled is later than all others.
    const latestFirst = there.filter(({ name }) => names.includes(name)).sort((a, b) =>
      names.indexOf(b.name) - names.indexOf(a.name)
    )
    for (const { name, metadata } of latestFirst) {
      // A person is dialled into the room of somebody else's call.
      const found = await this.#found.read(name, metadata)
      if (found?.callSid === callSid) return found
    }
    return undefined
  }

  /**
   * The calls that the metadata of all rooms tell of, each by its latest attempt. Nobody can guess the name of a room
   * that was made before its call. Everybody who asks meanwhile shares the one request.
   */
  #listCalls (): Promise<Map<string, EventOf<'found'>>> {
    this.#listed ??= this.#readAll().finally(() => {
      this.#listed = undefined
    })
    return this.#listed
  }

  async #readAll (): Promise<Map<string, EventOf<'found'>>> {
    const calls = new Map<string, EventOf<'found'>>()
    for (const { name, metadata } of await this.#options.rooms.list()) {
      const found = this.#found.byMetadata(name, metadata)
      const known = found && calls.get(found.callSid)
      if (found && (known?.attempt ?? 0) < found.attempt!) calls.set(found.callSid, found)
    }
    return calls
  }

  /**
   * A room with a name of ours that tells of no call: an agent whose job was on its way when the room was deleted made
   * it again, and waits there alone. It is deleted, unless its call turns up meanwhile. A room that waits for a call is
   * its pool's.
   */
  #watchStray (room: string, metadata: string | undefined): void {
    const { clock, observer } = this.#options
    if (!this.#found.isNamed(room) || this.#found.isWaiting(room, metadata)) return
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
    if (!there || there.metadata !== '' || await this.#found.read(room, there.metadata)) return
    if ((await rooms.callers(room)).length === 0) await rooms.delete(room)
  }
}
