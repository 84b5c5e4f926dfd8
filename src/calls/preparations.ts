import type { CallRegistrar, Registration } from './call-registrar.ts'
import { preparationOf } from './fold/attempt-facts.ts'
import type { Attempt, Call } from './fold/call.ts'
import type { Presence, PresenceCheck } from './presence.ts'
import type { MadeRoom, RoomMaker } from './room-maker.ts'

/** What became of what an attempt needs before it can be dialled. */
export type Prepared = MadeRoom | Registration | Presence

export interface PreparationsOptions {
  maker: RoomMaker
  registrar: CallRegistrar
  presence: Pick<PresenceCheck, 'check'>
  /** How long to wait for one of them, milliseconds. */
  timeoutMs: number
}

/** Part of the time that is left which one preparation may take where another way may need time as well. */
const SHARE_OF_TIME = 0.6

/** Time that a hook's reply needs besides, milliseconds. */
const RESERVE_MS = 100

/** Does what attempts need before they can be dialled: makes rooms, and registers calls. */
export class Preparations {
  readonly #options: PreparationsOptions

  constructor (options: PreparationsOptions) {
    this.#options = options
  }

  /**
   * Prepares an attempt. Everybody who asks for the same attempt before it is {@link forget forgotten} shares the work.
   * Never rejects.
   * @param leftMs until the reply must be sent, milliseconds: a way that cannot be prepared must leave time for others
   * @returns undefined when there is nothing to prepare
   */
  prepare (call: Call, attempt: Attempt, leftMs: number): Promise<Prepared> | undefined {
    const { maker, registrar, presence } = this.#options
    const share = call.plan.some(preparationOf) ? SHARE_OF_TIME : 1
    const timeoutMs = Math.max(0, Math.min(this.#options.timeoutMs, (leftMs - RESERVE_MS) * share))
    switch (preparationOf(attempt)) {
      case 'room':
        return maker.make(call, attempt, timeoutMs)
      case 'registration':
        return registrar.register(call, attempt, timeoutMs)
      case 'presence':
        return presence.check(call, attempt, timeoutMs)
      case undefined:
        return undefined
    }
  }

  forget (call: Call, attempt: Attempt): void {
    switch (preparationOf(attempt)) {
      case 'room':
        this.#options.maker.forget(attempt)
        break
      case 'registration':
        this.#options.registrar.forget(call, attempt)
        break
      case 'presence':
      case undefined:
        break
    }
  }
}
