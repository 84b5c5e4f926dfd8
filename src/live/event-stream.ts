import { Readable } from 'node:stream'
import type { Clock } from '../clock.ts'
import { ALIVE, ALIVE_MS, eventFrame } from './server-sent.ts'

/** Why a stream ends before its last event, and when it makes sense to connect again. */
export const BYE = { reason: 'draining', retryMs: 1000 } as const

/** The last event of a stream that something went wrong with. The log says more. */
export const PROBLEM = {
  code: 'BRIDGE_INTERNAL_ERROR',
  message: 'Something went wrong here. The log says more.'
} as const

/** The events of one piece of work, for the one client who asked for it. They are few, so none is ever left out. */
export class EventStream extends Readable {
  readonly #clock: Clock
  #cancelAlive: () => void
  #isOver = false

  constructor (clock: Clock) {
    super()
    this.#clock = clock
    this.#cancelAlive = this.#scheduleAlive()
    this.once('close', () => this.#cancelAlive())
  }

  event (name: string, data: unknown): void {
    this.#send(eventFrame(name, data))
  }

  /** Sends a last event. Whatever comes afterwards is dropped. */
  last (name: string, data: unknown): void {
    this.event(name, data)
    if (this.#isOver) return
    this.#isOver = true
    this.#cancelAlive()
    this.push(null)
  }

  #send (frame: Buffer): void {
    if (!this.#isOver && !this.destroyed) this.push(frame)
  }

  #scheduleAlive (): () => void {
    return this.#clock.schedule(ALIVE_MS, () => {
      this.#send(ALIVE)
      this.#cancelAlive = this.#scheduleAlive()
    })
  }

  override _read (): void {}
}
