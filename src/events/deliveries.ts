import { randomUUID } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { DroppedEvent, EventQueue, TakenEvent } from '../calls/store/event-queue.ts'
import { GIVE_UP_MS, pauseAfter } from './pauses.ts'
import type { Receiver } from './receivers.ts'
import type { Sender, Sent } from './sender.ts'

/** Notices what becomes of events. */
export interface DeliveryObserver {
  delivered(receiver: Receiver, event: TakenEvent, seconds: number): void
  /** `again`: when it is tried again, milliseconds from now. */
  failed(receiver: Receiver, event: TakenEvent, sent: Extract<Sent, { ok: false }>, againMs: number): void
  /** `too-many`: more wait than may. `too-old`: nobody took them in time. */
  dropped(reason: 'too-many' | 'too-old', events: readonly DroppedEvent[]): void
  /** The receiver asked for no more events (410). */
  gone(receiver: Receiver): void
  /** The process ends, and these events end with it. */
  lost(events: number): void
  /** Something here failed that is no receiver's fault. */
  broken(operation: string, error: unknown): void
}

export interface DeliveriesOptions {
  queue: EventQueue
  /** Other processes use the same queue, and the queue outlives this process. */
  shared: boolean
  receivers: readonly Receiver[]
  sender: Sender
  clock: Clock
  observer: DeliveryObserver
  /** From 0 to 1, for the pauses. */
  random?: () => number
}

/** Requests to one receiver at the same time, from one process. */
export const MOST_AT_ONCE = 8
/** A request is given up after this, milliseconds. */
export const SEND_TIMEOUT_MS = 15_000
/** Longer than a request can take, milliseconds. After this another process delivers what this one has taken. */
const LEASE_MS = 2 * SEND_TIMEOUT_MS
/** Pause between two looks into a queue that others fill as well, milliseconds. */
const POLL_MS = 1000
/** Pause between two looks for events that are too old, milliseconds. */
const EXPIRE_EVERY_MS = 60_000

/**
 * Delivers the events that wait in a queue. Any number of processes share the work. Each receiver has its own requests
 * under way, so that one that hangs holds up no other one.
 */
export class Deliveries {
  readonly #options: DeliveriesOptions
  readonly #lines: Line[]
  #stopped = false
  #cancelExpire = () => {}

  constructor (options: DeliveriesOptions) {
    this.#options = options
    this.#lines = options.receivers.map(receiver => new Line(receiver, options))
  }

  start (): void {
    for (const line of this.#lines) line.pump()
    this.#expire().catch(() => {})
  }

  /** Something was put into the queue. */
  kick (): void {
    for (const line of this.#lines) line.pump()
  }

  /** What does not work, for people. */
  troubles (): string[] {
    return this.#lines.flatMap(({ gone, receiver }) =>
      gone ? [`events: ${receiver.origin} answered 410 and gets no more events until the next start`] : [])
  }

  /**
   * Takes no more events, and waits for those under way for at most `ms` milliseconds. A queue that ends with this
   * process is emptied meanwhile, if that is possible.
   */
  async close (ms: number): Promise<void> {
    const { shared, clock, queue, sender, observer } = this.#options
    if (this.#stopped) return
    this.#stopped = true
    this.#cancelExpire()
    for (const line of this.#lines) line.finish(shared)
    const idle = Promise.all(this.#lines.map(line => line.idle()))
    let cancel = () => {}
    const late = new Promise<void>(resolve => {
      cancel = clock.schedule(ms, resolve)
    })
    await Promise.race([idle, late])
    cancel()
    for (const line of this.#lines) line.finish(true)
    await sender.close()
    await idle
    if (shared) return
    const { waiting } = await queue.stats()
    if (waiting > 0) observer.lost(waiting)
  }

  async #expire (): Promise<void> {
    const { queue, clock, observer } = this.#options
    try {
      let dropped: DroppedEvent[]
      do {
        dropped = await queue.expire(clock.now() - GIVE_UP_MS)
        if (dropped.length > 0) observer.dropped('too-old', dropped)
      } while (dropped.length > 0)
      // What they held back may be due.
      this.kick()
    } catch (error) {
      observer.broken('events that are too old', error)
    }
    if (this.#stopped) return
    this.#cancelExpire = clock.schedule(EXPIRE_EVERY_MS, () => {
      this.#expire().catch(() => {})
    })
  }
}

/** What is delivered to one receiver. */
class Line {
  readonly receiver: Receiver
  gone = false
  readonly #options: DeliveriesOptions
  readonly #underWay = new Set<Promise<void>>()
  #taking: Promise<void> | undefined
  #again = false
  #mode: 'open' | 'finishing' | 'closed' = 'open'
  /** The receiver asked not to be sent anything before then. */
  #pausedUntil = 0
  #cancel = () => {}

  constructor (receiver: Receiver, options: DeliveriesOptions) {
    this.receiver = receiver
    this.#options = options
  }

  /** Takes what is due and sends it, as far as there is room. */
  pump (): void {
    if (this.gone || this.#mode === 'closed') return
    if (this.#taking) {
      this.#again = true
      return
    }
    this.#taking = this.#take().catch((error: unknown) => {
      this.#options.observer.broken('events', error)
      this.#pumpIn(POLL_MS)
    }).finally(() => {
      this.#taking = undefined
      if (!this.#again) return
      this.#again = false
      this.pump()
    })
  }

  /** @param closed nothing more is taken; otherwise what is due now still is */
  finish (closed: boolean): void {
    this.#mode = closed ? 'closed' : 'finishing'
    this.#cancel()
    this.pump()
  }

  /** Resolves when nothing is under way, and nothing is due that may be taken. */
  async idle (): Promise<void> {
    while (this.#taking || this.#underWay.size > 0) await Promise.allSettled([this.#taking, ...this.#underWay])
  }

  #pumpIn (ms: number): void {
    this.#cancel()
    if (this.#mode !== 'open') return
    this.#cancel = this.#options.clock.schedule(ms, () => this.pump())
  }

  async #take (): Promise<void> {
    const { queue, clock, shared } = this.#options
    const limit = MOST_AT_ONCE - this.#underWay.size
    // Whatever ends next takes again.
    if (limit === 0) return
    const now = clock.now()
    if (now < this.#pausedUntil) {
      this.#pumpIn(this.#pausedUntil - now)
      return
    }
    const { events, next } = await queue.take({
      receiver: this.receiver.id,
      now,
      leaseMs: LEASE_MS,
      lease: randomUUID(),
      limit
    })
    for (const event of events) this.#begin(event)
    const untilNext = next === undefined ? Infinity : Math.max(1, next - now)
    const pause = shared ? Math.min(untilNext, POLL_MS) : untilNext
    if (pause < Infinity) this.#pumpIn(pause)
  }

  #begin (event: TakenEvent): void {
    const work = this.#deliver(event).catch((error: unknown) => {
      // The lease says what happens next: the event is sent again.
      this.#options.observer.broken('the outcome of a delivery', error)
    }).finally(() => {
      this.#underWay.delete(work)
      this.pump()
    })
    this.#underWay.add(work)
  }

  async #deliver (event: TakenEvent): Promise<void> {
    const { queue, clock, sender, observer, random = Math.random } = this.#options
    const begun = clock.now()
    const sent = await sender.send(this.receiver, event)
    const now = clock.now()
    if (sent.ok) {
      observer.delivered(this.receiver, event, (now - begun) / 1000)
      await queue.done(event)
      return
    }
    const pause = pauseAfter(event.tries, sent.retryAfterMs, random())
    if (sent.retryAfterMs !== undefined) this.#pausedUntil = now + pause
    observer.failed(this.receiver, event, sent, pause)
    if (sent.failure === 'gone' && !this.gone) {
      this.gone = true
      observer.gone(this.receiver)
    }
    await queue.failed(event, now + pause)
  }
}
