import type { Clock } from '../clock.ts'
import { giveBack, hear, newsOf, openWindow, spend, turnAt, type RateWindow } from './rate-window.ts'
import { NoAnswerError, type RestAnswer, type RestRequest, type RestSender } from './rest-request.ts'

/** What is asked of Jambonz, the most important first. */
export const REST_KINDS = ['hang-up', 'redirect', 'digit', 'order', 'list'] as const
export type RestKind = typeof REST_KINDS[number]

interface KindRules {
  /** Share of the rate that is left to more important requests. */
  reserve: number
  /** The most requests under way, of all kinds, with which one of these is sent. */
  atOnce: number
  /** The most that wait. */
  waiting: number
  /** The longest wait, milliseconds. */
  waitMs: number
}

/** The most connections to Jambonz. */
export const MOST_CONNECTIONS = 40

const RULES: Record<RestKind, KindRules> = {
  // A hang-up that cannot be sent soon is tried again by the call that owes it.
  'hang-up': { reserve: 0, atOnce: MOST_CONNECTIONS, waiting: 1000, waitMs: 5000 },
  // An agent waits for it, and so does the person whom the caller is to talk with.
  redirect: { reserve: 0.05, atOnce: MOST_CONNECTIONS, waiting: 1000, waitMs: 5000 },
  // Whoever waits for digits gives up after a few seconds.
  digit: { reserve: 0.05, atOnce: 36, waiting: 200, waitMs: 3000 },
  order: { reserve: 0.1, atOnce: 32, waiting: 1000, waitMs: 20_000 },
  list: { reserve: 0.5, atOnce: 8, waiting: 50, waitMs: 5000 }
}

/** A request was not sent: too many others wait, or it waited too long. */
export class RestQueueError extends Error {
  readonly reason: 'queue-full' | 'too-late' | 'not-wanted'
  /** There will be room then, milliseconds from now. */
  readonly retryInMs: number | undefined
  constructor (reason: RestQueueError['reason'], retryInMs?: number) {
    super(`The request to Jambonz was not sent: ${reason}`)
    this.name = 'RestQueueError'
    this.reason = reason
    this.retryInMs = retryInMs
  }
}

export interface QueuedRequest extends RestRequest {
  kind: RestKind
  /** The request is not sent after that, milliseconds since the epoch. */
  notAfter?: number
  /**
   * Is asked right before the request is sent, also when Jambonz' limit had turned it away before. When it resolves to
   * false, it is not sent.
   */
  commit?: () => Promise<boolean>
}

export interface RestQueueObserver {
  /** A request is over. `waitedS`: from its arrival to its last start, seconds. */
  asked(kind: RestKind, outcome: string, waitedS: number, tookS: number): void
  waiting(kind: RestKind, requests: number): void
}

export interface RestQueueOptions {
  sender: RestSender
  /** Requests a minute, on average over five minutes. Undefined: as many as Jambonz allows. */
  perMinute: number | undefined
  clock: Clock
  observer?: RestQueueObserver
}

interface Entry {
  request: QueuedRequest
  arrivedAt: number
  /** It is given up then, milliseconds since the epoch. */
  latest: number
  cancelTimer: () => void
  resolve: (answer: RestAnswer) => void
  reject: (error: unknown) => void
}

/**
 * The one way to Jambonz' REST API for the calls of this process. Requests wait for their turn, the more important
 * kinds first. One that Jambonz' limit turned away (429) was not carried out: it waits again.
 */
export class RestQueue {
  readonly #options: RestQueueOptions
  readonly #waiting: Record<RestKind, Entry[]> = { 'hang-up': [], redirect: [], digit: [], order: [], list: [] }
  #window: RateWindow
  #underWay = 0
  #isDraining = false
  #cancelTimer = () => {}

  constructor (options: RestQueueOptions) {
    this.#options = options
    this.#window = openWindow(options.perMinute)
  }

  /**
   * Sends a request when it is its turn.
   * @throws {RestQueueError} it was not sent
   * @throws {NoAnswerError}
   */
  ask (request: QueuedRequest): Promise<RestAnswer> {
    const { kind, notAfter = Infinity } = request
    const now = this.#options.clock.now()
    if (notAfter < now) return Promise.reject(new RestQueueError('too-late'))
    const fullForMs = this.fullForMs(kind)
    if (fullForMs !== undefined) return Promise.reject(new RestQueueError('queue-full', fullForMs))
    return new Promise((resolve, reject) => {
      const latest = Math.min(now + RULES[kind].waitMs, notAfter)
      const entry = { request, arrivedAt: now, latest, cancelTimer: () => {}, resolve, reject }
      this.#enqueue(entry)
      this.#sendNext()
    })
  }

  /**
   * Whether one more request would be refused.
   * @returns how long its turn would take, milliseconds; undefined: there is room for it
   */
  fullForMs (kind: RestKind): number | undefined {
    if (this.#isDraining && kind === 'order') return ELSEWHERE_MS
    const waitMs = this.#waitMs(kind, this.#waiting[kind].length)
    const isFull = this.#waiting[kind].length >= RULES[kind].waiting || waitMs > RULES[kind].waitMs
    return isFull ? waitMs : undefined
  }

  /** Refuses orders from now on: another process will have room for them. Those under way are not touched. */
  drain (): void {
    this.#isDraining = true
    for (const entry of this.#waiting.order.splice(0)) {
      this.#giveUp(entry, new RestQueueError('queue-full', ELSEWHERE_MS))
    }
  }

  /** Lets nothing more go, and waits for the requests under way. */
  async close (): Promise<void> {
    for (const kind of REST_KINDS) {
      for (const entry of this.#waiting[kind].splice(0)) this.#giveUp(entry, new RestQueueError('not-wanted'))
    }
    this.#cancelTimer()
    await this.#options.sender.close()
  }

  /** How long a request waits for the rate, milliseconds, when so many of its kind are ahead of it. */
  #waitMs (kind: RestKind, ahead: number): number {
    const now = this.#options.clock.now()
    return turnAt(this.#window, { reserve: RULES[kind].reserve, ahead, underWay: this.#underWay }, now) - now
  }

  #enqueue (entry: Entry, first = false): void {
    const { kind } = entry.request
    const waiting = this.#waiting[kind]
    if (first) waiting.unshift(entry)
    else waiting.push(entry)
    const { clock } = this.#options
    entry.cancelTimer = clock.schedule(Math.max(0, entry.latest - clock.now()), () => {
      waiting.splice(waiting.indexOf(entry), 1)
      this.#giveUp(entry, this.#lateness(entry))
      this.#sendNext()
    })
    this.#note(kind)
  }

  #lateness ({ request: { kind, notAfter }, latest }: Entry): RestQueueError {
    return notAfter === latest
      ? new RestQueueError('too-late')
      : new RestQueueError('queue-full', this.#waitMs(kind, this.#waiting[kind].length))
  }

  #giveUp (entry: Entry, error: RestQueueError): void {
    entry.cancelTimer()
    this.#note(entry.request.kind)
    entry.reject(error)
  }

  #sendNext (): void {
    for (const kind of REST_KINDS) {
      const waiting = this.#waiting[kind]
      while (waiting.length > 0) {
        if (this.#underWay >= RULES[kind].atOnce) break
        const waitMs = this.#waitMs(kind, 0)
        if (waitMs > 0) {
          this.#sendNextIn(waitMs)
          return
        }
        this.#start(waiting.shift()!)
      }
    }
  }

  #sendNextIn (ms: number): void {
    this.#cancelTimer()
    this.#cancelTimer = this.#options.clock.schedule(ms, () => this.#sendNext())
  }

  #start (entry: Entry): void {
    const now = this.#options.clock.now()
    if (entry.latest < now) {
      this.#giveUp(entry, this.#lateness(entry))
      return
    }
    entry.cancelTimer()
    this.#note(entry.request.kind)
    this.#window = spend(this.#window, now)
    this.#underWay++
    const next = () => {
      this.#underWay--
      this.#shed()
      this.#sendNext()
    }
    this.#exchange(entry).then(next, next)
  }

  /** Sends a request whose turn it is. Never rejects. */
  async #exchange (entry: Entry): Promise<void> {
    const { sender, clock, observer } = this.#options
    const { request } = entry
    const startedAt = clock.now()
    const note = (outcome: string) =>
      observer?.asked(request.kind, outcome, (startedAt - entry.arrivedAt) / 1000, (clock.now() - startedAt) / 1000)
    try {
      const isWanted = await request.commit?.() ?? true
      if (!isWanted) throw new RestQueueError('not-wanted')

      const answer = await sender.send(request)
      const news = newsOf(answer)
      this.#window = hear(this.#window, news, clock.now())
      note(String(answer.status))
      if (news.turnedAway) this.#enqueue(entry, true)
      else entry.resolve(answer)
    } catch (error) {
      const left = error instanceof NoAnswerError && error.left
      if (!left) this.#window = giveBack(this.#window)
      if (error instanceof NoAnswerError) note(error.code === 'timeout' ? 'timeout' : 'unreachable')
      entry.reject(error)
    }
  }

  /** Gives up at once what would wait too long, so that the client can act on it. */
  #shed (): void {
    const now = this.#options.clock.now()
    for (const kind of REST_KINDS) {
      const waiting = this.#waiting[kind]
      while (waiting.length > 0) {
        const entry = waiting.at(-1)!
        const waitMs = this.#waitMs(kind, waiting.length - 1)
        if (now + waitMs <= entry.latest) break
        waiting.pop()
        this.#giveUp(entry, this.#lateness(entry))
      }
    }
  }

  #note (kind: RestKind): void {
    this.#options.observer?.waiting(kind, this.#waiting[kind].length)
  }
}

/** When another process may take what this one does not, milliseconds. */
const ELSEWHERE_MS = 1000
