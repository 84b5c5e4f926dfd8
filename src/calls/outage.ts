import type { Clock } from '../clock.ts'
import { StoreUnavailableError } from '../errors.ts'
import { advance } from './fold/advance.ts'
import type { Call } from './fold/call.ts'
import type { CallEvent, EventOf } from './fold/events.ts'
import { TIMES, type Rules } from './fold/rules.ts'
import { KnownCalls } from './known-calls.ts'
import type { Observer } from './observer.ts'

export interface OutageOptions {
  /** Commits an event to the store. Rejects with {@link StoreUnavailableError} while the store cannot be reached. */
  commit(callSid: string, event: CallEvent): Promise<unknown>
  findByName(room: string): Promise<string | undefined>
  rules: Rules
  clock: Clock
  observer: Observer
}

/** The buffer's capacity: some minutes of a busy bridge. */
const MOST_EVENTS = 20_000
const TRY_EVERY_MS = 250
/** Within this time after the store was gone, other replicas may still be handing over. */
const SETTLING_MS = TIMES.handOver + 1000
/**
 * Within this time after the store is back, every replica has handed over, and the fold has taken what was collected. A
 * room that is unknown then belongs to no call.
 */
const STRAYS_MS = TIMES.handOver + 3000
/** How many calls are handed over at the same time. */
const AT_ONCE = 16

/**
 * What the bridge does while the store of calls cannot be reached. Events are buffered, up to a limit, and handed over
 * in their order once the store is back. Until then hooks are answered from what this process knows of the call.
 */
export class Outage {
  readonly #commit: OutageOptions['commit']
  readonly #findByName: OutageOptions['findByName']
  readonly #rules: Rules
  readonly #clock: Clock
  readonly #observer: Observer

  readonly #known = new KnownCalls()
  /** The buffered events of each call, oldest first. The calls take turns: who failed goes to the end. */
  readonly #queues = new Map<string, CallEvent[]>()
  /** Buffered events of rooms whose call is not known yet. */
  #strays: Array<EventOf<'livekit'>> = []
  #waiting = 0
  #handedOver = 0
  #scheduled = false
  #handing: Promise<void> | undefined
  #goneAt = -Infinity

  constructor ({ commit, findByName, rules, clock, observer }: OutageOptions) {
    this.#commit = commit
    this.#findByName = findByName
    this.#rules = rules
    this.#clock = clock
    this.#observer = observer
  }

  /** How many events are buffered. */
  get waiting (): number {
    return this.#waiting
  }

  /** Some of the buffered events tell how calls are going. */
  get holding (): boolean {
    return this.#queues.size > 0
  }

  /** The store was gone a moment ago: what is not in it may be on its way. */
  get settling (): boolean {
    return this.holding || this.#clock.now() - this.#goneAt < SETTLING_MS
  }

  /** Whether events of this call are buffered: later ones must queue behind them. */
  holds (callSid: string): boolean {
    return this.#queues.has(callSid)
  }

  /** What this process last knew of a call. */
  recent (callSid: string): Call | undefined {
    return this.#known.get(callSid)
  }

  /** Remembers a call as it was committed. */
  remember (callSid: string, call: Call | undefined): void {
    this.#known.remember(callSid, call)
  }

  /** The call of a room, by what this process learnt while the store was gone. */
  callOfRoom (room: string): string | undefined {
    return this.#known.copiedCallOfRoom(room)
  }

  /** The store was found gone. */
  notice (): void {
    this.#goneAt = this.#clock.now()
  }

  /** Begins this process' own copy of a call that others know. */
  begin (callSid: string, event: CallEvent): void {
    const call = advance(undefined, event, this.#rules)
    if (call && this.#waiting < MOST_EVENTS) this.#known.copy(callSid, call)
  }

  /**
   * Buffers an event.
   * @returns what the call is then, as far as this process knows
   */
  keep (callSid: string, event: CallEvent): Call | undefined {
    const call = advance(this.#known.get(callSid), event, this.#rules)
    if (!this.#reserve()) {
      // The event is lost, but the rest of the call's hooks can still be answered.
      this.#known.remember(callSid, call)
      return call
    }

    if (call) this.#known.copy(callSid, call)
    this.#enqueue(callSid, event)
    return call
  }

  /**
   * Buffers an event of a room whose call cannot be looked up now.
   * @param callSid the call, where the event names it
   * @returns the call, if this process knows it
   */
  keepRoomEvent (event: EventOf<'livekit'>, callSid: string | undefined): string | undefined {
    const known = callSid ?? this.#known.callOfRoom(event.room)
    if (known !== undefined) {
      this.keep(known, event)
      if (this.holds(known)) this.#known.copyRoom(event.room, known)
      return known
    }

    const isOurs = event.room.startsWith(`${this.#rules.roomPrefix}_`)
    if (isOurs && this.#reserve()) this.#strays.push(event)
    return undefined
  }

  /** Tries to hand over the buffered events for at most `ms` milliseconds. Those that are left then are lost. */
  async close (ms: number): Promise<void> {
    const until = this.#clock.now() + ms
    while (this.#waiting > 0) {
      await this.#handOver().catch(() => {})
      if (this.#waiting === 0) return
      if (this.#clock.now() >= until) {
        this.#observer.store('lost', this.#waiting)
        return
      }
      await new Promise<void>(resolve => this.#clock.schedule(TRY_EVERY_MS, resolve))
    }
  }

  /** Takes a place in the buffer. */
  #reserve (): boolean {
    if (this.#waiting >= MOST_EVENTS) {
      this.#observer.store('full')
      return false
    }

    if (this.#waiting === 0) this.#observer.store('gone')
    this.#waiting++
    if (!this.#scheduled) this.#schedule()
    return true
  }

  #enqueue (callSid: string, event: CallEvent): void {
    const queue = this.#queues.get(callSid)
    if (queue) queue.push(event)
    else this.#queues.set(callSid, [event])
  }

  #schedule (): void {
    this.#scheduled = true
    this.#clock.schedule(TRY_EVERY_MS, () => {
      this.#handOver().catch(() => this.notice()).finally(() => {
        this.#scheduled = false
        if (this.#waiting > 0) this.#schedule()
      })
    })
  }

  /**
   * Hands over what can be handed over, one pass at a time.
   * @throws {StoreUnavailableError} when the pass is over and the store was gone for some of it
   */
  #handOver (): Promise<void> {
    this.#handing ??= this.#passOverAll().finally(() => {
      this.#handing = undefined
    })
    return this.#handing
  }

  async #passOverAll (): Promise<void> {
    const failures = [...await this.#placeStrays(), ...await this.#drainAll()]
    if (failures.length > 0) throw failures[0]
    if (this.#waiting > 0) return

    this.#known.dropAllCopies()
    this.#observer.store('back', this.#handedOver)
    this.#handedOver = 0
  }

  /**
   * Commits the events of every call. A call that fails does not hold up the others: it waits for the next pass.
   * @returns why calls failed, once nothing of the pass is under way any more
   */
  async #drainAll (): Promise<unknown[]> {
    const results = await inBatches([...this.#queues.keys()], callSid => this.#drain(callSid))
    return failuresOf(results)
  }

  /**
   * Commits the buffered events of one call. Those that the store refuses for another reason than being gone are lost,
   * and only those: they must not hold up the others.
   */
  async #drain (callSid: string): Promise<void> {
    const queue = this.#queues.get(callSid)!
    let atOnce = Infinity
    while (queue.length > 0) {
      const events = queue.slice(0, atOnce)
      try {
        await this.#commit(callSid, { kind: 'handed-over', callSid, at: this.#clock.now(), events })
        this.#handedOver += events.length
      } catch (error) {
        if (error instanceof StoreUnavailableError) {
          this.#toTheEnd(callSid, queue)
          throw error
        }
        if (events.length > 1) {
          atOnce = 1
          continue
        }
        this.#lose(callSid, error)
      }
      queue.splice(0, events.length)
      this.#waiting -= events.length
    }

    this.#queues.delete(callSid)
    this.#known.dropCopy(callSid)
  }

  #toTheEnd (callSid: string, queue: CallEvent[]): void {
    this.#queues.delete(callSid)
    this.#queues.set(callSid, queue)
  }

  /**
   * Puts the events of rooms whose call is known by now behind the other events of the call. Another replica may have
   * to hand over the call first, so the rest waits for a while.
   * @returns why rooms could not be looked up
   */
  async #placeStrays (): Promise<unknown[]> {
    const strays = [...this.#strays]
    const results = await inBatches(strays, ({ room }) => this.#findCall(room))
    const arrived = this.#strays.slice(strays.length)
    this.#strays = [...strays.filter((event, i) => !this.#place(event, results[i])), ...arrived]
    return failuresOf(results)
  }

  /** @returns whether the event is done with: it is among those of its call, or its room belongs to no call */
  #place (event: EventOf<'livekit'>, found: PromiseSettledResult<string | undefined> | undefined): boolean {
    if (found?.status !== 'fulfilled') return false
    if (found.value !== undefined) {
      this.#enqueue(found.value, event)
      return true
    }

    const waitedSince = Math.max(this.#goneAt, event.at)
    if (this.#clock.now() - waitedSince < STRAYS_MS) return false
    this.#waiting--
    return true
  }

  async #findCall (room: string): Promise<string | undefined> {
    try {
      return this.#known.callOfRoom(room) ?? await this.#findByName(room)
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error
      this.#observer.failed('', 'room of a buffered event', error)
      return undefined
    }
  }

  #lose (callSid: string, error: unknown): void {
    this.#observer.failed(callSid, 'buffered event', error)
    this.#observer.store('refused', 1)
  }
}

/**
 * Does the work for some items at a time. Where a whole batch fails, the store is gone, and the rest is not tried.
 * @returns the outcomes of those that were tried, in order, once nothing is under way any more
 */
async function inBatches<T, R> (
  items: readonly T[],
  work: (item: T) => Promise<R>
): Promise<Array<PromiseSettledResult<R>>> {
  const outcomes: Array<PromiseSettledResult<R>> = []
  while (outcomes.length < items.length) {
    const batch = items.slice(outcomes.length, outcomes.length + AT_ONCE)
    const results = await Promise.allSettled(batch.map(work))
    outcomes.push(...results)
    if (results.every(({ status }) => status === 'rejected')) break
  }

  return outcomes
}

const failuresOf = (outcomes: ReadonlyArray<PromiseSettledResult<unknown>>): unknown[] =>
  outcomes.filter(outcome => outcome.status === 'rejected').map(({ reason }) => reason as unknown)
