import type { Clock } from '../clock.ts'
import { within } from '../clock.ts'
import type { CallerFacts } from './fold/call.ts'
import type { CallEvent, EventOf, FoundEvent } from './fold/events.ts'
import { MOST_ATTEMPTS } from './fold/new-call.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type RoomMetadata, type Rooms } from './ports.ts'
import type { Registry } from './store/registry.ts'
import type { Rules } from './fold/rules.ts'

/** Brings calls back of which only LiveKit still knows: after a restart without Redis, or when Redis lost them. */
export interface Recovery {
  /** All of them, once LiveKit answers. Told to {@link stop}, it gives up. */
  findAll(): Promise<void>
  /**
   * What LiveKit tells of one of them; never rejects, takes at most a second, and asks only where not too much is asked
   * already.
   */
  locate(callSid: string): Promise<EventOf<'found'> | undefined>
  /** The call that a room's metadata names, if the room is ours. */
  callOf(room: string, metadata: string | undefined): string | undefined
  /** The call of a room, by the metadata that LiveKit's event about it carries. */
  findByRoom(room: string, metadata: string | undefined): Promise<string | undefined>
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

const TRY_AGAIN_MS = 10_000
/** A room may be there before its call is written down. */
const FRESH_MS = 30_000
const SETTLE_MS = 250
/** Attempts of a call whose rooms are asked for: nobody is brought back more often. */
const LIKELY_ATTEMPTS = 8
/** Somebody waits for the answer to a hook meanwhile. */
const LOCATE_MS = 1000
/** Calls that are looked for at once: a LiveKit that hangs must not be met with every hook after a restart. */
const MOST_AT_ONCE = 50

export function createRecovery (
  { rooms, roomFormat, registry, rules, clock, observer, apply }: RecoveryOptions
): Recovery {
  const searches = new Map<string, Promise<EventOf<'found'> | undefined>>()
  let stopped = false

  /** What a room's metadata says, if it is ours: whoever made it up does not know the token. */
  function eventOf (room: string, metadata: RoomMetadata): EventOf<'found'> | undefined {
    const {
      callSid,
      attempt,
      direction,
      from,
      to,
      withheld,
      applicationSid,
      agent,
      fallbackNumber,
      receivedAt,
      openedAt
    } = metadata
    if (roomOf(callSid, attempt) !== room) return undefined
    const facts = { direction, from, to, withheld, applicationSid, callerName: '', headers: {} }
    return found({
      callSid,
      attempt,
      facts,
      app: { ...rules.app, agent, fallbackNumber },
      plan: fallbackNumber === undefined ? [] : [{ strategy: 'phone', number: fallbackNumber }],
      receivedAt,
      openedAt
    })
  }

  const found = (event: Omit<FoundEvent, 'kind'>): EventOf<'found'> => ({ kind: 'found', at: clock.now(), ...event })
  const roomOf = (callSid: string, attempt: number) => `${rules.roomPrefix}_${rules.tokenOf(callSid, attempt)}`

  async function read (room: string, text: string): Promise<EventOf<'found'> | undefined> {
    const metadata = roomFormat.readMetadata(text)
    return metadata ? eventOf(room, metadata) : eventOfCaller(room)
  }

  async function take (room: string, text: string): Promise<void> {
    if (await registry.findByRoom(room) !== undefined) return
    const event = await read(room, text)
    if (event) await apply(event.callSid, event)
  }

  /** A room that the SIP leg made has no metadata of ours; the leg's X-LK-Call header says whose it is. */
  async function eventOfCaller (room: string): Promise<EventOf<'found'> | undefined> {
    for (const { callSid } of await rooms.callers(room)) {
      if (callSid === undefined) continue
      for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt++) {
        if (roomOf(callSid, attempt) === room) {
          return found({
            callSid,
            attempt,
            facts: UNKNOWN,
            app: rules.app,
            plan: [],
            receivedAt: clock.now(),
            openedAt: clock.now()
          })
        }
      }
    }
    return undefined
  }

  async function search (callSid: string) {
    const names = Array.from({ length: LIKELY_ATTEMPTS }, (_, i) => roomOf(callSid, i + 1))
    const there = await within(clock, LOCATE_MS, rooms.list(names), () => new LiveKitError('listRooms', 'timeout'))
    // The latest one is the one that goes on.
    const [latest] = there.filter(({ name }) => names.includes(name)).sort((a, b) =>
      names.indexOf(b.name) - names.indexOf(a.name)
    )
    return latest && await read(latest.name, latest.metadata)
  }

  async function findAll (): Promise<void> {
    try {
      const ours = (await rooms.list()).filter(({ name }) => name.startsWith(`${rules.roomPrefix}_c`))
      for (const { name, metadata } of ours) await take(name, metadata)
    } catch (error) {
      if (stopped) return
      observer.failed('', 'recovery', error)
      await new Promise<void>(resolve => clock.schedule(TRY_AGAIN_MS, resolve))
      if (!stopped) await findAll()
    }
  }

  return {
    findAll,
    callOf (room, text) {
      const metadata = text === undefined ? undefined : roomFormat.readMetadata(text)
      return metadata && eventOf(room, metadata)?.callSid
    },
    locate (callSid) {
      const known = searches.get(callSid)
      if (known) return known
      if (searches.size >= MOST_AT_ONCE) return Promise.resolve(undefined)
      const work = search(callSid).catch((error: unknown) => {
        observer.failed(callSid, 'recovery', error)
        return undefined
      }).finally(() => searches.delete(callSid))
      searches.set(callSid, work)
      return work
    },
    async findByRoom (room, text) {
      const metadata = text === undefined ? undefined : roomFormat.readMetadata(text)
      const event = metadata && eventOf(room, metadata)
      if (!event) return undefined
      if (clock.now() - event.receivedAt < FRESH_MS) {
        // Whoever makes it is about to write the call down.
        await new Promise<void>(resolve => clock.schedule(SETTLE_MS, resolve))
        return await registry.get(event.callSid) ? event.callSid : undefined
      }
      await apply(event.callSid, event)
      return event.callSid
    },
    stop () {
      stopped = true
    }
  }
}

/** What is known of a caller when there is no metadata. */
const UNKNOWN: CallerFacts = { direction: 'inbound', from: '', to: '', callerName: '', withheld: false, headers: {} }
