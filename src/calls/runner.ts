import { randomUUID } from 'node:crypto'
import { allSettled } from '../all-settled.ts'
import type { Clock } from '../clock.ts'
import { StoreUnavailableError } from '../errors.ts'
import type { Calls } from './calls.ts'
import { DutyWork } from './duty-work.ts'
import type { Call } from './fold/call.ts'
import { turnsAt, wakeAt } from './fold/wake.ts'
import { TIMES } from './fold/rules.ts'
import type { Observer } from './observer.ts'
import type { Placements } from './placements.ts'
import type { CallControl, CallPlacer, Outbox, RoomFormat, Rooms } from './ports.ts'
import type { Registry } from './store/registry.ts'

export interface RunnerOptions {
  registry: Registry
  calls: Calls
  rooms: Rooms
  roomFormat: RoomFormat
  rest?: CallControl
  placer?: CallPlacer
  placements?: Pick<Placements, 'place'>
  outbox?: Outbox
  clock: Clock
  observer: Observer
  /** Milliseconds between two polls of what is due. */
  intervalMs?: number
}

export interface Runner {
  /** Tells open calls whether nobody listened before, then polls what is due. */
  start(): Promise<void>
  /** Does what a call owes now. Resolves when that is done. */
  run(callSid: string): Promise<void>
  /** Takes no new work, and waits for the work under way. */
  stop(): Promise<void>
}

/** Pause between two notes in the store that somebody listens, milliseconds. */
const LISTENING_MS = 500
/** Nobody listened when nothing was noted for longer than this, milliseconds. */
const AWAY_MS = 2000
/** Calls that one poll takes. */
const BATCH = 25
/** Pause between two attempts to reach a store that is gone, milliseconds. */
const STORE_GONE_MS = 500
/**
 * After the store was gone, nothing is judged by the time for this long, milliseconds. Some replica has buffered events
 * that it is about to hand over, and what they tell is not overdue.
 */
const HAND_OVER_MS = TIMES.handOver + 1000
/** Calls whose duties are done at the same time. A LiveKit that hangs, or comes back, must not be flooded. */
const MOST_AT_ONCE = 16
/** Rounds in which one call is looked at again, because its duties led to further ones. */
const ROUNDS = 8

/**
 * Does the duties of calls and lets their time pass. Each duty is claimed by an update first, so that any number of
 * runners on any number of replicas share the work. A duty that a runner does not finish is due again after its lease.
 */
export function createRunner (options: RunnerOptions): Runner {
  return new CallRunner(options)
}

class CallRunner implements Runner {
  readonly #registry: Registry
  readonly #calls: Calls
  readonly #clock: Clock
  readonly #observer: Observer
  readonly #work: DutyWork
  readonly #intervalMs: number
  readonly #busy = new Set<Promise<void>>()
  /** Calls that wait because the duties of too many others are under way. */
  readonly #deferred = new Set<string>()
  #underWay = 0
  #storeGone = false
  #stopped = false
  #cancelPoll = () => {}
  /** Calls that happened before were heard by other processes, if by any. */
  readonly #startedAt: number
  #listenedAt = -Infinity
  /** A time before this process, in which nobody may have listened. */
  #gap: 'unknown' | { from: number, to: number } | undefined = 'unknown'

  constructor (options: RunnerOptions) {
    const { registry, calls, rooms, roomFormat, rest, placer, placements, outbox, clock, observer } = options
    const { intervalMs = 100 } = options
    this.#registry = registry
    this.#calls = calls
    this.#clock = clock
    this.#observer = observer
    this.#work = new DutyWork({
      commits: calls,
      onDue: callSid => {
        this.run(callSid).catch(error => observer.failed(callSid, 'duties', error))
      },
      rooms,
      roomFormat,
      callControl: rest,
      placer,
      placements,
      outbox,
      clock,
      observer
    })
    this.#intervalMs = intervalMs
    this.#startedAt = clock.now()
  }

  async start (): Promise<void> {
    await this.#listen().catch(error => {
      if (!(error instanceof StoreUnavailableError)) this.#observer.failed('', 'listening', error)
    })
    this.#pollIn(this.#intervalMs)
  }

  /** Several runs may go on for one call. Each duty is claimed by one of them, and a slow one holds up no other. */
  run (callSid: string): Promise<void> {
    return this.#stopped ? Promise.resolve() : this.#begin(callSid, this.#calls.recent(callSid))
  }

  async stop (): Promise<void> {
    this.#stopped = true
    this.#cancelPoll()
    await Promise.allSettled(this.#busy)
  }

  #pollIn (ms: number): void {
    if (this.#stopped) return
    this.#cancelPoll = this.#clock.schedule(ms, () => {
      this.#poll().then(wait => this.#pollIn(wait), () => this.#pollIn(this.#intervalMs))
    })
  }

  /** @returns the pause until the next poll, milliseconds */
  async #poll (): Promise<number> {
    try {
      if (this.#storeGone || this.#calls.holding) {
        this.#storeGone = true
        await this.#registry.stats()
        this.#storeGone = false
        return HAND_OVER_MS
      }

      if (!await this.#listen()) return this.#intervalMs

      // Another replica may have changed a call since this process last saw it, so nothing is passed along.
      for (const callSid of await this.#registry.due(this.#clock.now(), BATCH)) this.#start(callSid)
      return this.#intervalMs
    } catch (error) {
      if (error instanceof StoreUnavailableError) {
        this.#storeGone = true
        return STORE_GONE_MS
      }
      this.#observer.failed('', 'duties', error)
      return this.#intervalMs
    }
  }

  /**
   * Notes that somebody listens. After a gap in which nobody did, every open call is notified of it.
   * @returns whether it is known if there was such a gap
   */
  async #listen (): Promise<boolean> {
    const now = this.#clock.now()
    if (now - this.#listenedAt < LISTENING_MS) return this.#gap === undefined
    const before = await this.#registry.listening(now)
    this.#listenedAt = now
    if (this.#gap === 'unknown') {
      const isGap = before !== undefined && !before.self && before.at < this.#startedAt
      this.#gap = isGap ? { from: before.at, to: now } : undefined
      if (!isGap || now - before.at <= AWAY_MS) return !isGap
    }
    if (!this.#gap) return true
    // A short pause is one only where no other process goes on listening.
    const { from, to } = this.#gap
    if (before?.self !== false || to - from > AWAY_MS) await this.#away(from, to)
    // Only now: while the store fails, the gap is still to be told.
    this.#gap = undefined

    return true
  }

  async #away (from: number, to: number): Promise<void> {
    let cursor: string | undefined
    do {
      const page = await this.#registry.list({ phase: 'active' }, { limit: BATCH, cursor })
      await allSettled(page.calls.map(({ callSid }) => this.#calls.apply(callSid, { kind: 'away', from, to, at: to })))
      cursor = page.next
    } while (cursor !== undefined)
  }

  #start (callSid: string): void {
    this.#begin(callSid, undefined).catch(() => {})
  }

  #begin (callSid: string, known: Call | undefined): Promise<void> {
    const work = this.#rounds(callSid, known).catch((error: unknown) => {
      // While the store is gone the duties stay due, and are done when it is back.
      if (!(error instanceof StoreUnavailableError)) this.#observer.failed(callSid, 'duties', error)
    }).finally(() => this.#busy.delete(work))
    this.#busy.add(work)

    return work
  }

  async #rounds (callSid: string, recent: Call | undefined): Promise<void> {
    for (let round = 0; round < ROUNDS; round++) {
      const known = (round === 0 ? recent : this.#calls.recent(callSid)) ?? await this.#registry.get(callSid)
      if (!known || (this.#stopped && round > 0)) return
      if ((wakeAt(known) ?? Infinity) > this.#clock.now()) return
      if (!await this.#round(known)) return
    }
  }

  /** @returns whether duties were done, which may have led to further ones */
  async #round (known: Call): Promise<boolean> {
    const { callSid } = known
    if (this.#underWay >= MOST_AT_ONCE) {
      // The duties stay due, but the call's own time passes.
      this.#deferred.add(callSid)
      if ((turnsAt(known) ?? Infinity) <= this.#clock.now()) await this.#wake(known, undefined)
      return false
    }

    this.#underWay++
    try {
      const claim = randomUUID()
      const call = await this.#wake(known, claim)
      if (!call) return false
      const claimed = call.duties.filter(duty => duty.claim === claim && duty.begun === undefined)
      await allSettled(claimed.map(duty => this.#work.perform(call, duty)))
      return true
    } finally {
      this.#underWay--
      this.#startDeferred()
    }
  }

  #wake ({ callSid, facts }: Call, claim: string | undefined): Promise<Call | undefined> {
    return this.#calls.apply(callSid, {
      kind: 'wake',
      at: this.#clock.now(),
      claim,
      statusesExpected: this.#calls.sendsStatuses(facts.applicationSid)
    })
  }

  #startDeferred (): void {
    const [next] = this.#deferred
    if (next === undefined || this.#stopped) return
    this.#deferred.delete(next)
    this.#start(next)
  }
}
