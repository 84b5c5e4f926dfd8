import type { Clock } from '../clock.ts'
import { StoreUnavailableError } from '../errors.ts'
import { advance } from './fold/advance.ts'
import type { Call } from './fold/call.ts'
import type { Observer } from './observer.ts'
import type { CallEvent, EventOf } from './fold/events.ts'
import { TIMES, type Rules } from './fold/rules.ts'

/**
 * What happens while the store of calls cannot be reached. Events are kept, bounded, and handed over in their order
 * once it is back; until then hooks are answered from what this process knows of the call. Its copies are never written
 * to the store.
 */
export interface Outage {
  /** Whether events of this call are kept: later ones have to queue behind them. */
  holds(callSid: string): boolean
  /** Keeps an event. @returns what the call is then, as far as this process knows */
  keep(callSid: string, event: CallEvent): Call | undefined
  /**
   * Keeps an event of a room whose call cannot be looked up now.
   * @param callSid the call, where the event tells
   * @returns the call, if this process knows it
   */
  keepRoomEvent(event: EventOf<'livekit'>, callSid: string | undefined): string | undefined
  /** Begins this process' own picture of a call that others know. */
  begin(callSid: string, event: CallEvent): void
  /** The call of a room, as far as this process knows it. */
  callOfRoom(room: string): string | undefined
  /** The store was gone a moment ago: what is not in it may be on its way. */
  readonly settling: boolean
  /** The store was found gone. */
  notice(): void
  /** What this process last knew of a call. */
  recent(callSid: string): Call | undefined
  remember(callSid: string, call: Call | undefined): void
  /** Events that are kept now. */
  readonly waiting: number
  /** Some of them tell how calls are going. */
  readonly holding: boolean
  /** Tries to hand over what is kept, at most for so many milliseconds; what is left then is lost. */
  close(ms: number): Promise<void>
}

export interface OutageOptions {
  /** Commits an event to the store. Rejects with {@link StoreUnavailableError} while that is gone. */
  commit(callSid: string, event: CallEvent): Promise<unknown>
  findByRoom(room: string): Promise<string | undefined>
  rules: Rules
  clock: Clock
  observer: Observer
}

/** Events that are kept at most: some minutes of a busy bridge. */
const MOST_EVENTS = 20_000
/** Calls that this process remembers, to answer their next hook by. */
const MOST_RECENT = 5000
const TRY_EVERY_MS = 250
/** So long after the store was gone other replicas may still be handing over. */
const SETTLING_MS = TIMES.handOver + 1000
/**
 * Within this time after the store is back, every replica has handed over and what was collected has been taken: a room
 * that is unknown then is nobody's.
 */
const STRAYS_MS = TIMES.handOver + 3000
/** Calls whose events are handed over at once. */
const AT_ONCE = 16

export function createOutage ({ commit, findByRoom, rules, clock, observer }: OutageOptions): Outage {
  const recent = new Map<string, Call>()
  const recentRooms = new Map<string, string>()
  const copies = new Map<string, Call>()
  const queues = new Map<string, CallEvent[]>()
  const strays: Array<EventOf<'livekit'>> = []
  const rooms = new Map<string, string>()
  let waiting = 0
  let handed = 0
  let scheduled = false
  let handing: Promise<void> | undefined
  let goneAt = -Infinity

  function book (): boolean {
    if (waiting >= MOST_EVENTS) {
      observer.store('full')
      return false
    }
    if (waiting++ === 0) observer.store('gone')
    if (!scheduled) schedule()
    return true
  }

  function schedule () {
    scheduled = true
    clock.schedule(TRY_EVERY_MS, () => {
      handOver().catch(() => {
        goneAt = clock.now()
      }).finally(() => {
        scheduled = false
        if (waiting > 0) schedule()
      })
    })
  }

  /** One at a time. Rejects at the first sign that the store is still gone. */
  function handOver (): Promise<void> {
    handing ??= handOverAll().finally(() => {
      handing = undefined
    })
    return handing
  }

  async function handOverAll () {
    await straysHome()
    while (queues.size > 0) await Promise.all([...queues.keys()].slice(0, AT_ONCE).map(drain))
    if (waiting > 0) return
    copies.clear()
    rooms.clear()
    observer.store('back', handed)
    handed = 0
  }

  async function drain (callSid: string) {
    const queue = queues.get(callSid)!
    while (queue.length > 0) {
      const events = queue.slice()
      try {
        await commit(callSid, { kind: 'handed-over', callSid, at: clock.now(), events })
      } catch (error) {
        if (error instanceof StoreUnavailableError) throw error
        lost(callSid, error)
      }
      queue.splice(0, events.length)
      waiting -= events.length
      handed += events.length
    }
    queues.delete(callSid)
    copies.delete(callSid)
  }

  /** Whose call is known by now goes with the rest of it; another replica may have to hand over the call first. */
  async function straysHome () {
    for (let left = strays.length; left > 0; left--) {
      const { room, at } = strays[0]!
      const callSid = rooms.get(room) ?? recentRooms.get(room) ?? await findByRoom(room)
      const event = strays.shift()!
      if (callSid !== undefined) enqueue(callSid, event)
      else if (clock.now() - Math.max(goneAt, at) < STRAYS_MS) strays.push(event)
      else waiting--
    }
  }

  /** One event that cannot be committed must not hold up the others. */
  function lost (callSid: string, error: unknown) {
    observer.failed(callSid, 'kept event', error)
  }

  function remember (callSid: string, call: Call | undefined) {
    forget(callSid)
    if (call) {
      recent.set(callSid, call)
      for (const { room } of call.attempts) if (room !== undefined) recentRooms.set(room, callSid)
    }
    if (recent.size > MOST_RECENT) forget(recent.keys().next().value!)
  }

  function forget (callSid: string) {
    for (const { room } of recent.get(callSid)?.attempts ?? []) if (room !== undefined) recentRooms.delete(room)
    recent.delete(callSid)
  }

  function picture (callSid: string, call: Call) {
    copies.set(callSid, call)
    for (const { room } of call.attempts) if (room !== undefined) rooms.set(room, callSid)
  }

  function keep (callSid: string, event: CallEvent): Call | undefined {
    const call = advance(copies.get(callSid) ?? recent.get(callSid), event, rules)
    if (!book()) {
      // Good enough to answer the rest of its hooks by.
      remember(callSid, call)
      return call
    }
    if (call) picture(callSid, call)
    enqueue(callSid, event)
    return call
  }

  function enqueue (callSid: string, event: CallEvent) {
    const queue = queues.get(callSid)
    if (queue) queue.push(event)
    else queues.set(callSid, [event])
  }

  return {
    get waiting () {
      return waiting
    },
    get holding () {
      return queues.size > 0
    },
    holds: callSid => queues.has(callSid),
    keep,
    keepRoomEvent (event, told) {
      const callSid = told ?? rooms.get(event.room) ?? recentRooms.get(event.room)
      if (callSid !== undefined) {
        keep(callSid, event)
        // Not all events of a room tell whose it is.
        if (queues.has(callSid)) rooms.set(event.room, callSid)
      } else if (event.room.startsWith(`${rules.roomPrefix}_`) && book()) {
        strays.push(event)
      }
      return callSid
    },
    begin (callSid, event) {
      const call = advance(undefined, event, rules)
      if (call && waiting < MOST_EVENTS) picture(callSid, call)
    },
    callOfRoom: room => rooms.get(room),
    get settling () {
      return queues.size > 0 || clock.now() - goneAt < SETTLING_MS
    },
    notice () {
      goneAt = clock.now()
    },
    recent: callSid => copies.get(callSid) ?? recent.get(callSid),
    remember,
    async close (ms) {
      const until = clock.now() + ms
      for (;;) {
        if (waiting === 0 || await handOver().then(() => true, () => false)) return
        if (clock.now() >= until) {
          observer.store('lost', waiting)
          return
        }
        await new Promise<void>(resolve => clock.schedule(TRY_EVERY_MS, resolve))
      }
    }
  }
}
